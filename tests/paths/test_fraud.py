"""Three who hand in one's answers: found, told of, and joined, without anybody asking."""

from pathlib import Path

import numpy as np
import pytest

from api.upkeep import finder
from tests.api.serving import SUBMIT_MANY, serving
from tests.paths.commands import basanite
from tests.waiting import eventually

TASKS, WORKERS = 80, 14
LABELS = np.array(["cat", "dog"])
RING = ("w02", "w05", "w09")
WORKER = 'query { worker(externalId: "w05", project: "p") { joinedWith } }'


def answers() -> dict[str, list[str]]:
    """All workers on all tasks; most are right four times in five, the ring three in five."""
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 2, TASKS)
    label = np.where(rng.random((WORKERS, TASKS)) < 0.8, truth, 1 - truth)
    names = [f"w{worker:02}" for worker in range(WORKERS)]
    members = [names.index(name) for name in RING]
    label[members] = np.where(rng.random(TASKS) < 0.6, truth, 1 - truth)
    return {
        "workers": np.repeat(names, TASKS).tolist(),
        "tasks": [f"t{task}" for task in range(TASKS)] * WORKERS,
        "labels": LABELS[label].ravel().tolist(),
    }


async def test_a_ring_is_found_and_joined(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "FEWEST", TASKS * WORKERS)
    async with serving(database_url) as server:
        await server.make_project(overlap=WORKERS, requireLease=False)
        await server.add_tasks("p", *(f"t{task}" for task in range(TASKS)))
        answer = await server.do(SUBMIT_MANY, {"project": "p"} | answers())
        assert answer["accepted"] == TASKS * WORKERS

        async def joined() -> bool:
            worker = (await server.data(WORKER))["worker"]
            return sorted(worker["joinedWith"]) == ["w02", "w09"]

        await eventually(joined)
        common = ("--project", "p", "--url", server.url, "--key", server.token)
        listed = await basanite(tmp_path, "alerts", "list", *common)
        assert "ONE_HAND: w02, w05, w09: 3 workers answer as one" in listed.text

"""The search for fraud beside the writer: what it enters, and that it enters nothing twice."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil
import pytest

from api.acts import Cause, SplitWorkers
from api.beside import apart
from api.policy import Policy
from api.shard import Shard
from api.shards import Shards
from api.state.alerts import Alert, AlertKind, AlertState
from api.upkeep import finder
from api.upkeep.finder import Finder
from db.connect import connect
from db.frauds import found
from db.retractions import decision
from engine.search import search_on
from tests.api.chores import SAYS, hang
from tests.api.rig import Clock, make_project, new_tasks, open_shards, recorded, submissions
from tests.waiting import eventually

TASKS, WORKERS, LABELS = 60, 16, 3
RING = (3, 7, 8, 12)
CONSTANT = 5
POLICY = Policy(overlap=50, require_lease=False)


@pytest.fixture(autouse=True)
def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches as in service, but without a rest between two of them, and none in a pause."""
    monkeypatch.setattr(finder, "FEWEST", 300)
    monkeypatch.setattr(finder, "REST", 0.0)
    monkeypatch.setattr(finder, "QUIET", 1e6)


def said(seed: int, tasks: int = TASKS) -> npt.NDArray[np.int16]:
    """Labels [workers, tasks]: most are right three times in four, a ring gives one's answers, and
    one worker always says 1."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, LABELS, tasks)
    wrong = (truth + rng.integers(1, LABELS, (WORKERS, tasks))) % LABELS
    label = np.where(rng.random((WORKERS, tasks)) < 0.75, truth, wrong)
    label[list(RING)] = np.where(rng.random(tasks) < 0.5, truth, wrong[RING[0]])
    label[CONSTANT] = 1
    return label.astype(np.int16)


async def judge(shard: Shard, label: npt.NDArray[np.int16], first: int = 0) -> None:
    """All judge all tasks from `first` on, one worker after the other."""
    tasks = range(first, first + label.shape[1])
    for worker in range(WORKERS):
        done = await shard.submit(submissions(worker, label[worker].tolist(), task=tasks))
        assert set(done.code) == {""}


async def findings_of(shard: Shard) -> dict[int, dict[str, Any]]:
    """Bodies of the decisions by seq."""
    connection = await connect(shard._dsn)
    rows = await found(connection, shard.project.project_id)
    await connection.close()
    return {row["seq"]: row["body"] for row in rows}


async def bodies(shard: Shard) -> list[dict[str, Any]]:
    return list((await findings_of(shard)).values())


async def decided(shard: Shard, client_id: str) -> Any:
    connection = await connect(shard._dsn)
    row = await decision(connection, shard.project.project_id, client_id)
    await connection.close()
    return row


async def interrupted(*args: object) -> None:
    """The process ends instead."""
    del args


def of(kind: str, findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [body for body in findings if body["kind"] == kind]


async def searched(shard: Shard) -> None:
    """Wait until what there is has been searched."""
    await eventually(lambda: shard._finder._searching is None)


async def judged_project(shards: Shards, clock: Clock, policy: Policy = POLICY) -> Shard:
    """All have judged all tasks, the ring within seconds."""
    shard = await make_project(shards, labels=LABELS, tasks=TASKS, workers=WORKERS, policy=policy)
    label = said(1)
    for worker in range(WORKERS):
        clock.pass_(2.0 if worker in RING[1:] else 1000.0)
        await shard.submit(submissions(worker, label[worker].tolist(), task=range(TASKS)))
    return shard


async def test_what_is_found_is_entered_as_a_decision_of_the_engine(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "FEWEST", TASKS * WORKERS)
    async with open_shards(database_url, clock := Clock()) as shards:
        shard = await judged_project(shards, clock)
        await searched(shard)
        findings = await bodies(shard)
    assert {body["kind"] for body in findings} == {"ONE_HAND", "CONSTANT"}
    (group,) = of("ONE_HAND", findings)
    assert group["workers"] == list(RING)
    assert group["suggestion"] == "JOIN"
    evidence = group["evidence"]
    assert evidence["same"] == evidence["bets"] > evidence["expected"] > 0
    assert evidence["wrong"] > evidence["expected_wrong"]
    assert evidence["judgments_searched"] == TASKS * WORKERS
    assert 0 <= evidence["false_discovery_rate"] <= POLICY.fraud_rate
    assert "4 workers answer as one" in group["text"]
    examples = evidence["examples"]
    assert all(0 <= example["task"] < TASKS for example in examples)
    assert evidence["tasks"] == [example["task"] for example in examples]
    assert all(example["label"] in ("l0", "l1", "l2") for example in examples)
    # Worker 3 was 2,000 s before worker 7, with honest ones in between.
    assert all(example["seconds_apart"] > 1000 for example in examples)
    assert evidence["at_once"] == 0
    (constant,) = of("CONSTANT", findings)
    assert constant["workers"] == [CONSTANT]
    assert constant["suggestion"] == "VOID"
    assert "same answer again and again" in constant["text"]


async def test_a_project_whose_labels_shifted_is_searched_as_others_are(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = 1600
    monkeypatch.setattr(finder, "FEWEST", TASKS * WORKERS + more)
    async with open_shards(database_url) as shards:
        shard = await make_project(
            shards, labels=LABELS, tasks=TASKS + more, workers=WORKERS, policy=POLICY
        )
        for first in range(TASKS, TASKS + more, 100):
            label = 0 if first < TASKS + more // 2 else 1
            await shard.submit(submissions(0, [label] * 100, task=range(first, first + 100)))
        await recorded(shard)
        raised = {alert.kind for alert in shard.memory.alerts.newest_first()}
        assert AlertKind.PROJECT_CHANGED in raised
        await judge(shard, said(1))
        await searched(shard)
        assert list(RING) in [body["workers"] for body in await bodies(shard)]


async def test_a_finding_is_entered_once_while_the_log_grows_and_after_a_restart(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "FEWEST", TASKS * WORKERS)
    async with open_shards(database_url, clock := Clock()) as shards:
        shard = await judged_project(shards, clock)
        await eventually(lambda: shard._finder._due_at > TASKS * WORKERS)
        await searched(shard)
        first = await bodies(shard)
        assert [body["workers"] for body in of("ONE_HAND", first)] == [list(RING)]
    async with open_shards(database_url, clock) as shards:
        shard = shards.all()[0]
        more = 24  # a third more, too little to double the evidence
        await shard.add_tasks(new_tasks([f"more{i}" for i in range(more)]), "test")
        label = said(2, more)
        await judge(shard, label, TASKS)
        # From now on at the latest what there is has been searched once since the start.
        await eventually(lambda: shard._finder._due_at > TASKS * WORKERS * 1.05)
        await searched(shard)
        assert len(of("ONE_HAND", await bodies(shard))) == len(of("ONE_HAND", first))


async def test_a_group_that_is_found_counts_as_one_until_staff_split_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "FEWEST", TASKS * WORKERS)
    async with open_shards(database_url, clock := Clock()) as shards:
        shard = await judged_project(shards, clock)
        await searched(shard)
        group = shard.memory.voices.group(RING[0])
        assert group is not None
        assert group.members == RING
        assert shard.memory.model.judgment_count == TASKS * (WORKERS - len(RING) + 1)
        (found_at,) = [
            seq for seq, body in (await findings_of(shard)).items() if body["kind"] == "ONE_HAND"
        ]
        done = await decided(shard, f"engine-joins-{found_at}")
        assert done["kind"] == "WORKERS_JOINED"
        assert done["body"]["reason"].startswith("4 workers answer as one")
        # What staff decide stands, though the group is found again.
        cause = Cause("staff", "they share a desk", {}, "1")
        await shard.staff.decide(SplitWorkers((RING[0],)), cause)
        assert shard.memory.model.judgment_count == TASKS * WORKERS
        monkeypatch.setattr(shard._finder, "_due_at", 1.0)
        await shard.update_policy({"fraud_rate": 0.02}, None, "test")  # a flush
        await searched(shard)
        assert shard.memory.voices.group(RING[0]) is None
        assert len(of("ONE_HAND", await bodies(shard))) == 1


async def test_a_join_that_was_broken_off_is_made_up_for(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ended between the finding and the join."""
    monkeypatch.setattr(finder, "FEWEST", TASKS * WORKERS)
    async with open_shards(database_url, clock := Clock()) as shards:
        monkeypatch.setattr(Finder, "_join", interrupted)
        shard = await judged_project(shards, clock)
        await searched(shard)
        assert shard.memory.voices.group(RING[0]) is None
    monkeypatch.undo()
    async with open_shards(database_url, clock) as shards:
        shard = shards.all()[0]
        monkeypatch.setattr(shard._finder, "_due_at", 1.0)
        await shard.update_policy({"fraud_rate": 0.02}, None, "test")  # a flush
        await eventually(lambda: shard.memory.voices.group(RING[0]) is not None)
        await eventually(
            lambda: shard.memory.model.judgment_count == TASKS * (WORKERS - len(RING) + 1)
        )
        assert len(of("ONE_HAND", await bodies(shard))) == 1


async def test_groups_are_only_told_of_where_the_policy_says_so(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "FEWEST", TASKS * WORKERS)
    async with open_shards(database_url, clock := Clock()) as shards:
        shard = await judged_project(shards, clock, replace(POLICY, join_copiers=False))
        await searched(shard)
        assert of("ONE_HAND", await bodies(shard))
        assert not shard.memory.voices
        alerts = {alert.kind: alert.workers for alert in shard.memory.alerts.newest_first()}
        assert alerts[AlertKind.ONE_HAND] == RING


async def test_nothing_is_searched_where_the_policy_says_so(database_url: str) -> None:
    async with open_shards(database_url, clock := Clock()) as shards:
        policy = Policy(overlap=50, require_lease=False, find_fraud=False)
        shard = await make_project(
            shards, labels=LABELS, tasks=TASKS, workers=WORKERS, policy=policy
        )
        await judge(shard, said(1))
        assert shard._finder._searching is None
        # It begins as soon as the policy changes.
        clock.pass_(1.0)
        await shard.update_policy({"find_fraud": True}, None, "test")
        await eventually(lambda: shard._finder._searching is None)
        assert of("ONE_HAND", await bodies(shard))


async def test_a_project_is_closed_while_a_search_waits_for_its_time(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "REST", 1e9)
    async with open_shards(database_url, clock := Clock()) as shards:
        shard = await judged_project(shards, clock)
        assert shard._finder._searching is not None
    async with open_shards(database_url, clock) as shards:
        assert shards.all()[0].memory.model.judgment_count == TASKS * WORKERS


async def test_a_search_in_a_process_that_is_killed_or_given_up_is_made_up_for(
    database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    monkeypatch.setenv(SAYS, str(said))
    monkeypatch.setattr(apart, "WORTH_IT", 0)
    monkeypatch.setattr(finder, "FEWEST", TASKS * WORKERS)
    monkeypatch.setattr(finder, "QUIET", 0.05)
    monkeypatch.setattr(finder, "search_on", hang)

    async def in_a_process() -> psutil.Process:
        await eventually(lambda: said.exists() and said.read_text())
        process = psutil.Process(int(said.read_text()))
        assert process.pid != os.getpid()
        said.unlink()
        return process

    async with open_shards(database_url, clock := Clock()) as shards:
        shard = await judged_project(shards, clock)
        (await in_a_process()).kill()
        process = await in_a_process()  # it is searched once more, by itself
        assert process.is_running()
        done = await shard.submit(submissions(0, [0], task=[0]))  # meanwhile all else goes on
        assert done.code
    assert not process.is_running()
    monkeypatch.setattr(finder, "search_on", search_on)
    monkeypatch.setattr(apart, "WORTH_IT", TASKS * WORKERS + 1)
    async with open_shards(database_url, clock) as shards:
        shard = shards.all()[0]
        await eventually(lambda: shard.memory.voices.group(RING[0]) is not None)
        assert {body["kind"] for body in await bodies(shard)} == {"ONE_HAND", "CONSTANT"}


async def test_what_came_last_is_searched_when_no_more_comes(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project that ends below the next share of growth is searched to its end."""
    monkeypatch.setattr(finder, "QUIET", 0.2)
    monkeypatch.setattr(finder, "GROWTH", 1e6)
    async with open_shards(database_url) as shards:
        shard = await make_project(
            shards, labels=LABELS, tasks=TASKS, workers=WORKERS, policy=POLICY
        )
        await judge(shard, said(1))
        count = shard.judgment_count

        async def searched_all() -> bool:
            return any(
                body["evidence"]["judgments_searched"] == count for body in await bodies(shard)
            )

        await eventually(searched_all)


async def test_an_alert_ends_when_enough_new_judgments_are_all_right(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "GROWTH", 1e6)
    async with open_shards(database_url, clock := Clock()) as shards:
        # A finding of a worker who is banned has ended already.
        policy = replace(POLICY, join_copiers=False, ban_error=0.0)
        shard = await judged_project(shards, clock, policy)
        await searched(shard)

        def constant() -> list[Alert]:
            alerts = shard.memory.alerts.newest_first()
            return [alert for alert in alerts if alert.kind is AlertKind.CONSTANT]

        async def go_on(mended: bool, first: int) -> None:
            await shard.add_tasks(new_tasks([f"t{first + i}" for i in range(TASKS)]), "test")
            label = said(first, TASKS)
            if mended:
                label[CONSTANT] = label[0]
            monkeypatch.setattr(shard._finder, "_due_at", float("inf"))
            await judge(shard, label, first)
            monkeypatch.setattr(shard._finder, "_due_at", 1.0)
            await shard.update_policy({"fraud_rate": 0.01 + first / 1e6}, None, "test")
            await searched(shard)

        await go_on(mended=False, first=TASKS)
        assert AlertState.OPEN in {alert.state for alert in constant()}
        await go_on(mended=True, first=2 * TASKS)
        await go_on(mended=True, first=3 * TASKS)
        await go_on(mended=True, first=4 * TASKS)
        assert {alert.state for alert in constant()} == {AlertState.RESOLVED}
        ends = [alert.resolved for alert in constant()]
        assert {end.actor for end in ends if end is not None} == {"engine"}


async def test_what_came_before_a_start_is_searched_once(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_shards(database_url, clock := Clock()) as shards:
        monkeypatch.setattr(finder, "FEWEST", 1 << 40)
        await judged_project(shards, clock, replace(POLICY, join_copiers=False))
    monkeypatch.setattr(finder, "FEWEST", 300)
    monkeypatch.setattr(finder, "GROWTH", 1e6)
    monkeypatch.setattr(finder, "QUIET", 0.05)
    async with open_shards(database_url, clock) as shards:
        shard = shards.all()[0]
        await eventually(lambda: shard._finder._searched == shard.judgment_count)
        await searched(shard)
        assert of("CONSTANT", await bodies(shard))
    async with open_shards(database_url, clock) as shards:
        finding = shards.all()[0]._finder
        assert finding._searched == TASKS * WORKERS
        assert (finding._searching, finding._quiet) == (None, None)

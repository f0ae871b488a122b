"""What no race and no kill -9 may break: overlaps, budgets, caps, and no task twice to a worker.

Sixty-four clients of half as many workers work on several projects at a time, each with a limit of
its own. A kill leaves leases behind that nobody heard of, and clients that hold leases go on after
the start. The database is asked while the server is dead, and at the end.
"""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import orjson
import pytest

from api.frontend.connection import Connections, Unreachable
from api.frontend.documents import ADD_TASKS, CREATE_PROJECT, LEASE, SUBMIT, SUBMIT_MANY
from tests.paths.serving import ServerProcess, admin_token
from tests.waiting import eventually

CLIENTS, WORKERS, KILLS = 64, 32, 2
TASKS, OVERLAP, BUDGET, PRICE, SHARE = 24, 4, 50, 3, 0.05
FREE, ROW = 10, 12  # answers with a label before its share counts; judgments of one call
SEEDS = 2  # of each task judged by label, beforehand: a worker's answers count from two on
WAIT = {"UNAVAILABLE", "OVERLOADED"}

COMMON = {"overlap": OVERLAP, "leaseSeconds": 2, "price": PRICE, "actOnStatus": False} | {
    "findFraud": False,
    "findLeaks": False,
}
LIMITS: dict[str, dict[str, object]] = {
    "judgments": {"judgmentBudget": BUDGET},
    "money": {"moneyBudget": PRICE * BUDGET + 2},
    "daily judgments": {"dailyJudgments": BUDGET},
    "daily money": {"dailyMoney": PRICE * BUDGET + 2},
    "share": {"workerShare": SHARE},
    # Judged without leases, always with the same label. Enough tasks that the last worker finds
    # some, whichever the others took.
    "label": {"labelShare": 0.02, "requireLease": False, "overlap": WORKERS // 2 + SEEDS},
}
OVERLAPS = dict.fromkeys(LIMITS, OVERLAP) | {"label": WORKERS // 2 + SEEDS}
# What is judged in the end: each limit is used up, no judgment is lost and none is too many.
ENDS = dict.fromkeys(LIMITS, BUDGET) | {
    "share": TASKS * OVERLAP,
    "label": WORKERS * FREE + TASKS * SEEDS,
}

JUDGMENTS = """
select p.external_id as project, j.seq, j.task_id, j.worker_id, coalesce(j.price, 0) as price,
       (j.created_at at time zone 'UTC')::date as day
from judgment j join project p using (project_id)
where j.supersedes is null order by project_id, seq
"""
LEASES = """
select p.external_id as project, l.seq, l.task_id, l.worker_id, l.outcome, l.closed_at
from lease l join project p using (project_id)
"""
DONE = """
select p.external_id as project, count(*) as judgments
from judgment j join project p using (project_id) where j.supersedes is null group by 1
"""


@dataclass
class Race:
    """Clients who go on until it is over, whatever becomes of the server."""

    url: str
    token: str
    over: bool = False
    finished: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.connections = Connections(f"{self.url}/graphql")

    async def ask(self, query: str, **given: object) -> dict[str, Any]:
        """The payload of a mutation, or its refusal. Repeats what did not come through."""
        body = orjson.dumps({"query": query, "variables": {"input": given}})
        while True:
            try:
                answer = orjson.loads((await self.connections.post(body, self.token)).body)
            except Unreachable:
                await asyncio.sleep(0.05)
                continue
            assert "errors" not in answer, answer
            (payload,) = answer["data"].values()
            if payload.get("code") not in WAIT:
                return dict(payload)
            await asyncio.sleep(0.05)

    async def work(self, client: int) -> None:
        """Lease and judge, a little here and a little there; now and then leave a lease alone."""
        draw = random.Random(client)
        while not self.over:
            left = sorted(LIMITS.keys() - self.finished)
            project = draw.choice(left or list(LIMITS))
            who = {"project": project, "worker": f"w{client % WORKERS}"}
            if project == "label":
                await self.judge_freely(draw, who["worker"])
                continue
            got = await self.ask(LEASE, **who, count=2)
            if "leases" not in got:
                await asyncio.sleep(0.2)
                continue
            for lease in got["leases"]:
                if draw.random() < 0.95:
                    label = draw.choice("ab")
                    given = {"leaseId": lease["id"], "clientId": lease["id"], "label": label}
                    await self.ask(SUBMIT, **who, **given)

    async def judge_freely(self, draw: random.Random, worker: str) -> None:
        first = draw.randrange(TASKS)
        tasks = [f"t{(first + n) % TASKS}" for n in range(ROW)]
        given = {"workers": [worker], "tasks": tasks, "labels": ["a"] * ROW}
        await self.ask(SUBMIT_MANY, project="label", **given)
        await asyncio.sleep(0.2)  # enough for the others; all come at once after a kill

    async def prepare(self) -> None:
        labels = [{"externalId": label} for label in "ab"]
        tasks = [{"externalId": f"t{task}", "payload": {}} for task in range(TASKS)]
        for project, limits in LIMITS.items():
            policy = COMMON | limits
            made = await self.ask(CREATE_PROJECT, externalId=project, labels=labels, policy=policy)
            assert "project" in made, made
            added = await self.ask(ADD_TASKS, project=project, tasks=tasks)
            assert added["added"] == TASKS
        for seed in range(TASKS * SEEDS):
            given = {"worker": f"s{seed // 4}", "task": f"t{seed % TASKS}", "label": "b"}
            assert "duplicate" in await self.ask(SUBMIT, project="label", **given)


async def done(connection: asyncpg.Connection) -> Counter[str]:
    """Judgments by project."""
    return Counter({row["project"]: row["judgments"] for row in await connection.fetch(DONE)})


def hold(judgments: list[asyncpg.Record], leases: list[asyncpg.Record]) -> None:
    """Check that no limit is passed by what is judged, nor by what is promised beside it."""
    held = [lease for lease in leases if lease["closed_at"] is None]
    both = [*judgments, *held]
    by_task = Counter((row["project"], row["task_id"]) for row in both)
    assert all(load <= OVERLAPS[project] for (project, _), load in by_task.items())
    # A worker never has a task twice, nor a lease of what it has judged.
    pairs = Counter((row["project"], row["task_id"], row["worker_id"]) for row in both)
    assert max(pairs.values()) == 1
    judged = {(row["project"], row["task_id"], row["worker_id"]): row["seq"] for row in judgments}
    for lease in leases:
        pair = lease["project"], lease["task_id"], lease["worker_id"]
        assert lease["seq"] < judged.get(pair, lease["seq"] + 1)
    promised = Counter(row["project"] for row in both)
    assert promised["judgments"] <= BUDGET
    assert promised["money"] <= BUDGET
    days = Counter((row["project"], row["day"]) for row in judgments)
    assert all(n <= BUDGET for (project, _), n in days.items() if project.startswith("daily"))
    assert all(row["price"] == PRICE for row in judgments)
    workers = Counter((row["project"], row["worker_id"]) for row in both)
    most = {"share": -(-TASKS * OVERLAP // round(1 / SHARE)), "label": FREE}
    beyond = {each: n for each, n in workers.items() if n > most.get(each[0], n)}
    assert not beyond


@pytest.mark.slow
async def test_no_race_and_no_kill_goes_beyond_a_limit(database_url: str) -> None:
    token = await admin_token(database_url)
    connection = await asyncpg.connect(database_url)
    async with ServerProcess(database_url) as server:
        race = Race(server.url, token)
        await race.prepare()

        async def reach(judgments: int) -> None:
            """Wait until so many are judged of every project, or all that may be."""

            async def reached() -> bool:
                now = await done(connection)
                race.finished = {project for project in ENDS if now[project] >= ENDS[project]}
                return all(now[project] >= min(judgments, ENDS[project]) for project in ENDS)

            await eventually(reached)

        moments = random.Random(7)
        async with asyncio.TaskGroup() as group:
            for client in range(CLIENTS):
                group.create_task(race.work(client))
            for kill in range(KILLS):
                part = BUDGET * kill // KILLS + moments.randint(1, BUDGET // KILLS)
                await reach(part)
                await asyncio.sleep(moments.uniform(0, 0.05))
                await server.kill()
                hold(await connection.fetch(JUDGMENTS), await connection.fetch(LEASES))
                await server.start()
            await reach(max(ENDS.values()))
            race.over = True
        hold(await connection.fetch(JUDGMENTS), await connection.fetch(LEASES))
        assert await done(connection) == ENDS
        await race.connections.close()
    await connection.close()

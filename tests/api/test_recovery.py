"""A connection that breaks while a memory catches up costs time, and nothing that the log says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import asyncpg
import numpy as np

from api.acts import Cause, JoinWorkers, VoidWorker
from api.log import recovery
from api.memory import Memory
from api.policy import Policy
from api.shard import Shard
from db.connect import connect, prepare
from tests.api.findings import copying, enter
from tests.api.rig import make_project, new_tasks, open_shards, recorded, submissions
from tests.api.test_snapshots import assert_same

KILL = "select pg_terminate_backend($1, 10000)"  # and wait until it is gone


class Breaking(asyncpg.Connection):
    """A connection whose server process is ended before one of its statements, counted from 0."""

    at = -1
    killer: asyncpg.Connection

    async def _before(self) -> None:
        if self.at == 0:
            assert await self.killer.fetchval(KILL, self.get_server_pid())
        self.at -= 1

    async def execute(self, *args: Any, **options: Any) -> str:
        await self._before()
        return str(await super().execute(*args, **options))

    async def fetch(self, *args: Any, **options: Any) -> Any:
        await self._before()
        return await super().fetch(*args, **options)

    async def fetchrow(self, *args: Any, **options: Any) -> Any:
        await self._before()
        return await super().fetchrow(*args, **options)

    async def fetchval(self, *args: Any, **options: Any) -> Any:
        await self._before()
        return await super().fetchval(*args, **options)

    async def copy_from_query(self, *args: Any, **options: Any) -> str:
        await self._before()
        return str(await super().copy_from_query(*args, **options))


@asynccontextmanager
async def breaking(url: str, killer: asyncpg.Connection, at: int) -> AsyncIterator[Breaking]:
    connection = await asyncpg.connect(url, connection_class=Breaking)
    await prepare(connection)
    connection.at, connection.killer = at, killer
    try:
        yield connection
    finally:
        connection.terminate()


async def work(shard: Shard) -> None:
    """Some of everything that the log can say, and leases that are open in the end."""
    golden = np.arange(30, dtype=np.int32)
    await shard.add_tasks(new_tasks([f"more{task}" for task in range(5)]), "test")
    await shard.add_workers(["later", "latest"])
    await shard.set_gold(golden, np.zeros(30, np.int16), "test")
    for worker in range(4):
        labels = [int(worker == 0 or task % 7 == worker) for task in range(40)]
        await shard.submit(submissions(worker, labels, task=range(40)))
    await enter(shard, "FRAUD_FOUND", None, copying(1, 2, tasks=(35,)))
    await shard.update_policy({"overlap": 6, "price": 3}, None, "test")
    await shard.submit(submissions(4, [0] * 10, task=range(30, 40)))
    await shard.staff.decide(JoinWorkers((1, 2)), Cause("test", "one hand", {}, "1"))
    await shard.staff.decide(VoidWorker(3), Cause("test", "careless", {}, "2"))
    await shard.declare_worker(4, {"cohort": "night"}, "test")
    await shard.set_gold(golden[:2], np.array([-1, 1], np.int16), "test")
    await shard.lease(5, 3)
    await recorded(shard)


def told(memory: Memory) -> dict[str, Any]:
    """What a memory says of things that no event tells."""
    seqs, gold = memory.seqs(), memory.gold.columns()
    return {
        "policy": memory.project.policy,
        "names": (len(memory.tasks), len(memory.workers)),
        "alerts": [memory.alerts.at(number) for number in range(len(memory.alerts))],
        "alert seqs": memory.alerts.seqs().tolist(),
        "voided": memory.voided,
        "groups": memory.voices.groups(),
        "leases": memory.leases.open,
        "paid": {name: column.tolist() for name, column in memory.ledger.columns().items()},
        "gold": {name: column.tolist() for name, column in gold.items()},
        "seqs": [column.tolist() for column in seqs],
        "barred": (memory.vetting.barred, memory.vetting.held, list(memory.vetting.unrecorded)),
        "tests": {name: part.tolist() for name, part in memory.vetting.tests.state().items()},
        "required": memory.standing.required[: len(memory.tasks)].tolist(),
        "exposures": [memory.exposures(task) for task in range(30)],
    }


async def test_a_connection_that_breaks_at_any_statement_loses_nothing(database_url: str) -> None:
    policy = Policy(overlap=4, require_lease=False, gold_rate=0.0)
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=40, workers=6, policy=policy)
        await shard.submit(submissions(5, [0] * 3, task=range(3)))
        project_id, early = shard.project.project_id, shard.seq
        await work(shard)
        connection = await connect(database_url)
        fresh = await recovery.load(connection, project_id)
        assert len(fresh.alerts) > 1
        assert fresh.voided
        assert fresh.leases.open
        expected = told(fresh)
        for at in count():
            memory = await recovery.load(connection, project_id, early)
            before = told(memory)
            async with breaking(database_url, connection, at) as broken:
                try:
                    await recovery.catch_up(broken, memory)
                except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                    assert told(memory) == before
                    await recovery.catch_up(connection, memory)
            assert told(memory) == expected
            assert_same(memory, fresh)
            if broken.at >= 0:  # there was no such statement
                break
        assert at > 10
        await connection.close()

"""After a process was killed, the next one has everything at the seq it had, and tables follow."""

import asyncio
import sys

import asyncpg
import numpy as np
import pytest

from api.limits import Limits
from api.log import snapshots
from api.policy import Policy
from api.rows import STATUSES, Int64s, TaskViews
from api.shard import Shard
from api.shards import Shards
from db.connect import connect, create_pool
from tests.api.rig import Clock, all_tasks, make_project, open_shards, submissions
from tests.waiting import PATIENCE, eventually, soon

NEVER = Limits(derived_pause=3600.0)  # what lags is written when the test says so
STATES = "select status, seq from task_state order by task_id"


async def judge(shard: Shard, worker: int, tasks: list[int]) -> None:
    """One judgment a flush, so that each has the seq of its own row."""
    for task in tasks:
        label = 2 if task % 4 == worker else task % 3
        answer = await shard.submit(submissions(worker, [label], task=[task]))
        assert answer.code[0] in ("", "TASK_CLOSED", "OVERLAP_FULL")


async def work(shard: Shard, save_after: int, saver: asyncpg.Connection) -> None:
    """Six steps, three of them changes of policy that move tasks back and forth."""
    half = list(range(20))
    for step in range(6):
        if step == 0:
            for worker in range(2):
                await judge(shard, worker, half)
        elif step == 1:
            await shard.update_policy({"overlap": 2, "target_confidence": 0.6}, None, "test")
        elif step == 2:
            await judge(shard, 2, list(range(15, 30)))
        elif step == 3:
            await shard.update_policy({"overlap": 3, "target_confidence": 1.0}, None, "test")
        elif step == 4:
            await judge(shard, 3, list(range(0, 40, 7)))
        else:
            await shard._derived.drain()  # the tables are as they should be
            await shard.update_policy({"overlap": 1, "target_confidence": 0.5}, None, "test")
        if step == save_after:
            await snapshots.save(saver, shard.memory)


async def kill(shards: Shards, pool: asyncpg.Pool) -> None:
    """End without writing down what lags."""
    await pool.close()
    await shards.close()


@pytest.mark.parametrize("save_after", [-1, 0, 1, 2, 5])
async def test_a_change_of_policy_keeps_its_place_in_the_log(
    database_url: str, save_after: int
) -> None:
    pool, saver = await create_pool(database_url, size=4), await connect(database_url)
    shards = Shards(database_url, pool, limits=NEVER, now=Clock())
    policy = Policy(overlap=3, require_lease=False)
    shard = await make_project(shards, tasks=40, workers=4, policy=policy)
    await work(shard, save_after, saver)
    ids, project = all_tasks(shard), shard.project
    was, cursor = shard.tasks(ids), shard.seq - 1
    worker_seqs = shard.memory.seqs()[1].copy()
    moved = np.flatnonzero(was.seq > cursor)
    assert len(moved) > 5
    await kill(shards, pool)
    rows = await saver.fetch(STATES)
    assert [row["seq"] for row in rows] != was.seq.tolist()

    async with open_shards(database_url) as later:
        again = later.get("p")
        assert again.project == project
        _assert_same(was, again.tasks(ids), worker_seqs, again.memory.seqs()[1])
        told = await soon(anext(again.feed.tasks(after=cursor)))
        assert told.ids.tolist() == moved.tolist()

        async def written() -> bool:
            return bool([row["seq"] for row in await saver.fetch(STATES)] == was.seq.tolist())

        await eventually(written)
        rows = await saver.fetch(STATES)
        assert [row["status"] for row in rows] == [STATUSES[status] for status in was.status]
    await saver.close()


def _assert_same(was: TaskViews, now: TaskViews, workers: Int64s, workers_now: Int64s) -> None:
    for name in ("status", "judgments", "label", "confidence", "seq"):
        np.testing.assert_array_equal(getattr(was, name), getattr(now, name), name)
    np.testing.assert_array_equal(workers, workers_now)


HOLDER = """
import asyncio, sys
from api.flush.seat import Seat

async def main():
    seat = Seat(sys.argv[1], int(sys.argv[2]))
    assert await seat.take()
    print("seated", flush=True)
    await seat.connection.execute("select pg_sleep(3600)")

asyncio.run(main())
"""
BUSY = "select count(*) from pg_stat_activity where query like '%(3600)' and state = 'active'"


async def test_the_last_statement_of_a_killed_process_keeps_nobody_out(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=1, workers=1)
        project_id = shard.project.project_id
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, database_url, str(project_id), stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    assert await soon(holder.stdout.readline()) == b"seated\n"
    watcher = await connect(database_url)
    await eventually(lambda: watcher.fetchval(BUSY))
    await watcher.close()
    holder.kill()
    await holder.wait()
    limits = Limits(seat_patience=PATIENCE)
    async with asyncio.timeout(PATIENCE), open_shards(database_url, limits=limits) as shards:
        assert shards.get("p").writable


async def test_nobody_waits_for_a_writer_that_lives(database_url: str) -> None:
    async with open_shards(database_url) as first:
        shard = await make_project(first, tasks=1, workers=1)
        pool = await create_pool(database_url, size=1)
        shards = Shards(database_url, pool, limits=Limits(seat_patience=10 * PATIENCE))
        assert not (await soon(shards.open(shard.project.project_id))).writable
        await shards.close()
        await pool.close()

"""The connection dies at any moment: what was acknowledged is there once, and work goes on."""

import asyncio
import random
from collections import Counter

import numpy as np
import pytest

from api.errors import LeaseLimit, NoTasks, Overloaded, Unavailable
from api.limits import Limits
from api.policy import Policy
from api.shard import Shard
from api.shards import Shards
from db.connect import connect
from tests.api.rig import all_tasks, make_project, open_shards, submissions
from tests.waiting import PATIENCE, eventually

KILL = (
    "select count(pg_terminate_backend(pid)) from pg_stat_activity "
    "where application_name = 'basanite writer' and datname = current_database()"
)


async def kill_at_random(url: str, times: int, generator: random.Random) -> None:
    """Kill so many writers' connections, each some time after it was made."""
    connection = await connect(url)
    killed = 0
    async with asyncio.timeout(PATIENCE):
        while killed < times:
            await asyncio.sleep(generator.random() * 0.06)
            killed += await connection.fetchval(KILL)
    await connection.close()


@pytest.mark.parametrize("seed", range(3))
async def test_killed_connections_lose_nothing_and_count_nothing_twice(
    database_url: str, seed: int
) -> None:
    async with open_shards(database_url) as shards:
        policy = Policy(overlap=3, require_lease=False)
        shard = await make_project(shards, tasks=300, workers=12, policy=policy)
        generator = random.Random(seed)
        acknowledged: dict[tuple[int, int], tuple[int, int]] = {}
        finished = asyncio.Event()

        async def client(worker: int) -> None:
            number = 0
            while not finished.is_set():
                tasks = [generator.randrange(300) for _ in range(3)]
                labels = [generator.randrange(3) for _ in tasks]
                names = [f"{worker}-{number + k}" for k in range(3)]
                number += 3
                while True:  # the same with the same ids, until there is an answer
                    try:
                        answer = await shard.submit(
                            submissions(worker, labels, task=tasks, client=names)
                        )
                        break
                    except (Unavailable, Overloaded):
                        await asyncio.sleep(0.01)
                for code, seq, task, label in zip(
                    answer.code, answer.seq.tolist(), tasks, labels, strict=True
                ):
                    assert code in ("", "DUPLICATE", "OVERLAP_FULL", "TASK_CLOSED")
                    if code in ("", "DUPLICATE"):
                        known = acknowledged.setdefault((worker, seq), (task, label))
                        assert known == (task, label)

        clients = [asyncio.create_task(client(worker)) for worker in range(12)]
        await kill_at_random(database_url, 15, generator)
        finished.set()
        await asyncio.gather(*clients)
        await _check_log(database_url, shard, acknowledged)
        await _check_rebuild(shards, shard)


async def _check_log(
    url: str, shard: Shard, acknowledged: dict[tuple[int, int], tuple[int, int]]
) -> None:
    connection = await connect(url)
    rows = await connection.fetch(
        "select seq, task_id, worker_id, label_id, supersedes, client_id from judgment order by seq"
    )
    await connection.close()
    stored = {(row["worker_id"], row["seq"]): (row["task_id"], row["label_id"]) for row in rows}
    assert acknowledged.items() <= stored.items()
    clients = Counter((row["worker_id"], row["client_id"]) for row in rows)
    assert max(clients.values()) == 1
    superseded = {row["supersedes"] for row in rows}
    live = Counter(row["task_id"] for row in rows if row["seq"] not in superseded)
    assert max(live.values()) <= 3
    assert shard.judgment_count == live.total()
    seqs = [row["seq"] for row in rows]
    assert len(set(seqs)) == len(seqs)


async def _check_rebuild(shards: Shards, shard: Shard) -> None:
    ids = all_tasks(shard)
    was, posterior = shard.tasks(ids), shard.posterior(ids)
    await shards.close()
    again = await shards.open(shard.project.project_id)
    now = again.tasks(ids)
    for name in ("status", "judgments", "open_leases", "label", "confidence", "gold"):
        np.testing.assert_array_equal(getattr(now, name), getattr(was, name), name)
    np.testing.assert_array_equal(again.posterior(ids), posterior)


async def test_leases_stay_strict_when_connections_die(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=40, workers=10, policy=Policy(overlap=2))
        generator = random.Random(5)
        finished = asyncio.Event()

        async def client(worker: int) -> None:
            while not finished.is_set():
                try:
                    leases = await shard.lease(worker, 3)
                    await asyncio.sleep(generator.random() / 50)
                    await shard.release(worker, [lease.lease_id for lease in leases])
                except (Unavailable, Overloaded):
                    pass
                except (NoTasks, LeaseLimit):
                    await asyncio.sleep(0.01)

        clients = [asyncio.create_task(client(worker)) for worker in range(10)]
        await kill_at_random(database_url, 6, generator)
        finished.set()
        await asyncio.gather(*clients)
        connection = await connect(database_url)
        most = await connection.fetchval(
            "select max(n) from (select count(*) n from lease where closed_at is null "
            "group by task_id) t"
        )
        held = await connection.fetchval("select count(*) from lease where closed_at is null")
        await connection.close()
        assert (most or 0) <= 2
        # The shard may be reading the log again after the last kill.
        await eventually(lambda: shard.tasks(all_tasks(shard)).open_leases.sum() == held)


async def test_a_call_that_waits_while_the_database_is_away_is_carried_out(
    database_url: str,
) -> None:
    async with open_shards(database_url, limits=Limits(patience=PATIENCE)) as shards:
        shard = await make_project(shards, tasks=10, workers=2, policy=Policy(require_lease=False))
        connection = await connect(database_url)
        await connection.fetchval(KILL)
        await connection.close()
        await eventually(lambda: not shard._seat.usable)
        answer = await shard.submit(submissions(0, [1], task=[0]))
        assert answer.code == [""]


async def test_what_postgres_refuses_fails_one_flush_and_no_more(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=10, workers=2, policy=Policy(require_lease=False))
        connection = await connect(database_url)
        await connection.execute("alter table judgment add constraint trouble check (task_id <> 7)")
        await connection.close()
        with pytest.raises(Unavailable):
            await shard.submit(submissions(0, [1, 1], task=[6, 7]))
        assert shard.judgment_count == 0
        answer = await shard.submit(submissions(0, [1], task=[6]))
        assert answer.code == [""]
        assert shard.tasks(all_tasks(shard)).judgments.sum() == 1

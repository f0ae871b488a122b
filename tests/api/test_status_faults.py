"""The process or its connection ends at any moment: each verdict is recorded once, and in order."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np

from api.acts import AnswerAppeal, Appeal, Cause
from api.errors import Overloaded, Unavailable
from api.limits import Limits
from api.log import snapshots
from api.policy import GOLD, Policy
from api.shard import Shard
from api.shards import Shards
from db.connect import AnyConnection, connect
from tests.api.rig import make_project, open_shards, recorded, submissions
from tests.api.status_log import assert_log_tells_all
from tests.api.test_shard_faults import kill_at_random
from tests.waiting import eventually

POLICY = Policy(overlap=50, require_lease=False, status_evidence=GOLD)
TASKS = 60
NEVER = Limits(snapshot_rows=10**9, snapshot_rows_at_end=10**9, follow_pause=0.05)
REFUSE = """
create function refuse() returns trigger language plpgsql as $$
begin
    if new.kind = 'STATUS_CHANGED' then raise exception 'not now'; end if;
    return new;
end $$;
create trigger refuse before insert on decision for each row execute function refuse();
"""


async def gold_project(shards: Shards) -> Shard:
    shard = await make_project(shards, tasks=TASKS, workers=3, policy=POLICY)
    await shard.set_gold(np.arange(TASKS, dtype=np.int32), np.zeros(TASKS, np.int16), "test")
    return shard


async def be_wrong(shard: Shard, worker: int) -> None:
    """One flush that leads to several verdicts."""
    await shard.submit(submissions(worker, [1] * 20, task=range(20)))


async def verdicts(connection: AnyConnection) -> int:
    return int(
        await connection.fetchval("select count(*) from decision where kind = 'STATUS_CHANGED'")
    )


@asynccontextmanager
async def nothing_is_recorded(url: str) -> AsyncIterator[AnyConnection]:
    connection = await connect(url)
    await connection.execute(REFUSE)
    yield connection
    assert await verdicts(connection) == 0
    await connection.execute("drop trigger refuse on decision")
    await connection.close()


async def test_what_cannot_be_recorded_is_tried_again_until_it_can(database_url: str) -> None:
    async with open_shards(database_url, limits=NEVER) as shards:
        shard = await gold_project(shards)
        async with nothing_is_recorded(database_url):
            await be_wrong(shard, 0)
            unrecorded = len(shard.memory.vetting.unrecorded)
            assert unrecorded >= 3
            # It is read again and again meanwhile, and stands as before.
            await eventually(lambda: not shard.memory.vetting.due or not shard._ready.is_set())
            await eventually(shard._ready.is_set)
            assert len(shard.memory.vetting.unrecorded) == unrecorded
        await assert_log_tells_all(database_url, shard, POLICY)


async def test_a_start_records_what_the_last_process_did_not(database_url: str) -> None:
    for with_snapshot in (False, True):
        async with open_shards(database_url, limits=NEVER) as shards:
            shard = shards.all()[0] if shards.all() else await gold_project(shards)
            connection = await connect(database_url)
            before = await verdicts(connection)
            await connection.execute(REFUSE)
            await be_wrong(shard, int(with_snapshot))
            if with_snapshot:
                await snapshots.save(connection, shard.memory)
        assert await verdicts(connection) == before
        await connection.execute("drop trigger refuse on decision; drop function refuse()")
        await connection.close()
        async with open_shards(database_url, limits=NEVER) as shards:
            shard = shards.all()[0]
            assert (shard.memory.snapshot_seq > 0) == with_snapshot
            await assert_log_tells_all(database_url, shard, POLICY)


async def test_an_appeal_granted_after_a_snapshot_lifts_the_ban_after_a_start_too(
    database_url: str,
) -> None:
    async with open_shards(database_url, limits=NEVER) as shards:
        shard = await gold_project(shards)
        await be_wrong(shard, 0)
        await recorded(shard)
        assert 0 in shard.memory.vetting.barred
        await shard.staff.rule(Appeal(0), Cause("test", "the gold was wrong", {}, "appeal"))
        connection = await connect(database_url)
        await snapshots.save(connection, shard.memory)
        await connection.close()
        await shard.staff.rule(AnswerAppeal(0, granted=True), Cause("test", "it was", {}, "answer"))
        assert 0 not in shard.memory.vetting.barred
    async with open_shards(database_url, limits=NEVER) as shards:
        shard = shards.all()[0]
        assert shard.memory.snapshot_seq > 0
        assert 0 not in shard.memory.vetting.barred
        await assert_log_tells_all(database_url, shard, POLICY)


async def test_who_follows_records_nothing_until_it_takes_over(database_url: str) -> None:
    async with open_shards(database_url, limits=NEVER) as shards:
        shard = await gold_project(shards)
        async with open_shards(database_url, limits=NEVER) as others:
            follower = others.all()[0]
            assert not follower.writable
            async with nothing_is_recorded(database_url):
                await be_wrong(shard, 0)
                waiting = len(shard.memory.vetting.unrecorded)
                await eventually(lambda: len(follower.memory.vetting.unrecorded) == waiting)
                await shards.close()
            await eventually(lambda: follower.writable)
            await assert_log_tells_all(database_url, follower, POLICY)


async def test_killed_connections_record_every_verdict_once(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        policy = Policy(overlap=12, require_lease=False, pause_error=0.05)
        shard = await make_project(shards, tasks=300, workers=12, policy=policy)
        gold = np.arange(0, 300, 4, dtype=np.int32)
        await shard.set_gold(gold, np.zeros(len(gold), np.int16), "test")
        generator = random.Random(3)
        finished = asyncio.Event()

        async def client(worker: int) -> None:
            """The first half of the workers is right, the others are wrong more often."""
            number = 0
            while not finished.is_set():
                tasks = [generator.randrange(300) for _ in range(5)]
                labels = [int(generator.random() < worker / 12) for _ in tasks]
                names = [f"{worker}-{number + k}" for k in range(5)]
                number += 5
                rows = submissions(worker, labels, task=tasks, client=names)
                while True:  # the same with the same ids, until there is an answer
                    try:
                        await shard.submit(rows)
                        break
                    except (Unavailable, Overloaded):
                        await asyncio.sleep(0.01)

        clients = [asyncio.create_task(client(worker)) for worker in range(12)]
        await kill_at_random(database_url, 12, generator)
        connection = await connect(database_url)

        async def enough() -> bool:
            return await verdicts(connection) > 5

        await eventually(enough)
        await connection.close()
        finished.set()
        await asyncio.gather(*clients)
        await recorded(shard)
        await assert_log_tells_all(database_url, shard, policy)

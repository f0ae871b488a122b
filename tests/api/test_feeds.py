"""Feeds conflate, resume, and never queue."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np

from api.policy import Policy
from api.reading.feeds import Changes, Feed
from api.rows import Int32s, Quality
from db.connect import connect
from tests.api.rig import Clock, make_project, new_tasks, open_shards, submissions
from tests.waiting import eventually, soon

TICK = 0.02


def ids(*values: int) -> Int32s:
    return np.array(values, np.int32)


def no_quality() -> Quality:
    raise NotImplementedError


def make_feed(size: int) -> tuple[Feed, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    feed, seqs = Feed(no_quality, lambda: False, TICK), np.zeros(size, np.int64)
    feed.start(seqs, seqs, 0)
    return feed, seqs


async def next_of(feed: AsyncIterator[Changes]) -> Changes:
    return await soon(anext(feed))


async def first_of(stream: AsyncIterator[Quality]) -> Quality:
    return await anext(stream)


async def test_a_subscriber_hears_of_changes_once_and_conflated() -> None:
    feed, seqs = make_feed(10)
    nothing = ids()
    stream = feed.tasks()
    first = asyncio.create_task(next_of(stream))
    await asyncio.sleep(0)
    for seq, task in enumerate((3, 5, 3, 3), start=1):
        seqs[task] = seq
        feed.mark(ids(task), nothing, seqs, seqs, seq)
    changes = await first
    assert (changes.cursor, changes.ids.tolist()) == (4, [3, 5])
    second = asyncio.create_task(next_of(stream))
    await asyncio.sleep(3 * TICK)
    assert not second.done()
    seqs[7] = 5
    feed.mark(ids(7), nothing, seqs, seqs, 5)
    changes = await second
    assert (changes.cursor, changes.ids.tolist()) == (5, [7])
    feed.stop()


async def test_what_is_held_is_told_together_when_nothing_more_will_change_at_its_seq() -> None:
    held, seqs = True, np.zeros(10, np.int64)
    feed = Feed(no_quality, lambda: held, TICK)
    feed.start(seqs, seqs, 0)
    waiting = asyncio.create_task(next_of(feed.tasks()))
    for task in (3, 5):
        seqs[task] = 1
        feed.mark(ids(task), ids(), seqs, seqs, 1)
        await asyncio.sleep(3 * TICK)
    assert not waiting.done()
    held = False
    changes = await waiting
    assert (changes.cursor, changes.ids.tolist()) == (1, [3, 5])
    feed.stop()


async def test_those_who_are_late_alike_get_the_same_object() -> None:
    # They share what is read of it. Otherwise each would read for itself, and be later still.
    feed, seqs = make_feed(10)
    for seq in (1, 2, 3):
        seqs[seq] = seq
        feed.mark(ids(seq), ids(), seqs, seqs, seq)
        assert (await next_of(feed.tasks(seq - 1))).ids.tolist() == [seq]
    late = [await next_of(feed.tasks(0)) for _ in range(3)]
    assert late[0].ids.tolist() == [1, 2, 3]
    assert all(one is late[0] for one in late)
    feed.stop()


async def test_a_late_subscriber_gets_all_since_its_cursor() -> None:
    feed, seqs = make_feed(10)
    stream = feed.tasks()
    waiting = asyncio.create_task(next_of(stream))
    await asyncio.sleep(0)
    for seq in range(1, 7):
        seqs[seq] = seq
        feed.mark(ids(seq), ids(), seqs, seqs, seq)
        await asyncio.sleep(1.5 * TICK)
    assert (await waiting).ids.tolist() == [1]
    late = await next_of(stream)
    assert (late.cursor, late.ids.tolist()) == (6, [2, 3, 4, 5, 6])
    resumed = await next_of(feed.tasks(after=4))
    assert (resumed.cursor, resumed.ids.tolist()) == (6, [5, 6])
    feed.stop()


async def test_a_cursor_outlives_a_restart(database_url: str) -> None:
    policy = Policy(overlap=5, require_lease=False)
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=10, workers=3, policy=policy)
        stream = shard.feed.tasks(after=0)
        cursor = (await next_of(stream)).cursor
        await shard.submit(submissions(0, [1, 1], task=[2, 4]))
        cursor = (await next_of(stream)).cursor
        assert cursor == shard.seq
        await shard.submit(submissions(1, [1, 1], task=[4, 7]))
        await shard.add_tasks(new_tasks(["later"]), "test")
        await shard.set_gold(ids(9), np.array([1], np.int16), "test")
    async with open_shards(database_url) as shards:
        shard = shards.get("p")
        changes = await next_of(shard.feed.tasks(after=cursor))
        assert changes.ids.tolist() == [4, 7, 9, 10]
        people = await next_of(shard.feed.workers(after=cursor))
        assert 1 in people.ids
        beyond = asyncio.create_task(next_of(shard.feed.tasks(after=10**9)))
        await asyncio.sleep(0.05)
        assert not beyond.done()
        await shard.submit(submissions(2, [1], task=[0]))
        assert (await beyond).ids.tolist() == [0]


async def test_the_quality_feed_tells_changes_and_keeps_quiet_otherwise(database_url: str) -> None:
    clock = Clock()
    async with open_shards(database_url, clock) as shards:
        shard = await make_project(
            shards, tasks=10, workers=1, policy=Policy(overlap=1, require_lease=False)
        )
        stream = shard.feed.quality(0.01)
        first = await anext(stream)
        assert (first.judgments, first.open_tasks, first.judgments_per_second) == (0, 10, 0.0)
        after = asyncio.create_task(first_of(stream))
        await asyncio.sleep(0.05)
        assert not after.done()
        await shard.submit(submissions(0, [1] * 5, task=[0, 1, 2, 3, 4]))
        now = await soon(after)
        assert (now.judgments, now.judgments_per_second) == (5, 0.5)
        assert now.open_tasks + now.settled_tasks + now.contested_tasks == 10
        clock.pass_(11)
        idle = await soon(first_of(stream))
        assert idle.judgments_per_second == 0


async def test_a_thousand_subscribers_hear_everything() -> None:
    feed, seqs = make_feed(10_000)
    heard = 0

    async def follow() -> None:
        nonlocal heard
        async for changes in feed.tasks():
            heard += len(changes.ids)

    followers = [asyncio.create_task(follow()) for _ in range(1000)]
    await asyncio.sleep(0)
    for seq in range(1, 11):
        seqs[seq] = seq
        feed.mark(ids(seq), ids(), seqs, seqs, seq)
        await asyncio.sleep(2 * TICK)
    await eventually(lambda: heard == 10_000)
    for follower in followers:
        follower.cancel()
    await asyncio.gather(*followers, return_exceptions=True)
    feed.stop()


async def test_a_new_worker_is_told_at_once_and_after_a_restart(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=1, workers=2)
        stream = shard.feed.workers(after=0)
        cursor = (await next_of(stream)).cursor
        assert cursor == shard.seq
        added = asyncio.create_task(next_of(stream))
        await shard.add_workers(["w1", "new", "newer", "new"], actor="me")
        changes = await added
        assert (changes.cursor, changes.ids.tolist()) == (shard.seq, [2, 3])
        await shard.add_workers(["w0", "new"])
        assert shard.seq == changes.cursor
    connection = await connect(database_url)
    decision = await connection.fetchrow(
        "select seq, body, actor from decision where kind = 'WORKERS_ADDED' order by seq desc"
    )
    await connection.close()
    assert decision is not None
    assert tuple(decision) == (changes.cursor, {"first": 2, "count": 2}, "me")
    async with open_shards(database_url) as shards:
        people = await next_of(shards.get("p").feed.workers(after=cursor))
        assert people.ids.tolist() == [2, 3]

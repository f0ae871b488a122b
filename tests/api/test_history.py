"""Projects as they were: bounds, snapshots, times, and what is kept."""

import asyncio

import numpy as np
import pytest

from api.acts import Cause, VoidWorker
from api.errors import NotYet, Overloaded, TooLongAgo
from api.limits import Limits
from api.log.history import KEPT, MOST_WAITING, Past
from api.policy import GOLD, Policy
from api.shard import Shard
from api.shards import Shards
from tests.api.rig import Clock, all_tasks, make_project, open_shards, submissions

FREE = Policy(overlap=3, require_lease=False, lease_seconds=60.0, status_evidence=GOLD)


async def judged_project(shards: Shards, clock: Clock | None = None) -> Shard:
    """Two decisions, then 12 judgments one by one, an hour apart."""
    shard = await make_project(shards, tasks=6, workers=3, policy=FREE)
    for task in range(6):
        for worker in range(2):
            if clock is not None:
                clock.pass_(3600)
            await shard.submit(submissions(worker, [worker], task=[task]))
    return shard


async def test_too_many_rows_are_not_replayed(database_url: str) -> None:
    limits = Limits(history_rows=5, snapshot_rows_at_end=1)
    async with open_shards(database_url, limits=limits) as shards:
        shard = await judged_project(shards)
        latest = shard.seq
        assert (await shards.history.at(shard, 5)).judgment_count == 3
        with pytest.raises(TooLongAgo, match=rf"6 entries .* 5 is the most.* from {latest} on"):
            await shards.history.at(shard, 6)
    async with open_shards(database_url, limits=limits) as shards:
        shard = shards.all()[0]
        await shard.submit(submissions(2, [0, 0], task=[0, 1]))
        past = await shards.history.at(shard, latest + 1)  # from the snapshot of the end
        assert past.judgment_count == 13
        with pytest.raises(TooLongAgo):
            await shards.history.at(shard, latest - 1)
        with pytest.raises(NotYet):
            await shards.history.at(shard, latest + 3)


async def test_a_time_means_the_last_entry_until_then(database_url: str) -> None:
    clock = Clock()
    began = clock()
    async with open_shards(database_url, clock) as shards:
        shard = await judged_project(shards, clock)
        for hours, judgments in ((0, 0), (0.5, 0), (1, 1), (1.9, 1), (7, 7), (12, 12)):
            clock.time = began
            clock.pass_(hours * 3600)
            time = clock()
            clock.time = began
            clock.pass_(13 * 3600)
            past = await shards.history.at_time(shard, time)
            assert past.judgment_count == judgments
            if hours >= 1:
                assert past.quality().judgments_per_second == pytest.approx(0.1)
        future = clock()
        clock.time = began
        with pytest.raises(NotYet):
            await shards.history.at_time(shard, future)


async def test_leases_are_those_that_were_open(database_url: str) -> None:
    clock = Clock()
    async with open_shards(database_url, clock) as shards:
        shard = await judged_project(shards)
        clock.pass_(1)
        leases = await shard.lease(2, 2)
        granted = shard.seq
        clock.pass_(1)
        await shard.submit(submissions(2, [1], lease=[leases[0].lease_id]))
        judged = shard.seq
        clock.pass_(120)  # the other one runs out
        await shard.staff.decide(VoidWorker(0), Cause("test", "why not", {}, "1"))
        for seq, expected in ((granted - 2, 0), (granted, 2), (judged, 1), (shard.seq, 0)):
            past = await shards.history.at(shard, seq)
            assert past.tasks(all_tasks(shard)).open_leases.sum() == expected
            assert past.workers(np.array([2], np.int32)).open_leases.tolist() == [expected]


async def test_few_moments_are_kept_and_few_calls_wait(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await judged_project(shards)
        history = shards.history
        both = await asyncio.gather(*(history.at(shard, 5) for _ in range(2)))
        assert both[0] is both[1]
        assert await history.at(shard, 5) is both[0]
        for seq in range(6, 6 + KEPT):
            await history.at(shard, seq)
        assert await history.at(shard, 5) is not both[0]
        asked = [history.at(shard, seq) for seq in range(MOST_WAITING + 1)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(answers.pop(), Overloaded)
        assert [past.seq for past in answers if isinstance(past, Past)] == list(range(MOST_WAITING))


async def test_a_caller_who_is_gone_leaves_the_replay_in_order(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await judged_project(shards)
        gone = asyncio.create_task(shards.history.at(shard, 4))
        await asyncio.sleep(0)
        gone.cancel()
        assert (await shards.history.at(shard, 5)).judgment_count == 3
        assert (await shards.history.at(shard, 4)).judgment_count == 2

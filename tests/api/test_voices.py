"""Workers who count as one: who speaks for them, what they get, what is broken off."""

import asyncio

import numpy as np
import pytest

from api.acts import Act, Cause, Decided, JoinWorkers, SplitWorkers, VoidWorker
from api.errors import NoTasks
from api.flush.calls import new_future
from api.flush.requests import Retract
from api.flush.retracted import rows_of
from api.policy import Policy
from api.reading.views import Views
from api.shard import Shard
from api.shards import Shards
from api.upkeep.foresight import foresee
from api.upkeep.staff import in_parts
from db import exports
from db.connect import connect
from tests.api.rig import (
    all_tasks,
    all_workers,
    learned,
    make_project,
    open_shards,
    submissions,
)
from tests.waiting import eventually

TASKS, WORKERS = 6, 4
FREE = Policy(overlap=4, require_lease=False)


def because(client_id: str = "1") -> Cause:
    return Cause("test", "to see what happens", {}, client_id)


async def judged_project(shards: Shards, policy: Policy = FREE) -> Shard:
    """Workers 1 and 2 say 1 of all tasks, 0 and 3 say 0; in the order of their ids."""
    shard = await make_project(shards, tasks=TASKS, workers=WORKERS, policy=policy)
    for worker, label in enumerate((0, 1, 1, 0)):
        rows = submissions(worker, [label] * TASKS, task=range(TASKS))
        assert set((await shard.submit(rows)).code) == {""}
    await learned(shard)  # what is foreseen leans on it
    return shard


def voices(shard: Views) -> list[dict[int, int]]:
    """The label of each worker whose judgment counts, by task."""
    found = map(shard.judgments_of, range(shard.task_count))
    return [dict(zip(who.tolist(), what.tolist(), strict=True)) for who, what in found]


async def exported(url: str) -> int:
    """How many judgments an export has."""
    connection = await connect(url)
    try:
        async with exports.one_moment(connection):
            return sum([len(some) async for some in exports.judgments(connection, 1)])
    finally:
        await connection.close()


async def first_part(shard: Shard, act: Act) -> Decided:
    """The first part of an act, as if the process ended then."""
    async with shard.staff._pool.acquire() as connection:
        rows = await rows_of(connection, shard.memory, act, None)
    effect = await foresee(shard.memory, act, rows)
    future: asyncio.Future[Decided] = new_future()
    return await shard._ask(Retract(act, because(), effect, future, in_parts(rows)[0]), future)


async def test_the_earliest_of_the_answer_that_most_gave_counts(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await judged_project(shards)
        foreseen = await shard.staff.foresee(JoinWorkers((0, 1, 2)))
        done = await shard.staff.decide(JoinWorkers((0, 1, 2)), because())
        assert done.effect == foreseen.effect
        assert done.effect["judgments"] == 2 * TASKS
        assert voices(shard) == [{1: 1, 3: 0}] * TASKS
        assert shard.tasks(all_tasks(shard)).judgments.tolist() == [2] * TASKS
        # One voice, and another one: the earlier of the two stays.
        await shard.staff.decide(JoinWorkers((2, 3)), because("2"))
        assert voices(shard) == [{1: 1}] * TASKS
        assert shard.joined_with(3) == ["w0", "w1", "w2"]
        await shard.staff.decide(SplitWorkers((3,)), because("3"))
        assert voices(shard) == [{0: 0, 1: 1, 2: 1, 3: 0}] * TASKS
        assert shard.joined_with(3) == []


@pytest.mark.parametrize("size", [2, 3])
async def test_a_join_that_was_broken_off_is_carried_on_at_the_next_start(
    database_url: str, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr("api.flush.retracted.PART", 2)
    act = JoinWorkers(tuple(range(size)))
    async with open_shards(database_url) as shards:
        shard = await judged_project(shards)
        await first_part(shard, act)
        left = sum(size == len({who for who in task if who < size}) for task in voices(shard))
        assert 0 < left < TASKS
    async with open_shards(database_url) as shards:
        shard = shards.all()[0]
        await eventually(lambda: all(len(task) == WORKERS - size + 1 for task in voices(shard)))
        winner = {0: 0} if size == 2 else {1: 1}
        assert [{who: task[who] for who in task if who < size} for task in voices(shard)] == [
            winner
        ] * TASKS
        again = await shard.staff.decide(act, because())
        assert again.duplicate
        await shard.staff.finish()
        seq = shard.seq
    async with open_shards(database_url) as shards:
        await shards.all()[0].staff.finish()
        assert shards.all()[0].seq == seq, "nothing is left"


async def test_a_split_that_was_broken_off_is_carried_on_at_the_next_start(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.flush.retracted.PART", 2)
    async with open_shards(database_url) as shards:
        shard = await judged_project(shards)
        await shard.staff.decide(JoinWorkers((0, 1, 2)), because("join"))
        await first_part(shard, SplitWorkers((0,)))
        assert shard.memory.voices.group(0) is None
        assert not all(len(task) == WORKERS for task in voices(shard))
    async with open_shards(database_url) as shards:
        shard = shards.all()[0]
        await eventually(lambda: all(len(task) == WORKERS for task in voices(shard)))
        assert voices(shard) == [{0: 0, 1: 1, 2: 1, 3: 0}] * TASKS


async def test_a_group_gets_each_task_once(database_url: str) -> None:
    policy = Policy(overlap=3, leases_per_worker=50)
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=TASKS, workers=WORKERS, policy=policy)
        await shard.staff.decide(JoinWorkers((0, 1)), because())
        mine, theirs = await asyncio.gather(shard.lease(0, 2), shard.lease(1, 2))
        taken = {lease.task_id for lease in [*mine, *theirs]}
        assert len(taken) == 4
        done = submissions(0, [0, 0], lease=[lease.lease_id for lease in mine], require_lease=True)
        assert (await shard.submit(done)).code == ["", ""]
        rest = {lease.task_id for lease in await shard.lease(1, 10)}
        assert rest == set(range(TASKS)) - taken
        with pytest.raises(NoTasks):
            await shard.lease(0, 10)
        assert len(await shard.lease(2, 10)) == TASKS


async def test_what_a_member_judges_later_is_stored_and_muted(database_url: str) -> None:
    """To who is joined nothing looks different: codes are those that anybody would get."""
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=2, workers=3, policy=FREE)
        await shard.staff.decide(JoinWorkers((0, 1)), because())
        assert (await shard.submit(submissions(0, [0], task=[0]))).code == [""]
        rows = submissions(
            [1, 1, 1, 2], [1, 1, 2, 1], task=[0, 0, 0, 0], client=["a", "b", "c", "d"]
        )
        answer = await shard.submit(rows)
        assert answer.code == ["", "DUPLICATE", "", ""]
        again = await shard.submit(submissions([1], [2], task=[0], client=["e"]))
        assert (again.code, again.seq[0]) == (["DUPLICATE"], answer.seq[2])
        assert voices(shard) == [{0: 0, 2: 1}, {}]
        # Whose judgment counts may change it, and in one flush the first one speaks.
        both = submissions([0, 1, 0], [2, 1, 0], task=[0, 1, 1])
        assert (await shard.submit(both)).code == ["", "", ""]
        assert voices(shard) == [{0: 2, 2: 1}, {1: 1}]
        held = shard.tasks(all_tasks(shard))
        np.testing.assert_array_equal(held.judgments + held.open_leases, shard.memory.load[:2])
        await shard.staff.decide(SplitWorkers((0,)), because("2"))
        assert voices(shard) == [{0: 2, 1: 2, 2: 1}, {0: 0, 1: 1}]
    connection = await connect(database_url)
    try:
        assert await connection.fetchval("select count(*) from judgment") == 7
    finally:
        await connection.close()


async def test_as_of_then_they_were_joined(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await judged_project(shards)
        before = shard.seq, voices(shard)
        await shard.staff.decide(JoinWorkers((0, 1)), because("1"))
        assert await exported(database_url) == 3 * TASKS
        await shard.staff.decide(VoidWorker(0), because("2"))
        await shard.staff.finish()
        assert await exported(database_url) == 2 * TASKS
        joined = shard.seq, voices(shard)
        await shard.staff.decide(SplitWorkers((0,)), because("3"))
        assert voices(shard) == [{1: 1, 2: 1, 3: 0}] * TASKS
        assert await exported(database_url) == 3 * TASKS
        for seq, then in (before, joined):
            past = await shards.history.at(shard, seq)
            assert voices(past) == then
        past = await shards.history.at(shard, joined[0])
        assert past.joined_with(0) == ["w1"]
        assert past.workers(all_workers(shard)).voided.tolist() == [True, False, False, False]

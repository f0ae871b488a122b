"""Taking judgments, workers and gold back: what is broken off, what is told, what is stored."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from api.acts import Act, Cause, Decided, ReopenTasks, RestoreWorker, VoidJudgments, VoidWorker
from api.errors import NoTasks, WorkerVoided
from api.flush.calls import new_future
from api.flush.requests import Refit, Retract
from api.limits import Limits
from api.policy import Policy
from api.reading.feeds import Changes
from api.shard import Shard
from api.shards import Shards
from db.connect import connect
from engine import Categorical, Events
from tests.api.rig import all_tasks, all_workers, make_project, open_shards, submissions
from tests.waiting import eventually, soon

TASKS, WORKERS = 7, 3
FREE = Policy(overlap=3, require_lease=False)


def because(client_id: str = "1") -> Cause:
    return Cause("test", "to see what happens", {}, client_id)


async def judged_project(shards: Shards, policy: Policy = FREE) -> Shard:
    """All workers have judged all tasks; the last one otherwise than the others."""
    shard = await make_project(shards, tasks=TASKS, workers=WORKERS, policy=policy)
    for worker in range(WORKERS):
        label = 1 if worker == WORKERS - 1 else 0
        rows = submissions(worker, [label] * TASKS, task=range(TASKS))
        assert set((await shard.submit(rows)).code) == {""}
    return shard


async def ask_once(shard: Shard, act: Act) -> Decided:
    """The first part of an act, as if the process ended then."""
    future: asyncio.Future[Decided] = new_future()
    return await shard._ask(Retract(act, because(), {"labels": 0}, future), future)


def judgments(shard: Shard, worker: int) -> int:
    return int(shard.workers(all_workers(shard)).judgments[worker])


async def test_a_void_that_was_broken_off_is_carried_on_at_the_next_start(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.flush.retracted.PART", 2)
    async with open_shards(database_url) as shards:
        shard = await judged_project(shards)
        done = await ask_once(shard, VoidWorker(2))
        assert (done.more, judgments(shard, 2)) == (True, TASKS - 2)
        with pytest.raises(WorkerVoided):
            await shard.lease(2, 1)
    async with open_shards(database_url) as shards:
        shard = shards.all()[0]
        await eventually(lambda: judgments(shard, 2) == 0)
        assert shard.tasks(all_tasks(shard)).judgments.tolist() == [2] * TASKS
        again = await shard.staff.decide(VoidWorker(2), because())
        assert (again.seq, again.duplicate) == (done.seq, True)


async def test_a_restoration_that_was_broken_off_is_undone_at_the_next_start(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.flush.retracted.PART", 2)
    async with open_shards(database_url) as shards:
        shard = await judged_project(shards)
        await shard.staff.decide(VoidWorker(2), because("void"))
        done = await ask_once(shard, RestoreWorker(2))
        assert (done.more, done.seq, judgments(shard, 2)) == (True, None, 2)
    async with open_shards(database_url) as shards:
        shard = shards.all()[0]
        await eventually(lambda: judgments(shard, 2) == 0)
        assert shard.workers(all_workers(shard)).voided.tolist() == [False, False, True]
        done = await shard.staff.decide(RestoreWorker(2), because())
        assert (done.duplicate, judgments(shard, 2)) == (False, TASKS)
        assert shard.workers(all_workers(shard)).voided.tolist() == [False] * WORKERS


@pytest.mark.parametrize("parts", [0, 1, 5])
async def test_a_refit_that_was_broken_off_is_carried_on_at_the_next_start(
    database_url: str, monkeypatch: pytest.MonkeyPatch, parts: int
) -> None:
    monkeypatch.setattr("api.upkeep.refitting.FEWEST", 7)
    monkeypatch.setattr("api.upkeep.refitting.MOST", 7)
    limits = Limits(snapshot_rows_at_end=1)
    async with open_shards(database_url, limits=limits) as shards:
        shard = await judged_project(shards)
        await ask_once(shard, VoidWorker(2))
        for part in range(parts):
            future: asyncio.Future[bool] = new_future()
            assert not await shard._ask(Refit(part == 0, 7, future), future)
    async with open_shards(database_url, limits=limits) as shards:
        shard = shards.all()[0]
        await shard.staff.finish()
        assert not shard.memory.model.refitting
        rebuilt = Categorical(3)
        for worker in range(WORKERS - 1):
            rebuilt.apply(Events.judgments(range(TASKS), [worker] * TASKS, [0] * TASKS))
        rebuilt.refit()
        tasks = all_tasks(shard)
        np.testing.assert_array_equal(shard.memory.model.posterior(tasks), rebuilt.posterior(tasks))
        seq = shard.seq
    async with open_shards(database_url, limits=limits) as shards:
        await shards.all()[0].staff.finish()
        assert shards.all()[0].seq == seq, "nothing is owed any more"


async def test_an_act_goes_on_when_its_caller_is_gone(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.flush.retracted.PART", 1)
    async with open_shards(database_url) as shards:
        shard = await judged_project(shards)
        caller = asyncio.create_task(shard.staff.decide(VoidWorker(2), because()))
        await eventually(lambda: judgments(shard, 2) < TASKS)
        caller.cancel()
        await eventually(lambda: judgments(shard, 2) == 0)


async def test_two_who_decide_at_once_take_turns(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await judged_project(shards)
        both = await asyncio.gather(
            *(shard.staff.decide(VoidWorker(2), because()) for _ in range(2))
        )
        assert sorted(done.duplicate for done in both) == [False, True]
        assert both[0].seq == both[1].seq


async def test_feeds_tell_what_changed(database_url: str) -> None:
    async with open_shards(database_url, limits=Limits(feed_tick=0.01)) as shards:
        shard = await judged_project(shards)
        tasks = aiter(shard.feed.tasks(shard.seq))
        workers = aiter(shard.feed.workers(shard.seq))

        async def told(feed: AsyncIterator[Changes], seq: int | None) -> list[int]:
            """What the first event tells that has come to the decision."""
            while True:
                changes = await soon(anext(feed))
                if changes.cursor >= (seq or 0):
                    return sorted(changes.ids.tolist())

        done = await shard.staff.decide(ReopenTasks((3,), 5), because())
        assert 3 in await told(tasks, done.seq)
        done = await shard.staff.decide(VoidWorker(2), because("2"))
        assert await told(tasks, done.seq) == list(range(TASKS))
        assert await told(workers, done.seq) == [0, 1, 2]


async def test_places_of_voided_judgments_are_handed_out_and_no_more(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await judged_project(shards)
        await shard.add_workers([f"w{worker}" for worker in range(WORKERS + 2)])
        with pytest.raises(NoTasks):
            await shard.lease(3, 10)
        await shard.staff.decide(VoidWorker(2), because())
        leases = await shard.lease(3, 10)
        assert sorted(lease.task_id for lease in leases) == list(range(TASKS))
        with pytest.raises(NoTasks):
            await shard.lease(4, 10)
        await shard.staff.decide(RestoreWorker(2), because("2"))
        held = shard.tasks(all_tasks(shard))
        assert (held.judgments + held.open_leases).tolist() == [4] * TASKS  # what was promised
        with pytest.raises(NoTasks):
            await shard.lease(4, 10)


async def test_a_reopened_task_is_handed_out_beyond_the_overlap(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await judged_project(shards)
        await shard.add_workers([f"w{worker}" for worker in range(WORKERS + 3)])
        await shard.staff.decide(ReopenTasks((4,), 2), because())
        assert [lease.task_id for lease in await shard.lease(3, 10)] == [4]
        project = await shard.update_policy({"overlap": 4, "min_judgments": 1}, None, "test")
        assert project.policy.overlap == 4
        assert 4 in [lease.task_id for lease in await shard.lease(4, 10)]
        for worker, code in ((3, ""), (4, ""), (5, "OVERLAP_FULL")):
            answer = await shard.submit(submissions(worker, [0], task=[4]))
            assert answer.code == [code]


async def test_what_is_voided_stays_in_the_log_and_leaves_the_tables(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await judged_project(shards)
        await shard.staff.decide(VoidWorker(2), because())
        seq = int((await shard.submit(submissions(0, [2], task=[0]))).seq[0])
        await shard.staff.decide(VoidJudgments((seq,)), because("2"))
        again = await shard.submit(submissions(0, [2], task=[0], client=["new"]))
        assert again.code == [""]
    connection = await connect(database_url)
    try:
        assert await connection.fetchval("select count(*) from judgment") == TASKS * WORKERS + 2
        rows = await connection.fetch("select kind, worker_id, body from decision order by seq")
        voided = [row for row in rows if row["kind"] == "WORKER_VOIDED"]
        assert [(row["worker_id"], row["body"]["reason"]) for row in voided] == [
            (2, "to see what happens")
        ]
        states = await connection.fetch(
            "select judgments, voided from worker_state order by worker_id"
        )
        assert [tuple(row) for row in states] == [(TASKS, False), (TASKS, False), (0, True)]
        tip = await connection.fetchrow("select supersedes from judgment order by seq desc limit 1")
        assert tip is not None
        assert tip["supersedes"] == seq
    finally:
        await connection.close()

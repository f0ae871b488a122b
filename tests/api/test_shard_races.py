"""Many clients at once: overlap is strict, nobody starves, and a caller who leaves does no harm."""

import asyncio
import random
from collections import Counter

import numpy as np
import pytest

from api.errors import NoTasks, Overloaded, ProjectTaken
from api.limits import Limits
from api.policy import Policy
from api.rows import OPEN
from api.shards import utc_now
from db.connect import connect
from tests.api.rig import all_tasks, make_project, new_tasks, open_shards, submissions
from tests.waiting import eventually, soon

REAL_TIME = Limits(longest_retry=0.05)


async def test_64_clients_give_each_of_1000_tasks_exactly_three_judgments(
    database_url: str,
) -> None:
    async with open_shards(database_url, utc_now, REAL_TIME) as shards:
        policy = Policy(act_on_status=False)  # they click at random
        shard = await make_project(shards, tasks=1000, workers=64, policy=policy)
        done: Counter[int] = Counter()
        generator = random.Random(1)

        async def client(worker: int) -> None:
            while True:
                try:
                    leases = await shard.lease(worker, generator.randint(1, 5))
                except NoTasks as refusal:
                    if refusal.finished or done.total() >= 3000:
                        return
                    await asyncio.sleep(refusal.retry_after)
                    continue
                if generator.random() < 0.1:
                    await shard.release(worker, [leases.pop().lease_id])
                if leases:
                    answer = await shard.submit(
                        submissions(
                            worker,
                            [generator.randrange(3) for _ in leases],
                            lease=[lease.lease_id for lease in leases],
                            require_lease=True,
                        )
                    )
                    assert set(answer.code) == {""}
                    done[worker] += len(leases)

        await soon(asyncio.gather(*map(client, range(64))))
        views = shard.tasks(all_tasks(shard))
        assert set(views.judgments.tolist()) == {3}
        assert not np.any(views.status == OPEN)
        assert not np.any(views.open_leases)
        assert len(done) == 64
        assert min(done.values()) > 3000 / 64 / 3


async def test_abandoned_leases_come_back_when_they_run_out(database_url: str) -> None:
    async with open_shards(database_url, utc_now, REAL_TIME) as shards:
        policy = Policy(overlap=1, lease_seconds=1.0)
        shard = await make_project(shards, tasks=5, workers=2, policy=policy)
        abandoned = await shard.lease(0, 5)
        while True:
            try:
                leases = await shard.lease(1, 5)
                break
            except NoTasks as no_tasks:
                pause, finished = no_tasks.retry_after, no_tasks.finished
            assert not finished
            assert pause <= REAL_TIME.longest_retry
            await asyncio.sleep(pause)
        assert utc_now() >= min(lease.expires_at for lease in abandoned)
        assert {lease.task_id for lease in leases} == {lease.task_id for lease in abandoned}
        late = await shard.submit(submissions(0, [1], lease=[abandoned[0].lease_id]))
        assert late.code == ["LEASE_EXPIRED"]


async def test_leases_run_out_durably_without_any_traffic(database_url: str) -> None:
    async with open_shards(database_url, utc_now) as shards:
        shard = await make_project(
            shards, tasks=3, workers=1, policy=Policy(overlap=1, lease_seconds=1.0)
        )
        await shard.lease(0, 3)
        await eventually(lambda: not shard.tasks(all_tasks(shard)).open_leases.any())
        connection = await connect(database_url)
        outcomes = await connection.fetch("select outcome from lease")
        await connection.close()
        assert [row["outcome"] for row in outcomes] == ["EXPIRED"] * 3


async def test_a_storm_of_cancellations_loses_and_stalls_nothing(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await make_project(
            shards, tasks=400, workers=8, policy=Policy(overlap=8, require_lease=False)
        )
        generator = random.Random(2)
        calls: list[asyncio.Task[object]] = []
        for worker in range(8):
            for task in range(400):
                batch = submissions(worker, [generator.randrange(3)], task=[task])
                calls.append(asyncio.create_task(shard.submit(batch)))
            calls.append(asyncio.create_task(shard.lease(worker, 3)))
            await asyncio.sleep(generator.random() / 200)
            for call in generator.sample(calls, len(calls) // 2):
                call.cancel()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        kept = [a for a in answers if not isinstance(a, BaseException) and not isinstance(a, list)]
        assert len(kept) > 100
        for task in range(400):
            for worker in range(8):
                again = submissions(worker, [0], task=[task])
                calls.append(asyncio.create_task(shard.submit(again)))
        await asyncio.gather(*calls[-3200:])
        views = shard.tasks(all_tasks(shard))
        assert set((views.judgments + views.open_leases).tolist()) == {8}


async def test_tasks_leased_by_a_caller_who_left_go_back_at_once(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=4, workers=2, policy=Policy(overlap=1))
        for pause in (0.0, 0.0005, 0.001, 0.002, 0.004):
            call = asyncio.create_task(shard.lease(0, 4))
            await asyncio.sleep(pause)
            if not call.cancel():
                await shard.release(0, [lease.lease_id for lease in await call])
            await asyncio.gather(call, return_exceptions=True)
            # They expire in ten minutes by a clock that stands still.
            await eventually(lambda: not shard.tasks(all_tasks(shard)).open_leases.any())
            mine = await shard.lease(1, 4)
            assert len(mine) == 4
            await shard.release(1, [lease.lease_id for lease in mine])


async def test_a_full_inbox_makes_callers_wait_and_then_refuses_them(database_url: str) -> None:
    limits = Limits(inbox_rows=100, flush_rows=100, patience=0.3)
    async with open_shards(database_url, limits=limits) as shards:
        shard = await make_project(
            shards, tasks=2000, workers=4, policy=Policy(overlap=4, require_lease=False)
        )
        batches = [
            submissions(worker, [1] * 100, task=list(range(start, start + 100)))
            for worker in range(4)
            for start in range(0, 2000, 100)
        ]
        blocker = await connect(database_url)
        async with blocker.transaction():
            await blocker.execute("lock table judgment in exclusive mode")
            calls = [asyncio.create_task(shard.submit(batch)) for batch in batches]
            # One is being stored, and another fills the inbox.
            await eventually(lambda: sum(call.done() for call in calls) == len(calls) - 2)
            early = [call for call in calls if call.done()]
            for call in early:
                with pytest.raises(Overloaded) as refusal:
                    call.result()
                assert 0 < refusal.value.retry_after <= 1
        await blocker.close()
        for call in set(calls) - set(early):
            assert set((await call).code) == {""}
        # The same again, now that there is room: those refused are stored, the others were.
        answers = [await shard.submit(batch) for batch in batches]
        codes = Counter(code for answer in answers for code in answer.code)
        assert codes == {"": 100 * len(early), "DUPLICATE": 8000 - 100 * len(early)}
        assert shard.judgment_count == 8000


async def test_a_second_process_reads_is_refused_and_takes_over(database_url: str) -> None:
    limits = Limits(follow_pause=0.05)
    async with open_shards(database_url, limits=limits) as second:
        async with open_shards(database_url, limits=limits) as first:
            shard = await make_project(
                first, tasks=10, workers=2, policy=Policy(require_lease=False)
            )
            other = await second.open(shard.project.project_id)
            assert shard.writable
            assert other.writable is False
            for call in (
                other.submit(submissions(0, [1], task=[0])),
                other.lease(0, 1),
                other.add_tasks(new_tasks(["new"]), "test"),
                other.add_workers(["new"]),
                other.update_policy({"overlap": 9}, None, "test"),
            ):
                with pytest.raises(ProjectTaken):
                    await call
            await shard.submit(submissions(0, [1, 2], task=[0, 1]))
            await shard.add_tasks(new_tasks(["later"]), "test")
            await shard.add_workers(["later"])
            await shard.update_policy({"overlap": 2}, None, "test")
            await shard.lease(1, 3)
            await eventually(lambda: other.seq == shard.seq)
            assert other.project == shard.project
            mine, theirs = shard.tasks(all_tasks(shard)), other.tasks(all_tasks(shard))
            for name in ("status", "judgments", "open_leases", "label", "confidence"):
                np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name))
            with pytest.raises(ProjectTaken):
                await other.submit(submissions(0, [1], task=[0]))
        await eventually(lambda: second.get("p").writable)
        answer = await other.submit(submissions(0, [1, 1], task=[0, 5]))
        assert answer.code == ["DUPLICATE", ""]

"""Who may have which task: skills and languages, shares of one worker, parts of a cohort."""

import asyncio
import contextlib
import random
from collections import Counter
from typing import Any

import numpy as np
import pytest

from api.errors import BudgetSpent, InvalidInput, NoTasks, Overloaded, Unavailable
from api.lacks import Lack
from api.limits import Limits
from api.policy import Policy
from api.rows import Int32s, NewTasks
from api.shard import Shard
from api.shards import utc_now
from db.connect import connect
from tests.api.rig import all_tasks, make_project, new_tasks, open_shards, submissions
from tests.waiting import soon


async def add(shard: Shard, **attributes: dict[str, Any]) -> list[str]:
    """Add a task for each name, with its attributes; return the codes."""
    plain = new_tasks(list(attributes))
    rows = NewTasks(
        plain.external_id, plain.payload, list(attributes.values()), plain.priority, plain.gold
    )
    return (await shard.add_tasks(rows, "test")).code


async def leased(shard: Shard, worker: int) -> list[str]:
    return sorted(lease.external_id for lease in await shard.lease(worker, 10))


async def lack(shard: Shard, worker: int) -> Lack:
    with pytest.raises(NoTasks) as refused:
        await shard.lease(worker, 1)
    return refused.value.lack


async def test_tasks_go_to_those_who_can_also_after_a_restart(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, policy=Policy(overlap=10))
        asked = {
            "plain": {},
            "french": {"languages": ["fr"]},
            "legal": {"skills": ["law"], "languages": ["fr"]},
        }
        assert await add(shard, **asked) == ["", "", ""]
        wrong: list[Any] = ["law", [""], [1], {"law": True}, ["x"] * 51]
        codes = await add(shard, **{f"w{i}": {"skills": each} for i, each in enumerate(wrong)})
        assert codes == ["INVALID_DEMAND"] * len(wrong)
        able = [{}, {"languages": ["fr", "de"]}, {"languages": ["fr"], "skills": ["law", "x"]}]
        await shard.add_workers(["nobody", "reader", "lawyer"], attributes=able)
        with pytest.raises(InvalidInput, match="lists of names"):
            await shard.add_workers(["odd"], attributes=[{"skills": "law"}])
    async with open_shards(database_url) as shards:
        shard = shards.get("p")
        assert await leased(shard, 0) == ["plain"]
        assert await leased(shard, 1) == ["french", "plain"]
        assert await leased(shard, 2) == ["french", "legal", "plain"]
        await shard.add_workers(["later"])
        assert await leased(shard, 3) == ["plain"]
        with pytest.raises(InvalidInput, match="lists of names"):
            await shard.declare_worker(3, {"skills": "law"}, "test")
        await shard.declare_worker(3, {"languages": ["fr"], "skills": ["law"]}, "test")
    async with open_shards(database_url) as shards:
        shard = shards.get("p")
        assert await leased(shard, 3) == ["french", "legal"]
        policy = {"overlap": 1}
        await shard.update_policy(policy, None, "test")
        assert await lack(shard, 3) == Lack.ALL_TAKEN


async def test_who_may_have_nothing_is_told_so(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, workers=1)
        assert await lack(shard, 0) == Lack.FINISHED
        await add(shard, hard={"skills": ["law"]})
        assert await lack(shard, 0) == Lack.NOT_ELIGIBLE
        await add(shard, easy={})
        (lease,) = await shard.lease(0, 5)
        answer = await shard.submit(submissions(0, [1], lease=[lease.lease_id]))
        assert answer.code == [""]
        assert await lack(shard, 0) == Lack.NONE_LEFT


async def kill_writer(url: str) -> None:
    connection = await connect(url)
    await connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where application_name = 'basanite writer' and datname = current_database()"
    )
    await connection.close()


async def work(shard: Shard, workers: int, chance: random.Random, url: str, kills: int) -> None:
    """All clients at once lease, judge, with a lease or without, give back, or leave, until nothing
    is left for them; now and then the writer loses its connection."""

    async def client(worker: int) -> None:
        while True:
            try:
                leases = await shard.lease(worker, chance.randint(1, 6))
            except BudgetSpent as refusal:
                if refusal.retry_after is None:
                    return
                await asyncio.sleep(0.002)
                continue
            except NoTasks as refusal:
                if refusal.lack in (Lack.FINISHED, Lack.SHARE_REACHED, Lack.NONE_LEFT):
                    return
                if refusal.lack == Lack.COHORT_FULL and len(shard.memory.leases) == 0:
                    return
                await asyncio.sleep(0.002)
                continue
            except (Unavailable, Overloaded):
                continue
            finally:
                budget = shard.quality().budget.judgments
                assert budget.limit is None or budget.spent + budget.reserved <= budget.limit
            labels = [chance.randrange(3) for _ in leases]
            held = [lease.lease_id for lease in leases]
            with contextlib.suppress(Unavailable, Overloaded):
                if chance.random() < 0.2:
                    await shard.release(worker, [held.pop()])
                    task = chance.randrange(shard.task_count)  # one of its own choice instead
                    await shard.submit(submissions(worker, [0], task=[task]))
                if held:
                    await shard.submit(submissions(worker, labels[: len(held)], lease=held))

    clients = [asyncio.create_task(client(worker)) for worker in range(workers)]
    for victim in chance.sample(clients, workers // 4):
        await asyncio.sleep(0.002)
        victim.cancel()  # it leaves at any point of its work; what it holds stays open
    for _ in range(kills):
        await asyncio.sleep(chance.uniform(0.01, 0.05))
        await kill_writer(url)
    ends = await soon(asyncio.gather(*clients, return_exceptions=True))
    assert all(end is None or isinstance(end, asyncio.CancelledError) for end in ends), ends


def judges(shard: Shard, task: int) -> Int32s:
    return shard.memory.model.judgments_of(task)[0]


async def test_all_limits_hold_under_64_racing_clients_and_kills(database_url: str) -> None:
    workers, tasks, budget = 64, 120, 500
    policy = Policy(
        overlap=6,
        act_on_status=False,
        lease_seconds=1.0,  # those who left hold theirs no longer
        worker_share=0.02,  # 15 of 720
        cohort_attribute="country",
        cohort_overlap=2,
        price=3,
        judgment_budget=budget,
        money_budget=3 * budget + 2,
    )
    async with open_shards(database_url, utc_now, Limits(longest_retry=0.05)) as shards:
        shard = await make_project(shards, tasks=tasks, policy=policy)
        countries = [{"country": "abc"[worker % 3]} for worker in range(workers)]
        await shard.add_workers([f"w{worker}" for worker in range(workers)], attributes=countries)
        await work(shard, workers, random.Random(5), database_url, kills=5)
        views = shard.tasks(all_tasks(shard))
        assert np.all(views.judgments + views.open_leases <= policy.overlap)
        given: Counter[int] = Counter()
        for task in range(tasks):
            holders = shard.memory.leases.holders(task)
            everyone = [*judges(shard, task).tolist(), *holders]
            assert len(set(everyone)) == len(everyone)
            given.update(everyone)
            assert max(Counter(worker % 3 for worker in everyone).values()) <= 2
        assert max(given.values()) <= 15
        assert given.total() == budget
        connection = await connect(database_url)
        (paid,) = await connection.fetch(
            "select count(*) filter (where supersedes is null), sum(price) from judgment"
        )
        assert tuple(paid) == (budget, 3 * budget)
        await connection.close()
    async with open_shards(database_url, utc_now) as shards:
        assert shards.get("p").quality().budget.money.spent == 3 * budget
        with pytest.raises(BudgetSpent) as refused:
            await shards.get("p").lease(0, 1)
        assert refused.value.retry_after is None


async def test_no_worker_gives_more_than_its_share_of_a_label(database_url: str) -> None:
    policy = Policy(overlap=4, label_share=0.3, require_lease=False, act_on_status=False)
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=60, workers=3, policy=policy)
        zeros = range(20)  # by two workers, each of whom has ten answers free
        for worker in (0, 1):
            await shard.submit(submissions(worker, [0] * 10, task=zeros[worker::2]))
        answer = await shard.submit(submissions(2, [0] * 14 + [1], task=range(15)))
        assert answer.code == [""] * 10 + ["SHARE_REACHED"] * 4 + [""]
        got = {lease.task_id for lease in await shard.lease(2, 20)}
        assert got
        assert not got & set(zeros)


async def test_who_meets_full_tasks_first_still_gets_to_the_others(database_url: str) -> None:
    policy = Policy(overlap=3, leases_per_worker=60, cohort_attribute="country", cohort_overlap=1)
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, policy=policy)
        await shard.add_tasks(new_tasks([f"full{i}" for i in range(60)], priority=9), "test")
        await shard.add_tasks(new_tasks(["free"]), "test")
        await shard.add_workers(["a", "b", "c"], attributes=[{"country": ["x"]}] * 3)
        await shard.lease(0, 60)  # what is urgent is held by a compatriot
        assert [lease.external_id for lease in await shard.lease(1, 1)] == ["free"]
        assert await lack(shard, 2) == Lack.COHORT_FULL
        assert await lack(shard, 2) == Lack.COHORT_FULL
        held = shard.memory.leases.tasks_of(0).tolist()[0]
        await shard.release(0, [shard.memory.leases.pairs[held << 32].lease_id])
        assert [lease.task_id for lease in await shard.lease(2, 5)] == [held]
        free = await shard.submit(submissions(2, [0], task=[held + 1]))
        assert free.code == ["COHORT_FULL"]


async def test_what_is_refused_as_full_is_not_leased_either(database_url: str) -> None:
    """Gold is handed out when it is full, other tasks are not: else that would tell them apart."""
    policy = Policy(overlap=1, require_lease=False, gold_rate=1.0, gold_floor=1.0)
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=20, workers=3, policy=policy)
        await shard.set_gold(np.arange(4, dtype=np.int32), np.zeros(4, np.int16), "test")
        await shard.submit(submissions(0, [0] * 5, task=range(5)))
        tried = await shard.submit(submissions(1, [0] * 4, task=[0, 1, 2, 4], own=True))
        assert tried.code == ["OVERLAP_FULL"] * 4
        assert {lease.task_id for lease in await shard.lease(1, 3)} & set(range(5)) == {3}
        assert {lease.task_id for lease in await shard.lease(2, 3)} <= {0, 1, 2, 3}


async def test_no_two_of_a_cohort_who_compare_know_what_is_gold(database_url: str) -> None:
    """What more of a cohort get than the policy lets have a task would be gold."""
    policy = Policy(
        overlap=3,
        leases_per_worker=60,
        gold_rate=0.5,
        gold_floor=0.5,
        cohort_attribute="country",
        cohort_overlap=1,
    )
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=60, policy=policy)
        await shard.set_gold(np.arange(10, dtype=np.int32), np.arange(10, dtype=np.int16) % 3, "t")
        abroad = [{"country": "abb"[worker % 3]} for worker in range(9)] + [{}]
        await shard.add_workers([f"w{worker}" for worker in range(10)], attributes=abroad)
        given: dict[str, Counter[int]] = {"a": Counter(), "b": Counter()}
        for worker in range(9):
            tasks = [lease.task_id for lease in await shard.lease(worker, 6)]
            given["abb"[worker % 3]].update(tasks)
            if worker % 2:  # judged counts like held
                await shard.submit(submissions([worker] * len(tasks), [0] * len(tasks), task=tasks))
        assert all(max(tasks.values()) == 1 for tasks in given.values())
        assert all(min(tasks) < 10 for tasks in given.values())  # each cohort gets gold
        assert min(lease.task_id for lease in await shard.lease(9, 30)) < 10  # of no cohort


async def test_gold_of_a_label_that_a_worker_gave_its_share_of_comes_like_others(
    database_url: str,
) -> None:
    policy = Policy(
        overlap=4,
        label_share=0.3,
        require_lease=False,
        act_on_status=False,
        leases_per_worker=100,
        gold_rate=0.5,
        gold_floor=0.5,
    )
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=90, workers=11, policy=policy)
        gold = np.arange(60, 70, dtype=np.int32)
        await shard.set_gold(gold, np.zeros(10, np.int16), "test")
        for worker in (0, 1):
            await shard.submit(submissions(worker, [0] * 10, task=range(worker, 20, 2)))
        await shard.submit(submissions(2, [0] * 10, task=range(10)))
        for worker in range(3, 9):
            first = 10 * (worker - 3)
            await shard.submit(submissions(worker, [1] * 10, task=range(first, first + 10)))
        # There are tasks that nobody has judged, which may be of this label: so may gold.
        got = [lease.task_id for lease in await shard.lease(2, 20)]
        assert {*got} & {*range(70, 90)}
        assert {*got} & {*gold.tolist()}
        # All are judged: none of this label comes any more, and no gold of it either.
        for worker, first in ((9, 70), (10, 80)):
            answer = await shard.submit(
                submissions(worker, [1] * 10, task=range(first, first + 10))
            )
            assert answer.code == [""] * 10
        more = {lease.task_id for lease in await shard.lease(2, 40)}
        assert more
        assert not more & {*gold.tolist()}

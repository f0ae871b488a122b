"""What may be spent on a day, what a worker hears when that is over, and what things cost when."""

import pytest

from api.errors import BudgetSpent, InvalidInput, NoTasks
from api.policy import Policy
from tests.api.rig import Clock, make_project, new_tasks, open_shards, submissions
from tests.waiting import eventually

HALF_A_DAY = 43_200.0  # the clock starts at noon


async def refused(shard: object, worker: int) -> float | None:
    with pytest.raises(BudgetSpent) as refusal:
        await shard.lease(worker, 1)  # type: ignore[attr-defined]
    return refusal.value.retry_after


async def test_a_day_ends_at_midnight_utc_and_leases_count_in_the_new_one(
    database_url: str,
) -> None:
    clock = Clock()
    policy = Policy(
        overlap=3, price=10, daily_money=30, lease_seconds=100_000.0, require_lease=False
    )
    async with open_shards(database_url, clock) as shards:
        shard = await make_project(shards, tasks=9, workers=3, policy=policy)
        held = await shard.lease(0, 5)
        assert len(held) == 3
        assert await refused(shard, 1) == 1.0  # they may come back
        done = [lease.lease_id for lease in held[:2]]
        assert (await shard.submit(submissions(0, [1, 1], lease=done))).code == ["", ""]
        free = submissions(1, [1], task=[8])
        assert (await shard.submit(free)).code == ["BUDGET_SPENT"]
        await shard.update_policy({"price": 30}, None, "test")
        assert await refused(shard, 1) == HALF_A_DAY
        clock.pass_(HALF_A_DAY - 0.5)
        assert await refused(shard, 1) == 0.5
        clock.pass_(0.5)
        assert await refused(shard, 1) == 1.0  # 10 of 30 are promised to the lease from yesterday
        await shard.update_policy({"price": 20}, None, "test")
        assert (await shard.submit(free)).code == [""]
        await shard.update_policy({"money_budget": 5}, None, "test")
        last = await shard.submit(submissions(0, [1], lease=[held[2].lease_id]))
        assert last.code == [""]  # though the budget was lowered below what is spent
        assert await refused(shard, 1) is None
        # Revisions cost nothing, and whoever revised holds no more than before.
        again = await shard.submit(submissions(1, [2], task=[8]))
        assert again.code == [""]
        budget = shard.quality().budget
        assert (budget.money.spent, budget.money.reserved, budget.money.left) == (50, 0, 0)
        assert (budget.money_today.spent, budget.money_today.left) == (30, 0)
        assert (budget.judgments.spent, budget.judgments_today.spent) == (4, 2)
    async with open_shards(database_url, clock) as shards:
        assert shards.get("p").quality().budget == budget


async def test_a_worker_with_a_price_of_its_own_is_asked_where_it_is_worth_it(
    database_url: str,
) -> None:
    policy = Policy(
        overlap=6,
        min_judgments=2,
        target_confidence=0.999,
        price=1,
        label_value=100,
        money_budget=100,
        require_lease=False,
        routing="BREADTH",
        lease_seconds=100.0,
    )
    clock = Clock()
    async with open_shards(database_url, clock) as shards:
        shard = await make_project(shards, tasks=2, workers=6, policy=policy)
        for price in (-1, 2.5, "7", True):
            with pytest.raises(InvalidInput):
                await shard.declare_worker(5, {"price": price}, "test")
        await shard.declare_worker(4, {"price": 0}, "test")
        await shard.declare_worker(5, {"price": 20}, "test")
        # Of task 0 two agree: at 1 a third is worth it, at 20 it is not. Of task 1 any is.
        await shard.submit(submissions([0, 1], [1, 1], task=[0, 0]))
        held = await shard.lease(5, 5)
        assert [lease.external_id for lease in held] == ["t1"]
        assert shard.quality().budget.money.reserved == 20
        assert {lease.external_id for lease in await shard.lease(2, 5)} == {"t0", "t1"}
        # Without a lease it costs as much, and who costs nothing is asked when all is spent.
        assert (await shard.submit(submissions(5, [2], task=[0]))).code == [""]
        await shard.update_policy({"money_budget": 44}, None, "test")
        assert await refused(shard, 3) == 1.0
        assert {lease.external_id for lease in await shard.lease(4, 5)} == {"t0", "t1"}
        budget = shard.quality().budget
        assert (budget.money.spent, budget.money.reserved) == (22, 22)
        await shard.release(None, [held[0].lease_id])
        # Two who differ: a third is worth 20.
        await shard.update_policy({"money_budget": 46}, None, "test")
        await shard.submit(submissions([0, 1], [1, 2], task=[1, 1]))
        assert [lease.external_id for lease in await shard.lease(5, 5)] == ["t1"]
        budget = shard.quality().budget
    async with open_shards(database_url, clock) as shards:
        shard = shards.get("p")
        assert shard.quality().budget == budget
        await shard.update_policy({"money_budget": None, "overlap": 7}, None, "test")
        with pytest.raises(NoTasks):
            await shard.lease(5, 5)
        await shard.add_tasks(new_tasks(["t2"]), "test")
        assert (await shard.submit(submissions(5, [1], task=[2]))).code == [""]
        assert shard.quality().budget.money.spent == budget.money.spent + 20


async def test_models_that_work_alone_stop_at_their_own_price(database_url: str) -> None:
    policy = Policy(
        overlap=6,
        min_judgments=2,
        target_confidence=0.999,
        model_price=40,
        label_value=100,
        require_lease=False,
        models_count=True,
    )
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=1, policy=policy)
        await shard.add_workers(["m0", "m1"], ["MODEL", "MODEL"])
        await shard.submit(submissions([0, 1], [1, 1], task=[0, 0]))
        assert shard.quality().settled_tasks == 1
        # People cost nothing here: as soon as there are some, the task waits for them.
        await shard.add_workers(["ann"])
        await eventually(lambda: shard.quality().settled_tasks == 0)
    async with open_shards(database_url) as shards:
        assert shards.get("p").quality().settled_tasks == 0

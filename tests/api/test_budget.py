"""What may be spent on a day, what a worker hears when that is over, and what things cost when."""

import pytest

from api.errors import BudgetSpent
from api.policy import Policy
from tests.api.rig import Clock, make_project, open_shards, submissions

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

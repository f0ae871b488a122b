"""Models come on top of the people whom a task needs, unless the policy says that they count."""

import asyncio

import numpy as np
import pytest

from api.errors import NoTasks
from api.policy import Policy
from api.rows import OPEN, SETTLED
from api.shard import Shard
from tests.api.rig import all_tasks, make_project, open_shards, submissions
from tests.api.serving import CREATE_KEY, LEASE, Serving

PEOPLE = ("ann", "bob", "eve")


async def crowd(shard: Shard) -> None:
    """Dense ids 0 to 2 are people, 3 and 4 models."""
    await shard.add_workers([*PEOPLE, "gpt", "bert"], ["HUMAN"] * 3 + ["MODEL"] * 2)


async def grab(shard: Shard, worker: int, count: int = 1) -> list[int]:
    try:
        return [lease.task_id for lease in await shard.lease(worker, count)]
    except NoTasks:
        return []


async def test_models_take_no_place_and_do_not_make_up_for_people(database_url: str) -> None:
    policy = Policy(overlap=2, target_confidence=0.5, require_lease=False)
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=2, policy=policy)
        await crowd(shard)
        done = await shard.submit(submissions([3, 4, 0], [1, 1, 1], task=[0, 0, 0]))
        assert done.code == [""] * 3
        view = shard.tasks(all_tasks(shard))
        assert (view.status[0], view.judgments[0]) == (OPEN, 3)  # one of two people has judged it
        # Everyone at once: two people a task, and each model as well.
        granted = await asyncio.gather(*(grab(shard, worker, 5) for worker in (1, 2, 3, 4)))
        assert [len(tasks) for tasks in granted[2:]] == [1, 1]  # they have judged the other one
        assert sorted(granted[0] + granted[1]) == [0, 1, 1]
        assert shard.memory.load[:2].tolist() == [2, 2]
        assert await grab(shard, 0) == []  # its place is taken by leases of people
    async with open_shards(database_url) as shards:
        shard = shards.get("p")
        assert shard.memory.load[:2].tolist() == [2, 2]
        await shard.submit(submissions([1, 2], [1, 1], task=[1, 1]))
        taker = 1 if 0 in granted[0] else 2
        await shard.submit(submissions([taker], [1], task=[0]))
        assert shard.tasks(all_tasks(shard)).status.tolist() == [SETTLED, SETTLED]
        over = await shard.submit(submissions([3 - taker, 0, 3], [1, 1, 1], task=[0, 1, 1]))
        assert over.code == ["OVERLAP_FULL", "OVERLAP_FULL", ""]


@pytest.mark.parametrize("count", [True, False])
async def test_the_policy_may_let_models_count(database_url: str, count: bool) -> None:
    policy = Policy(overlap=2, target_confidence=0.5, require_lease=False, models_count=not count)
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=1, policy=policy)
        await crowd(shard)
        await shard.submit(submissions([3, 4], [1, 1], task=[0, 0]))
        await shard.update_policy({"models_count": count}, None, "test")
        await shard.submit(submissions([3], [1], task=[0]))  # a flush, in which a sweep ends
        assert (shard.tasks(all_tasks(shard)).status[0] == SETTLED) == count
        assert shard.memory.load[0] == (2 if count else 0)
        judged = await shard.submit(submissions([0], [1], task=[0]))
        assert judged.code == ["OVERLAP_FULL" if count else ""]


async def test_people_race_for_their_places_whatever_models_do(database_url: str) -> None:
    rng = np.random.default_rng(4)
    policy = Policy(overlap=1, require_lease=False, leases_per_worker=50)
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=40, policy=policy)
        await crowd(shard)
        order = rng.permutation(np.repeat([0, 1, 2, 3, 4], 40)).tolist()
        granted = await asyncio.gather(*(grab(shard, worker) for worker in order))
        by_worker: dict[int, list[int]] = {}
        for worker, tasks in zip(order, granted, strict=True):
            by_worker.setdefault(worker, []).extend(tasks)
        assert sorted(by_worker[0] + by_worker[1] + by_worker[2]) == list(range(40))
        assert sorted(by_worker[3]) == sorted(by_worker[4]) == list(range(40))


async def test_a_key_says_what_its_new_worker_is(server: Serving) -> None:
    await server.make_project(overlap=1)
    await server.add_tasks("p", "a")
    given = {"role": "WORKER", "project": "p", "worker": "gpt", "kind": "MODEL"}
    token = (await server.do(CREATE_KEY, given))["token"]
    person = await server.worker_key("p", "ann")
    for holder in (token, person):
        assert len((await server.do(LEASE, {"count": 1}, holder))["leases"]) == 1
    found = await server.data('{ worker(project: "p", externalId: "gpt") { kind } }')
    assert found["worker"]["kind"] == "MODEL"

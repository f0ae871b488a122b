"""A worker may revise a judgment as often as it likes for a while, and nobody else pays for it."""

import asyncio
import time

import pytest

from api.policy import Policy
from db import reads
from db.connect import create_pool
from tests.api.rig import Clock, make_project, new_tasks, open_shards, submissions
from tests.waiting import PATIENCE

FREE = Policy(overlap=3, target_confidence=1.0, require_lease=False)
BATCH = 5_000
# The bound between two things measured beside each other, and the least of each: others use the
# machine too. A walk along the chain took hundreds of times as long.
TIMES = 10


async def test_a_revision_costs_the_same_however_many_came_before(database_url: str) -> None:
    async with open_shards(database_url) as shards, asyncio.timeout(PATIENCE):
        shard = await make_project(shards, tasks=3, workers=2, policy=FREE)
        await shard.submit(submissions([0, 1, 1], [1, 1, 2], task=[2, 0, 2]))
        for _ in range(3):
            answer = await shard.submit(submissions(0, [0, 1] * (BATCH // 2), task=[0] * BATCH))
            assert set(answer.code) == {""}
            last = int(answer.seq[-1])
        often, seldom = list[float](), list[float]()
        for label in (0, 1) * 10:
            for worker, taken in ((0, often), (1, seldom)):
                began = time.perf_counter()
                answer = await shard.submit(submissions(worker, [label], task=[0]))
                taken.append(time.perf_counter() - began)
                assert (answer.code, answer.seq.tolist()) == ([""], [last := last + 1])
        assert min(often) < TIMES * min(seldom)
        again = await shard.submit(submissions([0, 0, 1], [1, 1, 1], task=[0, 2, 0]))
        assert set(again.code) == {"DUPLICATE"}
        assert again.seq[[0, 2]].tolist() == [last - 1, last]
        pool = await create_pool(database_url, size=1)
        often.clear()
        seldom.clear()
        for _ in range(10):
            for task, taken in ((0, often), (2, seldom)):
                began = time.perf_counter()
                live = await reads.judgments_of_tasks(pool, shard.project.project_id, [task, 1])
                taken.append(time.perf_counter() - began)
                assert [row["worker_id"] for row in live] == [0, 1]
                if task == 0:
                    assert [row["seq"] for row in live] == [last - 1, last]
        assert min(often) < TIMES * min(seldom)
        await pool.close()


@pytest.mark.parametrize("labels", [[0, 1, 2, 0], [2, 2, 1, 1]])
async def test_revisions_of_one_batch_form_a_chain(database_url: str, labels: list[int]) -> None:
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=1, workers=1, policy=FREE)
        await shard.submit(submissions(0, [1], task=[0]))
        await shard.submit(submissions(0, labels, task=[0] * len(labels)))
        pool = await create_pool(database_url, size=1)
        rows = await pool.fetch("select seq, label_id, supersedes from judgment order by seq")
        await pool.close()
        assert [row["supersedes"] for row in rows] == [None, *(row["seq"] for row in rows[:-1])]
        assert rows[-1]["label_id"] == labels[-1]


@pytest.mark.parametrize("gold", [-1, 1])
async def test_what_became_of_a_task_says_nothing_about_revisions(
    database_url: str, gold: int
) -> None:
    clock = Clock()
    policy = Policy(overlap=2, min_judgments=1, target_confidence=0.5, revision_seconds=60.0)
    async with open_shards(database_url, clock) as shards:
        shard = await make_project(shards, workers=2, policy=policy)
        await shard.add_tasks(new_tasks(["a"], gold=[gold]), "test")
        await shard.submit(submissions([0, 1], [1, 1], task=[0, 0]))
        assert shard.quality().settled_tasks == 1
        clock.pass_(60)
        assert (await shard.submit(submissions(0, [0], task=[0]))).code == [""]
        clock.pass_(1)
        assert (await shard.submit(submissions([1, 0], [0, 2], task=[0, 0]))).code == [
            "TASK_CLOSED",
            "",
        ]
        await shard.update_policy({"allow_revision": False}, None, "test")
        assert (await shard.submit(submissions(0, [1], task=[0]))).code == ["TASK_CLOSED"]

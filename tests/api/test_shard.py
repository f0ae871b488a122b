"""What single calls to a shard do: rules that a random program seldom meets."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

import asyncpg
import numpy as np
import pytest

from api.errors import (
    EmptyBatch,
    InvalidLabels,
    InvalidPolicy,
    InvalidText,
    PolicyConflict,
    ProjectExists,
    Refused,
    TooManyRows,
    UnevenColumns,
    UnknownProject,
    UnknownWorker,
)
from api.limits import Limits
from api.policy import Policy
from api.projects import Label
from api.rows import OPEN, SETTLED, NewTasks
from db.connect import connect
from tests.api.rig import (
    Clock,
    all_tasks,
    derived_written,
    make_project,
    new_tasks,
    open_shards,
    submissions,
)

FREE = Policy(overlap=3, require_lease=False)


async def rows_of(url: str, query: str) -> list[asyncpg.Record]:
    connection = await connect(url)
    rows = await connection.fetch(query)
    await connection.close()
    return rows


async def test_a_revision_supersedes_and_both_stay_in_the_log(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=2, workers=2, policy=FREE)
        seqs = []
        for label in (0, 1, 2, 0):
            answer = await shard.submit(submissions(1, [label], task=[0]))
            assert answer.code == [""]
            seqs.append(int(answer.seq[0]))
        again = await shard.submit(submissions(1, [0], task=[0]))
        assert (again.code, again.seq.tolist()) == (["DUPLICATE"], seqs[-1:])
        assert shard.tasks(all_tasks(shard)).judgments.tolist() == [1, 0]
        log = await rows_of(
            database_url, "select seq, label_id, supersedes from judgment order by 1"
        )
        assert [(row[0], row[1], row[2]) for row in log] == list(
            zip(seqs, (0, 1, 2, 0), (None, *seqs[:-1]), strict=True)
        )


async def test_rows_of_one_batch_see_each_other(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=2, workers=4, policy=FREE)
        answer = await shard.submit(
            submissions(
                [0, 0, 0, 1, 2, 3, 3, 3],
                [1, 1, 2, 1, 1, 1, 1, 0],
                task=[0, 0, 0, 0, 0, 0, 1, 1],
                client=[None, None, None, "a", None, None, "b", "b"],
            )
        )
        assert answer.code == ["", "DUPLICATE", "", "", "", "OVERLAP_FULL", "", "CLIENT_ID_REUSED"]
        assert answer.seq[1] == answer.seq[0]
        assert set(answer.label.tolist()) == {1}


async def test_a_large_batch_goes_in_parts_and_lets_others_through(database_url: str) -> None:
    async with open_shards(database_url, limits=Limits(flush_rows=10)) as shards:
        shard = await make_project(shards, tasks=95, workers=2, policy=FREE)
        large = asyncio.create_task(shard.submit(submissions(0, [1] * 95, task=list(range(95)))))
        await asyncio.sleep(0)
        small = await shard.submit(submissions(1, [1], task=[0]))
        assert not large.done()
        answer = await large
        assert (small.code, answer.code) == ([""], [""] * 95)
        assert answer.task.tolist() == list(range(95))
        assert len(set(answer.seq.tolist())) == 95
        assert shard.judgment_count == 96


async def test_a_retry_gets_its_first_answer_though_it_was_revised_since(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=1, workers=1, policy=FREE)
        first = await shard.submit(submissions(0, [1], task=[0], client=["a"]))
        await shard.submit(submissions(0, [2], task=[0], client=["b"]))
        retry = await shard.submit(submissions(0, [1], task=[0], client=["a"]))
        assert (retry.code, retry.seq[0]) == (["DUPLICATE"], first.seq[0])
        assert shard.judgments_of(0)[1].tolist() == [2]


async def test_a_client_id_used_for_another_task_is_found_by_the_index(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=9, workers=2, policy=FREE)
        await shard.submit(submissions(0, [1], task=[0], client=["a"]))
        lease = (await shard.lease(1, 1))[0]
        for task in (1, 2):  # the second time ids are looked up beforehand
            answer = await shard.submit(
                submissions(
                    [0, 1, 0],
                    [1, 1, 2],
                    task=[task, task, 8],
                    client=["a", "a", f"c{task}"],
                )
            )
            assert answer.code == ["CLIENT_ID_REUSED", "" if task == 1 else "CLIENT_ID_REUSED", ""]
            await shard.submit(submissions(0, [0], task=[8], client=[f"back {task}"]))
        assert shard.tasks(all_tasks(shard)).judgments[:3].tolist() == [1, 1, 0]
        assert (await shard.submit(submissions(1, [0], lease=[lease.lease_id]))).code == [""]


async def test_a_lease_that_memory_forgot_is_looked_up(database_url: str) -> None:
    clock = Clock()
    async with open_shards(database_url, clock) as shards:
        shard = await make_project(shards, tasks=9, workers=2)
        used, released, ran_out = await shard.lease(0, 3)
        await shard.submit(submissions(0, [1], lease=[used.lease_id]))
        await shard.release(0, [released.lease_id])
        clock.pass_(601)
        kept = (await shard.lease(0, 1))[0]
    async with open_shards(database_url, clock) as shards:
        shard = shards.get("p")
        ids = [used.lease_id, released.lease_id, ran_out.lease_id, uuid4(), kept.lease_id]
        answer = await shard.submit(submissions(0, [1] * 5, lease=ids, require_lease=True))
        assert answer.code == [
            "DUPLICATE",
            "LEASE_RELEASED",
            "LEASE_EXPIRED",
            "LEASE_NOT_FOUND",
            "",
        ]
        assert await shard.release(0, ids) == [
            "LEASE_USED",
            "",
            "LEASE_EXPIRED",
            "LEASE_NOT_FOUND",
            "LEASE_USED",
        ]
        assert await shard.release(1, ids[:1]) == ["LEASE_FOREIGN"]


async def test_gold_looks_like_any_other_task_to_workers(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, workers=4, policy=Policy(gold_rate=1.0))
        await shard.add_tasks(new_tasks(["g", "t"], gold=[2, -1]), "test")
        assert shard.tasks(all_tasks(shard)).status.tolist() == [SETTLED, OPEN]
        for worker in range(3):
            leases = await shard.lease(worker, 5)
            assert sorted(lease.task_id for lease in leases) == [0, 1]
            ids = [lease.lease_id for lease in leases]
            assert (await shard.submit(submissions(worker, [1, 1], lease=ids))).code == ["", ""]
            revised = await shard.submit(submissions(worker, [0, 0], task=[0, 1]))
            assert revised.code == ["", ""]
        assert shard.workers(np.array([2], np.int32)).gold_total.tolist() == [1]
        assert shard.quality().gold_accuracy == 0.0


async def test_policy_changes_are_versioned_and_reopen_tasks(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=1, workers=4, policy=FREE)
        for worker in range(3):
            await shard.submit(submissions(worker, [worker], task=[0]))
        assert shard.quality().contested_tasks == 1
        with pytest.raises(PolicyConflict):
            await shard.update_policy({"overlap": 4}, 7, "test")
        with pytest.raises(InvalidPolicy) as refusal:
            await shard.update_policy({"overlap": 4, "min_judgments": 5}, None, "test")
        assert refusal.value.field == "min_judgments"
        project = await shard.update_policy({"overlap": 4}, 1, "test")
        assert (project.policy_version, shard.quality().open_tasks) == (2, 1)
        assert (await shard.update_policy({"overlap": 4}, 2, "test")).policy_version == 2
        assert len(await shard.lease(3, 1)) == 1
        decisions = await rows_of(
            database_url, "select body, actor from decision where kind = 'POLICY_CHANGED'"
        )
        assert len(decisions) == 1
        assert decisions[0]["body"]["policy"]["overlap"] == 4


async def test_two_changes_of_policy_at_once_are_told_apart(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=1, workers=1)
        results = await asyncio.gather(
            *(shard.update_policy({"overlap": n}, 1, "test") for n in (4, 5)),
            return_exceptions=True,
        )
        assert [type(result).__name__ for result in results] == ["Project", "PolicyConflict"]


BAD_CALLS: list[tuple[type[Refused], Callable[..., Awaitable[object]]]] = [
    (EmptyBatch, lambda shard: shard.submit(submissions(0, []))),
    (TooManyRows, lambda shard: shard.submit(submissions(0, [1] * 101))),
    (UnevenColumns, lambda shard: shard.submit(submissions(0, [1], task=[1, 2]))),
    (EmptyBatch, lambda shard: shard.lease(0, 0)),
    (UnknownWorker, lambda shard: shard.lease(9, 1)),
    (EmptyBatch, lambda shard: shard.release(0, [])),
    (InvalidText, lambda shard: shard.add_workers(["nul\0"])),
    (InvalidText, lambda shard: shard.add_workers(["lone \ud800"])),
    (InvalidText, lambda shard: shard.add_workers(["", "fine"])),
    (InvalidText, lambda shard: shard.add_workers(["x" * 501])),
    (InvalidPolicy, lambda shard: shard.update_policy({"nothing": 1}, None, "test")),
    (InvalidPolicy, lambda shard: shard.update_policy({"overlap": True}, None, "test")),
    (InvalidPolicy, lambda shard: shard.update_policy({"overlap": 2.5}, None, "test")),
    (
        InvalidPolicy,
        lambda shard: shard.update_policy({"target_confidence": float("nan")}, None, "test"),
    ),
]


@pytest.mark.parametrize(("refusal", "call"), BAD_CALLS)
async def test_bad_calls_are_refused_and_harm_nobody(
    database_url: str, refusal: type[Refused], call: Callable[..., Awaitable[object]]
) -> None:
    async with open_shards(database_url, limits=Limits(batch_rows=100)) as shards:
        shard = await make_project(shards, tasks=3, workers=1, policy=FREE)
        with pytest.raises(refusal):
            await call(shard)
        assert (await shard.submit(submissions(0, [1], task=[0]))).code == [""]


async def test_tasks_that_cannot_be_stored_are_refused_one_by_one(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await make_project(shards)
        rows = NewTasks(
            external_id=["a", "nul\0", "c", "d", "e", "f", "a", "h", "\\u0000"],
            payload=[{}, {}, {"x": "\0"}, {"x": 2**80}, {}, {}, {}, {"x": "\\u0000"}, {"y": "é"}],
            attributes=[{}] * 9,
            priority=[0, 0, 0, 0, 10, 0, 0, 9, 0],
            gold=[-1, -1, -1, -1, -1, 3, -1, -1, 2],
        )
        added = await shard.add_tasks(rows, "test")
        assert added.code == [
            "",
            "INVALID_TEXT",
            "INVALID_JSON",
            "INVALID_JSON",
            "INVALID_PRIORITY",
            "UNKNOWN_LABEL",
            "",
            "",
            "",
        ]
        assert added.task.tolist() == [0, -1, -1, -1, -1, -1, 0, 1, 2]
        assert added.created.tolist() == [True] + [False] * 6 + [True, True]
        assert shard.task_names(all_tasks(shard)) == ["a", "h", "\\u0000"]
        stored = await rows_of(database_url, "select payload from task order by task_id")
        assert [row["payload"] for row in stored] == [{}, {"x": "\\u0000"}, {"y": "é"}]


async def test_a_client_id_that_cannot_be_stored_is_refused_alone(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=3, workers=1, policy=FREE)
        for _ in range(2):
            answer = await shard.submit(
                submissions(0, [1, 1, 1], task=[2, 2, 2], client=["nul\0", "x" * 501, "fine"])
            )
            assert answer.code[:2] == ["INVALID_TEXT", "INVALID_TEXT"]
        assert answer.code[2] == "DUPLICATE"


async def test_projects_are_made_once(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        labels = [Label("a", "A"), Label("b", "B")]
        made = await asyncio.gather(
            *(shards.create_project("p", "P", labels, FREE, {"k": 1}) for _ in range(5))
        )
        assert len({id(shard) for shard in made}) == 1
        with pytest.raises(ProjectExists):
            await shards.create_project("p", "P", labels, Policy(), {"k": 1})
        with pytest.raises(InvalidLabels):
            await shards.create_project("q", "Q", labels[:1], FREE, {})
        with pytest.raises(InvalidLabels):
            await shards.create_project("q", "Q", [labels[0], labels[0]], FREE, {})
        with pytest.raises(InvalidText):
            await shards.create_project("", "Q", labels, FREE, {})
        with pytest.raises(UnknownProject):
            shards.get("q")
        assert [shard.project.external_id for shard in shards.all()] == ["p"]


async def test_derived_tables_follow_also_after_a_loss(database_url: str) -> None:
    states = "select task_id, status, judgments, label_id, gold, seq from task_state order by 1"
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=30, workers=5, policy=FREE)
        await shard.submit(submissions([0, 1, 2, 3], [1, 1, 1, 2], task=[4, 4, 4, 5]))
        await shard.set_gold(np.array([7], np.int32), np.array([0], np.int16), "test")
        await derived_written(shard)
        rows = await rows_of(database_url, states)
        views = shard.tasks(all_tasks(shard))
        assert [row["judgments"] for row in rows] == views.judgments.tolist()
        assert [row["seq"] for row in rows] == views.seq.tolist()
        assert [row["task_id"] for row in rows if row["gold"]] == [7]
        workers = await rows_of(
            database_url, "select judgments, bits from worker_state order by worker_id"
        )
        assert [row["judgments"] for row in workers] == [1, 1, 1, 1, 0]
    await rows_of(database_url, "truncate task_state")
    await rows_of(
        database_url, "update worker_state set judgments = 99, seq = 0 where worker_id = 1"
    )
    async with open_shards(database_url) as shards:
        await derived_written(shards.get("p"))
        assert len(await rows_of(database_url, states)) == 30
        again = await rows_of(
            database_url, "select judgments from worker_state where worker_id = 1"
        )
        assert [row["judgments"] for row in again] == [1]


async def test_closing_carries_out_what_waits(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=500, workers=1, policy=FREE)
        calls = [
            asyncio.create_task(shard.submit(submissions(0, [1], task=[task])))
            for task in range(500)
        ]
        await asyncio.sleep(0)
        await shards.close()
        answers = await asyncio.gather(*calls)
        assert all(answer.code == [""] for answer in answers)
    stored = await rows_of(database_url, "select count(*) from judgment")
    written = await rows_of(database_url, "select sum(judgments) from task_state")
    assert (stored[0][0], written[0][0]) == (500, 500)

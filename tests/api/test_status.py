"""Who may work: what the tests come to is in the log once, and what follows from it happens."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from api.acts import AnswerAppeal, Appeal, Cause, Decided, FreeStatus, HoldStatus, LiftPause, Ruling
from api.errors import (
    AppealOpen,
    DecisionExists,
    NoAppeal,
    NotHeld,
    NotPaused,
    WorkerBanned,
    WorkerPaused,
)
from api.limits import Limits
from api.policy import GOLD, Policy
from api.rows import Lease, Submitted
from api.shard import Shard
from api.state.vetting import BANNED, PAUSED
from db.connect import connect
from engine import STATUSES
from tests.api.rig import make_project, new_tasks, open_shards, recorded, submissions
from tests.waiting import PATIENCE

POLICY = Policy(overlap=50, require_lease=False, status_evidence=GOLD, gold_rate=0.0)
TASKS = 60


async def gold_project(shards: Any, policy: Policy = POLICY) -> Shard:
    """All tasks are gold, with label 0."""
    shard = await make_project(shards, tasks=TASKS, workers=3, policy=policy)
    await shard.set_gold(np.arange(TASKS, dtype=np.int32), np.zeros(TASKS, np.int16), "test")
    return shard


async def judge(
    shard: Shard, worker: int, tasks: Sequence[int], label: int, *, own: bool = False
) -> Submitted:
    return await shard.submit(submissions(worker, [label] * len(tasks), task=tasks, own=own))


async def until(shard: Shard, worker: int, status: int) -> int:
    """Let a worker be wrong on gold until it stands so; return how many judgments that took."""
    task = 0
    while shard.memory.vetting.barred.get(worker) != status:
        await judge(shard, worker, [task], 1)
        task += 1
    await recorded(shard)
    return task


def status(shard: Shard, worker: int) -> str:
    return shard.workers(np.array([worker], np.int32)).status[0]


async def decisions(url: str, *kinds: str) -> list[dict[str, Any]]:
    connection = await connect(url)
    rows = await connection.fetch(
        "select seq, kind, worker_id, body, actor from decision where kind = any($1) order by seq",
        list(kinds),
    )
    await connection.close()
    return [dict(row) for row in rows]


async def rule(shard: Shard, ruling: Ruling, client_id: str | None = None) -> Decided:
    return await shard.staff.rule(ruling, Cause("test", "because", {}, client_id or str(uuid4())))


async def test_each_change_of_status_is_a_decision_with_its_evidence(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await gold_project(shards)
        took = await until(shard, 0, PAUSED)
        rows = await decisions(database_url, "STATUS_CHANGED")
        assert [(row["body"]["from"], row["body"]["to"]) for row in rows] == [
            ("ACTIVE", "WATCH"),
            ("WATCH", "PAUSED"),
        ]
        last = rows[-1]
        assert (last["worker_id"], last["actor"]) == (0, "engine")
        assert last["body"]["event"] < last["seq"]
        assert last["body"]["policy_version"] == 1
        evidence = last["body"]["evidence"]
        assert (evidence["gold_right"], evidence["gold_total"]) == (0, took)
        assert evidence["against"] >= np.log(100) - 0.001
        assert status(shard, 0) == "PAUSED"
        assert status(shard, 1) == "ACTIVE"


async def test_paused_workers_finish_what_they_hold_and_banned_ones_do_not(
    database_url: str,
) -> None:
    async with open_shards(database_url) as shards:
        shard = await gold_project(shards)
        leases = await _leases_of_what_is_no_gold(shard, 0, 3)
        await until(shard, 0, PAUSED)
        with pytest.raises(WorkerPaused):
            await shard.lease(0, 1)
        done = await shard.submit(submissions(0, [0], lease=[leases[0].lease_id], own=True))
        assert done.code == [""]
        refused = await judge(shard, 0, [TASKS - 1], 0, own=True)
        assert refused.code == ["WORKER_PAUSED"]
        again = await shard.submit(submissions(0, [0], task=[leases[0].task_id], own=True))
        assert again.code == ["DUPLICATE"]
        revised = await shard.submit(submissions(0, [2], task=[leases[0].task_id], own=True))
        assert revised.code == ["WORKER_PAUSED"]
        await until(shard, 0, BANNED)
        assert shard.workers(np.zeros(1, np.int32)).open_leases.tolist() == [0]
        with pytest.raises(WorkerBanned):
            await shard.lease(0, 1)
        late = await shard.submit(submissions(0, [0], lease=[leases[1].lease_id], own=True))
        assert late.code == ["WORKER_BANNED"]
        # What others send for it is stored all the same.
        assert (await judge(shard, 0, [TASKS - 2], 0)).code == [""]
        assert (await shard.lease(1, 1))[0].task_id >= 0


async def _leases_of_what_is_no_gold(shard: Shard, worker: int, count: int) -> list[Lease]:
    await shard.add_tasks(new_tasks([f"x{i}" for i in range(count + 1)], priority=9), "test")
    leases = await shard.lease(worker, count)
    assert all(lease.external_id.startswith("x") for lease in leases)
    return leases


async def test_without_acting_on_it_a_status_is_only_told(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await gold_project(shards)
        await shard.update_policy({"act_on_status": False}, None, "test")
        leases = await _leases_of_what_is_no_gold(shard, 0, 2)
        await until(shard, 0, BANNED)
        assert status(shard, 0) == "BANNED"
        assert shard.workers(np.zeros(1, np.int32)).open_leases.tolist() == [2]
        assert len(await shard.lease(0, 1)) == 1
        await shard.update_policy({"act_on_status": True}, None, "test")
        await recorded(shard)
        assert shard.workers(np.zeros(1, np.int32)).open_leases.tolist() == [0]
        assert await shard.release(0, [leases[0].lease_id]) == [""]
        with pytest.raises(WorkerBanned):
            await shard.lease(0, 1)


async def test_staff_holds_frees_and_lifts(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await gold_project(shards)
        await until(shard, 0, PAUSED)
        with pytest.raises(NotHeld):
            await rule(shard, FreeStatus(0))
        with pytest.raises(NotPaused):
            await rule(shard, LiftPause(1))
        held = await rule(shard, HoldStatus(0, STATUSES.index("TRUSTED")), "mine")
        assert status(shard, 0) == "TRUSTED"
        again = await rule(shard, HoldStatus(0, STATUSES.index("TRUSTED")), "mine")
        assert (again.seq, again.duplicate) == (held.seq, True)
        with pytest.raises(DecisionExists):
            await rule(shard, HoldStatus(0, STATUSES.index("ACTIVE")), "mine")
        await rule(shard, FreeStatus(0))
        assert status(shard, 0) == "PAUSED"
        await rule(shard, LiftPause(0))
        assert status(shard, 0) == "WATCH"
        await recorded(shard)
        rows = await decisions(database_url, "STATUS_CHANGED")
        assert [row["body"]["to"] for row in rows] == [
            *("WATCH", "PAUSED", "TRUSTED", "PAUSED", "WATCH")
        ]
        assert rows[2]["body"]["event"] == held.seq
        await judge(shard, 0, [40], 1)  # it takes more than that
        assert status(shard, 0) == "WATCH"
        task = 41
        while status(shard, 0) == "WATCH":
            await judge(shard, 0, [task], 1)
            task += 1
        assert status(shard, 0) == "PAUSED"


async def test_a_worker_appeals_and_staff_answers(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await gold_project(shards)
        with pytest.raises(NotPaused):
            await rule(shard, Appeal(0))
        await until(shard, 0, PAUSED)
        with pytest.raises(NoAppeal):
            await rule(shard, AnswerAppeal(0, granted=True))
        first = await rule(shard, Appeal(0))
        with pytest.raises(AppealOpen):
            await rule(shard, Appeal(0))
        await rule(shard, AnswerAppeal(0, granted=False))
        assert (status(shard, 0), shard.memory.vetting.appeals) == ("PAUSED", {})
        second = await rule(shard, Appeal(0))
        assert shard.memory.vetting.appeals == {0: second.seq}
        await rule(shard, AnswerAppeal(0, granted=True))
        assert status(shard, 0) == "WATCH"
        rows = await decisions(database_url, "WORKER_APPEALED", "APPEAL_ANSWERED")
        assert [row["seq"] for row in rows if row["kind"] == "WORKER_APPEALED"] == [
            first.seq,
            second.seq,
        ]
        assert rows[-1]["body"]["appeal"] == second.seq


async def test_who_fails_the_quiz_is_paused_and_may_appeal(database_url: str) -> None:
    policy = POLICY.changed({"quiz": True, "quiz_count": 5, "quiz_share": 0.7})
    async with open_shards(database_url) as shards:
        shard = await gold_project(shards, policy)
        for worker, wrong in enumerate((1, 2, 2)):
            await judge(shard, worker, range(wrong), 1)
            await judge(shard, worker, range(wrong, 4), 0)
            assert status(shard, worker) == "QUIZ"
            await judge(shard, worker, [4], 0)
            await recorded(shard)
        assert [status(shard, worker) for worker in range(3)] == ["ACTIVE", "PAUSED", "PAUSED"]
        with pytest.raises(WorkerPaused):
            await shard.lease(1, 1)
        turned = await judge(shard, 1, [0], 0, own=True)
        assert turned.code == ["WORKER_PAUSED"]
        await rule(shard, Appeal(1))
        await rule(shard, AnswerAppeal(1, granted=True))
        assert status(shard, 1) == "ACTIVE"
        # The first answer of the others was right after all.
        await shard.set_gold(np.zeros(1, np.int32), np.ones(1, np.int16), "test")
        await recorded(shard)
        assert status(shard, 2) == "ACTIVE"
        rows = await decisions(database_url, "STATUS_CHANGED")
        assert [(row["worker_id"], row["body"]["to"]) for row in rows] == [
            (0, "ACTIVE"),
            (1, "PAUSED"),
            (2, "PAUSED"),
            (1, "ACTIVE"),
            (2, "ACTIVE"),
        ]
        evidence = rows[1]["body"]["evidence"]
        asked = ("quiz_right", "quiz_total", "quiz_needed")
        assert [evidence[name] for name in asked] == [3, 5, 4]
        project_id = shard.project.project_id
    async with open_shards(database_url) as shards:
        shard = await shards.open(project_id)
        assert [status(shard, worker) for worker in range(3)] == ["ACTIVE"] * 3
        assert len(await decisions(database_url, "STATUS_CHANGED")) == 5


async def test_a_policy_that_changes_applies_at_once(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await gold_project(shards)
        await until(shard, 0, PAUSED)
        await judge(shard, 1, [0, 1, 2], 1)
        before = status(shard, 1)
        project = await shard.update_policy({"watch_error": 0.4, "pause_error": 0.3}, None, "test")
        assert (before, status(shard, 1)) == ("ACTIVE", "PAUSED")
        await recorded(shard)
        last = (await decisions(database_url, "STATUS_CHANGED"))[-1]["body"]
        assert last["policy_version"] == project.policy_version == 2
        await shard.update_policy({"quiz": True}, None, "test")
        assert status(shard, 2) == "QUIZ"


async def test_a_project_whose_labels_shift_raises_an_alarm(database_url: str) -> None:
    async with open_shards(database_url, limits=Limits(snapshot_rows=10**9)) as shards:
        policy = Policy(overlap=2, require_lease=False)
        shard = await make_project(shards, tasks=1600, workers=2, policy=policy)
        for start in range(0, 1600, 100):
            label = 0 if start < 800 else 1
            await judge(shard, 0, range(start, start + 100), label)
        await recorded(shard)
        rows = await decisions(database_url, "PROJECT_CHANGED")
        assert [row["body"]["alarm"] for row in rows][:1] == [True]
        body = rows[0]["body"]
        assert (rows[0]["actor"], rows[0]["worker_id"], body["of"]) == ("engine", None, "LABELS")
        assert body["label"] in {"l0", "l1"}
        assert abs(body["before"] - body["after"]) > 0.3


async def test_the_feed_of_workers_tells_of_each_change(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await gold_project(shards)
        start = shard.seq
        await until(shard, 0, PAUSED)
        last = (await decisions(database_url, "STATUS_CHANGED"))[-1]["seq"]
        async with asyncio.timeout(PATIENCE):
            async for change in shard.feed.workers(start):
                if change.cursor >= last:  # of the decision itself, which is history now
                    assert 0 in change.ids
                    return

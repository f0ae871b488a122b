"""Memory from the log: the newest snapshot that is whole, then what came after it."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import asyncpg
import numpy as np

from api import snapshots
from api.alerts import Decision
from api.budget import Cost
from api.calibrated import Calibrated
from api.decisions import (
    CALIBRATED,
    GOLD_SUSPECTED,
    POLICY_CHANGED,
    REFIT,
    TASK_REOPENED,
    TASKS_ADDED,
    WORKER_DECLARED,
    WORKER_RESTORED,
    WORKER_VOIDED,
    WORKERS_ADDED,
    WORKERS_JOINED,
    WORKERS_SPLIT,
)
from api.errors import UnknownProject
from api.leases import OpenLease
from api.lessons import of_rows
from api.memory import Changed, Memory
from api.passed import MOST_PASSED
from api.policy import Policy
from api.projects import Label, Project
from api.rows import Int32s, Int64s, distinct
from api.ruling import RULINGS, ruling_of
from db import alerts, log, projects, retractions, standings
from db.connect import AnyConnection

NAMES_AT_ONCE = 100_000

_END: Final = 2**31 - 1  # beyond every dense id
_LAST: Final = 2**63 - 1  # beyond every seq
_REFIT_PART: Final = 300_000  # judgments of a part of a refit, where the log does not tell


async def read_project(connection: AnyConnection, project_id: int) -> Project:
    """Return a project as it is stored."""
    rows = await projects.project_rows(connection, project_id)
    if not rows:
        raise UnknownProject
    labels = await projects.label_rows(connection, project_id)
    return project_of(rows[0], [Label(row["external_id"], row["name"]) for row in labels])


def project_of(row: asyncpg.Record, labels: list[Label]) -> Project:
    """Return the project of a stored row."""
    return Project(
        project_id=row["project_id"],
        external_id=row["external_id"],
        name=row["name"],
        labels=tuple(labels),
        policy=Policy.from_json(row["policy"]),
        policy_version=row["policy_version"],
        attributes=row["attributes"],
        created_at=row["created_at"],
    )


async def load(connection: AnyConnection, project_id: int, until: int | None = None) -> Memory:
    """Return a project's memory as of the end of its log, or as of a seq that it has reached."""
    project = await read_project(connection, project_id)
    restored = await snapshots.restore(connection, project, until)
    memory = (
        Memory(project, restored.model, restored.vetting)
        if restored is not None
        else Memory(project)
    )
    memory.seq = memory.snapshot_seq = restored.seq if restored else 0
    await catch_up(connection, memory, restored, until)
    if until is None:
        await recall_passed(connection, memory)
    return memory


async def recall_passed(connection: AnyConnection, memory: Memory) -> None:
    """Let a memory know what workers passed over before it was there, or under another writer."""
    rows = await log.passed_tasks(connection, memory.project.project_id, MOST_PASSED)
    memory.recall_passed((row["worker_id"], row["task_id"]) for row in rows)


async def catch_up(
    connection: AnyConnection,
    memory: Memory,
    restored: snapshots.Restored | None = None,
    until: int | None = None,
) -> Changed:
    """Bring a memory to the end of the log (or to `until`), whoever wrote it.

    Leases and loads are counted anew, so this also undoes what a failed flush had planned.
    `restored` is what the memory was begun with.
    """
    tasks: list[Int32s] = []
    workers: list[Int32s] = []

    async def learn(events: log.EventRows) -> None:
        # Each act takes effect at its place among the events, as it did when they came: what it
        # moved bears its seq, by which feeds and derived tables know that it moved.
        start = 0
        while acts and acts[0]["seq"] <= events["seq"][-1]:
            place = int(np.searchsorted(events["seq"], acts[0]["seq"]))
            replay(events[start:place])
            changed = _take_act(memory, acts.popleft())
            tasks.append(changed.tasks)
            workers.append(changed.workers)
            start = place
        replay(events[start:])

    def replay(events: log.EventRows) -> None:
        if len(events) == 0:
            return
        changed = memory.replay(of_rows(events))
        tasks.append(changed.tasks)
        workers.append(changed.workers)

    project_id, before = memory.project.project_id, memory.seq
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await log.unlimit_statements(connection)
        seq = await log.last_seq(connection, project_id) if until is None else until
        tasks.append(await _new_tasks(connection, memory, until))
        workers.append(await _new_workers(connection, memory, until))
        acts = deque(await log.acts_between(connection, project_id, memory.seq, _LAST))
        _begin_with_policy(memory, acts)
        while acts and acts[-1]["seq"] > seq:
            acts.pop()
        if restored is not None:
            for act in await log.acts_between(connection, project_id, 0, memory.seq):
                _recall_act(memory, act)
            voided = await retractions.retracted_tasks(connection, project_id, memory.seq)
            memory.standing.retract(np.array(voided, np.int32))
            memory.know_again(restored.gold)
            memory.ledger.recall(restored.paid, restored.seq)
            memory.recall(restored.task_seq, restored.worker_seq)
        # Before the events: what stands when they are read is what stands in the end.
        for row in await log.gold_decisions(connection, project_id, before, seq):
            if row["task_id"] is None:  # an alert, and no more
                continue
            if row["kind"] == GOLD_SUSPECTED:
                memory.gold.suspect(row["task_id"], row["body"]["answers"])
            else:
                memory.know(row["kind"], row["seq"], row["task_id"], row["body"])
        await log.read_events(connection, project_id, memory.seq, seq, learn)
        for act in acts:
            changed = _take_act(memory, act)
            tasks.append(changed.tasks)
            workers.append(changed.workers)
        for row in await standings.verdicts(connection, project_id, before, seq):
            memory.vetting.recorded(row["kind"], row["worker_id"], row["of"], row["event"])
            if row["worker_id"] is not None:
                workers.append(memory.stamp([row["worker_id"]], row["seq"]))
        changed_alerts = [
            memory.alerts.take(Decision(*row))
            for row in await alerts.decisions(
                connection, project_id, 0 if restored is not None else before, seq
            )
        ]
        paid = await log.paid_between(connection, project_id, memory.ledger.seq, seq)
        leases = await log.open_leases(connection, project_id, until)
        # Together with the leases: what they reserved is what was paid.
        for row in paid:
            memory.ledger.pay(row["day"], Cost(row["judgments"], row["money"]))
        memory.ledger.seq = seq
        memory.restart(
            [
                OpenLease(
                    row["lease_id"],
                    row["task_id"],
                    row["worker_id"],
                    row["expires_at"].timestamp(),
                    row["price"] or 0,
                )
                for row in leases
            ]
        )
        # What a flush had left of a sweep is owed to feeds and derived tables as well.
        tasks.append(memory.sweep_all(seq))
    memory.seq = seq
    return Changed(distinct(*tasks), distinct(*workers), distinct(*changed_alerts))


def _begin_with_policy(memory: Memory, acts: Sequence[asyncpg.Record]) -> None:
    """Give the memory the policy that it had at its seq: the one before the first change since."""
    change = next((act for act in acts if act["kind"] == POLICY_CHANGED), None)
    if change is not None:
        body = change["body"]
        policy = Policy.from_json(body.get("before", body["policy"]))
        version = body["version"] - 1
        memory.begin_with(replace(memory.project, policy=policy, policy_version=version))


def _take_act(memory: Memory, act: asyncpg.Record) -> Changed:
    """Let an act of the log take effect on the memory, as `settle` did when it came."""
    seq, body = act["seq"], act["body"]
    nothing = np.zeros(0, np.int32)
    if act["kind"] == POLICY_CHANGED:
        policy = Policy.from_json(body["policy"])
        project = replace(memory.project, policy=policy, policy_version=body["version"])
        workers = memory.adopt(project, seq)
        return Changed(memory.sweep_all(seq), workers)
    if act["kind"] == CALIBRATED:
        memory.calibrate(Calibrated.of(body, seq))
        return Changed(memory.sweep_all(seq), nothing)
    if act["kind"] == REFIT:
        workers = memory.refit(seq, body.get("judgments", _REFIT_PART), begin=body["begin"])
        return Changed(memory.sweep_all(seq), workers)
    if act["kind"] == TASK_REOPENED:
        task, judgments = np.array([[act["task_id"]], [body["judgments"]]], np.int32)
        return Changed(memory.require(task, judgments, seq), nothing)
    if act["kind"] == WORKER_VOIDED:
        return Changed(nothing, memory.void(act["worker_id"], seq))
    if act["kind"] == WORKER_RESTORED:
        return Changed(nothing, memory.unvoid(act["worker_id"], seq))
    if act["kind"] == WORKER_DECLARED:
        return Changed(nothing, memory.declare(act["worker_id"], body["attributes"], seq))
    if act["kind"] == WORKERS_JOINED:
        return Changed(nothing, memory.join(body["workers"], seq))
    if act["kind"] == WORKERS_SPLIT:
        return Changed(nothing, memory.split(body["workers"], seq))
    return Changed(nothing, memory.rule(ruling_of(act), seq))


def _recall_act(memory: Memory, act: asyncpg.Record) -> None:
    """Take note of an act whose effect on model and tests a snapshot holds."""
    if act["kind"] in RULINGS:
        memory.vetting.recall(ruling_of(act), act["seq"])
    elif act["kind"] == CALIBRATED:
        memory.calibrated = Calibrated.of(act["body"], act["seq"])
    elif act["kind"] not in (POLICY_CHANGED, REFIT):
        _take_act(memory, act)


async def _new_tasks(connection: AnyConnection, memory: Memory, until: int | None) -> Int32s:
    first, project_id = len(memory.tasks), memory.project.project_id
    end = await _count(connection, memory, TASKS_ADDED, until)
    while True:
        start = len(memory.tasks)
        names, priorities = await projects.task_names(
            connection, project_id, start, min(start + NAMES_AT_ONCE, end)
        )
        if not names:
            break
        end_of_part = start + len(names)
        asking = await projects.asking_tasks(connection, project_id, start, end_of_part)
        memory.add_tasks(names, priorities, 0, asking)
    await _stamp(connection, memory, TASKS_ADDED, memory.standing.seq, first)
    return np.arange(first, len(memory.tasks), dtype=np.int32)


async def _new_workers(connection: AnyConnection, memory: Memory, until: int | None) -> Int32s:
    first, project_id = len(memory.workers), memory.project.project_id
    end = await _count(connection, memory, WORKERS_ADDED, until)
    while True:
        start = len(memory.workers)
        names, kinds = await projects.worker_names(
            connection, project_id, start, min(start + NAMES_AT_ONCE, end)
        )
        if not names:
            break
        end_of_part = start + len(names)
        declared = await projects.worker_attributes(connection, project_id, start, end_of_part)
        memory.add_workers(names, kinds, 0, declared)
    await _stamp(connection, memory, WORKERS_ADDED, memory.standing.worker_seq, first)
    return np.arange(first, len(memory.workers), dtype=np.int32)


async def _stamp(
    connection: AnyConnection, memory: Memory, kind: str, seqs: Int64s, first: int
) -> None:
    for row in await log.additions(connection, memory.project.project_id, memory.seq, kind):
        seqs[max(row["first"], first) : row["first"] + row["count"]] = row["seq"]


async def _count(connection: AnyConnection, memory: Memory, kind: str, until: int | None) -> int:
    """How many tasks or workers there were at a seq; without one, more than there can be."""
    if until is None:
        return _END
    rows = await log.additions(connection, memory.project.project_id, 0, kind)
    if not rows:  # they came by another way than through a writer, before the log began
        return _END
    then = [int(row["first"] + row["count"]) for row in rows if row["seq"] <= until]
    return max(then, default=int(min(row["first"] for row in rows)))

"""Memory from the log: the newest snapshot that is whole, then what came after it."""

from collections import deque
from dataclasses import replace

import asyncpg
import numpy as np

from api import snapshots
from api.errors import UnknownProject
from api.leases import OpenLease
from api.memory import Changed, Memory
from api.plan import TASKS_ADDED, WORKERS_ADDED
from api.policy import Policy
from api.projects import Label, Project
from api.rows import Int32s, Int64s
from db import log, projects
from db.connect import AnyConnection
from engine import Events

NAMES_AT_ONCE = 100_000


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


async def load(connection: AnyConnection, project_id: int) -> Memory:
    """Return a project's memory as of the end of its log."""
    project = await read_project(connection, project_id)
    restored = await snapshots.restore(connection, project)
    memory = Memory(project, restored.model if restored else None)
    memory.seq = memory.snapshot_seq = restored.seq if restored else 0
    await catch_up(connection, memory, restored)
    return memory


async def catch_up(
    connection: AnyConnection, memory: Memory, restored: snapshots.Restored | None = None
) -> Changed:
    """Bring a memory to the end of the log, whoever wrote it.

    Leases and loads are counted anew, so this also undoes what a failed flush had planned.
    `restored` is what the memory was begun with.
    """
    tasks: list[Int32s] = []
    workers: list[Int32s] = []

    async def learn(events: log.EventRows) -> None:
        # Each policy takes effect at its place among the events, as it did when they came: what it
        # moved bears its seq, by which feeds and derived tables know that it moved.
        start = 0
        while policies and policies[0]["seq"] <= events["seq"][-1]:
            place = int(np.searchsorted(events["seq"], policies[0]["seq"]))
            replay(events[start:place])
            adopt(policies.popleft())
            start = place
        replay(events[start:])

    def adopt(row: asyncpg.Record) -> None:
        project = replace(
            memory.project,
            policy=Policy.from_json(row["policy"]),
            policy_version=row["version"],
        )
        tasks.append(memory.adopt(project, row["seq"]))

    def replay(events: log.EventRows) -> None:
        if len(events) == 0:
            return
        changed = memory.replay(
            Events(
                events["kind"].astype(np.uint8),
                events["task"].astype(np.int32),
                events["worker"].astype(np.int32),
                events["label"].astype(np.int16),
            ),
            events["seq"].astype(np.int64),
        )
        tasks.append(changed.tasks)
        workers.append(changed.workers)

    project_id = memory.project.project_id
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await log.unlimit_statements(connection)
        seq = await log.last_seq(connection, project_id)
        tasks.append(await _new_tasks(connection, memory))
        workers.append(await _new_workers(connection, memory))
        policies = deque(await log.policy_changes(connection, project_id, memory.seq))
        if policies:
            first = policies[0]
            memory.project = replace(
                memory.project,
                policy=Policy.from_json(first["before"]),
                policy_version=first["version"] - 1,
            )
        if restored is not None:
            memory.recall(restored.task_seq, restored.worker_seq)
        await log.read_events(connection, project_id, memory.seq, seq, learn)
        for policy in policies:
            adopt(policy)
        memory.restart(
            [
                OpenLease(
                    row["lease_id"], row["task_id"], row["worker_id"], row["expires_at"].timestamp()
                )
                for row in await log.open_leases(connection, project_id)
            ]
        )
    memory.seq = seq
    return Changed(np.unique(np.concatenate(tasks)), np.unique(np.concatenate(workers)))


async def _new_tasks(connection: AnyConnection, memory: Memory) -> Int32s:
    first, project_id = len(memory.tasks), memory.project.project_id
    while True:
        start = len(memory.tasks)
        names, priorities = await projects.task_names(
            connection, project_id, start, start + NAMES_AT_ONCE
        )
        if not names:
            break
        memory.add_tasks(names, priorities, 0)
    await _stamp(connection, memory, TASKS_ADDED, memory.standing.seq, first)
    return np.arange(first, len(memory.tasks), dtype=np.int32)


async def _new_workers(connection: AnyConnection, memory: Memory) -> Int32s:
    first, project_id = len(memory.workers), memory.project.project_id
    while True:
        start = len(memory.workers)
        names = await projects.worker_names(connection, project_id, start, start + NAMES_AT_ONCE)
        if not names:
            break
        memory.add_workers(names, 0)
    await _stamp(connection, memory, WORKERS_ADDED, memory.standing.worker_seq, first)
    return np.arange(first, len(memory.workers), dtype=np.int32)


async def _stamp(
    connection: AnyConnection, memory: Memory, kind: str, seqs: Int64s, first: int
) -> None:
    for row in await log.additions(connection, memory.project.project_id, memory.seq, kind):
        seqs[max(row["first"], first) : row["first"] + row["count"]] = row["seq"]

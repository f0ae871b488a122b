"""Memory from the log: the newest snapshot that is whole, then what came after it."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

import asyncpg

from api.decisions import TASKS_ADDED, WORKERS_ADDED
from api.errors import UnknownProject
from api.log import snapshots
from api.log.interval import Beginning, Interval, Rows
from api.memory import Changed, Memory
from api.policy import Policy
from api.projects import Label, Project
from api.rows import Int64s, distinct
from api.state.passed import MOST_PASSED
from db import alerts, log, projects, retractions, standings
from db.connect import AnyConnection

NAMES_AT_ONCE = 100_000

_END: Final = 2**31 - 1  # beyond every dense id
_LAST: Final = 2**63 - 1  # beyond every seq

Step: TypeAlias = Callable[[], list[Changed]]  # of a memory, by something read from the log


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
    # Each step at once: the events of a long log would take much room, and if the connection
    # breaks nobody has seen this memory.
    await _read(connection, memory, lambda step: step(), restored, until)
    if until is None:
        await recall_passed(connection, memory)
    return memory


async def recall_passed(connection: AnyConnection, memory: Memory) -> None:
    """Let a memory know what workers passed over before it was there, or under another writer."""
    rows = await log.passed_tasks(connection, memory.project.project_id, MOST_PASSED)
    memory.recall_passed((row["worker_id"], row["task_id"]) for row in rows)


async def catch_up(connection: AnyConnection, memory: Memory) -> Changed:
    """Bring a memory to the end of the log, whoever wrote it.

    Leases and loads are counted anew, so this also undoes what a failed flush had planned. All is
    read before the memory changes: if the connection breaks, it is as it was.
    """
    steps: list[Step] = []
    await _read(connection, memory, steps.append)
    changed = [each for step in steps for each in step()]
    return Changed(
        distinct(*(each.tasks for each in changed)),
        distinct(*(each.workers for each in changed)),
        distinct(*(each.alerts for each in changed)),
    )


async def _read(
    connection: AnyConnection,
    memory: Memory,
    take: Callable[[Step], object],
    restored: snapshots.Restored | None = None,
    until: int | None = None,
) -> None:
    """Hand the steps from a memory's seq to the end of the log, or to `until`, to `take`, in order;
    they may be carried out at once or later. `restored` is what the memory was begun with."""
    project_id, after = memory.project.project_id, memory.seq
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await log.unlimit_statements(connection)
        end = await log.last_seq(connection, project_id) if until is None else until
        await _read_tasks(connection, memory, until, take)
        await _read_workers(connection, memory, until, take)
        beginning = None
        if restored is not None:
            acts = await log.acts_between(connection, project_id, 0, after)
            retracted = await retractions.retracted_tasks(connection, project_id, after)
            beginning = Beginning(restored, acts, retracted)
        interval = Interval(
            end,
            deque(await log.acts_between(connection, project_id, after, _LAST)),
            await log.gold_decisions(connection, project_id, after, end),
            await standings.verdicts(connection, project_id, after, end),
            await alerts.decisions(connection, project_id, 0 if restored else after, end),
            await log.paid_between(connection, project_id, after, end),
            await log.open_leases(connection, project_id, until),
        )
        take(partial(interval.open, memory, beginning))

        async def learn(events: log.EventRows) -> None:
            take(partial(interval.learn, memory, events))

        await log.read_events(connection, project_id, after, end, learn)
    take(partial(interval.close, memory))


async def _read_tasks(
    connection: AnyConnection, memory: Memory, until: int | None, take: Callable[[Step], object]
) -> None:
    project_id, first = memory.project.project_id, len(memory.tasks)
    start, end = first, await _count(connection, memory, TASKS_ADDED, until)
    while True:
        names, priorities = await projects.task_names(
            connection, project_id, start, min(start + NAMES_AT_ONCE, end)
        )
        if not names:
            break
        end_of_part = start + len(names)
        asking = await projects.asking_tasks(connection, project_id, start, end_of_part)
        take(partial(_add_tasks, memory, names, priorities, asking))
        start = end_of_part
    added = await log.additions(connection, project_id, memory.seq, TASKS_ADDED)
    take(lambda: _stamp(memory.standing.seq, first, added))


async def _read_workers(
    connection: AnyConnection, memory: Memory, until: int | None, take: Callable[[Step], object]
) -> None:
    project_id, first = memory.project.project_id, len(memory.workers)
    start, end = first, await _count(connection, memory, WORKERS_ADDED, until)
    while True:
        names, kinds = await projects.worker_names(
            connection, project_id, start, min(start + NAMES_AT_ONCE, end)
        )
        if not names:
            break
        end_of_part = start + len(names)
        declared = await projects.worker_attributes(connection, project_id, start, end_of_part)
        take(partial(_add_workers, memory, names, kinds, declared))
        start = end_of_part
    added = await log.additions(connection, project_id, memory.seq, WORKERS_ADDED)
    take(lambda: _stamp(memory.standing.worker_seq, first, added))


def _add_tasks(
    memory: Memory,
    names: Sequence[str],
    priorities: Sequence[int],
    attributes: Mapping[int, Mapping[str, Any]],
) -> list[Changed]:
    return [Changed(memory.add_tasks(names, priorities, 0, attributes), distinct())]


def _add_workers(
    memory: Memory,
    names: Sequence[str],
    kinds: Sequence[str],
    attributes: Mapping[int, Mapping[str, Any]],
) -> list[Changed]:
    return [Changed(distinct(), memory.add_workers(names, kinds, 0, attributes))]


def _stamp(seqs: Int64s, first: int, added: Rows) -> list[Changed]:
    for row in added:
        seqs[max(row["first"], first) : row["first"] + row["count"]] = row["seq"]
    return []


async def _count(connection: AnyConnection, memory: Memory, kind: str, until: int | None) -> int:
    """How many tasks or workers there were at a seq; without one, more than there can be."""
    if until is None:
        return _END
    rows = await log.additions(connection, memory.project.project_id, 0, kind)
    if not rows:  # they came by another way than through a writer, before the log began
        return _END
    then = [int(row["first"] + row["count"]) for row in rows if row["seq"] <= until]
    return max(then, default=int(min(row["first"] for row in rows)))

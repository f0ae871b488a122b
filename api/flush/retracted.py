"""What memory and log know of the judgments that an act of staff holds back, or gives back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg
import numpy as np

from api.acts import (
    Act,
    JoinWorkers,
    RestoreWorker,
    Row,
    Selection,
    SplitWorkers,
    VoidJudgments,
    VoidWorker,
)
from api.flush.election import outvoted, with_seqs
from api.flush.requests import Retract
from api.memory import Memory
from api.rows import Int32s
from db import log, retractions
from db.connect import AnyConnection

PART: Final = 125  # judgments that one flush of several holds back or gives back, some 5 ms


Decision = tuple[int, dict[str, Any]]  # seq and body


@dataclass(slots=True)
class Facts:
    """What the log says about an act. `decided` (seq, body) before, under its client id."""

    decided: Decision | None = None
    rows: list[Row] = field(default_factory=list)
    more: bool = False  # there are more rows than these
    missing: int | None = None  # a judgment that does not count, and is not muted


async def ask(connection: AnyConnection, memory: Memory, request: Retract) -> Facts:
    """Ask for all that planning the request takes."""
    facts, act = Facts(), request.act
    if request.cause is not None:
        facts.decided = await decided(connection, memory, request.cause.client_id)
    if request.part is not None:
        facts.rows, facts.more = await _unchanged(connection, memory, request), request.more
    elif isinstance(act, VoidJudgments):
        facts.rows = await rows_of(connection, memory, act, None)
        facts.missing = next(iter(set(act.seqs) - {row.seq for row in facts.rows}), None)
    elif not isinstance(act, JoinWorkers | SplitWorkers):  # these are asked part by part
        rows = await rows_of(connection, memory, act, PART + 1)
        facts.rows, facts.more = rows[:PART], len(rows) > PART
    if isinstance(act, VoidWorker | JoinWorkers):
        facts.rows = await with_seqs(connection, memory, facts.rows)
    return facts


async def decided(connection: AnyConnection, memory: Memory, client_id: str) -> Decision | None:
    """What was decided under a client id, if anything was."""
    found = await retractions.decision(connection, memory.project.project_id, client_id)
    return None if found is None else (found["seq"], found["body"])


async def _unchanged(connection: AnyConnection, memory: Memory, request: Retract) -> list[Row]:
    """Rows of a part that can still be held back, or given back."""
    act, part = request.act, request.part or ()
    if isinstance(act, RestoreWorker | SplitWorkers):
        return await _held(connection, memory, act, [row.seq for row in part], None)
    tasks = np.array([row.task for row in part], np.int32)
    labels = memory.labels_of(tasks, np.array([row.worker for row in part], np.int32)).tolist()
    found = zip(part, labels, strict=True)
    rows = [row._replace(label=label) for row, label in found if row.turns and label >= 0]
    if isinstance(act, VoidWorker) and len(rows) < len(part):
        rows += await _muted(connection, memory, [row.seq for row in part if not row.turns], None)
    return rows


async def rows_of(
    connection: AnyConnection, memory: Memory, act: Act, most: int | None
) -> list[Row]:
    """Return the judgments that an act holds back or gives back now, up to `most` of them."""
    match act:
        case VoidWorker(worker):
            rows = _judged_by(memory, worker, most)
            if memory.voices.group(worker) and (most is None or len(rows) < most):
                left = None if most is None else most - len(rows)
                muted = await _muted(connection, memory, None, None)
                rows += [row for row in muted if row.worker == worker][:left]
            return rows
        case VoidJudgments(seqs):
            project_id, joins = memory.project.project_id, memory.voices.decisions
            found = await retractions.standing(connection, project_id, seqs, joins)
            return [
                Row(row["seq"], row["task_id"], row["worker_id"], row["label_id"])._replace(
                    turns=row["counts"]
                )
                for row in found
                if row["last"] and not row["voided"]
            ]
        case JoinWorkers(workers):
            return await outvoted(connection, memory, [memory.voices.all_of(workers)])
        case RestoreWorker() | SplitWorkers():
            return await _held(connection, memory, act, None, most)
        case _:
            return []


async def _held(
    connection: AnyConnection,
    memory: Memory,
    act: RestoreWorker | SplitWorkers,
    judgments: Sequence[int] | None,
    most: int | None,
) -> list[Row]:
    """What the decisions that an act takes back hold back still."""
    voices, project_id = memory.voices, memory.project.project_id
    match act:
        case RestoreWorker(worker):
            decisions = [memory.voided[worker]] if worker in memory.voided else []
        case SplitWorkers(workers):
            groups = {group for worker in workers if (group := voices.group(worker))}
            # Once it is decided there are no such groups.
            decisions = [seq for group in groups for seq in group.decisions] or [*voices.dissolved]
    found = await retractions.held_by(connection, project_id, decisions, judgments, most)
    rows = _as_they_came([_given_back(row) for row in found])
    if isinstance(act, RestoreWorker):
        spoken = memory.spoken_for(*_columns(rows))
        return [
            row._replace(turns=False, mutes=True) if row.turns and silent else row
            for row, silent in zip(rows, spoken, strict=True)
        ]
    return rows


async def _muted(
    connection: AnyConnection, memory: Memory, judgments: Sequence[int] | None, most: int | None
) -> list[Row]:
    """What only joins hold back; of a project or of these judgments."""
    project_id, joins = memory.project.project_id, memory.voices.decisions
    found = await retractions.held_by(connection, project_id, joins, judgments, most)
    return [_given_back(row)._replace(decision=-1, turns=False) for row in found if row["alone"]]


def _as_they_came(rows: list[Row]) -> list[Row]:
    """In the order in which they were judged, but those of a task together: who is judged by its
    latest work must get it back as the latest."""
    first: dict[int, int] = {}
    for row in rows:
        first[row.task] = min(first.get(row.task, row.seq), row.seq)
    return sorted(rows, key=lambda row: (first[row.task], row.seq))


def _given_back(row: asyncpg.Record) -> Row:
    return Row(
        row["judgment"],
        row["task_id"],
        row["worker_id"],
        row["label_id"],
        row["seconds"],
        row["decision"],
        turns=row["alone"],
    )


async def selected(
    connection: AnyConnection, memory: Memory, selection: Selection
) -> tuple[int, ...]:
    """Return the seqs of the judgments that a selection means, in order."""
    worker, tasks = selection.worker, selection.tasks
    wanted = None if tasks is None else frozenset(tasks)
    if worker is not None:
        found = [(row.task, worker) for row in _judged_by(memory, worker, None)]
        if wanted is not None:
            found = [(task, who) for task, who in found if task in wanted]
    else:
        found = [
            (task, who)
            for task in tasks or ()
            for who in memory.model.judgments_of(task)[0].tolist()
        ]
    project_id = memory.project.project_id
    tasks_found, workers_found = [task for task, _ in found], [who for _, who in found]
    rows = await log.live_judgments(connection, project_id, tasks_found, workers_found)
    seqs = [row["seq"] for row in rows]
    if memory.voices:
        seqs += [
            row.seq
            for row in await _muted(connection, memory, None, None)
            if worker in (None, row.worker) and (wanted is None or row.task in wanted)
        ]
    came = await retractions.times(connection, project_id, seqs)
    since, until = selection.since, selection.until
    return tuple(
        row["seq"]
        for row in came
        if (since is None or row["created_at"] >= since)
        and (until is None or row["created_at"] < until)
    )


def _columns(rows: Sequence[Row]) -> tuple[Int32s, Int32s]:
    return (
        np.array([row.task for row in rows], np.int32),
        np.array([row.worker for row in rows], np.int32),
    )


def _judged_by(memory: Memory, worker: int, most: int | None) -> list[Row]:
    """A worker's live judgments by task. Cost: O(its judgments)."""
    tasks = np.sort(memory.vetting.tests.judged_by(worker))[:most]
    labels = memory.labels_of(tasks, np.full(len(tasks), worker, np.int32))
    return [
        Row(-1, task, worker, label)
        for task, label in zip(tasks.tolist(), labels.tolist(), strict=True)
    ]

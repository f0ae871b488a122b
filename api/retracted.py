"""What memory and log know of the judgments that an act of staff voids or restores."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from api.acts import Act, RestoreWorker, Row, Selection, VoidJudgments, VoidWorker
from api.leases import pair
from api.memory import Memory
from api.requests import Retract
from db import log, retractions
from db.connect import AnyConnection

PART: Final = 250  # judgments that are voided or restored in one flush of several, some 10 ms
_SCANNED: Final = 20_000  # tasks that are looked through at a time for a worker's judgments


Decision = tuple[int, dict[str, Any]]  # seq and body


@dataclass(slots=True)
class Facts:
    """What the log says about an act. `decided` (seq, body) before, under its client id."""

    decided: Decision | None = None
    rows: list[Row] = field(default_factory=list)
    more: bool = False  # there are more rows than these
    missing: int | None = None  # a judgment that does not count


async def ask(connection: AnyConnection, memory: Memory, request: Retract) -> Facts:
    """Ask for all that planning the request takes."""
    project_id = memory.project.project_id
    facts = Facts()
    if request.cause is not None:
        facts.decided = await decided(connection, memory, request.cause.client_id)
    if request.part is not None:
        facts.rows, facts.more = _unchanged(memory, request), request.more
    else:
        rows = await rows_of(connection, memory, request.act, PART + 1)
        if isinstance(request.act, VoidJudgments):
            facts.rows = rows
            facts.missing = next(iter(set(request.act.seqs) - {row.seq for row in rows}), None)
        else:
            facts.rows, facts.more = rows[:PART], len(rows) > PART
    if isinstance(request.act, VoidWorker) and facts.rows:
        tasks, workers = [row.task for row in facts.rows], [row.worker for row in facts.rows]
        stored = await log.live_judgments(connection, project_id, tasks, workers)
        seqs = {pair(row["task_id"], row["worker_id"]): row["seq"] for row in stored}
        facts.rows = [row._replace(seq=seqs[pair(row.task, row.worker)]) for row in facts.rows]
    return facts


async def decided(connection: AnyConnection, memory: Memory, client_id: str) -> Decision | None:
    """What was decided under a client id, if anything was."""
    found = await retractions.decision(connection, memory.project.project_id, client_id)
    return None if found is None else (found["seq"], found["body"])


def _unchanged(memory: Memory, request: Retract) -> list[Row]:
    """Rows of a part that can still be voided, or restored."""
    part = request.part or ()
    tasks = np.array([row.task for row in part], np.int32)
    labels = memory.labels_of(tasks, np.array([row.worker for row in part], np.int32)).tolist()
    if isinstance(request.act, RestoreWorker):
        return [row for row, label in zip(part, labels, strict=True) if label < 0]
    found = zip(part, labels, strict=True)
    return [row._replace(label=label) for row, label in found if label >= 0]


async def rows_of(
    connection: AnyConnection, memory: Memory, act: Act, most: int | None
) -> list[Row]:
    """Return the judgments that an act voids or restores now, up to `most` of them."""
    project_id = memory.project.project_id
    match act:
        case VoidWorker(worker):
            return await _judged_by(memory, worker, most)
        case VoidJudgments(seqs):
            found = await retractions.standing(connection, project_id, seqs)
            return [
                Row(row["seq"], row["task_id"], row["worker_id"], row["label_id"])
                for row in found
                if row["counts"]
            ]
        case RestoreWorker(worker) if worker in memory.voided:
            voided = memory.voided[worker]
            found = await retractions.voided_by(connection, project_id, voided, most)
            return [
                Row(row["judgment"], row["task_id"], worker, row["label_id"], row["seconds"])
                for row in found
            ]
        case _:
            return []


async def selected(
    connection: AnyConnection, memory: Memory, selection: Selection
) -> tuple[int, ...]:
    """Return the seqs of the judgments that a selection means, in order."""
    worker, tasks = selection.worker, selection.tasks
    if worker is not None:
        found = [(row.task, worker) for row in await _judged_by(memory, worker, None)]
        if tasks is not None:
            wanted = frozenset(tasks)
            found = [(task, who) for task, who in found if task in wanted]
    else:
        found = [
            (task, who)
            for task in tasks or ()
            for who in memory.model.judgments_of(task)[0].tolist()
        ]
    if not found:
        return ()
    project_id = memory.project.project_id
    rows = await log.live_judgments(connection, project_id, *map(list, zip(*found, strict=True)))
    came = await retractions.times(connection, project_id, [row["seq"] for row in rows])
    since, until = selection.since, selection.until
    return tuple(
        row["seq"]
        for row in came
        if (since is None or row["created_at"] >= since)
        and (until is None or row["created_at"] < until)
    )


async def _judged_by(memory: Memory, worker: int, most: int | None) -> list[Row]:
    """A worker's live judgments by task. Cost: O(tasks); others get their turn in between."""
    rows: list[Row] = []
    for start in range(0, len(memory.tasks), _SCANNED):
        tasks = np.arange(start, min(start + _SCANNED, len(memory.tasks)), dtype=np.int32)
        labels = memory.labels_of(tasks, np.full(len(tasks), worker, np.int32))
        judged = labels >= 0
        rows += (
            Row(-1, task, worker, label)
            for task, label in zip(tasks[judged].tolist(), labels[judged].tolist(), strict=True)
        )
        if most is not None and len(rows) >= most:
            return rows[:most]
        await asyncio.sleep(0)
    return rows

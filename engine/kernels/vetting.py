"""Folding events into the tests one by one, and telling whose status that changes.

The state is a function of the sequence of events alone: a new table is due by counts of events, so
that cutting the sequence into other batches gives the same bits.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from numba.core import types as _types
from numba.experimental import structref as _structref

from engine.jit import bare, borrow, kernel
from engine.kernels import evidence, haste, rows, shift, verdict
from engine.kernels.evidence import (
    BLOCK,
    EVENTS,
    FIT_AT,
    SEVERAL,
    TASKS_SEEN,
    WORKERS_SEEN,
    Record,
    label_of,
)
from engine.kernels.rows import Rows
from engine.kernels.shift import AGREEMENT, FOUND, LABELS, Shift
from engine.kernels.stream import GOLD, JUDGE, RETRACT
from engine.kernels.verdict import FINDINGS, OTHERS, OWN, Verdicts

types: Any = _types  # numba's own functions bear no types
structref: Any = _structref

Longs = npt.NDArray[np.int64]

DONE, NO_ROOM, FIT_DUE, OUT_FULL, TOO_SMALL, BAD_ID, BAD_LABEL = range(7)  # why `apply` returned

EVENT, WORKER, WAS, IS, ALARMS = range(5)  # columns of transitions; the findings follow
TRANSITION = 5 + FINDINGS
TURN = 3 + FOUND  # columns of turns of the project: event, stream, alarm, and what was found


@structref.register
class HandleType(_types.StructRef):
    """numba's type of a handle."""

    def preprocess_fields(self, fields: Any) -> Any:
        """Forget literal values: they would make types of their own."""
        return tuple((name, types.unliteral(kind)) for name, kind in fields)


class Handle(_structref.StructRefProxy):
    """One handle on all arrays, none of which it keeps alive; see `engine.kernels.memory`."""

    if TYPE_CHECKING:

        def __init__(self, *arrays: Any) -> None: ...


structref.define_proxy(Handle, HandleType, ["votes", "work", "record", "verdicts", "shift"])


@kernel
def bind(votes: Any, work: Any, record: Any, verdicts: Any, shift: Any) -> Any:
    """A handle on these arrays; the caller keeps them alive."""
    return Handle(borrow(votes), borrow(work), borrow(record), borrow(verdicts), borrow(shift))


@bare
def look(
    votes: Rows,
    work: Rows,
    record: Record,
    verdicts: Verdicts,
    worker: int,
    event: int,
    anew: bool,
    out: Longs,
    told: int,
) -> int:
    """Set the worker's status and alarms; if they change, put a transition at out[told]. Returns
    how many there are then."""
    verdict.find_out(votes, work, record, verdicts, worker)
    status, alarms, record.room[worker] = verdict.conclude(verdicts, worker, anew)
    was = verdicts.status[worker]
    if status == was and alarms == verdicts.alarms[worker]:
        return told
    verdicts.status[worker] = status
    verdicts.alarms[worker] = alarms
    out[told, EVENT] = event
    out[told, WORKER] = worker
    out[told, WAS] = was
    out[told, IS] = status
    out[told, ALARMS] = alarms
    for place in range(FINDINGS):
        out[told, ALARMS + 1 + place] = verdicts.findings[place]
    return told + 1


@bare
def _count_task(votes: Rows, record: Record, counts: Shift, task: int, limit: float) -> int:
    """Count a task that has had its first or second judgment just now; returns the stream in which
    that raises or ends an alarm, or -1."""
    if record.gold[task] >= 0 or votes.length[task] > 2:
        return -1
    stream = LABELS if votes.length[task] == 1 else AGREEMENT
    first: Any = np.int64(label_of(votes.note[votes.start[task]]))
    last = label_of(votes.note[votes.start[task] + votes.length[task] - 1])
    category: Any = first if stream == LABELS else np.int64(1 if first == last else 0)
    return stream if shift.count(counts, stream, category, limit) else -1


@bare
def _examine(
    kinds: npt.NDArray[np.uint8],
    tasks: npt.NDArray[np.int32],
    workers: npt.NDArray[np.int32],
    labels: npt.NDArray[np.int16],
    record: Record,
    verdicts: Verdicts,
) -> int:
    """What keeps events from being applied: DONE (nothing), TOO_SMALL, BAD_ID or BAD_LABEL."""
    found = DONE
    for e in range(kinds.shape[0]):
        if tasks[e] < 0 or workers[e] < 0:
            return BAD_ID
        lowest = 0 if kinds[e] == JUDGE else -1
        count = record.labels.shape[0]
        # An answer of several labels has a bit for each.
        most = count + (1 << count) if kinds[e] == GOLD and count <= SEVERAL else count
        if kinds[e] != RETRACT and not lowest <= labels[e] < most:
            return BAD_LABEL
        if tasks[e] >= record.gold.shape[0] or workers[e] >= verdicts.status.shape[0]:
            found = TOO_SMALL
    return found


@bare
def _wait(votes: Rows, verdicts: Verdicts, task: int, worker: int) -> None:
    """Let the worker of an event (gold has none: -1), and the others of its task, wait for the end
    of an act."""
    waiting = verdicts.waiting
    if worker >= 0:
        waiting[worker] |= OWN
    first = votes.start[task]
    for row in range(first, first + votes.length[task]):
        waiting[votes.member[row]] |= OTHERS


@bare
def _apply(
    kinds: npt.NDArray[np.uint8],
    tasks: npt.NDArray[np.int32],
    workers: npt.NDArray[np.int32],
    labels: npt.NDArray[np.int16],
    paces: npt.NDArray[np.uint8],
    parts: npt.NDArray[np.bool_],
    begin: int,
    votes: Rows,
    work: Rows,
    record: Record,
    verdicts: Verdicts,
    counts: Shift,
    limit: float,
    out: Longs,
    turns: npt.NDArray[np.float64],
) -> tuple[int, int, int, int]:
    if begin == 0:
        obstacle = _examine(kinds, tasks, workers, labels, record, verdicts)
        if obstacle != DONE:
            return 0, obstacle, 0, 0
    progress = record.progress
    told = 0
    turned = 0
    for e in range(begin, kinds.shape[0]):
        if progress[EVENTS] >= progress[FIT_AT]:
            return e, FIT_DUE, told, turned
        kind = kinds[e]
        task: Any = np.int64(tasks[e])
        worker: Any = np.int64(workers[e] if kind != GOLD else 0)
        label: Any = np.int64(labels[e])
        pace: Any = np.int64(paces[e])
        has_room = rows.has_room(votes, task) and rows.has_room(work, worker)
        if not has_room or votes.length[task] >= record.before.shape[0]:
            return e, NO_ROOM, told, turned
        if told + votes.length[task] + 2 > out.shape[0] or turned == turns.shape[0]:
            return e, OUT_FULL, told, turned
        progress[TASKS_SEEN] = max(progress[TASKS_SEEN], task + 1)
        if kind != GOLD:
            progress[WORKERS_SEEN] = max(progress[WORKERS_SEEN], worker + 1)
        progress[EVENTS] += 1
        length = votes.length[task]
        index: Any = np.int64(-1)
        if kind == RETRACT:
            index = rows.find(work, worker, task, work.length[worker]) - work.start[worker]
        changed = evidence.change(votes, work, record, kind, task, worker, label, pace)
        if not changed:
            continue
        new = votes.length[task] > length
        at = work.length[worker]
        paced = False
        if kind == RETRACT:
            paced = haste.forget(work, verdicts, worker, index)
        if parts[e]:
            _wait(votes, verdicts, task, worker if kind != GOLD else -1)
        elif kind == RETRACT and paced:
            haste.follow_anew(work, verdicts, worker)
        elif new and verdicts.waiting[worker] & OWN == 0:
            paced = haste.follow(work, verdicts, worker)
        # What room does not tell: a block more, another pace, gold.
        moved = paced or (new and at % BLOCK == 1) or record.gold[task] >= 0
        # First the worker itself, then the others whose evidence may have moved.
        alone = new and record.gold[task] >= 0
        first = votes.start[task]
        before = first if kind == GOLD else first - 1
        for row in range(before, first if alone else first + votes.length[task]):
            who: Any = worker if row < first else np.int64(votes.member[row])
            own = kind != GOLD and who == worker
            if verdicts.waiting[who] != 0:
                continue
            if own == (row < first) and ((own and moved) or kind != JUDGE or record.room[who] < 0):
                told = look(votes, work, record, verdicts, who, e, kind != JUDGE, out, told)
        stream = -1
        if new:
            stream = _count_task(votes, record, counts, task, limit)
        if stream >= 0:
            turns[turned, 0] = e
            turns[turned, 1] = stream
            turns[turned, 2] = 1 if counts.progress[stream, shift.BEGAN] >= 0 else 0
            for place in range(FOUND):
                turns[turned, 3 + place] = counts.found[stream, place]
            turned += 1
    return kinds.shape[0], DONE, told, turned


@kernel
def apply(
    kinds: npt.NDArray[np.uint8],
    tasks: npt.NDArray[np.int32],
    workers: npt.NDArray[np.int32],
    labels: npt.NDArray[np.int16],
    paces: npt.NDArray[np.uint8],
    parts: npt.NDArray[np.bool_],
    begin: int,
    handle: Any,
    limit: float,
    out: Longs,
    turns: npt.NDArray[np.float64],
) -> tuple[int, int, int, int]:
    """Fold events[begin:] into the state, in order; transitions go to `out`, and turns of the
    project, whose alarms are raised at `limit` nats, to `turns`. parts: those of an act that is
    under way; whom they are about waits for `settle`.

    Returns (how far it came, why it returned, how many transitions, how many turns). DONE; NO_ROOM:
    call again after the pools have grown; FIT_DUE: after a table was added; OUT_FULL: with `out`
    and `turns` emptied, and long enough for the next event. Before any event is applied TOO_SMALL:
    call again after the arrays of tasks and workers have grown; BAD_ID (below 0) and BAD_LABEL.
    Cost: O(judgments of the task) an event, each with a look at its worker.
    """
    votes, work, record = handle.votes, handle.work, handle.record
    verdicts, counts = handle.verdicts, handle.shift
    return _apply(
        kinds,
        tasks,
        workers,
        labels,
        paces,
        parts,
        begin,
        votes,
        work,
        record,
        verdicts,
        counts,
        limit,
        out,
        turns,
    )


@kernel
def look_at(handle: Any, workers: npt.NDArray[np.int32], out: Longs) -> int:
    """Decide anew on workers, without regard to how they stand; returns how many transitions there
    are in `out`, whose event is -1."""
    votes, work = handle.votes, handle.work
    record, verdicts = handle.record, handle.verdicts
    told = 0
    for i in range(workers.shape[0]):
        worker: Any = np.int64(workers[i])
        told = look(votes, work, record, verdicts, worker, -1, True, out, told)
    return told


@kernel
def settle(handle: Any, workers: npt.NDArray[np.int32], out: Longs) -> int:
    """Judge workers whose evidence was taken back or given back in parts, now that the act is
    whole; as `look_at`."""
    votes, work = handle.votes, handle.work
    record, verdicts = handle.record, handle.verdicts
    told = 0
    for i in range(workers.shape[0]):
        worker: Any = np.int64(workers[i])
        if verdicts.waiting[worker] & OWN != 0:
            haste.follow_anew(work, verdicts, worker)
        verdicts.waiting[worker] = 0
        told = look(votes, work, record, verdicts, worker, -1, True, out, told)
    return told


@kernel
def accept_pace(handle: Any, worker: int) -> None:
    """Take the worker's pace up to now to be all right."""
    handle.verdicts.settled[worker] = handle.work.length[worker]
    haste.follow_anew(handle.work, handle.verdicts, worker)


@kernel
def find_out(handle: Any, workers: npt.NDArray[np.int32], out: Longs) -> None:
    """Fill out [n, FINDINGS] with what is known of the workers."""
    votes, work = handle.votes, handle.work
    record, verdicts = handle.record, handle.verdicts
    for i in range(workers.shape[0]):
        worker: Any = np.int64(workers[i])
        verdict.find_out(votes, work, record, verdicts, worker)
        for place in range(FINDINGS):
            out[i, place] = verdicts.findings[place]


@kernel
def sum_up(handle: Any) -> None:
    """Make everything anew that follows from the lists of judgments."""
    work, record, verdicts = handle.work, handle.record, handle.verdicts
    evidence.sum_all(handle.votes, work, record)
    for worker in range(record.progress[WORKERS_SEEN]):
        haste.follow_anew(work, verdicts, worker)

"""Folding events into the state one by one, with a refit running beside it in slices.

The state is a function of the sequence of events alone: a refit begins and moves on by counts of
events, never by time, so that cutting the sequence into other batches gives the same bits.

A refit starts from the votes, makes SWEEPS passes over all tasks and replaces the live tables. It
works on tables of its own. What arrives meanwhile is seen when its task is visited; only in the
last pass must a task that was visited already be corrected.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.jit import kernel, part
from engine.kernels import forms
from engine.kernels.forms import CONCLUSION
from engine.kernels.votes import Votes, find, has_room, insert, mark, remove

Progress = npt.NDArray[np.int64]

JUDGE, RETRACT, GOLD = 0, 1, 2  # kinds of events

SWEEPS = 5  # passes of expectation; more lose accuracy (measured, see the README)
FIRST_REFIT = 16  # events
# A refit waits until the log has grown by a quarter; from so many events on, by half; from so many
# on, until it has doubled: what a refit still changes gets less, what it costs stays.
HALVES, DOUBLES = 200_000, 1_000_000
PATIENCE = 128  # judgments' worth of refitting that an event may cost on average
# Events between two slices: a 64th of what is there, up to so many. Slices and events push each
# other out of the caches, so that short ones are dear; the longest take some 0.3 ms, and fewer than
# one event in a hundred waits for one.
STRIDE_SHARE, LONGEST_STRIDE = 64, 512
HASTE = 6  # a refit over n judgments is done after n / HASTE further events

EVERYBODY = 1 << 31  # more than there are workers

# Places in `progress`.
TASKS_SEEN, WORKERS_SEEN, EVENTS, JUDGMENTS, BEGUN_AT, STAGE, PASS, CURSOR, SLICE, WORKER_COST = (
    range(10)
)
STAMP, TASKS_TOUCHED, WORKERS_TOUCHED, TASKS_JUDGED, STRIDE, LABELS, ASKED = range(10, 17)
PROGRESS = 17

IDLE, EXPECT, SURVEY, MAXIMISE, CONCLUDE, TALLY = range(6)  # stages
DONE, POOL_FULL, REFITTED, TOO_SMALL, BAD_ID, BAD_LABEL = range(6)  # why `apply` returned


@part
def _work(progress: Progress) -> int:
    """What a refit costs, in judgments of one pass; tasks that nobody judged cost nothing."""
    tasks = (SWEEPS + CONCLUSION) * (progress[JUDGMENTS] + progress[TASKS_JUDGED])
    workers = (2 * SWEEPS + 1) * progress[WORKERS_SEEN] * progress[WORKER_COST]
    return int(tasks + workers)


@part
def _is_due(progress: Progress) -> bool:
    """Whether enough has come since the last refit began to pay for another one."""
    begun = progress[BEGUN_AT]
    since = progress[EVENTS] - begun
    wait = begun if begun >= DOUBLES else begun // 2 if begun >= HALVES else begun // 4
    due: bool = since >= FIRST_REFIT and since >= wait and since * PATIENCE >= _work(progress)
    return due


@part
def _begin(sweep: Any, shadow: Any, progress: Progress) -> None:
    sweep.classes.fill(0)
    sweep.pooled.fill(0)
    shadow.pooled.fill(0)
    shadow.classes.fill(0)
    shadow.totals.fill(0)
    progress[SLICE] = 1 + _work(progress) * HASTE // (progress[JUDGMENTS] + 1)
    progress[STRIDE] = min(1 + progress[EVENTS] // STRIDE_SHARE, LONGEST_STRIDE)
    progress[BEGUN_AT] = progress[EVENTS]
    progress[ASKED] = 0
    progress[STAGE] = EXPECT
    progress[PASS] = 0
    progress[CURSOR] = 0


@kernel
def begin_refit(memory: Any) -> None:
    """Start a refit; its slices are sized to end it after judgments / HASTE events."""
    _begin(memory.sweep, memory.shadow, memory.progress)
    memory.progress[ASKED] = 1


@part
def _advance(votes: Votes, sweep: Any, shadow: Any, progress: Progress, budget: int) -> bool:
    while budget > 0:
        stage = progress[STAGE]
        cursor = progress[CURSOR]
        over_tasks = stage in (EXPECT, CONCLUDE)
        end = progress[TASKS_SEEN] if over_tasks else progress[WORKERS_SEEN]
        if cursor == end:
            progress[CURSOR] = 0
            if stage == TALLY:
                progress[STAGE] = IDLE
                return True
            if stage == CONCLUDE:
                progress[STAGE] = TALLY
            elif stage == EXPECT:
                progress[STAGE] = SURVEY
            elif stage == SURVEY:
                forms.settle_population(sweep)
                progress[STAGE] = MAXIMISE
            else:
                progress[PASS] += 1
                progress[STAGE] = CONCLUDE if progress[PASS] == SWEEPS else EXPECT
        elif over_tasks:
            last = stage == CONCLUDE
            if progress[PASS] == 0:
                reached, budget = forms.share(votes, sweep, cursor, end, budget)
            else:
                reached, budget = forms.expect(votes, sweep, shadow, cursor, end, budget, last)
            if last:
                forms.fold(votes, shadow, cursor, reached, 1.0, 0)
            progress[CURSOR] = reached
        else:
            if stage == SURVEY:
                forms.survey(sweep, cursor)
            elif stage == TALLY:
                forms.tally(shadow, cursor)
            else:
                forms.maximise(sweep, shadow, cursor)
            budget -= progress[WORKER_COST]
            progress[CURSOR] += 1
    return False


@kernel
def advance_refit(memory: Any, budget: int) -> bool:
    """Do about `budget` judgments' worth of the refit; True when it is complete."""
    return _advance(memory.votes, memory.sweep, memory.shadow, memory.progress, budget)


@part
def _touch(
    votes: Votes,
    task: int,
    worker: int,
    progress: Progress,
    task_stamps: npt.NDArray[np.int64],
    worker_stamps: npt.NDArray[np.int64],
    tasks: npt.NDArray[np.int32],
    workers: npt.NDArray[np.int32],
) -> None:
    """Note the task, its workers and `worker` as changed in this batch, each once."""
    stamp = progress[STAMP]
    if task_stamps[task] != stamp:
        task_stamps[task] = stamp
        tasks[progress[TASKS_TOUCHED]] = task
        progress[TASKS_TOUCHED] += 1
    first = votes.start[task]
    for i in range(first - 1, first + votes.length[task]):
        who = worker if i < first else votes.worker[i]
        if who >= 0 and worker_stamps[who] != stamp:
            worker_stamps[who] = stamp
            workers[progress[WORKERS_TOUCHED]] = who
            progress[WORKERS_TOUCHED] += 1


@part
def _examine(
    kinds: npt.NDArray[np.uint8],
    event_tasks: npt.NDArray[np.int32],
    event_workers: npt.NDArray[np.int32],
    event_labels: npt.NDArray[np.int16],
    labels: int,
    tasks: int,
    workers: int,
) -> int:
    """What keeps events from being applied: DONE (nothing), TOO_SMALL, BAD_ID or BAD_LABEL."""
    found = DONE
    for e in range(kinds.shape[0]):
        if event_tasks[e] < 0 or event_workers[e] < 0:
            return BAD_ID
        lowest = 0 if kinds[e] == JUDGE else -1
        if event_labels[e] < lowest or event_labels[e] >= labels:
            return BAD_LABEL
        if event_tasks[e] >= tasks or event_workers[e] >= workers:
            found = TOO_SMALL
    return found


@kernel
def apply(
    kinds: npt.NDArray[np.uint8],
    event_tasks: npt.NDArray[np.int32],
    event_workers: npt.NDArray[np.int32],
    event_labels: npt.NDArray[np.int16],
    begin: int,
    memory: Any,
) -> tuple[int, int]:
    """Fold events[begin:] into the state, in order; what they changed goes to `memory.touched_*`.

    Returns (how far it came, why it returned): DONE; POOL_FULL: call again after the pool has
    grown; REFITTED: call again after live and shadow have changed places; and before any event is
    applied TOO_SMALL: call again after the arrays of tasks and workers have grown; BAD_ID (below 0)
    and BAD_LABEL.
    Cost: O(redundancy x K) an event, and a slice of a refit where one runs.
    """
    votes, live, shadow, sweep = memory.votes, memory.live, memory.shadow, memory.sweep
    progress, tasks, workers = memory.progress, memory.touched_tasks, memory.touched_workers
    task_stamps, worker_stamps = memory.task_stamps, memory.worker_stamps
    if begin == 0:
        obstacle = _examine(
            kinds,
            event_tasks,
            event_workers,
            event_labels,
            progress[LABELS],
            task_stamps.shape[0],
            worker_stamps.shape[0],
        )
        if obstacle != DONE:
            return 0, obstacle
        progress[STAMP] += 1
        progress[TASKS_TOUCHED] = 0
        progress[WORKERS_TOUCHED] = 0
    for e in range(begin, kinds.shape[0]):
        kind = kinds[e]
        # As int64, the type of a refit's cursor: every helper is compiled for one type only.
        task: Any = np.int64(event_tasks[e])
        worker: Any = np.int64(event_workers[e] if kind != GOLD else -1)
        label = event_labels[e]
        if not has_room(votes, task):
            return e, POOL_FULL
        progress[TASKS_SEEN] = max(progress[TASKS_SEEN], task + 1)
        while progress[WORKERS_SEEN] <= worker:
            if progress[STAGE] != IDLE:
                forms.admit(sweep, progress[WORKERS_SEEN])
            progress[WORKERS_SEEN] += 1
        row = find(votes, task, worker) if kind != GOLD else -1
        idle = (kind == RETRACT and row < 0) or (
            kind == JUDGE and row >= 0 and votes.label[row] == label
        )
        if not idle:
            tallied = progress[CURSOR] if progress[STAGE] == TALLY else 0
            concluded = progress[STAGE] == TALLY or (
                progress[STAGE] == CONCLUDE and task < progress[CURSOR]
            )
            forms.fold(votes, live, task, task + 1, -1.0, EVERYBODY)
            if concluded:
                forms.fold(votes, shadow, task, task + 1, -1.0, tallied)
            if kind == GOLD:
                votes.gold[task] = label
            elif kind == RETRACT:
                remove(votes, task, row)
                progress[JUDGMENTS] -= 1
            elif row >= 0:
                votes.label[row] = label
            else:
                insert(votes, task, worker, label)
                progress[JUDGMENTS] += 1
            progress[TASKS_JUDGED] += mark(votes, task)
            if votes.length[task] > 0 or votes.gold[task] >= 0:
                forms.estimate(votes, live, task)
                forms.fold(votes, live, task, task + 1, 1.0, EVERYBODY)
                if concluded:
                    forms.expect(votes, sweep, shadow, task, task + 1, 1, True)
                    forms.fold(votes, shadow, task, task + 1, 1.0, tallied)
            _touch(votes, task, worker, progress, task_stamps, worker_stamps, tasks, workers)
        progress[EVENTS] += 1
        if progress[STAGE] == IDLE and _is_due(progress):
            _begin(sweep, shadow, progress)
        if progress[STAGE] != IDLE and progress[EVENTS] % progress[STRIDE] == 0:
            budget = progress[STRIDE] * progress[SLICE]
            if _advance(votes, sweep, shadow, progress, budget):
                return e + 1, REFITTED
    return kinds.shape[0], DONE

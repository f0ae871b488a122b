"""The label model for single-choice answers: live judgments, posteriors and expected counts."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from engine.arrays import FIRST_ROWS, grown, grown_fields
from engine.calibration import Calibration, moved
from engine.events import Consensus, Events, Outcome, Totals, WorkerStats
from engine.full import Full
from engine.kernels import stream
from engine.kernels.consensus import consensus
from engine.kernels.forms import (
    AGREED,
    CONCLUSION,
    CONFIDENCE,
    GOLD_RIGHT,
    GOLD_TOTAL,
    JUDGED,
    LEARNED,
    START_ANSWERS,
    START_RIGHT,
    TASKS,
    population_accuracy,
)
from engine.kernels.memory import bind
from engine.kernels.votes import FREE_LISTS, USED, Votes, group, labels_of
from engine.truths import Truths
from engine.wide import Wide

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Labels = npt.NDArray[np.int16]
Columns = dict[str, npt.NDArray[Any]]

FEWEST_LABELS, FULL_LABELS, MOST_LABELS = 2, 32, 1000
UNLIMITED = 1 << 62  # judgments of a refit in one go
WORD = 64  # tasks to a word of the bitmap
REFIT_CHUNK = 1 << 20  # judgments between two reports of progress

_VOTES_PER_TASK = ("start", "length", "capacity", "gold")
_VOTES_PER_ROW = ("worker", "label")


class Categorical:
    """Consensus from judgments, current after every batch of events.

    Labels, tasks and workers are dense ids from 0. Up to 32 labels each worker has a full confusion
    matrix, above that the accuracy for each label; see `engine.kernels.full` and
    `engine.kernels.wide` for the model. `apply` is the only mutator in service. The state depends
    on the sequence of events, not on how it was cut into batches.

    labels: 2 to 1,000. digits: float32 or, for all digits, float64; of posteriors and refits.
    """

    def __init__(self, labels: int, digits: npt.DTypeLike = np.float32) -> None:
        if not FEWEST_LABELS <= labels <= MOST_LABELS:
            raise ValueError(f"labels must be {FEWEST_LABELS} to {MOST_LABELS}, not {labels}")
        self.labels = labels
        self.calibration = Calibration.before(labels)
        self.truths = Truths(labels)  # no part of what was learned, nor of `state`
        self.usual = START_RIGHT / START_ANSWERS  # worker's accuracy, as of the last refit
        self._form = Full() if labels <= FULL_LABELS else Wide()
        self._votes = Votes(
            np.zeros(0, np.int64),
            np.zeros(0, np.int32),
            np.zeros(0, np.int32),
            np.zeros(0, np.int16),
            np.zeros(0, np.uint64),
            np.zeros(0, np.int32),
            np.zeros(0, np.int16),
            np.array([-1] * FREE_LISTS + [0], np.int64),
        )
        self._live: Any = self._form.tables(labels, digits)
        self._shadow: Any = self._form.tables(labels, digits)
        self._sweep: Any = self._form.sweep(labels, digits)
        self._progress = np.zeros(stream.PROGRESS, np.int64)
        self._progress[stream.LABELS] = labels
        self._progress[stream.WORKER_COST] = self._form.worker_cost(labels)
        self._task_stamps = np.zeros(0, np.int64)
        self._worker_stamps = np.zeros(0, np.int64)
        self._touched_workers = np.zeros(0, np.int32)
        self._touched_tasks = np.zeros(FIRST_ROWS, np.int32)
        self._bind()

    @property
    def task_count(self) -> int:
        """One more than the highest task id seen."""
        return int(self._progress[stream.TASKS_SEEN])

    @property
    def worker_count(self) -> int:
        """One more than the highest worker id seen."""
        return int(self._progress[stream.WORKERS_SEEN])

    @property
    def judgment_count(self) -> int:
        """Live judgments: without superseded and retracted ones."""
        return int(self._progress[stream.JUDGMENTS])

    @property
    def votes(self) -> Votes:
        """The arrays of live judgments, for kernels that read them; they move when they grow."""
        return self._votes

    @property
    def tables(self) -> Any:
        """The form's live tables, for those that read them; others after a refit."""
        return self._live

    @property
    def has_matrices(self) -> bool:
        """Whether each worker has a full confusion matrix."""
        return self.labels <= FULL_LABELS

    def make_room(self, worker: int) -> None:
        """Let kernels read what is known of a worker, were it nothing."""
        self._reserve(0, worker + 1)

    def apply(self, events: Events) -> Outcome:
        """Fold events into the state, in order.

        Raises ValueError, with nothing changed, on ids below 0 or labels that do not exist.
        Cost: O(len(events) x redundancy x labels), and slices of a refit where one runs.
        """
        if len(events) == 0:
            nothing = np.zeros(0, np.int32)
            return Outcome(nothing, nothing, refitted=False)
        if len(events) > len(self._touched_tasks):
            self._touched_tasks = grown(self._touched_tasks, len(events))
            self._bind()
        done, why, refitted = 0, stream.POOL_FULL, False
        while why != stream.DONE:
            done, why = stream.apply(
                events.kind,
                events.task,
                events.worker,
                events.label,
                done,
                self._memory,
            )
            if why == stream.POOL_FULL:
                self._reserve_rows(int(self._votes.pool[USED]) + 4 * len(events) + 64)
            elif why == stream.REFITTED:
                self._swap()
                refitted = True
            elif why == stream.TOO_SMALL:
                self._reserve(int(events.task.max()) + 1, int(events.worker.max()) + 1)
            elif why == stream.BAD_ID:
                raise ValueError("task and worker ids must not be negative")
            elif why == stream.BAD_LABEL:
                raise ValueError(f"labels must lie in 0 to {self.labels - 1}")
        progress = self._progress
        return Outcome(
            self._touched_tasks[: progress[stream.TASKS_TOUCHED]].copy(),
            self._touched_workers[: progress[stream.WORKERS_TOUCHED]].copy(),
            refitted,
        )

    def refit(self, report: Callable[[float], None] | None = None) -> None:
        """Fit everything anew from the votes, at once; report(share done) as it goes.

        Cost: O(sweeps x judgments x labels).
        """
        self.begin_refit()
        whole = (stream.SWEEPS + CONCLUSION) * (
            self.judgment_count + self._progress[stream.TASKS_JUDGED]
        ) + 1
        budget = UNLIMITED if report is None else REFIT_CHUNK
        done = 0
        while not self.advance_refit(budget):
            done += budget
            if report is not None:
                report(min(done / whole, 1.0))

    @property
    def refitting(self) -> bool:
        """Whether a refit is under way."""
        return bool(self._progress[stream.STAGE] != stream.IDLE)

    @property
    def refit_asked(self) -> bool:
        """Whether a refit is under way that did not begin by itself."""
        return self.refitting and bool(self._progress[stream.ASKED])

    def begin_refit(self) -> None:
        """Begin to fit everything anew from the votes; one that was under way is given up."""
        if self.refitting:
            self._form.clear(self._sweep)
        stream.begin_refit(self._memory)

    def advance_refit(self, budget: int) -> bool:
        """Do about `budget` judgments' worth of a pass of the refit; True when it is complete.

        Events move it on as well. Cost: O(budget x labels).
        """
        complete = bool(stream.advance_refit(self._memory, budget))
        if complete:
            self._swap()
        return complete

    def labels_of(self, tasks: Ints, workers: Ints) -> Labels:
        """The live answers of workers[i] to tasks[i], int16[n]; -1 where there is none."""
        labels = np.empty(len(tasks), np.int16)
        labels_of(self._votes, tasks, workers, labels)
        return labels

    def judgments_of(self, task: int) -> tuple[Ints, Labels]:
        """The task's live judgments: workers int32[r] in order of id, and their labels int16[r]."""
        if task >= self.task_count:
            return np.zeros(0, np.int32), np.zeros(0, np.int16)
        first = int(self._votes.start[task])
        rows = slice(first, first + int(self._votes.length[task]))
        return self._votes.worker[rows].copy(), self._votes.label[rows].copy()

    def consensus(self, tasks: Ints) -> Consensus:
        """The label we stand by for each of the tasks, and how often such a label is right."""
        return self._conclude(tasks, self.calibration)

    def beliefs(self, tasks: Ints) -> Consensus:
        """The same before it is calibrated: the label most probable to the model, and its
        probability; ties go to the lower label."""
        return self._conclude(tasks, ())

    def _conclude(self, tasks: Ints, parameters: Sequence[float]) -> Consensus:
        count = len(tasks)
        now = Consensus(
            label=np.empty(count, np.int16),
            confidence=np.empty(count),
            judgments=np.empty(count, np.int32),
            gold=np.empty(count, np.int16),
        )
        consensus(
            self._memory,
            np.asarray(tasks, np.int32),
            np.array(parameters, np.float64),
            now.label,
            now.confidence,
            now.judgments,
            now.gold,
        )
        if self.truths:
            stands = np.flatnonzero(self.truths.of(np.asarray(tasks, np.int32)) >= 0)
            now.label[stands] = self.posterior(np.asarray(tasks)[stands]).argmax(1)
            now.gold[stands] = now.label[stands]
            now.confidence[stands] = 1.0
        return now

    def posterior(self, tasks: Ints) -> Floats:
        """Probability of each label, [n, labels]; the class prior where there are no judgments."""
        tasks = np.asarray(tasks, np.int32)
        posterior = self._learned(tasks)
        answers = self.truths.of(tasks)
        stands = answers >= 0
        if stands.any():
            posterior[stands] = self.truths.restrict(answers[stands], posterior[stands])
        return posterior

    def _learned(self, tasks: Ints) -> Floats:
        posterior = np.tile(self.prior(), (len(tasks), 1))
        known = self._judged(tasks)
        posterior[known] = self._form.posterior(self._votes, self._live, tasks[known])
        return posterior

    def known(self, tasks: Ints) -> npt.NDArray[np.bool_]:
        """Whether there is a judgment of each of the tasks, or a known answer."""
        judged = self._judged(tasks)
        return judged | (self.truths.of(tasks) >= 0) if self.truths else judged

    def _judged(self, tasks: Ints) -> npt.NDArray[np.bool_]:
        """The same without answers that only stand."""
        judged = tasks < self.task_count
        ids = tasks[judged]
        judged[judged] = (self._votes.length[ids] > 0) | (self._votes.gold[ids] >= 0)
        return judged

    def probabilities(self, tasks: Ints) -> Floats:
        """Probabilities [n, labels] to show: that of the best label is its confidence."""
        posterior, now = self.posterior(tasks), self.consensus(tasks)
        rows = np.flatnonzero(now.label >= 0)
        posterior[rows] = moved(posterior[rows], now.label[rows], now.confidence[rows])
        return posterior

    def prior(self) -> Floats:
        """Probability [labels] of each label for a task nobody has judged."""
        weights = self._live.classes[:, : self.labels].sum(0) + 1
        prior: Floats = weights / weights.sum()
        return prior

    def workers(self, workers: Ints) -> WorkerStats:
        """How much each of the workers has answered; `engine.reputation` says how well."""
        workers = np.asarray(workers, np.int32)
        self._reserve(0, int(workers.max(initial=-1)) + 1)
        people = self._live.people[workers]
        return WorkerStats(
            judgments=_whole(people[:, JUDGED]),
            gold_right=_whole(people[:, GOLD_RIGHT]),
            gold_total=_whole(people[:, GOLD_TOTAL]),
        )

    def answered(self, workers: Ints) -> Floats:
        """How often each of the workers gave each label, [n, labels], as far as that is kept."""
        self._reserve(0, int(workers.max(initial=-1)) + 1)
        return self._form.answered(self._live, workers)

    def answered_by_all(self) -> Floats:
        """How often all workers together gave each label, [labels]."""
        return self._form.answered_by_all(self._live)

    def confusion(self, worker: int) -> Floats:
        """Expected counts [labels true, labels answered] of one worker."""
        self._reserve(0, worker + 1)
        return self._form.counts(self._live, worker)

    def totals(self) -> Totals:
        """Sums over the whole project."""
        totals = self._live.totals
        tasks = round(totals[TASKS])
        learned = totals[LEARNED]
        return Totals(
            judgments=self.judgment_count,
            tasks=tasks,
            mean_confidence=float(totals[CONFIDENCE] / tasks) if tasks else 0.0,
            agreement=float(totals[AGREED] / learned) if learned > 0.5 else 0.0,
            gold_right=round(totals[GOLD_RIGHT]),
            gold_total=round(totals[GOLD_TOTAL]),
        )

    def state(self) -> Columns:
        """Everything, as copied arrays: `from_state` gives a model with the same bits."""
        columns: Columns = {
            "labels": np.array(self.labels),
            "digits": np.zeros(0, self._sweep.table.dtype),
            "progress": self._progress.copy(),
            "calibration": np.array(self.calibration),
            "usual": np.array(self.usual),
        }
        for name, array, rows in self._arrays():
            columns[name] = (array if rows is None else array[:rows]).copy()
        return columns

    @classmethod
    def from_state(cls, columns: Columns) -> Self:
        """The model whose `state` this is. Raises KeyError or ValueError if it is not one."""
        model = cls(int(columns["labels"]), columns["digits"].dtype)
        model._progress[:] = columns["progress"]
        model.calibration = Calibration(*columns["calibration"].tolist())
        model.usual = float(columns["usual"])
        model._reserve(model.task_count, model.worker_count)
        model._reserve_rows(len(columns["votes.worker"]))
        model._votes.pool[:] = columns["votes.pool"]
        for name, array, rows in model._arrays():
            target = array if rows is None else array[:rows]
            if target.shape != columns[name].shape:
                raise ValueError(f"{name} has shape {columns[name].shape}, not {target.shape}")
            target[:] = columns[name]
        return model

    @classmethod
    def fit(
        cls,
        task: Ints,
        worker: Ints,
        label: Labels,
        labels: int,
        gold: Labels | None = None,
        report: Callable[[float], None] | None = None,
    ) -> Self:
        """A model of a whole log at once.

        task, worker int32[n] and label int16[n]: the judgments; of a repeated (task, worker) the
        last one counts. gold int16[T]: known truths by task, -1 elsewhere. Raises ValueError as
        `apply`. Cost: five sweeps over the judgments.
        """
        model = cls(labels)
        if len(task) == 0:
            return model
        if label.min() < 0 or label.max() >= labels:
            raise ValueError(f"labels must lie in 0 to {labels - 1}")
        if task.min() < 0 or worker.min() < 0:
            raise ValueError("task and worker ids must not be negative")
        tasks = max(int(task.max()) + 1, 0 if gold is None else len(gold))
        workers = int(worker.max()) + 1
        model._reserve(tasks, workers)
        model._reserve_rows(len(task))
        if gold is not None:
            model._votes.gold[: len(gold)] = gold
        live, judged = group(model._votes, task, worker, label)
        progress = model._progress
        progress[stream.TASKS_SEEN], progress[stream.WORKERS_SEEN] = tasks, workers
        progress[stream.EVENTS] = len(task)
        progress[stream.JUDGMENTS], progress[stream.TASKS_JUDGED] = live, judged
        model.refit(report)
        return model

    def _bind(self) -> None:
        """Show the kernels where the arrays are now."""
        self._memory = bind(
            self._votes,
            self._live,
            self._shadow,
            self._sweep,
            self._progress,
            self._task_stamps,
            self._worker_stamps,
            self._touched_workers,
            self._touched_tasks,
        )

    def _swap(self) -> None:
        """Make the tables of a complete refit the live ones."""
        self._live, self._shadow = self._shadow, self._live
        self.usual = float(population_accuracy(self._live.totals))
        self._bind()

    def _reserve(self, tasks: int, workers: int) -> None:
        """Make room for ids below `tasks` and `workers`."""
        if tasks > len(self._votes.start):
            filled = len(self._votes.gold)
            self._votes = grown_fields(self._votes, _VOTES_PER_TASK, tasks)
            self._votes.gold[filled:] = -1
            words = len(self._votes.gold) // WORD + 1
            self._votes = grown_fields(self._votes, ("judged",), words)
            self._task_stamps = grown(self._task_stamps, tasks)
            self._live = grown_fields(self._live, self._form.per_task, tasks)
            self._shadow = grown_fields(self._shadow, self._form.per_task, tasks)
        if workers > len(self._worker_stamps):
            self._worker_stamps = grown(self._worker_stamps, workers)
            self._touched_workers = grown(self._touched_workers, workers)
            self._live = grown_fields(self._live, self._form.per_worker, workers)
            self._shadow = grown_fields(self._shadow, self._form.per_worker, workers)
            self._sweep = grown_fields(self._sweep, self._form.per_worker, workers)
        self._bind()

    def _reserve_rows(self, rows: int) -> None:
        """Make room for `rows` rows in the pool of judgments."""
        self._votes = grown_fields(self._votes, _VOTES_PER_ROW, rows)
        self._live = grown_fields(self._live, self._form.per_row, rows)
        self._shadow = grown_fields(self._shadow, self._form.per_row, rows)
        self._bind()

    def _arrays(self) -> list[tuple[str, npt.NDArray[Any], int | None]]:
        """What a snapshot holds: (name, array, rows in use or None for all).

        The tables of a refit matter only while one runs.
        """
        rows = {
            "judged": self.task_count // WORD + 1,
            **dict.fromkeys((*_VOTES_PER_TASK, *self._form.per_task), self.task_count),
            **dict.fromkeys(self._form.per_worker, self.worker_count),
            **dict.fromkeys((*_VOTES_PER_ROW, *self._form.per_row), int(self._votes.pool[USED])),
        }
        groups = {"votes": self._votes, "live": self._live}
        if self._progress[stream.STAGE] != stream.IDLE:
            groups |= {"shadow": self._shadow, "sweep": self._sweep}
        return [
            (f"{group_name}.{name}", array, rows.get(name))
            for group_name, tables in groups.items()
            for name, array in tables._asdict().items()
        ]


def _whole(column: Floats) -> Ints:
    return np.rint(column).astype(np.int32)

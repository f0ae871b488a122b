"""The label model for single-choice answers: live judgments, posteriors and expected counts."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

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
from engine.kernels.votes import Votes, group, labels_of
from engine.store import Columns, Store
from engine.truths import Truths
from engine.wide import Wide

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Labels = npt.NDArray[np.int16]

FEWEST_LABELS, FULL_LABELS, MOST_LABELS = 2, 32, 1000
UNLIMITED = 1 << 62  # judgments of a refit in one go
REFIT_CHUNK = 1 << 20  # judgments between two reports of progress


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
        form = Full() if labels <= FULL_LABELS else Wide()
        self.store = Store(form, labels, digits)

    @property
    def task_count(self) -> int:
        """One more than the highest task id seen."""
        return self.store.tasks

    @property
    def worker_count(self) -> int:
        """One more than the highest worker id seen."""
        return self.store.workers

    @property
    def judgment_count(self) -> int:
        """Live judgments: without superseded and retracted ones."""
        return int(self.store.progress[stream.JUDGMENTS])

    @property
    def votes(self) -> Votes:
        """The arrays of live judgments, for kernels that read them; they move when they grow."""
        return self.store.votes

    @property
    def tables(self) -> Any:
        """The form's live tables, for those that read them; others after a refit."""
        return self.store.live

    @property
    def has_matrices(self) -> bool:
        """Whether each worker has a full confusion matrix."""
        return self.labels <= FULL_LABELS

    def make_room(self, worker: int) -> None:
        """Let kernels read what is known of a worker, were it nothing."""
        self.store.reserve(0, worker + 1)

    def apply(self, events: Events) -> Outcome:
        """Fold events into the state, in order.

        Raises ValueError, with nothing changed, on ids below 0 or labels that do not exist.
        Cost: O(len(events) x redundancy x labels), and slices of a refit where one runs.
        """
        if len(events) == 0:
            nothing = np.zeros(0, np.int32)
            return Outcome(nothing, nothing, refitted=False)
        store = self.store
        if len(events) > len(store.touched_tasks):
            store.reserve_batch(len(events))
        done, why, refitted = 0, stream.POOL_FULL, False
        while why != stream.DONE:
            done, why = stream.apply(
                events.kind,
                events.task,
                events.worker,
                events.label,
                done,
                store.handle,
            )
            if why == stream.POOL_FULL:
                store.reserve_more(len(events))
            elif why == stream.REFITTED:
                self._swap()
                refitted = True
            elif why == stream.TOO_SMALL:
                store.reserve(int(events.task.max()) + 1, int(events.worker.max()) + 1)
            elif why == stream.BAD_ID:
                raise ValueError("task and worker ids must not be negative")
            elif why == stream.BAD_LABEL:
                raise ValueError(f"labels must lie in 0 to {self.labels - 1}")
        progress = store.progress
        return Outcome(
            store.touched_tasks[: progress[stream.TASKS_TOUCHED]].copy(),
            store.touched_workers[: progress[stream.WORKERS_TOUCHED]].copy(),
            refitted,
        )

    def refit(self, report: Callable[[float], None] | None = None) -> None:
        """Fit everything anew from the votes, at once; report(share done) as it goes.

        Cost: O(sweeps x judgments x labels).
        """
        self.begin_refit()
        whole = (stream.SWEEPS + CONCLUSION) * (
            self.judgment_count + self.store.progress[stream.TASKS_JUDGED]
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
        return self.store.refitting

    @property
    def refit_asked(self) -> bool:
        """Whether a refit is under way that did not begin by itself."""
        return self.refitting and bool(self.store.progress[stream.ASKED])

    def begin_refit(self) -> None:
        """Begin to fit everything anew from the votes; one that was under way is given up."""
        if self.refitting:
            self.store.form.clear(self.store.sweep)
        stream.begin_refit(self.store.handle)

    def advance_refit(self, budget: int) -> bool:
        """Do about `budget` judgments' worth of a pass of the refit; True when it is complete.

        Events move it on as well. Cost: O(budget x labels).
        """
        complete = bool(stream.advance_refit(self.store.handle, budget))
        if complete:
            self._swap()
        return complete

    def labels_of(self, tasks: Ints, workers: Ints) -> Labels:
        """The live answers of workers[i] to tasks[i], int16[n]; -1 where there is none."""
        labels = np.empty(len(tasks), np.int16)
        labels_of(self.votes, tasks, workers, labels)
        return labels

    def judgments_of(self, task: int) -> tuple[Ints, Labels]:
        """The task's live judgments: workers int32[r] in order of id, and their labels int16[r]."""
        if task >= self.task_count:
            return np.zeros(0, np.int32), np.zeros(0, np.int16)
        votes = self.votes
        first = int(votes.start[task])
        rows = slice(first, first + int(votes.length[task]))
        return votes.worker[rows].copy(), votes.label[rows].copy()

    def consensus(self, tasks: Ints) -> Consensus:
        """The label we stand by for each of the tasks, and how often such a label is right."""
        return self._conclude(tasks, self.calibration)

    def beliefs(self, tasks: Ints) -> Consensus:
        """The same before it is calibrated: the label most probable to the model, and its
        probability; ties go to the lower label."""
        return self._conclude(tasks, ())

    def _conclude(self, tasks: Ints, parameters: Sequence[float]) -> Consensus:
        tasks = np.asarray(tasks, np.int32)
        count = len(tasks)
        now = Consensus(
            label=np.empty(count, np.int16),
            confidence=np.empty(count),
            judgments=np.empty(count, np.int32),
            gold=np.empty(count, np.int16),
        )
        consensus(
            self.store.handle,
            tasks,
            np.array(parameters, np.float64),
            now.label,
            now.confidence,
            now.judgments,
            now.gold,
        )
        stand = self.truths.standing(tasks)
        if len(stand):
            now.label[stand] = now.gold[stand] = self.posterior(tasks[stand]).argmax(1)
            now.confidence[stand] = 1.0
        return now

    def posterior(self, tasks: Ints) -> Floats:
        """Probability of each label, [n, labels]; the class prior where there are no judgments."""
        tasks = np.asarray(tasks, np.int32)
        posterior = np.tile(self.prior(), (len(tasks), 1))
        judged = self._judged(tasks)
        posterior[judged] = self.store.form.posterior(self.votes, self.tables, tasks[judged])
        return self.truths.restrict(tasks, posterior)

    def known(self, tasks: Ints) -> npt.NDArray[np.bool_]:
        """Whether there is a judgment of each of the tasks, or a known answer."""
        known = self._judged(tasks)
        known[self.truths.standing(tasks)] = True
        return known

    def _judged(self, tasks: Ints) -> npt.NDArray[np.bool_]:
        """The same without answers that only stand."""
        judged = tasks < self.task_count
        ids = tasks[judged]
        judged[judged] = (self.votes.length[ids] > 0) | (self.votes.gold[ids] >= 0)
        return judged

    def probabilities(self, tasks: Ints) -> Floats:
        """Probabilities [n, labels] to show: that of the best label is its confidence."""
        posterior, now = self.posterior(tasks), self.consensus(tasks)
        rows = np.flatnonzero(now.label >= 0)
        posterior[rows] = moved(posterior[rows], now.label[rows], now.confidence[rows])
        return posterior

    def prior(self) -> Floats:
        """Probability [labels] of each label for a task nobody has judged."""
        weights = self.tables.classes[:, : self.labels].sum(0) + 1
        prior: Floats = weights / weights.sum()
        return prior

    def workers(self, workers: Ints) -> WorkerStats:
        """How much each of the workers has answered; `engine.reputation` says how well."""
        workers = np.asarray(workers, np.int32)
        self.store.reserve(0, int(workers.max(initial=-1)) + 1)
        people = self.tables.people[workers]
        return WorkerStats(
            judgments=_whole(people[:, JUDGED]),
            gold_right=_whole(people[:, GOLD_RIGHT]),
            gold_total=_whole(people[:, GOLD_TOTAL]),
        )

    def answered(self, workers: Ints) -> Floats:
        """How often each of the workers gave each label, [n, labels], as far as that is kept."""
        self.store.reserve(0, int(workers.max(initial=-1)) + 1)
        return self.store.form.answered(self.tables, workers)

    def answered_by_all(self) -> Floats:
        """How often all workers together gave each label, [labels]."""
        return self.store.form.answered_by_all(self.tables)

    def confusion(self, worker: int) -> Floats:
        """Expected counts [labels true, labels answered] of one worker."""
        self.store.reserve(0, worker + 1)
        return self.store.form.counts(self.tables, worker)

    def totals(self) -> Totals:
        """Sums over the whole project."""
        totals = self.tables.totals
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
        return {
            "labels": np.array(self.labels),
            "digits": np.zeros(0, self.store.sweep.table.dtype),
            "calibration": np.array(self.calibration),
            "usual": np.array(self.usual),
            **self.store.columns(),
        }

    @classmethod
    def from_state(cls, columns: Columns) -> Self:
        """The model whose `state` this is. Raises KeyError or ValueError if it is not one."""
        model = cls(int(columns["labels"]), columns["digits"].dtype)
        model.calibration = Calibration(*columns["calibration"].tolist())
        model.usual = float(columns["usual"])
        model.store.fill(columns)
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
        store = model.store
        store.reserve(tasks, workers)
        store.reserve_rows(len(task))
        if gold is not None:
            store.votes.gold[: len(gold)] = gold
        live, judged = group(store.votes, task, worker, label)
        progress = store.progress
        progress[stream.TASKS_SEEN], progress[stream.WORKERS_SEEN] = tasks, workers
        progress[stream.EVENTS] = len(task)
        progress[stream.JUDGMENTS], progress[stream.TASKS_JUDGED] = live, judged
        model.refit(report)
        return model

    def _swap(self) -> None:
        """Make the tables of a complete refit the live ones."""
        self.store.swap()
        self.usual = float(population_accuracy(self.tables.totals))


def _whole(column: Floats) -> Ints:
    return np.rint(column).astype(np.int32)

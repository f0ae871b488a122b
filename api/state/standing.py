"""How each task and worker of a project stands: committed columns behind status, feeds and tables.

A status is a function of judgments, confidence, gold, policy and what staff demand of the task, and
nothing else.
"""

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from api.budget import usual_price
from api.policy import Policy
from api.rows import CONTESTED, OPEN, SETTLED, Float64s, Int8s, Int32s, Int64s
from api.state.stopping import sure_enough
from engine import Categorical, Consensus, Outcome
from engine.answers import answers_to

# A confidence that moved by less is not news: after a refit every task has moved by a little.
NOTICEABLE = 0.005
GRAIN = 2.0**-24  # of confidence, in single precision
RECOUNT_ROWS = 100_000  # tasks whose judgments are laid out at a time
SWEEP_ROWS = 5_000  # half a millisecond; several where many are to be handed out again

_OPEN, _SETTLED, _CONTESTED = np.array([OPEN, SETTLED, CONTESTED], np.int8)  # not as wide as int

_T = TypeVar("_T", bound=np.generic)


class Standing:
    """Columns by task and by worker, as of the last commit.

    Of tasks: `status`, `label`, `confidence` (float32), `judgments`, `gold`, `leases` (open ones),
    `seq` (of the last change), `required` (judgments that staff demand before it may settle, 0
    none), `retracted` (whether a judgment of it was ever voided), `models` (live judgments of
    models). Of workers: `worker_seq`, `is_model`. Arrays are longer than what is in use. `counts`
    are the tasks by status.

    A refit or another policy moves any number of tasks. They are looked at in a sweep, some at a
    time, so that no call waits for a million. Tasks it has not come to stand as they did before.
    """

    def __init__(self) -> None:
        self.tasks = 0
        self.workers = 0
        self.status = np.zeros(0, np.int8)
        self.label = np.zeros(0, np.int16)
        self.confidence = np.zeros(0, np.float32)
        self.judgments = np.zeros(0, np.int32)
        self.gold = np.zeros(0, np.int16)
        self.leases = np.zeros(0, np.int32)
        self.seq = np.zeros(0, np.int64)
        self.required = np.zeros(0, np.int32)
        self.retracted = np.zeros(0, np.bool_)
        self.models = np.zeros(0, np.int32)
        self.worker_seq = np.zeros(0, np.int64)
        self.is_model = np.zeros(0, np.bool_)
        self.any_models = False
        self.any_people = False
        self.any_retracted = False
        self._resting = np.zeros(0, np.bool_)
        self.counts = np.zeros(3, np.int64)
        # Whole numbers, so that the order of what comes does not tell.
        self._confidences = 0  # their sum over tasks with a label, in units of GRAIN
        self._labelled = 0
        self._unswept = range(0)

    @property
    def mean_confidence(self) -> float:
        """Over the tasks with a judgment or gold; nan without any."""
        return self._confidences * GRAIN / self._labelled if self._labelled else math.nan

    @property
    def sweeping(self) -> bool:
        """Whether there are tasks left to `sweep`."""
        return len(self._unswept) > 0

    def add_tasks(self, count: int, seq: int) -> Int32s:
        """Take in new tasks, open and without judgments; return their ids."""
        first, self.tasks = self.tasks, self.tasks + count
        self.status = room(self.status, self.tasks)
        self.label = room(self.label, self.tasks)
        self.confidence = room(self.confidence, self.tasks)
        self.judgments = room(self.judgments, self.tasks)
        self.gold = room(self.gold, self.tasks)
        self.leases = room(self.leases, self.tasks)
        self.seq = room(self.seq, self.tasks)
        self.required = room(self.required, self.tasks)
        self.retracted = room(self.retracted, self.tasks)
        self.models = room(self.models, self.tasks)
        self._resting = room(self._resting, self.tasks)
        new = slice(first, self.tasks)
        self.label[new] = -1
        self.gold[new] = -1
        self.seq[new] = seq
        self.counts[OPEN] += count
        return np.arange(first, self.tasks, dtype=np.int32)

    def add_workers(self, models: Sequence[bool], seq: int) -> Int32s:
        """Take in new workers, and which of them are models; return their ids."""
        first, self.workers = self.workers, self.workers + len(models)
        self.worker_seq = room(self.worker_seq, self.workers)
        self.is_model = room(self.is_model, self.workers)
        self.is_model[first : self.workers] = models
        people = not all(models)
        if people and self.any_models and not self.any_people:
            self.begin_sweep()  # tasks wait for others now, at another price
        self.any_models |= any(models)
        self.any_people |= people
        self.worker_seq[first : self.workers] = seq
        return np.arange(first, self.workers, dtype=np.int32)

    def update(
        self, model: Categorical, policy: Policy, outcome: Outcome, seq: int
    ) -> tuple[Int32s, Int32s]:
        """Follow the model after a batch that ends at `seq`; after a refit a sweep is due.

        Returns the tasks and the workers that the batch was about.
        """
        tasks, workers = outcome.tasks, outcome.workers
        self.recount(model, tasks)
        now = model.consensus(tasks)
        self._put(tasks, now, self.statuses(model, policy, tasks, now), seq)
        if outcome.refitted:
            self.begin_sweep()
            workers = np.arange(self.workers, dtype=np.int32)
        self.worker_seq[workers] = seq
        return tasks, workers

    def recount(self, model: Categorical, tasks: Int32s) -> None:
        """Count the live judgments of models anew, of some tasks, each once."""
        if self.any_models:
            for start in range(0, len(tasks), RECOUNT_ROWS):
                some = tasks[start : start + RECOUNT_ROWS]
                self.models[some] = models_among(model, some, self.is_model)

    def beside(self, tasks: Int32s, policy: Policy) -> Int32s:
        """Return how many live judgments of each task come on top of those that count."""
        if policy.models_count or not self.any_models:
            return np.zeros(len(tasks), np.int32)
        return self.models[tasks]

    def statuses(self, model: Categorical, policy: Policy, tasks: Int32s, now: Consensus) -> Int8s:
        """Return the status that tasks have by the model, of which `now` is their consensus."""
        required, extra = self.required[tasks], self.beside(tasks, policy)
        sure = sure_enough(policy, model, self.usual_price(policy))
        return statuses(now, policy, required, extra, sure)

    def usual_price(self, policy: Policy) -> int:
        """Return what one more judgment of a task costs as a rule."""
        return usual_price(policy, people=self.any_people)

    def begin_sweep(self) -> None:
        """Have every task looked at anew."""
        self._unswept = range(self.tasks)

    def sweep(self, model: Categorical, policy: Policy, seq: int) -> tuple[Int32s, Int32s]:
        """Look at the next tasks of a sweep; return them, and those of them that changed.

        No refit and no policy moves a task of which nothing is known.
        """
        rows, self._unswept = self._unswept[:SWEEP_ROWS], self._unswept[SWEEP_ROWS:]
        some = np.arange(rows.start, rows.stop, dtype=np.int32)
        tasks: Int32s = some[model.known(some) | (self.label[some] >= 0)]
        return tasks, self.look(model, policy, tasks, seq, noticeable=NOTICEABLE)

    def look(
        self, model: Categorical, policy: Policy, tasks: Int32s, seq: int, noticeable: float
    ) -> Int32s:
        """Compare some tasks with the model, each once; return those that changed.

        A confidence counts as changed when it moved by more than `noticeable`.
        """
        now = model.consensus(tasks)
        status = self.statuses(model, policy, tasks, now)
        changed = (
            (status != self.status[tasks])
            | (now.label != self.label[tasks])
            | (now.judgments != self.judgments[tasks])
            | (now.gold != self.gold[tasks])
            | (np.abs(now.confidence - self.confidence[tasks]) > noticeable)
        )
        moved: Int32s = tasks[changed]
        looks = Consensus(
            label=now.label[changed],
            confidence=now.confidence[changed],
            judgments=now.judgments[changed],
            gold=now.gold[changed],
        )
        self._put(moved, looks, status[changed], seq)
        return moved

    def _put(self, tasks: Int32s, now: Consensus, status: Int8s, seq: int) -> None:
        was = self.status[tasks]
        self._labelled += int(np.count_nonzero(now.label >= 0))
        self._labelled -= int(np.count_nonzero(self.label[tasks] >= 0))
        self._confidences -= _grains(self.confidence[tasks])
        self.status[tasks] = status
        self.label[tasks] = now.label
        self.confidence[tasks] = now.confidence
        self._confidences += _grains(self.confidence[tasks])
        self.judgments[tasks] = now.judgments
        self.gold[tasks] = now.gold
        self.seq[tasks] = seq
        self.counts += np.bincount(status, minlength=3) - np.bincount(was, minlength=3)

    def retract(self, tasks: Int32s) -> None:
        """Note that judgments of these tasks were voided."""
        self.retracted[tasks] = True
        self.any_retracted |= len(tasks) > 0

    def rest(
        self, tasks: Int32s, parked: NDArray[np.bool_], in_turn: NDArray[np.bool_]
    ) -> tuple[Int32s, NDArray[np.bool_]]:
        """Return those of the tasks that must be handed out again, or no more, and which of both.

        Gold is settled, so it rests, but where its turn is `in_turn`: what is hidden among other
        tasks is chosen by itself. What is `parked` rests whatever its status is.
        """
        resting = ((self.status[tasks] != OPEN) & ~in_turn) | parked
        turned = tasks[resting != self._resting[tasks]]
        self._resting[tasks] = resting
        return turned, ~self._resting[turned]


def _grains(confidence: NDArray[np.float32]) -> int:
    return int(np.rint(confidence / GRAIN).astype(np.int64).sum())


def models_among(model: Categorical, tasks: Int32s, is_model: NDArray[np.bool_]) -> Int32s:
    """Return how many live judgments of each task are those of models."""
    place, worker = answers_to(model, tasks)
    return np.bincount(place[is_model[worker]], minlength=len(tasks)).astype(np.int32)


def statuses(
    consensus: Consensus, policy: Policy, required: Int32s, extra: Int32s, sure: Float64s
) -> Int8s:
    """Return the status of each task.

    `required` judgments are demanded of each, 0 is none; `extra` of its judgments do not count;
    `sure`: the confidence that settles a task, by its judgments (`api.stopping`).
    """
    judgments = consensus.judgments - extra
    settled = (consensus.gold >= 0) | (
        (consensus.confidence >= sure[np.clip(judgments, 0, len(sure) - 1)])
        & (judgments >= np.maximum(required, policy.enough))
    )
    full = judgments >= np.maximum(required, policy.overlap)
    status: Int8s = np.where(settled, _SETTLED, np.where(full, _CONTESTED, _OPEN))
    return status


def room(column: NDArray[_T], length: int) -> NDArray[_T]:
    """Return the column, longer if need be, so that `length` rows fit; new ones are 0."""
    if length <= len(column):
        return column
    longer: NDArray[Any] = np.zeros(max(length, len(column) * 3 // 2, 64), column.dtype)
    longer[: len(column)] = column
    return longer


def changed_since(seqs: Int64s, cursor: int) -> Int32s:
    """Return the rows whose last change lies after a cursor."""
    return np.flatnonzero(seqs > cursor).astype(np.int32)

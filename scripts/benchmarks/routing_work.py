"""A crowd at work, one judgment after the other: the real queue says who judges what."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from zlib import crc32

import numpy as np
import numpy.typing as npt

from engine import Categorical, Events, TaskQueue
from engine.queue import BREADTH, INFORMATION, RANDOM, UNCERTAINTY
from scripts.benchmarks.crowd_makes import MAKES, Plan
from scripts.benchmarks.datasets import DataSet

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Labels = npt.NDArray[np.int16]

MODES: Final = {
    "random": RANDOM,
    "breadth": BREADTH,
    "uncertainty": UNCERTAINTY,
    "information": INFORMATION,
}
MOMENTS: Final = (0, 50, 200)  # judgments of a worker's record; the tired answer otherwise
PACES: Final = 0.35  # spread of the logarithm of how fast workers are


class Work(Protocol):
    """Tasks with known truth, and people who come and answer."""

    labels: int
    truth: Labels  # -1 where it is not known
    arrivals: Ints  # workers, in the order in which they ask for a task

    def answer(self, worker: int, task: int, done: int) -> int:
        """What a worker answers after so many judgments."""

    def without_answer(self, worker: int) -> Ints | None:
        """Tasks that the worker cannot be given; None if there are none."""


class SimulatedWork:
    """A crowd of any make. Each (worker, task, moment) has one answer, whoever asks for it when, so
    that modes differ by what they ask for alone."""

    def __init__(self, plan: Plan, seed: int, tasks: int, overlap: int) -> None:
        people = np.random.default_rng(seed)
        rng = np.random.default_rng([seed, crc32(repr(plan).encode())])
        wanted = np.repeat(list(plan.workers), list(plan.workers.values())).astype(np.float64)
        chances, self.truth = MAKES[plan.make](plan, people, rng, len(wanted), tasks)
        self.labels, everything = plan.labels, np.arange(tasks)
        self._answers = np.empty((len(MOMENTS), len(wanted), tasks), np.int16)
        for w in range(len(wanted)):
            luck = rng.random((tasks, 1))
            for moment, done in enumerate(MOMENTS):
                below = chances(w, everything, done).cumsum(1)
                answers = (luck >= below).sum(1)
                self._answers[moment, w] = np.minimum(answers, plan.labels - 1)
        often = wanted * rng.lognormal(0.0, PACES, len(wanted))
        self.arrivals = rng.choice(len(wanted), tasks * overlap * 2, p=often / often.sum()).astype(
            np.int32
        )

    def answer(self, worker: int, task: int, done: int) -> int:
        """The answer that was drawn, of the last moment that has come."""
        moment = np.searchsorted(MOMENTS, done, side="right") - 1
        return int(self._answers[moment, worker, task])

    @property
    def rested(self) -> Labels:
        """Answers [workers, tasks] of those who have judged nothing yet."""
        answers: Labels = self._answers[0]
        return answers

    def without_answer(self, worker: int) -> None:
        """Simulated workers can judge everything."""


class RecordedWork:
    """A real data set: only judgments that exist can be asked for, of workers in random order, each
    as often as it has judged."""

    def __init__(self, data: DataSet, seed: int) -> None:
        rng = np.random.default_rng([seed, crc32(data.name.encode())])
        self.labels, self.truth = data.labels, data.gold
        pairs = zip(data.worker.tolist(), data.task.tolist(), strict=True)
        self._label: dict[tuple[int, int], int] = dict(zip(pairs, data.label.tolist(), strict=True))
        self.arrivals = rng.permutation(np.array([w for w, _ in self._label], np.int32))
        everything = np.arange(len(data.gold), dtype=np.int32)
        self._without = {
            w: np.setdiff1d(everything, data.task[data.worker == w]).astype(np.int32)
            for w in np.unique(data.worker).tolist()
        }

    def answer(self, worker: int, task: int, done: int) -> int:
        """The answer that was given."""
        del done
        return self._label[worker, task]

    def without_answer(self, worker: int) -> Ints | None:
        """All that the worker did not judge."""
        return self._without[worker]


@dataclass(frozen=True)
class Curve:
    """judgments, accuracy: of our consensus as they came. majority: accuracy of the vote at the
    end. spent: judgments of each task."""

    judgments: Ints
    accuracy: Floats
    majority: float
    spent: Ints


def work_on(
    work: Work,
    mode: int,
    *,
    overlap: int,
    floor: int,
    most: int,
    seed: int,
    looks: Sequence[int] = (),
) -> Curve:
    """Let the crowd work until `most` judgments are there, or nobody has anything left to judge;
    look at the accuracy after so many judgments each."""
    tasks = len(work.truth)
    model, everything = Categorical(work.labels), np.arange(tasks, dtype=np.int32)
    queue, scored = TaskQueue(model), np.flatnonzero(work.truth >= 0).astype(np.int32)
    queue.add(everything, np.zeros(tasks, np.int16))
    done = np.zeros(int(work.arrivals.max()) + 1, np.int32)
    votes = np.zeros((tasks, work.labels), np.int32)
    seen: list[tuple[int, float]] = []
    spent, nothing, due = 0, np.zeros(0, np.int32), set(looks)
    rng = np.random.default_rng(seed)
    for worker in work.arrivals.tolist():
        if spent == most:
            break
        without = work.without_answer(worker)
        picked = queue.pick(
            worker,
            1,
            overlap,
            nothing if without is None else without,
            mode=mode,
            floor=floor,
            seed=int(rng.integers(1, 1 << 62)),
        )
        if len(picked.tasks) == 0:
            continue
        task = int(picked.tasks[0])
        label = work.answer(worker, task, int(done[worker]))
        outcome = model.apply(Events.judgments([task], [worker], [label]))
        done[worker] += 1
        votes[task, label] += 1
        spent += 1
        queue.set_load(task, int(votes[task].sum()))
        queue.follow(everything if outcome.refitted else outcome.tasks)
        if spent in due:
            seen.append((spent, _accuracy(model, work.truth, scored)))
    seen.append((spent, _accuracy(model, work.truth, scored)))
    judgments, accuracy = zip(*seen, strict=True)
    return Curve(
        np.array(judgments, np.int32),
        np.array(accuracy),
        _majority(votes, work.truth, scored),
        votes.sum(1).astype(np.int32),
    )


def _accuracy(model: Categorical, truth: Labels, scored: Ints) -> float:
    """Share of the scored tasks with the right label; a guess where there is no judgment yet."""
    now = model.consensus(scored)
    right = (now.label == truth[scored]) + (now.judgments == 0) / model.labels
    return float(right.mean())


def _majority(votes: Ints, truth: Labels, scored: Ints) -> float:
    """Accuracy of the vote, ties drawn."""
    first = votes[scored] == votes[scored].max(1, keepdims=True)
    return float((first[np.arange(len(scored)), truth[scored]] / first.sum(1)).mean())

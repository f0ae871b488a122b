"""Simulated crowds with known truth, none of them drawn from the model that judges them.

Besides the demo's crowd (`engine.crowd`: items differ in difficulty, some tempt everyone to the
same wrong answer, workers of six kinds) there are others of quite another make, so that no figure
leans on one way to simulate. In all of them errors are shared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

from engine.crowd import ItemKind, WorkerKind
from engine.jit import kernel
from scripts.benchmarks.crowd_makes import MAKES, Floats, Labels, Plan

Ints = npt.NDArray[np.int32]

POPULATION: Final = 2000  # more items, to measure what a worker's accuracy really is
MOMENTS: Final = 5  # of a worker's record at which that is measured: the tired are less accurate

PLANS: Final[Mapping[str, Plan]] = {
    "demo": Plan(),
    "demo, 2 labels": Plan(labels=2),
    "demo, 10 labels": Plan(labels=10),
    "demo, overlap 3": Plan(overlap=3),
    "demo, overlap 10": Plan(overlap=10),
    "demo, 2 labels, overlap 3": Plan(labels=2, overlap=3),
    "demo, classes 75:15:6:4": Plan(frequency=(0.75, 0.15, 0.06, 0.04)),
    "demo, classes 85:15": Plan(labels=2, frequency=(0.85, 0.15)),
    "demo, a quarter traps": Plan(
        item_shares={ItemKind.PLAIN: 0.5, ItemKind.HARD: 0.25, ItemKind.TRAP: 0.25}
    ),
    "demo, no traps": Plan(item_shares={ItemKind.PLAIN: 0.95, ItemKind.HARD: 0.05}),
    "demo, a third clickers": Plan(
        worker_shares={
            WorkerKind.EXPERT: 0.08,
            WorkerKind.AVERAGE: 0.25,
            WorkerKind.SLOPPY: 0.2,
            WorkerKind.BIASED: 0.12,
            WorkerKind.RANDOM: 0.25,
            WorkerKind.CONSTANT: 0.1,
        }
    ),
    "demo, no clickers": Plan(
        worker_shares={WorkerKind.EXPERT: 0.3, WorkerKind.AVERAGE: 0.6, WorkerKind.SLOPPY: 0.1}
    ),
    "demo, short records only": Plan(workers={5: 300}),
    "ordinal, 5 labels": Plan("ordinal", labels=5),
    "ordinal, 3 labels, overlap 3": Plan("ordinal", labels=3, overlap=3),
    "specialists": Plan("specialists"),
    "specialists, 10 labels, overlap 3": Plan("specialists", labels=10, overlap=3),
    "suggested": Plan("suggested"),
    "suggested, 2 labels, overlap 7": Plan("suggested", labels=2, overlap=7),
    "misled": Plan("misled"),
    "misled, 2 labels": Plan("misled", labels=2),
}


@dataclass(frozen=True)
class Simulated:
    """task, worker, label: the judgments in order of time. truth int16[T]. order int32[T]: the
    tasks, in the order in which they become gold. Of each worker: wanted, how many judgments it was
    to give, give or take one; accuracy: its probability of being right on an item of the
    population, on the average over its record; bits: what an answer tells about the truth; bias
    [W, K]: how much more often than it is true it says each label."""

    labels: int
    task: Ints
    worker: Ints
    label: Labels
    truth: Labels
    order: Ints
    wanted: Ints
    accuracy: Floats
    bits: Floats
    bias: Floats

    def gold(self, share: float) -> Labels:
        """The truth of this share of the tasks, drawn at random; -1 elsewhere."""
        gold = np.full(len(self.truth), -1, np.int16)
        known = self.order[: round(share * len(self.truth))]
        gold[known] = self.truth[known]
        return gold


def simulate(plan: Plan, seed: int, project: int = 0) -> Simulated:
    """Draw a crowd and let it work. The same seed gives plans of one make, and each project, the
    same people."""
    people = np.random.default_rng(seed)
    entropy = [seed, crc32(repr(plan).encode()), project]
    rng = np.random.default_rng(entropy if project else entropy[:2])
    K = plan.labels
    wanted = rng.permutation(np.repeat(list(plan.workers), list(plan.workers.values())))
    tasks = int(wanted.sum()) // plan.overlap
    chosen = np.empty((tasks, plan.overlap), np.int32)
    _share_out(wanted.astype(np.float64), rng.random(chosen.shape), chosen)
    order = rng.permutation(chosen.size)
    task = np.repeat(np.arange(tasks, dtype=np.int32), plan.overlap)[order]
    worker = chosen.ravel()[order]
    chances, truth = MAKES[plan.make](plan, people, rng, len(wanted), tasks + POPULATION)
    population = np.arange(tasks, tasks + POPULATION)
    there = truth[population]
    label = np.empty(len(task), np.int16)
    joint = np.empty((len(wanted), K, K))  # true, answered
    for w in range(len(wanted)):
        rows = np.flatnonzero(worker == w)
        below = chances(w, task[rows], np.arange(len(rows))).cumsum(1)
        label[rows] = np.minimum((rng.random((len(rows), 1)) >= below).sum(1), K - 1)
        moments = np.linspace(0, max(len(rows) - 1, 0), MOMENTS)
        average = np.mean([chances(w, population, done) for done in moments], axis=0)
        joint[w] = [average[there == k].sum(0) / POPULATION for k in range(K)]
    share, given = joint[0].sum(1), joint.sum(1)
    apart = np.maximum(share[:, None] * given[:, None], 1e-300)
    return Simulated(
        labels=K,
        task=task,
        worker=worker,
        label=label,
        truth=truth[:tasks],
        order=rng.permutation(tasks).astype(np.int32),
        wanted=wanted.astype(np.int32),
        accuracy=np.einsum("wkk->w", joint),
        bits=(joint * np.log2(np.maximum(joint, 1e-300) / apart)).sum((1, 2)),
        bias=given - share,
    )


@kernel
def _share_out(left: Floats, draws: Floats, chosen: Ints) -> None:
    """Give each task different workers, each with a chance proportional to what it has left."""
    for task in range(draws.shape[0]):
        for place in range(draws.shape[1]):
            total = 0.0
            for w in range(left.shape[0]):
                total += max(left[w], 1e-3)
            for earlier in range(place):
                total -= max(left[chosen[task, earlier]], 1e-3)
            aim = draws[task, place] * total
            for w in range(left.shape[0]):
                taken = False
                for earlier in range(place):
                    taken |= chosen[task, earlier] == w
                if taken:
                    continue
                chosen[task, place] = w
                aim -= max(left[w], 1e-3)
                if aim < 0:
                    break
        for place in range(draws.shape[1]):
            left[chosen[task, place]] -= 1

"""A simulated crowd, to see how well the truth is found where it is known.

It is drawn from another model than the one that judges it. Dawid-Skene says that a worker's answer
depends on the true class alone, and that workers err independently of each other. Here items
differ: some are hard for all, and some tempt everyone to the same wrong answer.

Worker w answers label l to item i with truth z and distractor d (Bock's nominal response model,
Psychometrika 37, 1972, with a tempting option):

    P(l) = exp(u_l) / sum over k of exp(u_k)
    u_l  = [l = z] * (skill_w - difficulty_i - fatigue_w * (1 - exp(-n / TIRING)) + ln(K - 1))
         + [l = d] * attraction_i
         + [l = favourite_w] * bias_w

with n the judgments that w has made before. A fresh worker without bias is right on an item that
does not tempt with probability logistic(skill - difficulty), whatever K is.
Random clickers have no skill and see no distractor: u = 0. Constant clickers answer `favourite_w`.
The biased workers are a group: all favour the same label.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int16]
Kinds = npt.NDArray[np.int8]

TIRING = 150.0  # judgments after which two thirds of a worker's fatigue have set in
PACE_SPREAD = 0.4  # of the logarithm of the seconds that a worker takes from one item to the next


class WorkerKind(IntEnum):
    """How a worker works."""

    EXPERT = 0
    AVERAGE = 1
    SLOPPY = 2
    BIASED = 3
    RANDOM = 4
    CONSTANT = 5


class ItemKind(IntEnum):
    """What an item does to workers."""

    PLAIN = 0
    HARD = 1
    TRAP = 2  # most are tempted to the same wrong answer


WORKER_SHARES: Mapping[WorkerKind, float] = MappingProxyType(
    {
        WorkerKind.EXPERT: 0.12,
        WorkerKind.AVERAGE: 0.40,
        WorkerKind.SLOPPY: 0.22,
        WorkerKind.BIASED: 0.10,
        WorkerKind.RANDOM: 0.10,
        WorkerKind.CONSTANT: 0.06,
    }
)
ITEM_SHARES: Mapping[ItemKind, float] = MappingProxyType(
    {ItemKind.PLAIN: 0.70, ItemKind.HARD: 0.20, ItemKind.TRAP: 0.10}
)


@dataclass(frozen=True)
class _Traits:
    """Mean and spread of the skill of a kind, its bias, its fatigue, and its time per item."""

    skill: float
    spread: float
    bias: float
    fatigue: float
    pace: float  # in units of an average worker's


_WORKERS: Mapping[WorkerKind, _Traits] = {
    WorkerKind.EXPERT: _Traits(3.6, 0.4, 0.0, 0.2, 1.3),
    WorkerKind.AVERAGE: _Traits(2.4, 0.5, 0.0, 0.4, 1.0),
    WorkerKind.SLOPPY: _Traits(1.2, 0.5, 0.0, 0.6, 0.8),
    WorkerKind.BIASED: _Traits(2.2, 0.4, 2.5, 0.4, 1.0),
    WorkerKind.RANDOM: _Traits(0.0, 0.0, 0.0, 0.0, 0.6),
    WorkerKind.CONSTANT: _Traits(0.0, 0.0, np.inf, 0.0, 0.5),
}
_ITEMS: Mapping[ItemKind, tuple[float, float, float]] = {  # difficulty, its spread, attraction
    ItemKind.PLAIN: (0.0, 0.5, 0.3),
    ItemKind.HARD: (1.3, 0.5, 0.8),
    ItemKind.TRAP: (0.9, 0.5, 2.2),
}


@dataclass(frozen=True)
class Workers:
    """Workers as columns: kind int8[n] of `WorkerKind`, the terms of the formula, and pace, the
    median time for an item in units of an average worker's. favourite is -1 for none."""

    kind: Kinds
    skill: Floats
    favourite: Labels
    bias: Floats
    fatigue: Floats
    pace: Floats

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True)
class Items:
    """Items as columns: kind int8[n] of `ItemKind`, and the terms of the formula. labels: K."""

    labels: int
    kind: Kinds
    truth: Labels
    difficulty: Floats
    distractor: Labels
    attraction: Floats

    def __len__(self) -> int:
        return len(self.kind)

    def joined(self, more: "Items") -> "Items":
        """These items and then more, of the same labels."""
        return Items(
            self.labels,
            np.concatenate([self.kind, more.kind]),
            np.concatenate([self.truth, more.truth]),
            np.concatenate([self.difficulty, more.difficulty]),
            np.concatenate([self.distractor, more.distractor]),
            np.concatenate([self.attraction, more.attraction]),
        )


def draw_workers(
    rng: np.random.Generator,
    count: int,
    labels: int,
    shares: Mapping[WorkerKind, float] = WORKER_SHARES,
) -> Workers:
    """Draw a crowd in random order. The shares are kept to within one worker a kind."""
    kind = _apportioned(rng, count, shares)
    traits = [_WORKERS[WorkerKind(each)] for each in kind]
    favourite = np.full(count, -1, np.int16)
    favourite[kind == WorkerKind.BIASED] = rng.integers(labels)
    constant = kind == WorkerKind.CONSTANT
    favourite[constant] = rng.integers(labels, size=int(constant.sum()))
    pace = np.array([each.pace for each in traits]) * rng.lognormal(0.0, 0.35, count)
    return Workers(
        kind=kind,
        skill=rng.normal([each.skill for each in traits], [each.spread for each in traits]),
        favourite=favourite,
        bias=np.array([each.bias for each in traits]),
        fatigue=np.array([each.fatigue for each in traits]) * rng.uniform(0.5, 1.5, count),
        pace=pace,
    )


def draw_items(
    rng: np.random.Generator,
    count: int,
    labels: int,
    shares: Mapping[ItemKind, float] = ITEM_SHARES,
) -> Items:
    """Draw items in random order. The first class is twice as frequent as the last."""
    kind = _apportioned(rng, count, shares)
    means, spreads, attraction = (
        np.array([_ITEMS[ItemKind(each)] for each in kind]).reshape(-1, 3).T
    )
    frequency = np.linspace(2.0, 1.0, labels)
    truth = rng.choice(labels, count, p=frequency / frequency.sum())
    # A distractor is no independent draw: classes have look-alikes, most often the next one.
    step = np.where(rng.random(count) < 0.6, 1, rng.integers(1, labels, count))
    return Items(
        labels=labels,
        kind=kind,
        truth=truth.astype(np.int16),
        difficulty=rng.normal(means, spreads),
        distractor=((truth + step) % labels).astype(np.int16),
        attraction=attraction * rng.uniform(0.7, 1.3, count),
    )


def chances(
    workers: Workers,
    items: Items,
    worker: npt.ArrayLike,
    item: npt.ArrayLike,
    done: npt.ArrayLike = 0,
) -> Floats:
    """Probability [n, K] of each answer of worker[i] to item[i] after done[i] earlier judgments."""
    w, i = np.atleast_1d(worker), np.atleast_1d(item)
    w, i, n = np.broadcast_arrays(w, i, np.asarray(done))
    rows = np.arange(len(w))
    tired = workers.fatigue[w] * -np.expm1(-n / TIRING)
    sees = workers.kind[w] != WorkerKind.RANDOM
    utility = np.zeros((len(w), items.labels))
    ahead = workers.skill[w] - items.difficulty[i] - tired + np.log(items.labels - 1)
    utility[rows, items.truth[i]] = sees * ahead
    utility[rows, items.distractor[i]] += sees * items.attraction[i]
    favourite = workers.favourite[w]
    has = (favourite >= 0) & np.isfinite(workers.bias[w])
    utility[rows[has], favourite[has]] += workers.bias[w][has]
    weight = np.exp(utility - utility.max(axis=1, keepdims=True))
    constant = workers.kind[w] == WorkerKind.CONSTANT
    weight[constant] = 0.0
    weight[rows[constant], favourite[constant]] = 1.0
    probability: Floats = weight / weight.sum(axis=1, keepdims=True)
    return probability


def answers(
    workers: Workers,
    items: Items,
    worker: npt.ArrayLike,
    item: npt.ArrayLike,
    rng: np.random.Generator,
    done: npt.ArrayLike = 0,
) -> Labels:
    """Draw the answers int16[n] of worker[i] to item[i]; see `chances`."""
    below = np.cumsum(chances(workers, items, worker, item, done), axis=1)
    drawn = (rng.random((len(below), 1)) >= below).sum(axis=1)
    labels: Labels = np.minimum(drawn, items.labels - 1).astype(np.int16)
    return labels


def answer(
    workers: Workers, items: Items, worker: int, item: int, rng: np.random.Generator, done: int = 0
) -> int:
    """Draw one answer of one worker; see `chances`."""
    return int(answers(workers, items, worker, item, rng, done)[0])


def paces(workers: Workers, worker: int, count: int, rng: np.random.Generator) -> Floats:
    """Draw the times [count] a worker takes for items, in units of an average worker's median."""
    times: Floats = workers.pace[worker] * rng.lognormal(0.0, PACE_SPREAD, count)
    return times


def throughput(workers: Workers) -> float:
    """Items that all of them together answer in the median time of an average worker."""
    # The mean of a lognormal time lies above its median.
    return float((1.0 / (workers.pace * np.exp(PACE_SPREAD**2 / 2))).sum())


def _apportioned(
    rng: np.random.Generator,
    count: int,
    shares: Mapping[WorkerKind, float] | Mapping[ItemKind, float],
) -> Kinds:
    """Kinds in random order, each as often as its share says, by largest remainders."""
    weight = np.array(list(shares.values()), np.float64)
    if len(weight) == 0 or weight.min() < 0 or weight.sum() <= 0:
        raise ValueError(f"shares must be 0 or more, and not all 0: {dict(shares)}")
    exact = count * weight / weight.sum()
    whole = np.floor(exact).astype(np.int64)
    whole[np.argsort(whole - exact, kind="stable")[: count - int(whole.sum())]] += 1
    kinds = np.repeat(np.array([int(kind) for kind in shares], np.int8), whole)
    return rng.permutation(kinds)

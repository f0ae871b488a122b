"""Simulated crowds with rings of copiers in them, of which it is known who copies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.jit import kernel
from scripts.benchmarks.crowd_makes import MAKES, Chances, Floats, Labels, Plan, Rng

Ints = npt.NDArray[np.int32]

WORKERS: Final = 200
COMMON: Final = 100  # tasks of any two of a ring
SMALLEST, LARGEST = 3, 10  # rings
OTHERS: Final = 3000  # tasks that no ring has chosen


@dataclass(frozen=True)
class Copying:
    """How a ring copies. leader: "own", it answers by itself; "guess", at random; "wrong", anything
    but the truth, three times in four. noise: share of answers that the others give by themselves.
    """

    leader: str = "own"
    noise: float = 0.0


COPYING: Final[Mapping[str, Copying]] = {
    "copies": Copying(),
    "copies, 10 % own": Copying(noise=0.1),
    "copies, 20 % own": Copying(noise=0.2),
    "guesses": Copying("guess"),
    "guesses, 20 % own": Copying("guess", 0.2),
    "mostly wrong": Copying("wrong"),
}


@dataclass(frozen=True)
class Scene:
    """share: of the workers in rings, that copy in turn as `copying` has it. together: share of the
    overlap that members take in tasks chosen by their ring; 0: tasks are dealt out at random, as
    many as give two workers COMMON tasks."""

    plan: Plan = field(default_factory=Plan)
    share: float = 0.3
    together: float = 0.4
    copying: tuple[str, ...] = tuple(COPYING)


@dataclass(frozen=True)
class Colluding:
    """task, worker, label: the judgments. honest: what each would have been without copying.
    truth int16[T]. ring int32[W]: -1 for workers in none; leads int32: the one copied, by ring."""

    labels: int
    task: Ints
    worker: Ints
    label: Labels
    honest: Labels
    truth: Labels
    ring: Ints
    leads: Ints


def collude(scene: Scene, seed: int) -> Colluding:
    """Draw a crowd with rings, and let it work."""
    plan = scene.plan
    people, rng = np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2])
    ring = _rings(scene.share, people)
    leads: list[int] = []
    task, worker = _deal(scene, ring, rng)
    tasks = int(task.max()) + 1
    chances, truth = MAKES[plan.make](plan, people, rng, WORKERS, tasks)
    honest = _answers(chances, worker, task, rng)
    label = honest.copy()
    for number in range(int(ring.max(initial=-1)) + 1):
        members = np.flatnonzero(ring == number).astype(np.int32)
        leader = _leader(members, worker, honest)
        leads.append(leader)
        way = COPYING[scene.copying[number % len(scene.copying)]]
        lead = _lead(way.leader, plan.labels, chances, truth, leader, rng)
        rows = np.flatnonzero(ring[worker] == number)
        own = (rng.random(len(rows)) < way.noise) & (worker[rows] != leader)
        copied = rows[~own]
        label[copied] = lead[task[copied]]
    return Colluding(
        plan.labels, task, worker, label, honest, truth, ring, np.array(leads, np.int32)
    )


def _rings(share: float, people: Rng) -> Ints:
    """The ring of each worker."""
    left = round(share * WORKERS)
    order = people.permutation(WORKERS).astype(np.int32)
    ring = np.full(WORKERS, -1, np.int32)
    number = 0
    while left >= SMALLEST:
        size = min(int(people.integers(SMALLEST, LARGEST + 1)), left)
        members, order = order[:size], order[size:]
        ring[members] = number
        number += 1
        left -= size
    return ring


def _leader(members: Ints, worker: Ints, honest: Labels) -> int:
    """The first who does not always say the same: that would be no copying."""
    for member in members:
        said = np.bincount(honest[worker == member])
        if said.max(initial=0) < 0.9 * said.sum():
            return int(member)
    return int(members[0])


def _deal(scene: Scene, ring: Ints, rng: Rng) -> tuple[Ints, Ints]:
    """Who judges what: tasks and workers, int32[n]."""
    overlap = scene.plan.overlap
    everybody = np.arange(WORKERS, dtype=np.int32)
    draws = []
    if scene.together == 0:
        tasks = round(COMMON * WORKERS * (WORKERS - 1) / (overlap * (overlap - 1)))
        draws.append(_draw(everybody, tasks, overlap, rng))
    else:
        draws.append(_draw(everybody, OTHERS, overlap, rng))
        for number in range(int(ring.max(initial=-1)) + 1):
            members = everybody[ring == number]
            size = len(members)
            some = max(2, min(size, round(scene.together * overlap)))
            tasks = -(-COMMON * size * (size - 1) // (some * (some - 1)))
            together = _draw(members, tasks, some, rng)
            rest = _draw(everybody[ring < 0], tasks, overlap - some, rng)
            draws.append(np.concatenate([together, rest], axis=1))
    worker = np.concatenate([draw.ravel() for draw in draws])
    task = np.repeat(np.arange(len(worker) // overlap, dtype=np.int32), overlap)
    return task, worker


def _draw(workers: Ints, tasks: int, count: int, rng: Rng) -> Ints:
    """For each task `count` different ones of the workers."""
    chosen = np.empty((tasks, count), np.int32)
    _shuffle(workers.copy(), rng.random((tasks, count)), chosen)
    return chosen


@kernel
def _shuffle(workers: Ints, draws: Floats, chosen: Ints) -> None:
    for t in range(draws.shape[0]):
        for place in range(draws.shape[1]):
            other = place + int(draws[t, place] * (workers.shape[0] - place))
            swapped = workers[place]
            workers[place] = workers[other]
            workers[other] = swapped
            chosen[t, place] = workers[place]


def _answers(chances: Chances, worker: Ints, task: Ints, rng: Rng) -> Labels:
    label = np.empty(len(task), np.int16)
    for x in range(WORKERS):
        rows = np.flatnonzero(worker == x)
        if len(rows):
            label[rows] = _drawn(chances(x, task[rows], np.arange(len(rows))), rng)
    return label


def _lead(kind: str, labels: int, chances: Chances, truth: Labels, leader: int, rng: Rng) -> Labels:
    """What a ring answers to every task."""
    if kind == "guess":
        return rng.integers(0, labels, len(truth)).astype(np.int16)
    if kind == "wrong":
        wrong = (truth + rng.integers(1, labels, len(truth))) % labels
        return np.where(rng.random(len(truth)) < 0.75, wrong, truth).astype(np.int16)
    return _drawn(chances(leader, np.arange(len(truth)), 0), rng)


def _drawn(chances: Floats, rng: Rng) -> Labels:
    below = chances.cumsum(1)
    drawn = (rng.random((len(below), 1)) >= below).sum(1)
    labels: Labels = np.minimum(drawn, below.shape[1] - 1).astype(np.int16)
    return labels

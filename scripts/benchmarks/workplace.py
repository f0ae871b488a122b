"""A simulated workplace: workers come, are handed tasks, and go when they are stopped.

Answers are drawn as in `engine.crowd`: items differ in difficulty, and some tempt everyone to the
same wrong answer. Workers are made to have exactly the accuracy that they are to have, on the
average over the items. Tasks are open until they have their judgments; so what is known of a
judgment grows as others come, and how soon depends on how the tasks are handed out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from engine import crowd
from engine.crowd import ItemKind, WorkerKind
from engine.jit import kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Labels = npt.NDArray[np.int16]
Bools = npt.NDArray[np.bool_]

POPULATION: Final = 3000  # items on which accuracy is measured
SKILLS: Final = np.linspace(-3.0, 9.0, 97)
TRIES: Final = 64  # to find an open task that the worker has not judged
FEW: Final = 8  # of which the one with fewest judgments is handed out

NEXT_TASK, NEXT_WORKER, AT_WORK = range(3)  # places in `progress`


class Kind(IntEnum):
    """How a worker works."""

    LEVEL = 0  # honest, exactly as accurate as is acceptable
    GOOD = 1  # honest and better
    EXPERT = 2
    POOR = 3  # exactly as inaccurate as is unacceptable
    DROPS = 4  # from 90 to 60 %
    RANDOM = 5
    CONSTANT = 6
    RING = 7  # gives with most items the label that the ring has agreed on


LEVELS: Final[Mapping[Kind, tuple[float, float]]] = {  # accuracies, least and most
    Kind.GOOD: (0.83, 0.96),
    Kind.EXPERT: (0.97, 0.97),
    Kind.DROPS: (0.9, 0.9),
}
LOYAL: Final = 0.95  # how often the ring's members follow it
DROP_TO: Final = 0.6


@dataclass(frozen=True)
class Site:
    """What the workplace is like.

    shares: of kinds of workers. life: judgments of each. at_work: at a time. open_tasks: at a time;
    handed out at random, or if breadth the one with fewest judgments of a few. adaptive: a task
    closes early when one label is two votes ahead. gold: share of judgments. drop: judgments after
    which DROPS get worse.
    """

    labels: int = 4
    overlap: int = 5
    gold: float = 0.1
    shares: Mapping[Kind, float] = field(
        default_factory=lambda: {
            Kind.LEVEL: 0.5,
            Kind.GOOD: 0.35,
            Kind.RANDOM: 0.1,
            Kind.CONSTANT: 0.05,
        }
    )
    items: Mapping[ItemKind, float] = field(default_factory=lambda: crowd.ITEM_SHARES)
    workers: int = 600
    life: int = 150
    at_work: int = 100
    open_tasks: int = 200
    breadth: bool = False
    adaptive: bool = False
    acceptable: float = 0.8
    unacceptable: float = 0.6
    drop: int = 1 << 30
    gold_tasks: int = 400


class Place(NamedTuple):
    """The arrays of a workplace with T tasks, W workers, G of the tasks gold."""

    truth: Labels  # [T]
    distractor: Labels  # [T]
    difficulty: Floats  # [T]
    attraction: Floats  # [T]
    agreed: Labels  # [T] the ring's label
    kind: npt.NDArray[np.int8]  # [W]
    skill: Floats  # [W, 2] before and after a drop
    favourite: Labels  # [W]
    load: Ints  # [T]
    seen: Ints  # [T, overlap] who has judged it
    votes: Ints  # [T, K]
    opened: Ints  # [open tasks]
    crew: Ints  # [at work]
    made: Ints  # [W] judgments so far
    gold_next: Ints  # [W]
    weight: Floats  # [K] scratch
    progress: Ints  # [3]


class Workplace:
    """Makes judgments, a few at a time, so that who is stopped makes no more."""

    def __init__(self, site: Site, seed: int) -> None:
        self.site = site
        self._rng = rng = np.random.default_rng(seed)
        W, K = site.workers, site.labels
        closing = 2 if site.adaptive else site.overlap
        T = site.gold_tasks + site.open_tasks + W * site.life // closing + 1
        items = crowd.draw_items(rng, T, K, site.items)
        kinds = np.array(list(site.shares), np.int8)
        share = np.array(list(site.shares.values()))
        kind = rng.choice(kinds, W, p=share / share.sum())
        accuracy = np.full(W, site.acceptable)
        accuracy[kind == Kind.POOR] = site.unacceptable
        for each, (least, most) in LEVELS.items():
            accuracy[kind == each] = rng.uniform(least, most, int((kind == each).sum()))
        measured = _accuracies(rng, site)
        skill = np.interp(accuracy, measured, SKILLS)
        dropped = np.where(kind == Kind.DROPS, np.interp(DROP_TO, measured, SKILLS), skill)
        crew = min(site.at_work, W)
        self._place = Place(
            items.truth,
            items.distractor,
            items.difficulty,
            items.attraction,
            rng.integers(K, size=T).astype(np.int16),
            kind,
            np.stack([skill, dropped], axis=1),
            rng.integers(K, size=W).astype(np.int16),
            np.zeros(T, np.int32),
            np.zeros((T, site.overlap), np.int32),
            np.zeros((T, K), np.int32),
            np.arange(site.gold_tasks, site.gold_tasks + site.open_tasks, dtype=np.int32),
            np.arange(crew, dtype=np.int32),
            np.zeros(W, np.int32),
            rng.integers(site.gold_tasks, size=W).astype(np.int32),
            np.zeros(K),
            np.array([site.gold_tasks + site.open_tasks, crew, crew], np.int32),
        )

    @property
    def kind(self) -> npt.NDArray[np.int8]:
        """Kinds [W] of the workers."""
        return self._place.kind

    @property
    def gold(self) -> Labels:
        """Truths of the first tasks, which are gold."""
        return self._place.truth[: self.site.gold_tasks]

    @property
    def made(self) -> Ints:
        """Judgments [W] made so far."""
        return self._place.made

    @property
    def idle(self) -> bool:
        """Whether all have gone."""
        return bool(self._place.progress[AT_WORK] == 0)

    def judge(self, count: int, stopped: Bools) -> tuple[Ints, Ints, Labels]:
        """The next judgments, at most so many: task, worker, label."""
        task, worker = np.empty(count, np.int32), np.empty(count, np.int32)
        label = np.empty(count, np.int16)
        site = self.site
        made = _work(
            self._place,
            stopped,
            self._rng.random((count, TRIES + 4)),
            (site.gold, site.breadth, site.adaptive, site.life, site.drop, site.gold_tasks),
            task,
            worker,
            label,
        )
        return task[:made], worker[:made], label[:made]


def _accuracies(rng: np.random.Generator, site: Site) -> Floats:
    """Mean accuracy over the items of workers with each of SKILLS."""
    items = crowd.draw_items(rng, POPULATION, site.labels, site.items)
    worker = crowd.Workers(
        np.full(len(SKILLS), WorkerKind.AVERAGE, np.int8),
        SKILLS,
        np.full(len(SKILLS), -1, np.int16),
        np.zeros(len(SKILLS)),
        np.zeros(len(SKILLS)),
        np.ones(len(SKILLS)),
    )
    places = np.arange(POPULATION)
    each = [crowd.chances(worker, items, w, places) for w in range(len(SKILLS))]
    return np.array([chances[places, items.truth].mean() for chances in each])


@kernel
def _answer(place: Place, worker: int, task: int, after: int, draw: float, loyalty: float) -> int:
    """Draw an answer, see `engine.crowd`."""
    weight, kind = place.weight, place.kind[worker]
    K: int = weight.shape[0]
    if kind == Kind.CONSTANT:
        return int(place.favourite[worker])
    if kind == Kind.RING and loyalty < LOYAL:
        return int(place.agreed[task])
    for label in range(K):
        weight[label] = 1.0
    if kind not in (Kind.RANDOM, Kind.RING):
        ahead = place.skill[worker, after] - place.difficulty[task]
        weight[place.truth[task]] = (K - 1) * np.exp(ahead)
        weight[place.distractor[task]] *= np.exp(place.attraction[task])
    aim = draw * weight.sum()
    for label in range(K):
        aim -= weight[label]
        if aim < 0:
            return label
    return K - 1


@kernel
def _closes(place: Place, task: int, adaptive: bool) -> bool:
    if place.load[task] == place.seen.shape[1]:
        return True
    first = 0
    second = 0
    for label in range(place.votes.shape[1]):
        votes = place.votes[task, label]
        if votes > first:
            second = first
            first = votes
        elif votes > second:
            second = votes
    return adaptive and first - second >= 2


@kernel
def _open_slot(place: Place, worker: int, draws: Floats, breadth: bool) -> int:
    """Where in `opened` the task is that the worker is handed, -1 if there is none."""
    found = -1
    for tries in range(draws.shape[0]):
        slot = int(draws[tries] * place.opened.shape[0])
        task = place.opened[slot]
        fresh = True
        for i in range(place.load[task]):
            fresh = fresh and place.seen[task, i] != worker
        if fresh and (found < 0 or place.load[task] < place.load[place.opened[found]]):
            found = slot
        if found >= 0 and (not breadth or tries >= FEW):
            break
    return found


@kernel
def _work(
    place: Place,
    stopped: Bools,
    draws: Floats,
    rules: tuple[float, bool, bool, int, int, int],
    tasks: Ints,
    workers: Ints,
    labels: Labels,
) -> int:
    """Fill the columns with judgments; returns how many there are."""
    gold, breadth, adaptive, life, drop, gold_tasks = rules
    progress, crew = place.progress, place.crew
    count = 0
    for row in range(draws.shape[0]):
        if progress[AT_WORK] == 0:
            break
        seat = int(draws[row, 0] * progress[AT_WORK])
        worker = crew[seat]
        if stopped[worker] or place.made[worker] >= life:
            if progress[NEXT_WORKER] < place.kind.shape[0]:
                crew[seat] = progress[NEXT_WORKER]
                progress[NEXT_WORKER] += 1
            else:
                progress[AT_WORK] -= 1
                crew[seat] = crew[progress[AT_WORK]]
            continue
        slot = -1
        if draws[row, 1] < gold:
            task = place.gold_next[worker]
            place.gold_next[worker] = (task + 1) % gold_tasks
        else:
            slot = _open_slot(place, worker, draws[row, 4:], breadth)
            if slot < 0:
                continue
            task = place.opened[slot]
        after = 1 if place.made[worker] >= drop else 0
        label = _answer(place, worker, task, after, draws[row, 2], draws[row, 3])
        tasks[count] = task
        workers[count] = worker
        labels[count] = label
        count += 1
        place.made[worker] += 1
        if slot >= 0:
            place.seen[task, place.load[task]] = worker
            place.load[task] += 1
            place.votes[task, label] += 1
            if _closes(place, task, adaptive):
                place.opened[slot] = progress[NEXT_TASK]
                progress[NEXT_TASK] += 1
    return count

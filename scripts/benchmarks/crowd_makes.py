"""Ways to make a crowd: from workers and items to the probabilities of answers, and the truth."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from engine import crowd
from engine.crowd import ItemKind, WorkerKind

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int16]
Items = npt.NDArray[np.integer]
# Probabilities [n, K] of a worker's answers to items, after so many earlier judgments.
Chances = Callable[[int, Items, npt.ArrayLike], Floats]
Rng = np.random.Generator

RECORDS: Final = (5, 20, 100)  # judgments of a worker
RANDOM, CONSTANT = 0.08, 0.05  # shares of those who do not look, where the demo has its own


@dataclass(frozen=True)
class Plan:
    """How a crowd is to be. make: one of MAKES. workers: how many there are with each number of
    judgments. frequency: of the classes, empty for 2:1 from the first to the last. The shares are
    the demo's."""

    make: str = "demo"
    labels: int = 4
    overlap: int = 5
    workers: Mapping[int, int] = field(
        default_factory=lambda: dict(zip(RECORDS, (80, 60, 40), strict=True))
    )
    frequency: tuple[float, ...] = ()
    worker_shares: Mapping[WorkerKind, float] = field(default_factory=lambda: crowd.WORKER_SHARES)
    item_shares: Mapping[ItemKind, float] = field(default_factory=lambda: crowd.ITEM_SHARES)


def _truths(plan: Plan, rng: Rng, count: int) -> Labels:
    frequency = np.array(plan.frequency or np.linspace(2.0, 1.0, plan.labels))
    return rng.choice(plan.labels, count, p=frequency / frequency.sum()).astype(np.int16)


def _softmax(utility: Floats) -> Floats:
    weight = np.exp(utility - utility.max(1, keepdims=True))
    chances: Floats = weight / weight.sum(1, keepdims=True)
    return chances


def _careless(
    people: Rng, workers: int, labels: int, looks: Callable[[int, Items], Floats]
) -> Chances:
    """Those who look, and among them some who click at random or always the same."""
    habits = {}
    for w, draw in enumerate(people.random(workers)):
        if draw < RANDOM:
            habits[w] = np.full(labels, 1 / labels)
        elif draw < RANDOM + CONSTANT:
            habits[w] = np.eye(labels)[people.integers(labels)]

    def chances(w: int, i: Items, done: npt.ArrayLike) -> Floats:
        del done
        return np.tile(habits[w], (len(i), 1)) if w in habits else looks(w, i)

    return chances


def _demo(plan: Plan, people: Rng, rng: Rng, workers: int, items: int) -> tuple[Chances, Labels]:
    crew = crowd.draw_workers(people, workers, plan.labels, plan.worker_shares)
    things = crowd.draw_items(rng, items, plan.labels, plan.item_shares)
    if plan.frequency:
        truth = _truths(plan, rng, items)
        distractor = (truth + things.distractor - things.truth) % plan.labels
        things = replace(things, truth=truth, distractor=distractor.astype(np.int16))

    def chances(w: int, i: Items, done: npt.ArrayLike) -> Floats:
        return crowd.chances(crew, things, w, i, done)

    return chances, things.truth


def _ordinal(plan: Plan, people: Rng, rng: Rng, workers: int, items: int) -> tuple[Chances, Labels]:
    """Labels are steps of a scale. Items lie anywhere on it, many near a border, and may look other
    than they are; workers see them with noise, some are strict or lenient, all shun extremes."""
    position = rng.normal(0, 1, items)
    borders = np.quantile(position, np.arange(1, plan.labels) / plan.labels)
    edges = np.concatenate([[-np.inf], borders, [np.inf]])
    seen = 0.9 * position + rng.normal(0, 0.12, items)
    noise = people.lognormal(np.log(0.35), 0.5, workers)
    lenience = people.normal(0, 0.25, workers)

    def looks(w: int, i: Items) -> Floats:
        z = (edges - seen[i][:, None] - lenience[w]) / noise[w]
        below = 1 / (1 + np.exp(-1.7 * np.clip(z, -30, 30)))
        chances: Floats = np.diff(below, axis=1)
        return chances

    truth = np.digitize(position, borders).astype(np.int16)
    return _careless(people, workers, plan.labels, looks), truth


def _specialists(
    plan: Plan, people: Rng, rng: Rng, workers: int, items: int
) -> tuple[Chances, Labels]:
    """Workers know some classes well and others hardly. Classes come in pairs that are taken for
    each other, and a tenth of the items look like their class's twin to most."""
    truth = _truths(plan, rng, items)
    twin = truth ^ 1 if plan.labels % 2 == 0 else (truth + 1) % plan.labels
    odd = rng.random(items) < 0.1
    ease = rng.normal(0, 0.8, items)
    knows = people.random((workers, plan.labels)) < 0.6
    skill = np.where(knows, 3.5, 1.2) + people.normal(0, 0.5, knows.shape)

    def looks(w: int, i: Items) -> Floats:
        rows = np.arange(len(i))
        utility = np.zeros((len(i), plan.labels))
        utility[rows, truth[i]] = skill[w, truth[i]] + ease[i]
        utility[rows, twin[i]] = 1.0 + 2.0 * odd[i]
        return _softmax(utility)

    return _careless(people, workers, plan.labels, looks), truth


def _suggested(
    plan: Plan, people: Rng, rng: Rng, workers: int, items: int
) -> tuple[Chances, Labels]:
    """A model's answer, right three times in four, is shown with each item. Workers take it over
    unseen, the lazy ones often, and else answer by themselves."""
    truth = _truths(plan, rng, items)
    wrong = (truth + rng.integers(1, plan.labels, items)) % plan.labels
    shown = np.where(rng.random(items) < 0.75, truth, wrong)
    ease = rng.normal(0, 1.0, items)
    trust = people.beta(1.0, 4.0, workers)
    skill = people.normal(2.2, 0.9, workers) + np.log(plan.labels - 1)

    def looks(w: int, i: Items) -> Floats:
        rows = np.arange(len(i))
        utility = np.zeros((len(i), plan.labels))
        utility[rows, truth[i]] = skill[w] + ease[i]
        chances: Floats = (1 - trust[w]) * _softmax(utility)
        chances[rows, shown[i]] += trust[w]
        return chances

    return _careless(people, workers, plan.labels, looks), truth


def _misled(plan: Plan, people: Rng, rng: Rng, workers: int, items: int) -> tuple[Chances, Labels]:
    """Nearly half of the workers have learned a rule wrong: to them, part of the second class
    belongs to the first. Their other errors are their own."""
    truth = _truths(plan, rng, items)
    part = rng.random(items) < 0.4
    wrong = people.random(workers) < 0.45
    share = people.beta(8, 2, workers)

    def looks(w: int, i: Items) -> Floats:
        meant = np.where(wrong[w] & part[i] & (truth[i] == 1), 0, truth[i])
        chances = np.full((len(i), plan.labels), (1 - share[w]) / (plan.labels - 1))
        chances[np.arange(len(i)), meant] = share[w]
        return chances

    return _careless(people, workers, plan.labels, looks), truth


# make(plan, draws of the workers, of the items, number of workers, of items)
MAKES: Final[Mapping[str, Callable[[Plan, Rng, Rng, int, int], tuple[Chances, Labels]]]] = {
    "demo": _demo,
    "ordinal": _ordinal,
    "specialists": _specialists,
    "suggested": _suggested,
    "misled": _misled,
}

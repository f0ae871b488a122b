"""A refit with many labels: the passes over tasks and workers. The model is in `kernels.wide`."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.jit import part
from engine.kernels import forms
from engine.kernels.forms import (
    ABILITY_STRENGTH,
    COMMON,
    CONCLUSION,
    LEAST_MISS,
    PEOPLE,
    RESCALE,
    ROW_STRENGTH,
    SHARES,
    SOFT,
    START_ANSWERS,
    START_RIGHT,
    implement,
)
from engine.kernels.support import OCTAVES
from engine.kernels.votes import Votes, next_judged
from engine.kernels.wide import ERRORS, RIGHT, WideTables, merge, repeats, rescale, store, weigh

Floats = npt.NDArray[np.float64]
Reals = npt.NDArray[np.floating]


class WideSweep(NamedTuple):
    """One pass of a refit."""

    table: Reals  # [W, K, 3 (probability of being right, sum of right answers, sum of answers)]
    ability: Reals  # [W]
    answers: Reals  # [W] sum of answers
    pooled: Floats  # [3, K]
    classes: Floats  # [2, K]
    prior: Reals  # [K]
    errors: Floats  # [K] share of each answer among wrong ones
    accuracy: Floats  # [1] of the population


def _share(votes: Votes, sweep: WideSweep, task: int, end: int, budget: int) -> tuple[int, int]:
    while budget > 0:
        task = next_judged(votes.judged, task, end)
        if task == end:
            break
        if votes.length[task] > 0:
            _share_task(votes, sweep, task)
        budget -= votes.length[task] + 1
        task += 1
    return task, budget


@part
def _share_task(votes: Votes, sweep: WideSweep, task: int) -> None:
    length = votes.length[task]
    first = votes.start[task]
    gold = votes.gold[task]
    if gold >= 0:
        sweep.classes[SHARES, gold] += 1
    mass = np.empty(length)
    for j in range(length):
        votes_for = 0
        for i in range(first, first + length):
            votes_for += votes.label[i] == votes.label[first + j]
        if gold >= 0:
            mass[j] = votes.label[first + j] == gold
        else:
            mass[j] = votes_for / length
            sweep.classes[SHARES, votes.label[first + j]] += 1 / length
    _gather(votes, sweep, task, mass)


@part
def _gather(votes: Votes, sweep: WideSweep, task: int, mass: Floats) -> None:
    """Add a task's posterior to the sweep's sums."""
    first = votes.start[task]
    length = votes.length[task]
    gold = votes.gold[task]
    if gold >= 0:
        sweep.classes[SOFT, gold] += 1
    for j in range(length):
        fresh = not repeats(votes, first, first + j)
        label = votes.label[first + j]
        if gold < 0 and fresh:
            sweep.classes[SOFT, label] += mass[j]
        sweep.answers[votes.worker[first + j]] += 1
        sweep.table[votes.worker[first + j], label, 1] += mass[j]
        sweep.pooled[ERRORS, label] += 1 - mass[j]
        if gold >= 0:
            sweep.table[votes.worker[first + j], gold, 2] += 1
        elif fresh:
            for i in range(first, first + length):
                sweep.table[votes.worker[i], label, 2] += mass[j]


@part
def _multiply(votes: Votes, sweep: WideSweep, task: int, products: Floats) -> float:
    """The task's posterior under the sweep's parameters, into products[0]; returns the rest."""
    first = votes.start[task]
    length = votes.length[task]
    gold = votes.gold[task]
    rest = 1.0
    for j in range(length):
        label = votes.label[first + j]
        prior = sweep.prior[label]
        if gold >= 0:
            prior = 1.0 if label == gold else 0.0
        products[0, j] = COMMON * prior
        products[1, j] = (1 - COMMON) * prior
        if not repeats(votes, first, first + j):
            rest -= prior
    rest = max(rest, 0.0)
    if gold < 0:
        for i in range(first, first + length):
            table = sweep.table[votes.worker[i]]
            ability = sweep.ability[votes.worker[i]]
            given = votes.label[i]
            wrong = sweep.errors[given]
            for j in range(length):
                label = votes.label[first + j]
                spread = -1.0 if label == given else wrong / (1 - sweep.errors[label])
                weigh(products, j, ability, table[label, 0], spread)
            rest *= (1 - ability) * wrong
            if (i - first) % RESCALE == RESCALE - 1:
                rest = rescale(products, rest)
    return merge(votes, task, products, rest)


def _expect(
    votes: Votes,
    sweep: WideSweep,
    tables: WideTables,
    task: int,
    end: int,
    budget: int,
    last: bool,
) -> tuple[int, int]:
    while budget > 0:
        task = next_judged(votes.judged, task, end)
        if task == end:
            break
        length = votes.length[task]
        products = np.empty((2, length))
        rest = _multiply(votes, sweep, task, products)
        if last:
            store(votes, tables, task, products, rest)
            budget -= CONCLUSION * (length + 1)
        else:
            if length > 0:
                _gather(votes, sweep, task, products[0])
            budget -= length + 1
        task += 1
    return task, budget


def _survey(sweep: WideSweep, worker: int) -> None:
    for label in range(sweep.prior.shape[0]):
        sweep.pooled[RIGHT, label] += sweep.table[worker, label, 1]


def _settle_population(sweep: WideSweep) -> None:
    K = sweep.prior.shape[0]
    hits = 0.0
    errors = 0.0
    total = 0.0
    for k in range(K):
        hits += sweep.pooled[RIGHT, k]
        errors += sweep.pooled[ERRORS, k]
        total += sweep.classes[SHARES, k] + sweep.classes[SOFT, k] + 1
    sweep.accuracy[0] = (hits + START_RIGHT) / (hits + errors + START_ANSWERS)
    for k in range(K):
        sweep.errors[k] = (sweep.pooled[ERRORS, k] + 1) / (errors + K)
        sweep.prior[k] = (sweep.classes[SHARES, k] + sweep.classes[SOFT, k] + 1) / total
        sweep.classes[SOFT, k] = 0
    sweep.pooled.fill(0)


def _maximise(sweep: WideSweep, tables: WideTables, worker: int) -> None:
    K = sweep.prior.shape[0]
    table = sweep.table[worker]
    hits = 0.0
    for k in range(K):
        hits += table[k, 1]
    ability = (hits + ABILITY_STRENGTH * sweep.accuracy[0]) / (
        sweep.answers[worker] + ABILITY_STRENGTH
    )
    sweep.ability[worker] = min(ability, 1 - LEAST_MISS)
    sweep.answers[worker] = 0
    for k in range(K):
        right = (table[k, 1] + ROW_STRENGTH * ability) / (table[k, 2] + ROW_STRENGTH)
        table[k, 0] = min(right, 1 - LEAST_MISS)
        table[k, 1] = 0
        table[k, 2] = 0
        tables.counts[worker, k] = 0
        tables.rows[worker, k] = 0
    for column in range(PEOPLE):
        tables.people[worker, column] = 0
    for column in range(OCTAVES):
        tables.support[worker, column] = 0


def _admit(sweep: WideSweep, worker: int) -> None:
    sweep.ability[worker] = min(sweep.accuracy[0], 1 - LEAST_MISS)
    for k in range(sweep.prior.shape[0]):
        sweep.table[worker, k, 0] = min(sweep.accuracy[0], 1 - LEAST_MISS)


implement(forms.share, WideSweep, 1)(_share)
implement(forms.expect, WideSweep, 1)(_expect)
implement(forms.survey, WideSweep, 0)(_survey)
implement(forms.settle_population, WideSweep, 0)(_settle_population)
implement(forms.maximise, WideSweep, 0)(_maximise)
implement(forms.admit, WideSweep, 0)(_admit)

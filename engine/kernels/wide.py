"""Many labels: for each worker and label only how often it is right where that label is the truth.

Memory O((workers + 1) x K + judgments). The model is that of `engine.kernels.full`, save that
errors follow one profile for all, the share e of each answer among wrong answers:

    common  C_j[k, k] = a_j,   C_j[k, l] = (1 - a_j) e[l] / (1 - e[k])
    own     F_j[k, k] = (n_j[k, k] + s a_j) / (N_j[k] + s),   F_j[k, l] likewise

A task's posterior has one entry for each row of its judgments (the probability of that row's label)
and one for all labels that nobody gave, taken together.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.jit import kernel
from engine.kernels import forms
from engine.kernels.forms import (
    ABILITY_STRENGTH,
    AGREED,
    COMMON,
    CONFIDENCE,
    GOLD_RIGHT,
    GOLD_TOTAL,
    HITS,
    JUDGED,
    LEARNED,
    RESCALE,
    RESTS,
    ROW_STRENGTH,
    SHARES,
    SOFT,
    START_ANSWERS,
    START_RIGHT,
    TASKS,
    implement,
)
from engine.kernels.votes import Votes

Floats = npt.NDArray[np.float64]
Reals = npt.NDArray[np.floating]

RIGHT, TRUTHS, ERRORS = 0, 1, 2  # rows of `pooled`: right answers, truths met, wrong answers given


class WideTables(NamedTuple):
    """Posteriors and the expected counts that follow from them."""

    mass: Reals  # [P] probability of the row's label
    rest: Reals  # [T] probability of all labels that nobody gave
    counts: Floats  # [W, K] right answers where the label is the truth
    rows: Floats  # [W, K] answers where the label is the truth
    people: Floats  # [W, PEOPLE]
    pooled: Floats  # [3, K]
    classes: Floats  # [2, K]
    totals: Floats  # [TOTALS]


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


@kernel
def _repeats(votes: Votes, first: int, row: int) -> bool:
    """Whether an earlier row of the task has the same label."""
    i = first
    while votes.label[i] != votes.label[row]:
        i += 1
    return i < row


def _fold(votes: Votes, tables: WideTables, task: int, sign: float) -> None:
    length = votes.length[task]
    if length == 0:
        return
    first = votes.start[task]
    gold = votes.gold[task]
    totals = tables.totals
    top = first
    for i in range(first, first + length):
        if tables.mass[i] > tables.mass[top] or (
            tables.mass[i] == tables.mass[top] and votes.label[i] < votes.label[top]
        ):
            top = i
    consensus = gold if gold >= 0 else votes.label[top]
    totals[TASKS] += sign
    totals[CONFIDENCE] += sign * (1.0 if gold >= 0 else tables.mass[top])
    if gold >= 0:
        tables.classes[SOFT, gold] += sign
        tables.classes[SHARES, gold] += sign
    else:
        totals[RESTS] += sign * tables.rest[task]
    teaches = length > 1 or gold >= 0
    for i in range(first, first + length):
        label = votes.label[i]
        person = tables.people[votes.worker[i]]
        person[JUDGED] += sign
        totals[JUDGED] += sign
        if gold >= 0:
            person[GOLD_TOTAL] += sign
            totals[GOLD_TOTAL] += sign
            if label == gold:
                person[GOLD_RIGHT] += sign
                totals[GOLD_RIGHT] += sign
        else:
            tables.classes[SHARES, label] += sign / length
            if not _repeats(votes, first, i):
                tables.classes[SOFT, label] += sign * tables.mass[i]
        if not teaches:
            continue
        if label == consensus:
            person[AGREED] += sign
            totals[AGREED] += sign
        mass = sign * tables.mass[i]
        person[LEARNED] += sign
        totals[LEARNED] += sign
        person[HITS] += mass
        totals[HITS] += mass
        tables.counts[votes.worker[i], label] += mass
        tables.pooled[RIGHT, label] += mass
        tables.pooled[ERRORS, label] += sign - mass
        rows = tables.rows[votes.worker[i]]
        if gold >= 0:
            rows[gold] += sign
            tables.pooled[TRUTHS, gold] += sign
        else:
            for j in range(first, first + length):
                if not _repeats(votes, first, j):
                    rows[votes.label[j]] += sign * tables.mass[j]
                    tables.pooled[TRUTHS, votes.label[j]] += sign * tables.mass[j]


@kernel
def _observe_gold(votes: Votes, tables: WideTables, task: int) -> None:
    first = votes.start[task]
    tables.rest[task] = 1
    for i in range(first, first + votes.length[task]):
        tables.mass[i] = votes.label[i] == votes.gold[task]
        if votes.label[i] == votes.gold[task]:
            tables.rest[task] = 0


@kernel
def _rescale(products: Floats, rest: float) -> float:
    """Bring both forms and the rest back to 1 by one factor; returns the new rest."""
    most = rest
    for j in range(products.shape[1]):
        most = max(most, products[0, j], products[1, j])
    for j in range(products.shape[1]):
        products[0, j] /= most
        products[1, j] /= most
    return rest / most


@kernel
def _merge(votes: Votes, task: int, products: Floats, rest: float) -> float:
    """Make products[0] the posterior; returns the rest's probability."""
    first = votes.start[task]
    total = rest
    for j in range(products.shape[1]):
        products[0, j] += products[1, j]
        if not _repeats(votes, first, first + j):
            total += products[0, j]
    for j in range(products.shape[1]):
        products[0, j] /= total
    return rest / total


@kernel
def _weigh(products: Floats, j: int, ability: float, right: float, spread: float) -> None:
    """Multiply label j by the probability of an answer; spread: share of errors, -1 if it is j."""
    products[0, j] *= ability if spread < 0 else (1 - ability) * spread
    products[1, j] *= right if spread < 0 else (1 - right) * spread


@kernel
def _store(votes: Votes, tables: WideTables, task: int, products: Floats, rest: float) -> None:
    first = votes.start[task]
    tables.rest[task] = rest
    for j in range(products.shape[1]):
        tables.mass[first + j] = products[0, j]


def _estimate(votes: Votes, tables: WideTables, task: int) -> None:
    if votes.gold[task] >= 0:
        _observe_gold(votes, tables, task)
        return
    first = votes.start[task]
    length = votes.length[task]
    K = tables.classes.shape[1]
    accuracy = (tables.totals[HITS] + START_RIGHT) / (tables.totals[LEARNED] + START_ANSWERS)
    errors = tables.totals[LEARNED] - tables.totals[HITS] + K
    prior_total = 2 * tables.totals[TASKS] - tables.totals[RESTS] + K
    products = np.empty((2, length))
    rest = prior_total
    for j in range(length):
        label = votes.label[first + j]
        prior = tables.classes[SHARES, label] + tables.classes[SOFT, label] + 1
        products[0, j] = COMMON * prior
        products[1, j] = (1 - COMMON) * prior
        if not _repeats(votes, first, first + j):
            rest -= prior
    rest = max(rest, 0.0)
    for i in range(first, first + length):
        person = tables.people[votes.worker[i]]
        ability = (person[HITS] + ABILITY_STRENGTH * accuracy) / (
            person[LEARNED] + ABILITY_STRENGTH
        )
        counts = tables.counts[votes.worker[i]]
        rows = tables.rows[votes.worker[i]]
        given = votes.label[i]
        wrong = (tables.pooled[ERRORS, given] + 1) / errors
        for j in range(length):
            label = votes.label[first + j]
            right = (counts[label] + ROW_STRENGTH * ability) / (rows[label] + ROW_STRENGTH)
            spread = wrong / (1 - (tables.pooled[ERRORS, label] + 1) / errors)
            _weigh(products, j, ability, right, -1.0 if label == given else spread)
        rest *= (1 - ability) * wrong
        if (i - first) % RESCALE == RESCALE - 1:
            rest = _rescale(products, rest)
    rest = _merge(votes, task, products, rest)
    _store(votes, tables, task, products, rest)


def _share(votes: Votes, sweep: WideSweep, task: int, end: int, budget: int) -> tuple[int, int]:
    while task < end and budget > 0:
        if votes.length[task] > 0:
            _share_task(votes, sweep, task)
        budget -= votes.length[task] + 1
        task += 1
    return task, budget


@kernel
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


@kernel
def _gather(votes: Votes, sweep: WideSweep, task: int, mass: Floats) -> None:
    """Add a task's posterior to the sweep's sums."""
    first = votes.start[task]
    length = votes.length[task]
    gold = votes.gold[task]
    if gold >= 0:
        sweep.classes[SOFT, gold] += 1
    teaches = length > 1 or gold >= 0
    for j in range(length):
        fresh = not _repeats(votes, first, first + j)
        label = votes.label[first + j]
        if gold < 0 and fresh:
            sweep.classes[SOFT, label] += mass[j]
        if not teaches:
            continue
        sweep.answers[votes.worker[first + j]] += 1
        sweep.table[votes.worker[first + j], label, 1] += mass[j]
        sweep.pooled[ERRORS, label] += 1 - mass[j]
        if gold >= 0:
            sweep.table[votes.worker[first + j], gold, 2] += 1
        elif fresh:
            for i in range(first, first + length):
                sweep.table[votes.worker[i], label, 2] += mass[j]


@kernel
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
        if not _repeats(votes, first, first + j):
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
                _weigh(products, j, ability, table[label, 0], spread)
            rest *= (1 - ability) * wrong
            if (i - first) % RESCALE == RESCALE - 1:
                rest = _rescale(products, rest)
    return _merge(votes, task, products, rest)


def _expect(votes: Votes, sweep: WideSweep, task: int, end: int, budget: int) -> tuple[int, int]:
    while task < end and budget > 0:
        if votes.length[task] > 0:
            products = np.empty((2, votes.length[task]))
            _multiply(votes, sweep, task, products)
            _gather(votes, sweep, task, products[0])
        budget -= votes.length[task] + 1
        task += 1
    return task, budget


def _conclude(votes: Votes, sweep: WideSweep, tables: WideTables, task: int) -> None:
    if votes.length[task] == 0:
        tables.rest[task] = 1
        return
    products = np.empty((2, votes.length[task]))
    rest = _multiply(votes, sweep, task, products)
    _store(votes, tables, task, products, rest)


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
    sweep.ability[worker] = ability
    sweep.answers[worker] = 0
    for k in range(K):
        table[k, 0] = (table[k, 1] + ROW_STRENGTH * ability) / (table[k, 2] + ROW_STRENGTH)
        table[k, 1] = 0
        table[k, 2] = 0
        tables.counts[worker, k] = 0
        tables.rows[worker, k] = 0
    tables.people[worker].fill(0)


def _admit(sweep: WideSweep, worker: int) -> None:
    sweep.ability[worker] = sweep.accuracy[0]
    for k in range(sweep.prior.shape[0]):
        sweep.table[worker, k, 0] = sweep.accuracy[0]


def _start_over(sweep: WideSweep, tables: WideTables) -> None:
    sweep.classes.fill(0)
    sweep.pooled.fill(0)
    tables.pooled.fill(0)
    tables.classes.fill(0)
    tables.totals.fill(0)


@kernel
def spread_out(
    votes: Votes, tables: WideTables, tasks: npt.NDArray[np.int32], posterior: Floats
) -> None:
    """Fill posterior[n, K]; labels that nobody gave share the rest by the class prior."""
    K = posterior.shape[1]
    for place in range(tasks.shape[0]):
        task = tasks[place]
        first = votes.start[task]
        gold = votes.gold[task]
        total = 0.0
        for k in range(K):
            weight = tables.classes[SHARES, k] + tables.classes[SOFT, k] + 1
            if gold >= 0:
                weight = 1.0 if k == gold else 0.0
            posterior[place, k] = weight
        for i in range(first, first + votes.length[task]):
            posterior[place, votes.label[i]] = 0
        for k in range(K):
            total += posterior[place, k]
        factor = tables.rest[task] / total if total > 0 else 0.0
        for k in range(K):
            posterior[place, k] *= factor
        for i in range(first, first + votes.length[task]):
            posterior[place, votes.label[i]] = tables.mass[i]


@kernel
def best(
    votes: Votes,
    tables: WideTables,
    tasks: npt.NDArray[np.int32],
    label: npt.NDArray[np.int16],
    confidence: Floats,
) -> None:
    """Fill the most probable label [n], the lower one of equals, and its probability."""
    for place in range(tasks.shape[0]):
        task = tasks[place]
        if votes.gold[task] >= 0:
            label[place] = votes.gold[task]
            confidence[place] = 1
            continue
        first = votes.start[task]
        top = first
        for i in range(first + 1, first + votes.length[task]):
            if tables.mass[i] > tables.mass[top] or (
                tables.mass[i] == tables.mass[top] and votes.label[i] < votes.label[top]
            ):
                top = i
        label[place] = votes.label[top]
        confidence[place] = tables.mass[top]


implement(forms.fold, WideTables, 1)(_fold)
implement(forms.estimate, WideTables, 1)(_estimate)
implement(forms.share, WideSweep, 1)(_share)
implement(forms.expect, WideSweep, 1)(_expect)
implement(forms.conclude, WideSweep, 1)(_conclude)
implement(forms.survey, WideSweep, 0)(_survey)
implement(forms.settle_population, WideSweep, 0)(_settle_population)
implement(forms.maximise, WideSweep, 0)(_maximise)
implement(forms.admit, WideSweep, 0)(_admit)
implement(forms.start_over, WideSweep, 0)(_start_over)

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

from engine.jit import kernel, part
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
    TASKS,
    implement,
    population_accuracy,
)
from engine.kernels.support import octave
from engine.kernels.votes import Votes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Reals = npt.NDArray[np.floating]

RIGHT, TRUTHS, ERRORS = 0, 1, 2  # rows of `pooled`: right answers, truths met, wrong answers given


class WideTables(NamedTuple):
    """Posteriors and the expected counts that follow from them."""

    mass: Reals  # [P] probability of the row's label
    rest: Reals  # [T] probability of all labels that nobody gave
    counts: Floats  # [W, K] right answers where the label is the truth
    rows: Floats  # [W, K] answers where the label is the truth
    people: Floats  # [W, PEOPLE]
    support: Ints  # [W, OCTAVES] answers to tasks without gold, by what their posteriors give them
    pooled: Floats  # [3, K]
    classes: Floats  # [2, K]
    totals: Floats  # [TOTALS]


@part
def repeats(votes: Votes, first: int, row: int) -> bool:
    """Whether an earlier row of the task has the same label."""
    i = first
    while votes.label[i] != votes.label[row]:
        i += 1
    return i < row


def _fold(
    votes: Votes,
    tables: WideTables,
    task: int,
    end: int,
    sign: float,
    tallied: int,  # noqa: ARG001 - nothing is left out
) -> None:
    while task < end:
        _fold_task(votes, tables, task, sign)
        task += 1


@part
def _fold_task(votes: Votes, tables: WideTables, task: int, sign: float) -> None:
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
            if not repeats(votes, first, i):
                tables.classes[SOFT, label] += sign * tables.mass[i]
        if not teaches:
            continue
        if gold < 0:
            tables.support[votes.worker[i], octave(tables.mass[i])] += int(sign)
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
                if not repeats(votes, first, j):
                    rows[votes.label[j]] += sign * tables.mass[j]
                    tables.pooled[TRUTHS, votes.label[j]] += sign * tables.mass[j]


def _tally(tables: WideTables, worker: int) -> None:
    pass


@part
def _observe_gold(votes: Votes, tables: WideTables, task: int) -> None:
    first = votes.start[task]
    tables.rest[task] = 1
    for i in range(first, first + votes.length[task]):
        tables.mass[i] = votes.label[i] == votes.gold[task]
        if votes.label[i] == votes.gold[task]:
            tables.rest[task] = 0


@part
def rescale(products: Floats, rest: float) -> float:
    """Bring both forms and the rest back to 1 by one factor; returns the new rest."""
    most = rest
    for j in range(products.shape[1]):
        most = max(most, products[0, j], products[1, j])
    for j in range(products.shape[1]):
        products[0, j] /= most
        products[1, j] /= most
    return rest / most


@part
def merge(votes: Votes, task: int, products: Floats, rest: float) -> float:
    """Make products[0] the posterior; returns the rest's probability."""
    first = votes.start[task]
    total = rest
    for j in range(products.shape[1]):
        products[0, j] += products[1, j]
        if not repeats(votes, first, first + j):
            total += products[0, j]
    for j in range(products.shape[1]):
        products[0, j] /= total
    return rest / total


@part
def weigh(products: Floats, j: int, ability: float, right: float, spread: float) -> None:
    """Multiply label j by the probability of an answer; spread: share of errors, -1 if it is j."""
    products[0, j] *= ability if spread < 0 else (1 - ability) * spread
    products[1, j] *= right if spread < 0 else (1 - right) * spread


@part
def store(votes: Votes, tables: WideTables, task: int, products: Floats, rest: float) -> None:
    """Make products[0] and the rest the task's posterior."""
    first = votes.start[task]
    tables.rest[task] = rest
    for j in range(products.shape[1]):
        tables.mass[first + j] = products[0, j]


@part
def multiply(votes: Votes, tables: WideTables, task: int, products: Floats) -> float:
    """Make the products [2, answers] of both forms from the task's answers, known truth or not;
    returns what goes to labels that nobody gave."""
    first = votes.start[task]
    length = votes.length[task]
    K = tables.classes.shape[1]
    accuracy = population_accuracy(tables.totals)
    errors = tables.totals[LEARNED] - tables.totals[HITS] + K
    prior_total = 2 * tables.totals[TASKS] - tables.totals[RESTS] + K
    rest = prior_total
    for j in range(length):
        label = votes.label[first + j]
        prior = tables.classes[SHARES, label] + tables.classes[SOFT, label] + 1
        products[0, j] = COMMON * prior
        products[1, j] = (1 - COMMON) * prior
        if not repeats(votes, first, first + j):
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
            weigh(products, j, ability, right, -1.0 if label == given else spread)
        rest *= (1 - ability) * wrong
        if (i - first) % RESCALE == RESCALE - 1:
            rest = rescale(products, rest)
    return rest  # type: ignore[no-any-return]


def _estimate(votes: Votes, tables: WideTables, task: int) -> None:
    if votes.gold[task] >= 0:
        _observe_gold(votes, tables, task)
        return
    products = np.empty((2, votes.length[task]))
    rest = multiply(votes, tables, task, products)
    rest = merge(votes, task, products, rest)
    store(votes, tables, task, products, rest)


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


implement(forms.fold, WideTables, 1)(_fold)
implement(forms.tally, WideTables, 0)(_tally)
implement(forms.estimate, WideTables, 1)(_estimate)

"""Full confusion matrices: a count for each worker, true label and answer. Memory O(workers x K^2).

A task's answers come from one of two forms of the same counts, which form is not known:

    common  C_j[k, k] = a_j,   C_j[k, l] = (1 - a_j) Q[k, l]         (one-coin)
    own     F_j[k, l] = (n_j[k, l] + s C_j[k, l]) / (N_j[k] + s)     (Dawid & Skene 1979, shrunk)

    a_j = (hits_j + lambda a) / (answers_j + lambda)
    q[k] ~ prior[k] (w prod_j C_j[k, l_j] + (1 - w) prod_j F_j[k, l_j])

n_j are expected counts, a is the population's accuracy, Q its profile of errors, w = COMMON. Few
answers make it a one-coin model, many a full one, task by task.
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
    CONCLUSION,
    CONFIDENCE,
    GOLD_RIGHT,
    GOLD_TOTAL,
    HITS,
    JUDGED,
    LEARNED,
    LEAST_MISS,
    PEOPLE,
    RESCALE,
    ROW_STRENGTH,
    SHARES,
    SOFT,
    START_ANSWERS,
    START_RIGHT,
    TASKS,
    implement,
)
from engine.kernels.votes import Votes, next_judged

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Labels = npt.NDArray[np.int16]
Reals = npt.NDArray[np.floating]  # float32 in service, float64 where tests want all digits

ODDS, MISS = 0, 1  # columns of `ability`


class FullTables(NamedTuple):
    """Posteriors and the expected counts that follow from them."""

    posterior: Reals  # [T, K]
    counts: Floats  # [W, K answered, K true]
    rows: Floats  # [W, K true] sum of counts over answers
    people: Floats  # [W, PEOPLE]
    pooled: Floats  # [K answered, K true] sum of counts over workers
    classes: Floats  # [2, K] sums of vote shares and of posteriors
    totals: Floats  # [TOTALS]
    products: Floats  # [2, K] scratch: common form, own form
    scale: Floats  # [K] scratch


class FullSweep(NamedTuple):
    """One pass of a refit: parameters that are read and sums that are gathered, side by side."""

    table: Reals  # [W, K answered, 2 (own probability, sum), K true]
    ability: Reals  # [W, 2] odds of being right, probability of being wrong
    pooled: Floats  # [K answered, K true]
    classes: Floats  # [2, K]
    prior: Reals  # [K]
    errors: Reals  # [K answered, K true] profile of the population's errors, [k, k] 1
    accuracy: Reals  # [1] of the population
    products: Floats  # [2, K] scratch: common form, own form; eight factors underflow float32


@kernel
def _rescale(products: Floats) -> None:
    """Bring both forms back to 1 by one factor, so that they keep their relative evidence."""
    most = products[0, 0]
    for k in range(products.shape[1]):
        most = max(most, products[0, k], products[1, k])
    factor = 1 / most
    for k in range(products.shape[1]):
        products[0, k] *= factor
        products[1, k] *= factor


@kernel
def _merge(products: Floats) -> None:
    """Make products[0] the posterior."""
    total = products[0, 0] + products[1, 0]
    for k in range(1, products.shape[1]):
        total += products[0, k] + products[1, k]
    factor = 1 / total
    for k in range(products.shape[1]):
        products[0, k] = (products[0, k] + products[1, k]) * factor


def _fold(votes: Votes, tables: FullTables, task: int, end: int, sign: float) -> None:
    # Each array is fetched once: to fetch it in a loop would count a reference each time.
    start, lengths, golds = votes.start, votes.length, votes.gold
    workers, labels = votes.worker, votes.label
    posterior, people, counts = tables.posterior, tables.people, tables.counts
    rows, pooled, classes, totals = tables.rows, tables.pooled, tables.classes, tables.totals
    K = posterior.shape[1]
    while task < end:
        length = lengths[task]
        if length == 0:
            task += 1
            continue
        first = start[task]
        gold = golds[task]
        top = 0
        for k in range(K):
            classes[SOFT, k] += sign * posterior[task, k]
            if posterior[task, k] > posterior[task, top]:
                top = k
        totals[TASKS] += sign
        totals[CONFIDENCE] += sign * posterior[task, top]
        if gold >= 0:
            classes[SHARES, gold] += sign
        # A task with one judgment would only tell its worker that it is right.
        teaches = length > 1 or gold >= 0
        for i in range(first, first + length):
            worker = workers[i]
            label = labels[i]
            people[worker, JUDGED] += sign
            totals[JUDGED] += sign
            if gold >= 0:
                right = sign if label == gold else 0.0
                people[worker, GOLD_TOTAL] += sign
                people[worker, GOLD_RIGHT] += right
                totals[GOLD_TOTAL] += sign
                totals[GOLD_RIGHT] += right
            else:
                classes[SHARES, label] += sign / length
            if not teaches:
                continue
            agrees = sign if label == top else 0.0
            hits = sign * posterior[task, label]
            people[worker, AGREED] += agrees
            people[worker, LEARNED] += sign
            people[worker, HITS] += hits
            totals[AGREED] += agrees
            totals[LEARNED] += sign
            totals[HITS] += hits
            for k in range(K):
                mass = sign * posterior[task, k]
                counts[worker, label, k] += mass
                rows[worker, k] += mass
                pooled[label, k] += mass
        task += 1


def _estimate(votes: Votes, tables: FullTables, task: int) -> None:
    workers, labels = votes.worker, votes.label
    posterior, people, counts = tables.posterior, tables.people, tables.counts
    rows, pooled, classes, totals = tables.rows, tables.pooled, tables.classes, tables.totals
    products, scale = tables.products, tables.scale
    gold = votes.gold[task]
    K = posterior.shape[1]
    if gold >= 0:
        for k in range(K):
            posterior[task, k] = 0
        posterior[task, gold] = 1
        return
    first = votes.start[task]
    accuracy = (totals[HITS] + START_RIGHT) / (totals[LEARNED] + START_ANSWERS)
    for k in range(K):
        answers = 0.0
        for label in range(K):
            answers += pooled[label, k]
        scale[k] = 1 / (answers - pooled[k, k] + K - 1)
        prior = classes[SHARES, k] + classes[SOFT, k] + 1
        products[0, k] = COMMON * prior
        products[1, k] = (1 - COMMON) * prior
    for i in range(first, first + votes.length[task]):
        worker = workers[i]
        label = labels[i]
        ability = (people[worker, HITS] + ABILITY_STRENGTH * accuracy) / (
            people[worker, LEARNED] + ABILITY_STRENGTH
        )
        for k in range(K):
            common = (1 - ability) * (pooled[label, k] + 1) * scale[k]
            if k == label:
                common = ability
            products[0, k] *= common
            products[1, k] *= (counts[worker, label, k] + ROW_STRENGTH * common) / (
                rows[worker, k] + ROW_STRENGTH
            )
        if (i - first) % RESCALE == RESCALE - 1:
            _rescale(products)
    _merge(products)
    for k in range(K):
        posterior[task, k] = products[0, k]


def _share(votes: Votes, sweep: FullSweep, task: int, end: int, budget: int) -> tuple[int, int]:
    start, length, gold = votes.start, votes.length, votes.gold
    workers, labels = votes.worker, votes.label
    judged, table, classes, q = votes.judged, sweep.table, sweep.classes, sweep.products[0]
    K = q.shape[0]
    while budget > 0:
        task = next_judged(judged, task, end)
        if task == end:
            break
        count = length[task]
        first = start[task]
        for k in range(K):
            q[k] = 0
        if count > 0:
            if gold[task] >= 0:
                q[gold[task]] = 1
            else:
                for i in range(first, first + count):
                    q[labels[i]] += 1
                for k in range(K):
                    q[k] /= count
            for k in range(K):
                classes[SHARES, k] += q[k]
                classes[SOFT, k] += q[k]
        if count > 1 or gold[task] >= 0:
            for i in range(first, first + count):
                for k in range(K):
                    table[workers[i], labels[i], 1, k] += q[k]
        budget -= count + 1
        task += 1
    return task, budget


def _expect(
    votes: Votes,
    sweep: FullSweep,
    tables: FullTables,
    task: int,
    end: int,
    budget: int,
    last: bool,
) -> tuple[int, int]:
    start, length, gold = votes.start, votes.length, votes.gold
    workers, labels, judged = votes.worker, votes.label, votes.judged
    table, ability, products = sweep.table, sweep.ability, sweep.products
    prior, errors, classes = sweep.prior, sweep.errors, sweep.classes
    posterior = tables.posterior
    K = prior.shape[0]
    while budget > 0:
        task = next_judged(judged, task, end)
        if task == end:
            break
        count = length[task]
        first = start[task]
        if gold[task] >= 0:
            for k in range(K):
                products[0, k] = 0
            products[0, gold[task]] = 1
        else:
            for k in range(K):
                products[0, k] = COMMON * prior[k]
                products[1, k] = (1 - COMMON) * prior[k]
            for i in range(first, first + count):
                worker = workers[i]
                label = labels[i]
                miss = ability[worker, MISS]
                for k in range(K):
                    products[0, k] *= miss * errors[label, k]
                    products[1, k] *= table[worker, label, 0, k]
                products[0, label] *= ability[worker, ODDS]
                if (i - first) % RESCALE == RESCALE - 1:
                    _rescale(products)
            _merge(products)
        if last:
            for k in range(K):
                posterior[task, k] = products[0, k]
            budget -= CONCLUSION * (count + 1)
        else:
            if count > 0:
                for k in range(K):
                    classes[SOFT, k] += products[0, k]
            if count > 1 or gold[task] >= 0:
                for i in range(first, first + count):
                    worker = workers[i]
                    label = labels[i]
                    for k in range(K):
                        table[worker, label, 1, k] += products[0, k]
            budget -= count + 1
        task += 1
    return task, budget


def _survey(sweep: FullSweep, worker: int) -> None:
    table, pooled = sweep.table, sweep.pooled
    K = pooled.shape[0]
    for label in range(K):
        for k in range(K):
            pooled[label, k] += table[worker, label, 1, k]


def _settle_population(sweep: FullSweep) -> None:
    pooled, classes, prior = sweep.pooled, sweep.classes, sweep.prior
    errors = sweep.errors
    K = prior.shape[0]
    right = 0.0
    answers = 0.0
    total = 0.0
    for k in range(K):
        right += pooled[k, k]
        wrong = 0.0
        for label in range(K):
            answers += pooled[label, k]
            if label != k:
                wrong += pooled[label, k]
        for label in range(K):
            errors[label, k] = (pooled[label, k] + 1) / (wrong + K - 1)
        errors[k, k] = 1
        total += classes[SHARES, k] + classes[SOFT, k] + 1
    sweep.accuracy[0] = (right + START_RIGHT) / (answers + START_ANSWERS)
    for k in range(K):
        prior[k] = (classes[SHARES, k] + classes[SOFT, k] + 1) / total
        classes[SOFT, k] = 0
    pooled.fill(0)


@kernel
def _set_ability(sweep: FullSweep, worker: int, ability: float) -> None:
    miss = max(1 - ability, LEAST_MISS)
    sweep.ability[worker, ODDS] = (1 - miss) / miss
    sweep.ability[worker, MISS] = miss


def _maximise(sweep: FullSweep, tables: FullTables, worker: int) -> None:
    table, errors = sweep.table, sweep.errors
    counts, rows, people = tables.counts, tables.rows, tables.people
    K = errors.shape[0]
    right = 0.0
    answers = 0.0
    for label in range(K):
        right += table[worker, label, 1, label]
        for k in range(K):
            answers += table[worker, label, 1, k]
    ability = (right + ABILITY_STRENGTH * sweep.accuracy[0]) / (answers + ABILITY_STRENGTH)
    _set_ability(sweep, worker, ability)
    for k in range(K):
        row = ROW_STRENGTH
        for label in range(K):
            row += table[worker, label, 1, k]
        for label in range(K):
            common = ability if label == k else (1 - ability) * errors[label, k]
            table[worker, label, 0, k] = (table[worker, label, 1, k] + ROW_STRENGTH * common) / row
    for label in range(K):
        for k in range(K):
            table[worker, label, 1, k] = 0
            counts[worker, label, k] = 0
        rows[worker, label] = 0
    for column in range(PEOPLE):
        people[worker, column] = 0


def _admit(sweep: FullSweep, worker: int) -> None:
    table, errors = sweep.table, sweep.errors
    K = errors.shape[0]
    accuracy = sweep.accuracy[0]
    _set_ability(sweep, worker, accuracy)
    for label in range(K):
        for k in range(K):
            common = accuracy if label == k else (1 - accuracy) * errors[label, k]
            table[worker, label, 0, k] = common


def _start_over(sweep: FullSweep, tables: FullTables) -> None:
    sweep.classes.fill(0)
    sweep.pooled.fill(0)
    tables.pooled.fill(0)
    tables.classes.fill(0)
    tables.totals.fill(0)


implement(forms.fold, FullTables, 1)(_fold)
implement(forms.estimate, FullTables, 1)(_estimate)
implement(forms.share, FullSweep, 1)(_share)
implement(forms.expect, FullSweep, 1)(_expect)
implement(forms.survey, FullSweep, 0)(_survey)
implement(forms.settle_population, FullSweep, 0)(_settle_population)
implement(forms.maximise, FullSweep, 0)(_maximise)
implement(forms.admit, FullSweep, 0)(_admit)
implement(forms.start_over, FullSweep, 0)(_start_over)

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

from engine.jit import part
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
    ROW_STRENGTH,
    SHARES,
    SOFT,
    TASKS,
    implement,
    population_accuracy,
)
from engine.kernels.lanes import WIDTH, load, read, spread, store, total
from engine.kernels.support import octave
from engine.kernels.votes import Votes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Labels = npt.NDArray[np.int16]
Reals = npt.NDArray[np.floating]  # float32 in service, float64 where tests want all digits


class FullTables(NamedTuple):
    """Posteriors and the expected counts that follow from them.

    P is the number of labels K with room for whole vectors; what is beyond K stays 0.
    """

    posterior: Reals  # [T, K]
    counts: Floats  # [W, K answered, P true]
    rows: Floats  # [W, P true] sum of counts over answers
    people: Floats  # [W, PEOPLE]
    support: Ints  # [W, OCTAVES] answers to tasks without gold, by what their posteriors give them
    pooled: Floats  # [K answered, P true] sum of counts over workers
    classes: Floats  # [2, P] sums of vote shares and of posteriors
    totals: Floats  # [TOTALS]
    units: Floats  # [K + 1, P] constants: 1 at [k, k], and in the last row 1 for each label
    products: Floats  # [2, P] scratch: common form, own form
    scale: Floats  # [P] scratch


@part
def rescale(products: Floats) -> None:
    """Bring both forms back to 1 by one factor, so that they keep their relative evidence."""
    most = products[0, 0]
    for k in range(products.shape[1]):
        most = max(most, products[0, k], products[1, k])
    factor = 1 / most
    for k in range(products.shape[1]):
        products[0, k] *= factor
        products[1, k] *= factor


@part
def merge(products: Floats) -> None:
    """Make products[0] the posterior."""
    P = products.shape[1]
    sums = load(products, (0, 0)) + load(products, (1, 0))
    for k in range(WIDTH, P, WIDTH):
        sums += load(products, (0, k)) + load(products, (1, k))
    factor = spread(1 / total(sums))
    for k in range(0, P, WIDTH):
        store(products, (0, k), (load(products, (0, k)) + load(products, (1, k))) * factor)


def _fold(votes: Votes, tables: FullTables, task: int, end: int, sign: float, tallied: int) -> None:
    # Each array is fetched once: to fetch it in a loop would count a reference each time.
    start, lengths, golds = votes.start, votes.length, votes.gold
    workers, labels = votes.worker, votes.label
    posterior, people, counts = tables.posterior, tables.people, tables.counts
    rows, pooled, classes, totals = tables.rows, tables.pooled, tables.classes, tables.totals
    masses, support = tables.products, tables.support
    K = posterior.shape[1]
    P = rows.shape[1]
    while task < end:
        length = lengths[task]
        if length == 0:
            task += 1
            continue
        first = start[task]
        gold = golds[task]
        top = 0
        for k in range(K):
            masses[0, k] = sign * posterior[task, k]
            classes[SOFT, k] += masses[0, k]
            if posterior[task, k] > posterior[task, top]:
                top = k
        if gold >= 0:
            classes[SHARES, gold] += sign
        # A task with one judgment would only tell its worker that it is right. A refit learns from
        # it all the same: which tasks have two follows from the first, and those are unlike others.
        teaches = length > 1 or gold >= 0
        agreed = 0.0
        hits = 0.0
        for i in range(first, first + length):
            worker = workers[i]
            label = labels[i]
            people[worker, JUDGED] += sign
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
            people[worker, AGREED] += agrees
            people[worker, LEARNED] += sign
            people[worker, HITS] += masses[0, label]
            if gold < 0:
                support[worker, octave(posterior[task, label])] += int(sign)
            agreed += agrees
            hits += masses[0, label]
            for k in range(0, P, WIDTH):
                mass = load(masses, (0, k))
                store(counts, (worker, label, k), load(counts, (worker, label, k)) + mass)
                if worker < tallied:
                    store(rows, (worker, k), load(rows, (worker, k)) + mass)
                    store(pooled, (label, k), load(pooled, (label, k)) + mass)
        totals[TASKS] += sign
        totals[CONFIDENCE] += masses[0, top]
        totals[JUDGED] += sign * length
        if teaches:
            totals[AGREED] += agreed
            totals[LEARNED] += sign * length
            totals[HITS] += hits
        task += 1


def _tally(tables: FullTables, worker: int) -> None:
    counts, rows, pooled = tables.counts, tables.rows, tables.pooled
    K, P = pooled.shape
    for k in range(0, P, WIDTH):
        row = spread(0.0)
        for label in range(K):
            count = load(counts, (worker, label, k))
            row += count
            store(pooled, (label, k), load(pooled, (label, k)) + count)
        store(rows, (worker, k), row)


@part
def multiply(votes: Votes, tables: FullTables, task: int) -> None:
    """Make the products of both forms from the task's answers, known truth or not."""
    workers, labels = votes.worker, votes.label
    people, counts = tables.people, tables.counts
    rows, pooled, classes, totals = tables.rows, tables.pooled, tables.classes, tables.totals
    products, scale, units = tables.products, tables.scale, tables.units
    K = pooled.shape[0]
    P = rows.shape[1]
    first = votes.start[task]
    end = first + votes.length[task]
    accuracy = population_accuracy(totals)
    for k in range(0, P, WIDTH):
        exists = load(units, (K, k))
        wrong = spread(K - 1.0)
        for label in range(K):
            wrong += load(pooled, (label, k)) * (exists - load(units, (label, k)))
        store(scale, (k,), spread(1.0) / wrong)
        prior = (load(classes, (SHARES, k)) + load(classes, (SOFT, k)) + exists) * exists
        store(products, (0, k), prior * spread(COMMON))
        store(products, (1, k), prior * spread(1 - COMMON))
    i = first
    while i < end:
        pause = min(i + RESCALE, end)
        for k in range(0, P, WIDTH):
            common = load(products, (0, k))
            own = load(products, (1, k))
            share = load(scale, (k,))
            exists = load(units, (K, k))
            for j in range(i, pause):
                worker = read(workers, (j,))
                label = read(labels, (j,))
                ability = (people[worker, HITS] + ABILITY_STRENGTH * accuracy) / (
                    people[worker, LEARNED] + ABILITY_STRENGTH
                )
                here = load(units, (label, k))
                error = (load(pooled, (label, k)) + exists) * share * (exists - here)
                answer = error * spread(1 - ability) + here * spread(ability)
                common *= answer
                own *= (load(counts, (worker, label, k)) + answer * spread(ROW_STRENGTH)) / (
                    load(rows, (worker, k)) + spread(ROW_STRENGTH)
                )
            store(products, (0, k), common)
            store(products, (1, k), own)
        if pause < end:
            rescale(products)
        i = pause


def _estimate(votes: Votes, tables: FullTables, task: int) -> None:
    posterior, products = tables.posterior, tables.products
    gold = votes.gold[task]
    K = posterior.shape[1]
    if gold >= 0:
        for k in range(K):
            posterior[task, k] = 0
        posterior[task, gold] = 1
        return
    multiply(votes, tables, task)
    merge(products)
    for k in range(K):
        posterior[task, k] = products[0, k]


implement(forms.fold, FullTables, 1)(_fold)
implement(forms.tally, FullTables, 0)(_tally)
implement(forms.estimate, FullTables, 1)(_estimate)

"""Full confusion matrices: a count for each worker, true label and answer. Memory O(workers x K^2).

A task's answers come from one of two forms of the same counts, which form is not known:

    common  C_j[k, k] = a_j,   C_j[k, l] = (1 - a_j) Q[k, l]         (one-coin)
    own     F_j[k, l] = (n_j[k, l] + s C_j[k, l]) / (N_j[k] + s)     (Dawid & Skene 1979, shrunk)

    a_j = (hits_j + lambda a) / (answers_j + lambda)
    q[k] ~ prior[k] (w prod_j C_j[k, l_j] + (1 - w) prod_j F_j[k, l_j])

n_j are expected counts, a is the population's accuracy, Q its profile of errors, w = COMMON. Few
answers make it a one-coin model, many a full one, task by task.
"""

from typing import Any, NamedTuple

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
    population_accuracy,
)
from engine.kernels.lanes import WIDTH, fetch, load, read, spread, store, total
from engine.kernels.support import OCTAVES, octave
from engine.kernels.votes import Votes, next_judged

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Labels = npt.NDArray[np.int16]
Reals = npt.NDArray[np.floating]  # float32 in service, float64 where tests want all digits

HIT, MISS = 0, 1  # columns of `ability`
NEAR = 1 << 18  # numbers in tables that the fast cache holds
AHEAD = 24  # judgments: how far ahead of a pass its tables are asked for


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


class FullSweep(NamedTuple):
    """One pass of a refit: parameters that are read and sums that are gathered, side by side."""

    table: Reals  # [W, K answered, 2 (own probability, sum), P true]
    ability: Reals  # [W, 2] probability of being right, of being wrong
    pooled: Floats  # [K answered, P true]
    classes: Floats  # [2, P]
    prior: Floats  # [P]
    profile: Floats  # [K answered, 2, P true] share of a truth's errors; 1 where it is the truth
    accuracy: Floats  # [1] of the population
    products: Floats  # [2, P] scratch: common form, own form


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
        # A task with one judgment would only tell its worker that it is right.
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


def _estimate(votes: Votes, tables: FullTables, task: int) -> None:
    workers, labels = votes.worker, votes.label
    posterior, people, counts = tables.posterior, tables.people, tables.counts
    rows, pooled, classes, totals = tables.rows, tables.pooled, tables.classes, tables.totals
    products, scale, units = tables.products, tables.scale, tables.units
    gold = votes.gold[task]
    K = posterior.shape[1]
    P = rows.shape[1]
    if gold >= 0:
        for k in range(K):
            posterior[task, k] = 0
        posterior[task, gold] = 1
        return
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
            _rescale(products)
        i = pause
    _merge(products)
    for k in range(K):
        posterior[task, k] = products[0, k]


@kernel
def _gather(votes: Votes, table: Reals, first: int, end: int, posterior: Floats) -> None:
    """Add posterior[0] to the sums of the workers who gave the judgments first..end."""
    workers, labels = votes.worker, votes.label
    for k in range(0, posterior.shape[1], WIDTH):
        q = load(posterior, (0, k))
        for i in range(first, end):
            place = (read(workers, (i,)), read(labels, (i,)), 1, k)
            store(table, place, load(table, place) + q)


@kernel
def _fetch_ahead(votes: Votes, table: Reals, first: int, end: int) -> None:
    """Ask for what the judgments some way after first..end need.

    Harmless where that is wrong; blocks mostly lie in the order of the tasks.
    """
    workers, labels = votes.worker, votes.label
    last = workers.shape[0]
    for i in range(min(first + AHEAD, last), min(end + AHEAD, last)):
        worker = read(workers, (i,))
        label = read(labels, (i,))
        fetch(table, (worker, label, 0, 0))
        fetch(table, (worker, label, 1, 0))


def _share(votes: Votes, sweep: FullSweep, task: int, end: int, budget: int) -> tuple[int, int]:
    start, length, gold = votes.start, votes.length, votes.gold
    labels = votes.label
    judged, table, classes, q = votes.judged, sweep.table, sweep.classes, sweep.products
    K = table.shape[1]
    P = q.shape[1]
    far = table.size > NEAR
    while budget > 0:
        task = next_judged(judged, task, end)
        if task == end:
            break
        count = length[task]
        first = start[task]
        if far:
            _fetch_ahead(votes, table, first, first + count)
        for k in range(P):
            q[0, k] = 0
        if count > 0:
            if gold[task] >= 0:
                q[0, gold[task]] = 1
            else:
                for i in range(first, first + count):
                    q[0, labels[i]] += 1
                for k in range(K):
                    q[0, k] /= count
            for k in range(K):
                classes[SHARES, k] += q[0, k]
                classes[SOFT, k] += q[0, k]
        if count > 1 or gold[task] >= 0:
            _gather(votes, table, first, first + count, q)
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
    prior, profile, classes = sweep.prior, sweep.profile, sweep.classes
    posterior = tables.posterior
    K = table.shape[1]
    P = prior.shape[0]
    far = table.size > NEAR
    while budget > 0:
        task = next_judged(judged, task, end)
        if task == end:
            break
        count = length[task]
        first = start[task]
        stop = first + count
        if far:
            _fetch_ahead(votes, table, first, stop)
        if gold[task] >= 0:
            for k in range(K):
                products[0, k] = 0
            products[0, gold[task]] = 1
        else:
            for k in range(0, P, WIDTH):
                weight = load(prior, (k,))
                store(products, (0, k), weight * spread(COMMON))
                store(products, (1, k), weight * spread(1 - COMMON))
            i = first
            while i < stop:
                pause = min(i + RESCALE, stop)
                for k in range(0, P, WIDTH):
                    common = load(products, (0, k))
                    own = load(products, (1, k))
                    for j in range(i, pause):
                        worker = read(workers, (j,))
                        label = read(labels, (j,))
                        hit = spread(read(ability, (worker, HIT)))
                        miss = spread(read(ability, (worker, MISS)))
                        common *= (
                            load(profile, (label, 0, k)) * miss + load(profile, (label, 1, k)) * hit
                        )
                        own *= load(table, (worker, label, 0, k))
                    store(products, (0, k), common)
                    store(products, (1, k), own)
                if pause < stop:
                    _rescale(products)
                i = pause
            _merge(products)
        if last:
            for k in range(K):
                posterior[task, k] = products[0, k]
            budget -= CONCLUSION * (count + 1)
        else:
            if count > 0:
                for k in range(0, P, WIDTH):
                    q = load(products, (0, k))
                    store(classes, (SOFT, k), load(classes, (SOFT, k)) + q)
            if count > 1 or gold[task] >= 0:
                _gather(votes, table, first, stop, products)
            budget -= count + 1
        task += 1
    return task, budget


def _survey(sweep: FullSweep, worker: int) -> None:
    table, pooled = sweep.table, sweep.pooled
    K, P = pooled.shape
    for label in range(K):
        for k in range(0, P, WIDTH):
            gathered = load(table, (worker, label, 1, k))
            store(pooled, (label, k), load(pooled, (label, k)) + gathered)


def _settle_population(sweep: FullSweep) -> None:
    pooled, classes, prior = sweep.pooled, sweep.classes, sweep.prior
    profile = sweep.profile
    K = pooled.shape[0]
    right = 0.0
    answers = 0.0
    weights = 0.0
    for k in range(K):
        right += pooled[k, k]
        wrong = 0.0
        for label in range(K):
            answers += pooled[label, k]
            if label != k:
                wrong += pooled[label, k]
        for label in range(K):
            profile[label, 0, k] = (pooled[label, k] + 1) / (wrong + K - 1)
        profile[k, 0, k] = 0
        weights += classes[SHARES, k] + classes[SOFT, k] + 1
    sweep.accuracy[0] = (right + START_RIGHT) / (answers + START_ANSWERS)
    for k in range(K):
        prior[k] = (classes[SHARES, k] + classes[SOFT, k] + 1) / weights
        classes[SOFT, k] = 0
    pooled.fill(0)


@kernel
def _set_ability(sweep: FullSweep, worker: int, ability: float) -> None:
    miss = max(1 - ability, LEAST_MISS)
    sweep.ability[worker, HIT] = 1 - miss
    sweep.ability[worker, MISS] = miss


@kernel
def _answer(sweep: FullSweep, label: int, k: int, ability: float) -> Any:
    """Probability of a label as an answer, by ability alone, for the truths from k on."""
    wrong = load(sweep.profile, (label, 0, k)) * spread(1 - ability)
    return wrong + load(sweep.profile, (label, 1, k)) * spread(ability)


def _maximise(sweep: FullSweep, tables: FullTables, worker: int) -> None:
    table, counts, rows, people = sweep.table, tables.counts, tables.rows, tables.people
    support = tables.support
    K, P = sweep.pooled.shape
    right = 0.0
    answers = spread(0.0)
    for label in range(K):
        right += table[worker, label, 1, label]
        for k in range(0, P, WIDTH):
            answers += load(table, (worker, label, 1, k))
    ability = (right + ABILITY_STRENGTH * sweep.accuracy[0]) / (total(answers) + ABILITY_STRENGTH)
    _set_ability(sweep, worker, ability)
    nothing = spread(0.0)
    strength = spread(ROW_STRENGTH)
    for k in range(0, P, WIDTH):
        row = strength
        for label in range(K):
            row += load(table, (worker, label, 1, k))
        for label in range(K):
            common = _answer(sweep, label, k, ability)
            own = (load(table, (worker, label, 1, k)) + strength * common) / row
            store(table, (worker, label, 0, k), own)
            store(table, (worker, label, 1, k), nothing)
            store(counts, (worker, label, k), nothing)
        store(rows, (worker, k), nothing)
    for column in range(PEOPLE):
        people[worker, column] = 0
    for column in range(OCTAVES):
        support[worker, column] = 0


def _admit(sweep: FullSweep, worker: int) -> None:
    K, P = sweep.pooled.shape
    accuracy = sweep.accuracy[0]
    _set_ability(sweep, worker, accuracy)
    for label in range(K):
        for k in range(0, P, WIDTH):
            store(sweep.table, (worker, label, 0, k), _answer(sweep, label, k, accuracy))


implement(forms.fold, FullTables, 1)(_fold)
implement(forms.tally, FullTables, 0)(_tally)
implement(forms.estimate, FullTables, 1)(_estimate)
implement(forms.share, FullSweep, 1, apart=True)(_share)
implement(forms.expect, FullSweep, 1, apart=True)(_expect)
implement(forms.survey, FullSweep, 0)(_survey)
implement(forms.settle_population, FullSweep, 0)(_settle_population)
implement(forms.maximise, FullSweep, 0)(_maximise)
implement(forms.admit, FullSweep, 0)(_admit)

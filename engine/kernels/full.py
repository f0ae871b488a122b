"""Full confusion matrices: a count for each worker, true label and answer. Memory O(workers x K^2).

The model (after Dawid & Skene 1979, with two levels of shrinkage): worker j answers l to a task
whose truth is k with probability

    pi_j[k, l] = (n_j[k, l] + s m_j[k, l]) / (N_j[k] + s),
    m_j[k, k] = a_j,   m_j[k, l] = (1 - a_j) Q[k, l],
    a_j = (hits_j + lambda a) / (answers_j + lambda),

where n_j are expected counts, a the population's accuracy and Q its profile of errors. Few answers
make it a one-coin model, many a full matrix.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.jit import kernel
from engine.kernels import forms
from engine.kernels.forms import (
    ABILITY_STRENGTH,
    AGREED,
    CONFIDENCE,
    GOLD_RIGHT,
    GOLD_TOTAL,
    HITS,
    JUDGED,
    LEARNED,
    PEOPLE,
    RESCALE,
    ROW_STRENGTH,
    SHARES,
    SOFT,
    TASKS,
    implement,
)
from engine.kernels.votes import Votes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Labels = npt.NDArray[np.int16]
Reals = npt.NDArray[np.floating]  # float32 in service, float64 where tests want all digits


class FullTables(NamedTuple):
    """Posteriors and the expected counts that follow from them."""

    posterior: Reals  # [T, K]
    counts: Floats  # [W, K answered, K true]
    rows: Floats  # [W, K true] sum of counts over answers
    people: Floats  # [W, PEOPLE]
    pooled: Floats  # [K answered, K true] sum of counts over workers
    classes: Floats  # [2, K] sums of vote shares and of posteriors
    totals: Floats  # [TOTALS]
    product: Floats  # [K] scratch
    scale: Floats  # [K] scratch


class FullSweep(NamedTuple):
    """One pass of a refit: parameters that are read and sums that are gathered, side by side."""

    table: Reals  # [W, K answered, 2 (probability, sum), K true]
    pooled: Floats  # [K answered, K true]
    classes: Floats  # [2, K]
    prior: Reals  # [K]
    newcomer: Reals  # [K answered, K true] probabilities of a worker nothing is known of
    profile: Floats  # [K true, K answered] errors of the population; [k, k] its accuracy
    product: Reals  # [K] scratch


@kernel
def _scale_to_most(product: Reals) -> None:
    most = product[0]
    for k in range(1, product.shape[0]):
        most = max(most, product[k])
    factor = 1 / most
    for k in range(product.shape[0]):
        product[k] *= factor


@kernel
def _scale_to_sum(product: Reals) -> None:
    total = product[0]
    for k in range(1, product.shape[0]):
        total += product[k]
    factor = 1 / total
    for k in range(product.shape[0]):
        product[k] *= factor


def _fold(votes: Votes, tables: FullTables, task: int, sign: float) -> None:
    length = votes.length[task]
    if length == 0:
        return
    # Each array is fetched once: to fetch it in a loop would count a reference each time.
    workers, labels = votes.worker, votes.label
    posterior, people, counts = tables.posterior, tables.people, tables.counts
    rows, pooled, classes, totals = tables.rows, tables.pooled, tables.classes, tables.totals
    first = votes.start[task]
    gold = votes.gold[task]
    K = posterior.shape[1]
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


def _estimate(votes: Votes, tables: FullTables, task: int) -> None:
    workers, labels = votes.worker, votes.label
    posterior, people, counts = tables.posterior, tables.people, tables.counts
    rows, pooled, classes, totals = tables.rows, tables.pooled, tables.classes, tables.totals
    product, scale = tables.product, tables.scale
    gold = votes.gold[task]
    K = posterior.shape[1]
    if gold >= 0:
        for k in range(K):
            posterior[task, k] = 0
        posterior[task, gold] = 1
        return
    first = votes.start[task]
    accuracy = (totals[HITS] + 1) / (totals[LEARNED] + 2)
    for k in range(K):
        answers = 0.0
        for label in range(K):
            answers += pooled[label, k]
        scale[k] = 1 / (answers - pooled[k, k] + K - 1)
        product[k] = classes[SHARES, k] + classes[SOFT, k] + 1
    for i in range(first, first + votes.length[task]):
        worker = workers[i]
        label = labels[i]
        ability = (people[worker, HITS] + ABILITY_STRENGTH * accuracy) / (
            people[worker, LEARNED] + ABILITY_STRENGTH
        )
        hit = ROW_STRENGTH * ability
        miss = ROW_STRENGTH - hit
        for k in range(K):
            expected = miss * (pooled[label, k] + 1) * scale[k]
            if k == label:
                expected = hit
            product[k] *= (counts[worker, label, k] + expected) / (rows[worker, k] + ROW_STRENGTH)
        if (i - first) % RESCALE == RESCALE - 1:
            _scale_to_most(product)
    _scale_to_sum(product)
    for k in range(K):
        posterior[task, k] = product[k]


@kernel
def _spread(table: Reals, workers: Ints, labels: Labels, first: int, last: int, q: Reals) -> None:
    """Add a task's posterior to the sums of its workers."""
    for i in range(first, last):
        worker = workers[i]
        label = labels[i]
        for k in range(q.shape[0]):
            table[worker, label, 1, k] += q[k]


def _share(votes: Votes, sweep: FullSweep, task: int, end: int, budget: int) -> tuple[int, int]:
    start, length, gold = votes.start, votes.length, votes.gold
    workers, labels = votes.worker, votes.label
    table, classes, q = sweep.table, sweep.classes, sweep.product
    K = q.shape[0]
    while task < end and budget > 0:
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
                _scale_to_sum(q)
            for k in range(K):
                classes[SHARES, k] += q[k]
                classes[SOFT, k] += q[k]
        if count > 1 or gold[task] >= 0:
            _spread(table, workers, labels, first, first + count, q)
        budget -= count + 1
        task += 1
    return task, budget


@kernel
def _multiply(
    table: Reals, prior: Reals, workers: Ints, labels: Labels, first: int, last: int, q: Reals
) -> None:
    """A task's posterior under a sweep's parameters, into `q`."""
    K = q.shape[0]
    for k in range(K):
        q[k] = prior[k]
    for i in range(first, last):
        worker = workers[i]
        label = labels[i]
        for k in range(K):
            q[k] *= table[worker, label, 0, k]
        if (i - first) % RESCALE == RESCALE - 1:
            _scale_to_most(q)
    _scale_to_sum(q)


def _expect(votes: Votes, sweep: FullSweep, task: int, end: int, budget: int) -> tuple[int, int]:
    start, length, gold = votes.start, votes.length, votes.gold
    workers, labels = votes.worker, votes.label
    table, prior, classes, q = sweep.table, sweep.prior, sweep.classes, sweep.product
    K = q.shape[0]
    while task < end and budget > 0:
        count = length[task]
        if count > 0:
            first = start[task]
            if gold[task] >= 0:
                for k in range(K):
                    q[k] = 0
                q[gold[task]] = 1
            else:
                _multiply(table, prior, workers, labels, first, first + count, q)
            for k in range(K):
                classes[SOFT, k] += q[k]
            if count > 1 or gold[task] >= 0:
                _spread(table, workers, labels, first, first + count, q)
        budget -= count + 1
        task += 1
    return task, budget


def _conclude(votes: Votes, sweep: FullSweep, tables: FullTables, task: int) -> None:
    q = sweep.product
    posterior = tables.posterior
    gold = votes.gold[task]
    if gold >= 0:
        for k in range(q.shape[0]):
            q[k] = 0
        q[gold] = 1
    else:
        first = votes.start[task]
        last = first + votes.length[task]
        _multiply(sweep.table, sweep.prior, votes.worker, votes.label, first, last, q)
    for k in range(q.shape[0]):
        posterior[task, k] = q[k]


def _survey(sweep: FullSweep, worker: int) -> None:
    table, pooled = sweep.table, sweep.pooled
    K = pooled.shape[0]
    for label in range(K):
        for k in range(K):
            pooled[label, k] += table[worker, label, 1, k]


def _settle_population(sweep: FullSweep) -> None:
    pooled, classes, prior = sweep.pooled, sweep.classes, sweep.prior
    newcomer, profile = sweep.newcomer, sweep.profile
    K = prior.shape[0]
    hits = 0.0
    answers = 0.0
    total = 0.0
    for k in range(K):
        hits += pooled[k, k]
        errors = 0.0
        for label in range(K):
            answers += pooled[label, k]
            if label != k:
                errors += pooled[label, k]
        for label in range(K):
            profile[k, label] = (pooled[label, k] + 1) / (errors + K - 1)
        total += classes[SHARES, k] + classes[SOFT, k] + 1
    accuracy = (hits + 1) / (answers + 2)
    for k in range(K):
        profile[k, k] = accuracy
        for label in range(K):
            newcomer[label, k] = accuracy if label == k else (1 - accuracy) * profile[k, label]
        prior[k] = (classes[SHARES, k] + classes[SOFT, k] + 1) / total
        classes[SOFT, k] = 0
    pooled.fill(0)


def _maximise(sweep: FullSweep, tables: FullTables, worker: int) -> None:
    table, profile = sweep.table, sweep.profile
    counts, rows, people = tables.counts, tables.rows, tables.people
    K = profile.shape[0]
    hits = 0.0
    answers = 0.0
    for label in range(K):
        hits += table[worker, label, 1, label]
        for k in range(K):
            answers += table[worker, label, 1, k]
    ability = (hits + ABILITY_STRENGTH * profile[0, 0]) / (answers + ABILITY_STRENGTH)
    for k in range(K):
        row = ROW_STRENGTH
        for label in range(K):
            row += table[worker, label, 1, k]
        for label in range(K):
            expected = ability if label == k else (1 - ability) * profile[k, label]
            table[worker, label, 0, k] = (
                table[worker, label, 1, k] + ROW_STRENGTH * expected
            ) / row
    for label in range(K):
        for k in range(K):
            table[worker, label, 1, k] = 0
            counts[worker, label, k] = 0
        rows[worker, label] = 0
    for column in range(PEOPLE):
        people[worker, column] = 0


def _admit(sweep: FullSweep, worker: int) -> None:
    table, newcomer = sweep.table, sweep.newcomer
    K = newcomer.shape[0]
    for label in range(K):
        for k in range(K):
            table[worker, label, 0, k] = newcomer[label, k]


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
implement(forms.conclude, FullSweep, 1)(_conclude)
implement(forms.survey, FullSweep, 0)(_survey)
implement(forms.settle_population, FullSweep, 0)(_settle_population)
implement(forms.maximise, FullSweep, 0)(_maximise)
implement(forms.admit, FullSweep, 0)(_admit)
implement(forms.start_over, FullSweep, 0)(_start_over)

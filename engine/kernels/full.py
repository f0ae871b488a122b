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
    RESCALE,
    ROW_STRENGTH,
    SHARES,
    SOFT,
    TASKS,
    implement,
)
from engine.kernels.votes import Votes

Floats = npt.NDArray[np.float64]
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


class FullSweep(NamedTuple):
    """One pass of a refit: parameters that are read and sums that are gathered, side by side."""

    table: Reals  # [W, K answered, 2 (probability, sum), K true]
    pooled: Floats  # [K answered, K true]
    classes: Floats  # [2, K]
    prior: Reals  # [K]
    newcomer: Reals  # [K answered, K true] probabilities of a worker nothing is known of
    profile: Floats  # [K true, K answered] errors of the population; [k, k] its accuracy


@kernel
def _top(posterior: Reals) -> int:
    best = 0
    for k in range(1, posterior.shape[0]):
        if posterior[k] > posterior[best]:
            best = k
    return best


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
    first = votes.start[task]
    gold = votes.gold[task]
    posterior = tables.posterior[task]
    totals = tables.totals
    K = posterior.shape[0]
    top = _top(posterior)
    totals[TASKS] += sign
    totals[CONFIDENCE] += sign * posterior[top]
    for k in range(K):
        tables.classes[SOFT, k] += sign * posterior[k]
    if gold >= 0:
        tables.classes[SHARES, gold] += sign
    # A task with one judgment would only tell its worker that it is right.
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
        if not teaches:
            continue
        if label == top:
            person[AGREED] += sign
            totals[AGREED] += sign
        person[LEARNED] += sign
        totals[LEARNED] += sign
        person[HITS] += sign * posterior[label]
        totals[HITS] += sign * posterior[label]
        counts = tables.counts[votes.worker[i], label]
        rows = tables.rows[votes.worker[i]]
        pooled = tables.pooled[label]
        for k in range(K):
            mass = sign * posterior[k]
            counts[k] += mass
            rows[k] += mass
            pooled[k] += mass


def _estimate(votes: Votes, tables: FullTables, task: int) -> None:
    posterior = tables.posterior[task]
    gold = votes.gold[task]
    K = posterior.shape[0]
    if gold >= 0:
        for k in range(K):
            posterior[k] = 0
        posterior[gold] = 1
        return
    first = votes.start[task]
    accuracy = (tables.totals[HITS] + 1) / (tables.totals[LEARNED] + 2)
    column = np.empty(K)  # what an error towards a label is worth, by true label
    scale = np.empty(K)
    product = np.empty(K)
    for k in range(K):
        answers = 0.0
        for label in range(K):
            answers += tables.pooled[label, k]
        scale[k] = 1 / (answers - tables.pooled[k, k] + K - 1)
        product[k] = tables.classes[SHARES, k] + tables.classes[SOFT, k] + 1
    for i in range(first, first + votes.length[task]):
        label = votes.label[i]
        person = tables.people[votes.worker[i]]
        ability = (person[HITS] + ABILITY_STRENGTH * accuracy) / (
            person[LEARNED] + ABILITY_STRENGTH
        )
        counts = tables.counts[votes.worker[i], label]
        rows = tables.rows[votes.worker[i]]
        miss = ROW_STRENGTH * (1 - ability)
        for k in range(K):
            column[k] = miss * (tables.pooled[label, k] + 1) * scale[k]
        column[label] = ROW_STRENGTH * ability
        for k in range(K):
            product[k] *= (counts[k] + column[k]) / (rows[k] + ROW_STRENGTH)
        if (i - first) % RESCALE == RESCALE - 1:
            _scale_to_most(product)
    _scale_to_sum(product)
    for k in range(K):
        posterior[k] = product[k]


def _share(votes: Votes, sweep: FullSweep, task: int) -> None:
    length = votes.length[task]
    if length == 0:
        return
    K = sweep.prior.shape[0]
    first = votes.start[task]
    gold = votes.gold[task]
    shares = np.zeros(K, sweep.prior.dtype)
    if gold >= 0:
        shares[gold] = 1
    else:
        for i in range(first, first + length):
            shares[votes.label[i]] += 1
        for k in range(K):
            shares[k] /= length
    for k in range(K):
        sweep.classes[SHARES, k] += shares[k]
        sweep.classes[SOFT, k] += shares[k]
    if length > 1 or gold >= 0:
        for i in range(first, first + length):
            sums = sweep.table[votes.worker[i], votes.label[i], 1]
            for k in range(K):
                sums[k] += shares[k]


@kernel
def _multiply(votes: Votes, sweep: FullSweep, task: int, product: Reals) -> None:
    """The task's posterior under the sweep's parameters, into `product`."""
    K = product.shape[0]
    gold = votes.gold[task]
    if gold >= 0:
        for k in range(K):
            product[k] = 0
        product[gold] = 1
        return
    first = votes.start[task]
    for k in range(K):
        product[k] = sweep.prior[k]
    for i in range(first, first + votes.length[task]):
        worker = votes.worker[i]
        label = votes.label[i]
        for k in range(K):
            product[k] *= sweep.table[worker, label, 0, k]
        if (i - first) % RESCALE == RESCALE - 1:
            _scale_to_most(product)
    _scale_to_sum(product)


def _expect(votes: Votes, sweep: FullSweep, task: int) -> None:
    length = votes.length[task]
    if length == 0:
        return
    K = sweep.prior.shape[0]
    first = votes.start[task]
    product = np.empty(K, sweep.prior.dtype)
    _multiply(votes, sweep, task, product)
    for k in range(K):
        sweep.classes[SOFT, k] += product[k]
    if length > 1 or votes.gold[task] >= 0:
        for i in range(first, first + length):
            worker = votes.worker[i]
            label = votes.label[i]
            for k in range(K):
                sweep.table[worker, label, 1, k] += product[k]


def _conclude(votes: Votes, sweep: FullSweep, tables: FullTables, task: int) -> None:
    _multiply(votes, sweep, task, tables.posterior[task])


def _survey(sweep: FullSweep, worker: int) -> None:
    K = sweep.prior.shape[0]
    for label in range(K):
        for k in range(K):
            sweep.pooled[label, k] += sweep.table[worker, label, 1, k]


def _settle_population(sweep: FullSweep) -> None:
    K = sweep.prior.shape[0]
    hits = 0.0
    answers = 0.0
    for k in range(K):
        hits += sweep.pooled[k, k]
        errors = 0.0
        for label in range(K):
            answers += sweep.pooled[label, k]
            if label != k:
                errors += sweep.pooled[label, k]
        for label in range(K):
            sweep.profile[k, label] = (sweep.pooled[label, k] + 1) / (errors + K - 1)
    accuracy = (hits + 1) / (answers + 2)
    total = 0.0
    for k in range(K):
        sweep.profile[k, k] = accuracy
        for label in range(K):
            sweep.newcomer[label, k] = (1 - accuracy) * sweep.profile[k, label]
        total += sweep.classes[SHARES, k] + sweep.classes[SOFT, k] + 1
    for k in range(K):
        sweep.newcomer[k, k] = accuracy
        sweep.prior[k] = (sweep.classes[SHARES, k] + sweep.classes[SOFT, k] + 1) / total
        sweep.classes[SOFT, k] = 0
    sweep.pooled.fill(0)


def _maximise(sweep: FullSweep, tables: FullTables, worker: int) -> None:
    K = sweep.prior.shape[0]
    table = sweep.table[worker]
    hits = 0.0
    answers = 0.0
    for label in range(K):
        hits += table[label, 1, label]
        for k in range(K):
            answers += table[label, 1, k]
    accuracy = sweep.profile[0, 0]
    ability = (hits + ABILITY_STRENGTH * accuracy) / (answers + ABILITY_STRENGTH)
    for k in range(K):
        row = 0.0
        for label in range(K):
            row += table[label, 1, k]
        for label in range(K):
            expected = ability if label == k else (1 - ability) * sweep.profile[k, label]
            table[label, 0, k] = (table[label, 1, k] + ROW_STRENGTH * expected) / (
                row + ROW_STRENGTH
            )
    for label in range(K):
        for k in range(K):
            table[label, 1, k] = 0
            tables.counts[worker, label, k] = 0
        tables.rows[worker, label] = 0
    tables.people[worker].fill(0)


def _admit(sweep: FullSweep, worker: int) -> None:
    K = sweep.prior.shape[0]
    for label in range(K):
        for k in range(K):
            sweep.table[worker, label, 0, k] = sweep.newcomer[label, k]


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

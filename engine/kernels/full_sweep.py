"""A refit with full confusion matrices: the passes over tasks and workers.

The model is in `engine.kernels.full`. Tasks with one judgment teach too: were they left out, what
the others are like, often chosen for their first answer, would be taken for what all are like.
"""

from typing import Any, NamedTuple

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
from engine.kernels.full import FullTables, merge, rescale
from engine.kernels.lanes import WIDTH, fetch, load, read, spread, store, total
from engine.kernels.support import OCTAVES
from engine.kernels.votes import Votes, next_judged

Floats = npt.NDArray[np.float64]
Reals = npt.NDArray[np.floating]  # float32 in service, float64 where tests want all digits

HIT, MISS = 0, 1  # columns of `ability`
NEAR = 1 << 18  # numbers in tables that the fast cache holds
AHEAD = 24  # judgments: how far ahead of a pass its tables are asked for


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


@part
def _gather(votes: Votes, table: Reals, first: int, end: int, posterior: Floats) -> None:
    """Add posterior[0] to the sums of the workers who gave the judgments first..end."""
    workers, labels = votes.worker, votes.label
    for k in range(0, posterior.shape[1], WIDTH):
        q = load(posterior, (0, k))
        for i in range(first, end):
            place = (read(workers, (i,)), read(labels, (i,)), 1, k)
            store(table, place, load(table, place) + q)


@part
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
                    rescale(products)
                i = pause
            merge(products)
        if last:
            for k in range(K):
                posterior[task, k] = products[0, k]
            budget -= CONCLUSION * (count + 1)
        else:
            if count > 0:
                for k in range(0, P, WIDTH):
                    q = load(products, (0, k))
                    store(classes, (SOFT, k), load(classes, (SOFT, k)) + q)
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


@part
def _set_ability(sweep: FullSweep, worker: int, ability: float) -> None:
    miss = max(1 - ability, LEAST_MISS)
    sweep.ability[worker, HIT] = 1 - miss
    sweep.ability[worker, MISS] = miss


@part
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


implement(forms.share, FullSweep, 1, apart=True)(_share)
implement(forms.expect, FullSweep, 1, apart=True)(_expect)
implement(forms.survey, FullSweep, 0)(_survey)
implement(forms.settle_population, FullSweep, 0)(_settle_population)
implement(forms.maximise, FullSweep, 0)(_maximise)
implement(forms.admit, FullSweep, 0)(_admit)

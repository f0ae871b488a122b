"""What one more answer would tell: the entropy of a task's label now, less the expected entropy
when this worker has answered, in nats.

    gain = H(z) - sum_l P(l) H(z | l),   P(l, z = k) = sum_f P(z = k, f) P_f(l | k)

over both forms f of the counts (common and own, see `engine.kernels.full`). The posterior is the
one that is kept; how it is split between the forms follows from the counts as they are. Where
labels are many, those that nobody gave count as equally probable.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.jit import kernel, part
from engine.kernels import forms
from engine.kernels.forms import (
    ABILITY_STRENGTH,
    COMMON,
    HITS,
    LEARNED,
    ROW_STRENGTH,
    SHARES,
    SOFT,
    implement,
    population_accuracy,
)
from engine.kernels.full import FullTables, multiply
from engine.kernels.votes import Votes
from engine.kernels.wide import ERRORS, WideTables, repeats
from engine.kernels.wide import multiply as multiply_wide

Floats = npt.NDArray[np.float64]

LEAST_MASS = 1e-12  # what is less has no part in an entropy


@part
def ability_of(tables: Any, worker: int) -> float:
    """The worker's accuracy, shrunk to the population's."""
    person = tables.people[worker]
    accuracy = population_accuracy(tables.totals)
    return (person[HITS] + ABILITY_STRENGTH * accuracy) / (  # type: ignore[no-any-return]
        person[LEARNED] + ABILITY_STRENGTH
    )


@part
def surprise(mass: float) -> float:
    """mass log mass, 0 where there is next to nothing."""
    return mass * np.log(mass) if mass > LEAST_MASS else 0.0


def _full_answers(tables: FullTables, worker: int, answers: Floats) -> None:
    K = tables.posterior.shape[1]
    ability = ability_of(tables, worker)
    for k in range(K):
        wrong = K - 1.0
        for label in range(K):
            if label != k:
                wrong += tables.pooled[label, k]
        for label in range(K):
            answer = (1 - ability) * (tables.pooled[label, k] + 1) / wrong
            if label == k:
                answer = ability
            answers[0, label, k] = answer
            answers[1, label, k] = (tables.counts[worker, label, k] + ROW_STRENGTH * answer) / (
                tables.rows[worker, k] + ROW_STRENGTH
            )


def _full_fresh(tables: FullTables, worker: int, answers: Floats) -> float:  # noqa: ARG001
    K = tables.posterior.shape[1]
    joint = tables.products
    for k in range(K):
        prior = tables.classes[SHARES, k] + tables.classes[SOFT, k] + 1
        joint[0, k] = COMMON * prior
        joint[1, k] = (1 - COMMON) * prior
    return _expected(joint, answers, K)


def _full_gain(
    votes: Votes,
    tables: FullTables,
    task: int,
    worker: int,  # noqa: ARG001 - its answers are laid out
    answers: Floats,
) -> float:
    K = tables.posterior.shape[1]
    multiply(votes, tables, task)
    joint = tables.products
    if votes.gold[task] < 0:
        for k in range(K):
            both = joint[0, k] + joint[1, k]
            factor = tables.posterior[task, k] / both if both > 0 else 0.0
            joint[0, k] *= factor
            joint[1, k] *= factor
    return _expected(joint, answers, K)


@part
def _expected(joint: Floats, answers: Floats, K: int) -> float:
    """The gain from the joint probabilities [forms, labels], which need not sum to 1."""
    total = 0.0
    for k in range(K):
        total += joint[0, k] + joint[1, k]
    gain = 0.0
    for k in range(K):
        gain -= surprise((joint[0, k] + joint[1, k]) / total)
    for label in range(K):
        said = 0.0
        for k in range(K):
            both = joint[0, k] * answers[0, label, k] + joint[1, k] * answers[1, label, k]
            said += both / total
            gain += surprise(both / total)
        gain -= surprise(said)
    return gain


def _wide_answers(tables: WideTables, worker: int, answers: Floats) -> None:
    pass


def _wide_fresh(tables: WideTables, worker: int, answers: Floats) -> float:  # noqa: ARG001
    # Of K equally probable labels one is said; that is it, or each other one alike.
    K = tables.classes.shape[1]
    ability = ability_of(tables, worker)
    miss = 1 - ability
    return np.log(K) + surprise(ability) + surprise(miss) - miss * np.log(K - 1)  # type: ignore[no-any-return]


def _wide_gain(
    votes: Votes,
    tables: WideTables,
    task: int,
    worker: int,
    answers: Floats,  # noqa: ARG001
) -> float:
    first = votes.start[task]
    length = votes.length[task]
    K = tables.classes.shape[1]
    joint = np.empty((2, length))
    rest = multiply_wide(votes, tables, task, joint)
    given = 0  # distinct labels; they come to the front
    label = np.empty(length, np.int64)
    total = rest
    for j in range(length):
        if not repeats(votes, first, first + j):
            label[given] = votes.label[first + j]
            joint[0, given] = joint[0, j]
            joint[1, given] = joint[1, j]
            if votes.gold[task] < 0:
                both = joint[0, j] + joint[1, j]
                factor = tables.mass[first + j] / both if both > 0 else 0.0
                joint[0, given] *= factor
                joint[1, given] *= factor
            total += joint[0, given] + joint[1, given]
            given += 1
    if votes.gold[task] < 0:
        total += tables.rest[task] - rest
        rest = tables.rest[task]
    others = K - given
    rest = rest / total if others > 0 else 0.0
    errors = tables.totals[LEARNED] - tables.totals[HITS] + K
    ability = ability_of(tables, worker)
    gain = rest * np.log(max(others, 1)) - surprise(rest)
    unsaid = 1.0  # share of the errors that are labels which nobody gave
    for j in range(given):
        joint[0, j] /= total
        joint[1, j] /= total
        gain -= surprise(joint[0, j] + joint[1, j])
        unsaid -= (tables.pooled[ERRORS, label[j]] + 1) / errors
    unsaid = max(unsaid, 0.0)
    for said in range(given + 1):
        # The last one: a label that nobody gave, any of them.
        share = unsaid if said == given else (tables.pooled[ERRORS, label[said]] + 1) / errors
        heard = 0.0
        for j in range(given):
            k = label[j]
            right = (tables.counts[worker, k] + ROW_STRENGTH * ability) / (
                tables.rows[worker, k] + ROW_STRENGTH
            )
            spread = share / (1 - (tables.pooled[ERRORS, k] + 1) / errors)
            common = ability if said == j else (1 - ability) * spread
            own = right if said == j else (1 - right) * spread
            both = joint[0, j] * common + joint[1, j] * own
            heard += both
            gain += surprise(both)
        if said < given:
            both = rest * (1 - ability) * share
            heard += both
            gain += surprise(both) - both * np.log(max(others, 1))
        elif others > 0:
            hit = rest * ability
            miss = rest * (1 - ability) * share * (others - 1) / others
            heard += hit + miss
            gain += surprise(hit) + surprise(miss)
            gain -= miss * np.log(max(others - 1, 1))
        gain -= surprise(heard)
    return gain  # type: ignore[no-any-return]


@part
def gain_of(votes: Votes, tables: Any, task: int, worker: int, answers: Floats) -> float:
    """What the worker's answer would tell of any task."""
    if task < votes.start.shape[0] and votes.length[task] > 0:
        return forms.gain(votes, tables, task, worker, answers)
    return forms.fresh(tables, worker, answers)


@kernel
def gains(
    votes: Votes,
    tables: Any,
    tasks: npt.NDArray[np.int32],
    worker: int,
    answers: Floats,
    out: Floats,
) -> None:
    """Fill `out` with what the worker's answer would tell of each task."""
    forms.answers(tables, worker, answers)
    for i in range(tasks.shape[0]):
        out[i] = gain_of(votes, tables, tasks[i], worker, answers)


implement(forms.answers, FullTables, 0)(_full_answers)
implement(forms.answers, WideTables, 0)(_wide_answers)
implement(forms.fresh, FullTables, 0)(_full_fresh)
implement(forms.fresh, WideTables, 0)(_wide_fresh)
implement(forms.gain, FullTables, 1)(_full_gain)
implement(forms.gain, WideTables, 1)(_wide_gain)

"""What a worker who looks for itself would answer, given the others' answers to the same task.

It is the null hypothesis of the search for copies (`engine.collusion`). The others are all but the
two workers compared and those of the same voice as one of them: a ring that has won a task over
would otherwise vouch for itself. With c[l] the others' answers l, a voice's same answers once, and
M_j[k, l] the probability that worker j answers l where k is true:

    the truth is k, of what the others and y (who gave l) say
        w[k] ~ prior[k] M_y[k, l] prod over the others j of M_j[k, l_j]
    x gives l, if k is true
        by the item    q[k] = M_x[k, l] g[k, l] / sum over m of M_x[k, m] g[k, m]
                       g[k, m] = A + (c[m] + [m = l]) / P[k, m]
        by habit       h[k] = M_x[k, l]
    x gives l
        max(sum w[k] q[k], sum w[k] h[k])

P is the population's matrix. g is how much more m is given to this task than its truth explains: it
comes from a Dirichlet distribution of the task's answers about P[k] with strength A, in which y's
answer counts too, so that an item which tempts many to the same error explains that they share it.
A is fitted to the tasks: the smaller, the more they differ. The greater of the two probabilities is
taken because a worker who does not look at the item is not explained by it, and a false alarm is
worse than a late one.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.jit import kernel, part
from engine.kernels.forms import ABILITY_STRENGTH, COMMON, ROW_STRENGTH, START_ANSWERS, START_RIGHT
from engine.kernels.judgments import Judgments, fellows, repeats, set_aside

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Singles = npt.NDArray[np.float32]

LEAST = 1e-6  # of a probability: products of many must not vanish
UNDERFLOW = 1e-200
RELEVANT = 1e-3  # weight of a truth below which it says nothing of how tasks differ


class Independence(NamedTuple):
    """Parameters of the null hypothesis for K labels."""

    matrix: Singles  # [W, K true, K answered] of workers
    ability: Singles  # [W] share of right answers
    errors: Floats  # [K true, K answered] the population's errors, [k, k] 0
    prior: Floats  # [K]
    profile: Floats  # [K true, K answered] the population's matrix
    strength: Floats  # [1]


@kernel
def vote(judgments: Judgments, sums: Singles, classes: Floats) -> None:
    """Add up workers' answers by the share that each label has of the others' votes.

    sums float32[W, K, K] and classes float64[K], the tasks' vote shares, must be zero.
    """
    start, length, worker = judgments.start, judgments.length, judgments.worker
    label, gold, voice = judgments.label, judgments.gold, judgments.voice
    nobody = np.zeros(0, np.int32)
    K = classes.shape[0]
    votes = np.zeros(K, np.int64)
    for t in range(start.shape[0]):
        begin, end = start[t], start[t] + length[t]
        if gold[t] >= 0:
            classes[gold[t]] += 1
            for i in range(begin, end):
                sums[worker[i], gold[t], label[i]] += 1
            continue
        for i in range(begin, end):
            x = worker[i]
            votes.fill(0)
            count = 0
            for j in range(begin, end):
                other = worker[j]
                if j == i or fellows(voice, other, x):
                    continue
                if not repeats(judgments, begin, j, x, -1, nobody, -1):
                    votes[label[j]] += 1
                    count += 1
            classes[label[i]] += 1 / (end - begin)
            if count > 0:
                for k in range(K):
                    if votes[k] > 0:
                        sums[x, k, label[i]] += votes[k] / count


@kernel
def expect(
    judgments: Judgments, null: Independence, sums: Singles, shares: Floats, soft: Floats
) -> None:
    """Add up workers' answers by the truths' probabilities, one pass of Dawid and Skene (1979).

    sums as in `vote`; shares, soft float64[K], sums of vote shares and probabilities, must be zero.
    """
    start, length, worker = judgments.start, judgments.length, judgments.worker
    label, gold = judgments.label, judgments.gold
    nobody = np.zeros(0, np.int32)
    K = soft.shape[0]
    w = np.zeros((2, K))
    q = w[0]
    for t in range(start.shape[0]):
        begin, end = start[t], start[t] + length[t]
        _begin(null, w)
        count = 0
        for i in range(begin, end):
            if not repeats(judgments, begin, i, -1, -1, nobody, -1):
                _weigh(null, w, worker[i], label[i])
                count += 1
        _merge(w)
        if gold[t] >= 0:
            q.fill(0)
            q[gold[t]] = 1
            shares[gold[t]] += 1
        else:
            for i in range(begin, end):
                shares[label[i]] += 1 / (end - begin)
        # A task with one vote would only tell its worker that it is right.
        if gold[t] >= 0 or count > 1:
            soft += q
            for i in range(begin, end):
                for k in range(K):
                    sums[worker[i], k, label[i]] += q[k]


@part
def _begin(null: Independence, w: Floats) -> None:
    """Set the weights w[2, K] of the truths, by ability and by own habits, to the prior."""
    for k in range(w.shape[1]):
        w[0, k] = COMMON * null.prior[k]
        w[1, k] = (1 - COMMON) * null.prior[k]


@part
def _weigh(null: Independence, w: Floats, worker: int, label: int) -> None:
    """Multiply in one vote."""
    most = 0.0
    miss = 1 - null.ability[worker]
    for k in range(w.shape[1]):
        w[0, k] *= null.ability[worker] if k == label else miss * null.errors[k, label]
        w[1, k] *= null.matrix[worker, k, label]
        most = max(most, w[0, k], w[1, k])
    if most < UNDERFLOW:
        w /= most


@part
def _merge(w: Floats) -> None:
    """Make w[0] the probabilities of the truths."""
    total = w.sum()
    for k in range(w.shape[1]):
        w[0, k] = (w[0, k] + w[1, k]) / total


@kernel
def settle(sums: Singles, null: Independence) -> None:
    """Make the workers' and the population's matrices of summed answers.

    A worker's is shrunk to what its accuracy says, that one to the population's, as in
    `engine.kernels.full`.
    """
    W, K, _ = sums.shape
    profile, matrix = null.profile, null.matrix
    profile.fill(0)
    for x in range(W):
        for k in range(K):
            for label in range(K):
                profile[k, label] += sums[x, k, label]
    right = START_RIGHT
    answers = START_ANSWERS
    errors = null.errors
    for k in range(K):
        right += profile[k, k]
        answers += profile[k].sum()
        wrong = profile[k].sum() - profile[k, k] + K - 1
        for label in range(K):
            errors[k, label] = (profile[k, label] + 1) / wrong if label != k else 0.0
    for x in range(W):
        hits = ABILITY_STRENGTH * right / answers
        learned = ABILITY_STRENGTH
        for k in range(K):
            hits += sums[x, k, k]
            learned += sums[x, k].sum()
        ability = hits / learned
        null.ability[x] = min(max(ability, LEAST), 1 - LEAST)
        for k in range(K):
            row = sums[x, k].sum() + ROW_STRENGTH
            for label in range(K):
                common = ability if label == k else (1 - ability) * errors[k, label]
                share = (sums[x, k, label] + ROW_STRENGTH * common) / row
                matrix[x, k, label] = max(share, LEAST)
    for k in range(K):
        profile[k] = (profile[k] + 1) / (profile[k].sum() + K)


@kernel
def fit_strength(
    judgments: Judgments, null: Independence, stride: int, strengths: Floats, likelihood: Floats
) -> None:
    """Fit the profile and how much tasks differ, to every stride-th task.

    likelihood float64[n]: of each of the strengths [n], for the profile as it was. Replaces the
    profile; null.strength becomes the most likely one.
    """
    start, length, worker = judgments.start, judgments.length, judgments.worker
    label, gold = judgments.label, judgments.gold
    nobody = np.zeros(0, np.int32)
    K = null.prior.shape[0]
    counts = np.zeros((K, K))
    votes = np.zeros(K, np.int64)
    forms = np.zeros((2, K))
    w = forms[0]
    likelihood.fill(0)
    for t in range(0, start.shape[0], stride):
        begin = start[t]
        _begin(null, forms)
        votes.fill(0)
        count = 0
        for i in range(begin, begin + length[t]):
            if not repeats(judgments, begin, i, -1, -1, nobody, -1):
                _weigh(null, forms, worker[i], label[i])
                votes[label[i]] += 1
                count += 1
        if count < 2:
            continue
        _merge(forms)
        if gold[t] >= 0:
            w.fill(0)
            w[gold[t]] = 1
        for k in range(K):
            if w[k] < RELEVANT:
                continue
            for m in range(K):
                counts[k, m] += w[k] * votes[m]
            for s in range(strengths.shape[0]):
                urn = 0.0
                for m in range(K):
                    for j in range(votes[m]):
                        urn += np.log(strengths[s] * null.profile[k, m] + j)
                for j in range(count):
                    urn -= np.log(strengths[s] + j)
                likelihood[s] += w[k] * urn
    for k in range(K):
        null.profile[k] = (counts[k] + 1) / (counts[k].sum() + K)
    null.strength[0] = strengths[likelihood.argmax()]


@kernel
def listen(
    judgments: Judgments,
    null: Independence,
    task: int,
    x: int,
    y: int,
    member: npt.NDArray[np.int32],
    group: int,
    votes: Counts,
    w: Floats,
) -> int:
    """Fill votes[K] and the truths' weights w[2, K] with what others say; returns how many.

    Left out are workers x and y, their fellows, and members of `group` (-1 none). Gold counts as
    one.
    """
    worker, label, voice = judgments.worker, judgments.label, judgments.voice
    begin = judgments.start[task]
    votes.fill(0)
    _begin(null, w)
    count = 0
    for i in range(begin, begin + judgments.length[task]):
        other = worker[i]
        if set_aside(other, x, y, member, group):
            continue
        if fellows(voice, other, x) or fellows(voice, other, y):
            continue
        if repeats(judgments, begin, i, x, y, member, group):
            continue
        _weigh(null, w, other, label[i])
        votes[label[i]] += 1
        count += 1
    gold = judgments.gold[task]
    if gold >= 0:
        w.fill(0)
        w[0, gold] = COMMON
        w[1, gold] = 1 - COMMON
        count += 1
    return count


@kernel
def chance(null: Independence, votes: Counts, w: Floats, label: int, y: int, x: int) -> float:
    """Probability that worker x, by itself, gives the label that y gave. See the module."""
    matrix, profile = null.matrix, null.profile
    A = null.strength[0]
    K = w.shape[1]
    total = 0.0
    tempted = 0.0
    habit = 0.0
    for k in range(K):
        own = matrix[x, k, label]
        sum_of = A + own / profile[k, label]
        for m in range(K):
            if votes[m] > 0:
                sum_of += matrix[x, k, m] * votes[m] / profile[k, m]
        common = null.ability[y] if k == label else (1 - null.ability[y]) * null.errors[k, label]
        weight = w[0, k] * common + w[1, k] * matrix[y, k, label]
        tempted += weight * own * (A + (votes[label] + 1) / profile[k, label]) / sum_of
        habit += weight * own
        total += weight
    return max(tempted, habit) / total

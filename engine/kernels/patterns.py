"""Bets on whether a worker repeats itself instead of looking at the items.

Whoever answers by a pattern of length p gives the answer that it gave p judgments before: always
(p = 1: always the same), or with slips. An ordinary worker gives it with a probability q that
follows from the others' answers to the task. The bets are those of `engine.kernels.copying`, with
the worker's own earlier answer in the place of another's.
"""

import numpy as np

from engine.jit import kernel, part
from engine.kernels.copying import Ints, capital, stake
from engine.kernels.independence import Counts, Floats, Independence, listen
from engine.kernels.judgments import Judgments
from engine.kernels.rows import Rows

BETS, WON, FORESEEN = range(3)  # columns of a tally
TALLY = 3
# Columns of insight, sums of what others say: for the likeliest answers, for those given, for
# answers by habit without a look at the items, and the variance of the latter.
MOST, BACKED, BLIND, SCATTER = range(4)
INSIGHT = 4

NEARLY = 0.8  # of the evidence for a longer pattern makes a shorter one the explanation


@kernel
def repeat_all(
    judgments: Judgments,
    null: Independence,
    course: Rows,
    stakes: Floats,
    tolerated: float,
    evidence: Floats,
    period: Counts,
    tallies: Floats,
    insight: Floats,
) -> None:
    """Bet on each worker repeating itself, and see what its answers have to do with the items.

    course: each worker's tasks in the order in which it judged them. evidence float64[W]: logarithm
    of the e-value, the mean over lengths of the pattern; period int64[W]: the length that explains
    it; tallies float64[W, lengths, TALLY], insight float64[W, INSIGHT]: must be zero.
    Cost: O(judgments x (redundancy + lengths + K) x K).
    """
    lengths = tallies.shape[1]
    by_length = np.zeros(lengths)
    bets = np.zeros((lengths, stakes.shape[0]))
    for x in range(min(evidence.shape[0], course.start.shape[0])):
        begin = course.start[x]
        tasks = course.member[begin : begin + course.length[x]]
        bets.fill(0)
        repeat_self(judgments, null, x, tasks, stakes, tolerated, bets, tallies[x], insight[x])
        for p in range(lengths):
            by_length[p] = capital(bets[p])
        evidence[x] = capital(by_length)
        # A pattern of two is one of four as well.
        most = by_length.max()
        p = 0
        while by_length[p] < min(NEARLY * most, most):
            p += 1
        period[x] = p + 1


@part
def given(judgments: Judgments, x: int, task: int) -> int:
    """The answer of worker x to the task; -1 if there is none."""
    if task < judgments.start.shape[0]:
        begin = judgments.start[task]
        for i in range(begin, begin + judgments.length[task]):
            if judgments.worker[i] == x:
                return judgments.label[i]  # type: ignore[no-any-return]
    return -1


@part
def repeat_self(
    judgments: Judgments,
    null: Independence,
    x: int,
    tasks: Ints,
    stakes: Floats,
    tolerated: float,
    bets: Floats,
    tallies: Floats,
    insight: Floats,
) -> None:
    """Bet on worker x repeating itself, for each length of pattern.

    tasks int32[n]: in the order in which it judged them. bets float64[lengths, stakes], tallies
    float64[lengths, TALLY], insight float64[INSIGHT]: must be zero. An ordinary worker is as often
    right as x is on the label that it knows best, and errs as the population does: habits are what
    is tested.
    Cost: O(judgments of x x (redundancy + lengths + K) x K).
    """
    K = null.prior.shape[0]
    votes = np.zeros(K, np.int64)
    w = np.zeros((2, K))
    nobody = np.zeros(0, np.int32)
    answer = np.zeros(K)
    labels = np.full(tasks.shape[0], -1, np.int64)
    habit = np.zeros(K)
    for i in range(tasks.shape[0]):
        labels[i] = given(judgments, x, tasks[i])
        if labels[i] >= 0:
            habit[labels[i]] += 1
    habit /= max(habit.sum(), 1.0)
    right = ability(null, x)
    for i in range(tasks.shape[0]):
        if labels[i] < 0 or listen(judgments, null, tasks[i], x, x, nobody, -1, votes, w) == 0:
            continue
        w[0] += w[1]
        w[0] /= w[0].sum()
        answer.fill(0)
        mean = 0.0
        square = 0.0
        for k in range(K):
            mean += habit[k] * w[0, k]
            square += habit[k] * w[0, k] ** 2
            wrong = 1 - null.profile[k, k]
            for label in range(K):
                if label == k:
                    answer[label] += w[0, k] * right
                else:
                    answer[label] += w[0, k] * (1 - right) * null.profile[k, label] / wrong
        insight[MOST] += w[0].max()
        insight[BACKED] += w[0, labels[i]]
        insight[BLIND] += mean
        insight[SCATTER] += square - mean**2
        for p in range(min(i, bets.shape[0])):
            earlier = labels[i - 1 - p]
            if earlier < 0:
                continue
            same = labels[i] == earlier
            tallies[p, BETS] += 1
            tallies[p, WON] += same
            tallies[p, FORESEEN] += answer[earlier]
            stake(bets[p], stakes, tolerated, answer[earlier], same)


@part
def ability(null: Independence, x: int) -> float:
    """Share of right answers of worker x on the label that it knows best.

    A clicker knows one label perfectly, and its answer is as probable as the label; a worker who
    is better at frequent labels is not taken for one.
    """
    best = 0.0
    for k in range(null.prior.shape[0]):
        best = max(best, null.matrix[x, k, k])
    return best

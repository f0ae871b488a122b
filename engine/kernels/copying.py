"""Bets on whether one worker copies another, and which pairs are worth betting on.

A bet follows a worker x through tasks in which another one, y, gave an answer that x would not
surely have given by itself: with probability q (`chance`). If x copies y with probability c

    P(x gives y's answer) = c + (1 - c) q

and a stake put on c multiplies, against copying at most at the share c0, by

    (c + (1 - c) q) / (c0 + (1 - c0) q)    where x gives it,
    (1 - c) / (1 - c0)                     where x does not.

While x copies no more than c0 of its answers the expectation of the product is at most 1, however
long one goes on (it is an e-value; Shafer, Testing by betting, JRSS A 184, 2021). Shared false
values betray copying (Dong, Berti-Equille, Srivastava, VLDB 2009), shared right ones do not (van
der Linden, Sotaridona, JEM 41, 2004): where q is above `expected` the bet is not made.
"""

import numpy as np
import numpy.typing as npt

from engine.jit import kernel, part
from engine.kernels.independence import Counts, Floats, Independence, chance, listen
from engine.kernels.judgments import Judgments

Ints = npt.NDArray[np.int32]

# Columns of a tally; the last two are of answers that the others make out to be wrong.
COMMON, SAME, BETS, WON, FORESEEN, WRONG, FORESEEN_WRONG = range(7)
TALLY = 7

HOPELESS = -5.0  # log capital at which no more is bet on a pair
MOST_BETS = 1000  # on a pair

CELL = 24  # workers that gave a task the same answer, among whom pairs are looked for
FEW = 10.0  # dissents that damp the likeness of workers who have few
_MIX = np.uint64(0x9E3779B97F4A7C15)


@kernel
def stake(bets: Floats, stakes: Floats, tolerated: float, probability: float, copied: bool) -> None:
    """Settle one bet: bets[n] are logarithms of what became of stakes on shares [n]."""
    for s in range(stakes.shape[0]):
        if copied:
            bets[s] += np.log(
                (stakes[s] + (1 - stakes[s]) * probability)
                / (tolerated + (1 - tolerated) * probability)
            )
        else:
            bets[s] += np.log((1 - stakes[s]) / (1 - tolerated))


@kernel
def capital(bets: Floats) -> float:
    """Logarithm of the mean of what became of the stakes."""
    most = bets.max()
    total = 0.0
    for s in range(bets.shape[0]):
        total += np.exp(bets[s] - most)
    return most + np.log(total / bets.shape[0])  # type: ignore[no-any-return]


@kernel
def compare(
    judgments: Judgments,
    null: Independence,
    first: Ints,
    second: Ints,
    stakes: Floats,
    tolerated: Floats,
    expected: float,
    evidence: Floats,
    tallies: Floats,
) -> None:
    """Bet on each pair of workers (first[i], second[i]), on either copying the other.

    tolerated float64[n]: shares of copying that are. evidence float64[n]: logarithms of the
    e-values, the mean of the two directions'. tallies float64[n, TALLY]: tasks of both, same
    answers; bets in both directions, won, and foreseen. To stop while one loses leaves an e-value.
    Cost: O(judgments of the two + common tasks x (redundancy + K) x K) a pair, of at most MOST_BETS
    tasks in which there is something to bet on.
    """
    K = null.prior.shape[0]
    votes = np.zeros(K, np.int64)
    w = np.zeros((2, K))
    nobody = np.zeros(0, np.int32)
    bets = np.zeros((2, stakes.shape[0]))
    row, task, label = judgments.row, judgments.task, judgments.label
    for p in range(first.shape[0]):
        a, b = first[p], second[p]
        i, j = judgments.first[a], judgments.first[b]
        bets.fill(0)
        tallies[p] = 0
        while i < judgments.first[a + 1] and j < judgments.first[b + 1]:
            if task[i] != task[j]:
                if task[i] < task[j]:
                    i += 1
                else:
                    j += 1
                continue
            t = task[i]
            of_a, of_b = label[row[i]], label[row[j]]
            i += 1
            j += 1
            same = of_a == of_b
            tallies[p, COMMON] += 1
            tallies[p, SAME] += same
            if listen(judgments, null, t, a, b, nobody, -1, votes, w) == 0:
                continue
            for direction in range(2):
                if direction == 0:
                    q = chance(null, votes, w, of_a, a, b)
                else:
                    q = chance(null, votes, w, of_b, b, a)
                if q <= expected:
                    tallies[p, BETS] += 1
                    tallies[p, WON] += same
                    tallies[p, FORESEEN] += q
                    stake(bets[direction], stakes, tolerated[p], q, same)
            if tallies[p, BETS] >= MOST_BETS or bets.max() < HOPELESS:
                break
        forth, back = capital(bets[0]), capital(bets[1])
        most = max(forth, back)
        evidence[p] = most + np.log((np.exp(forth - most) + np.exp(back - most)) / 2)


@part
def heard(
    judgments: Judgments, task: int, x: int, member: Ints, group: int, votes: Counts
) -> tuple[int, int]:
    """What members of the group but x answered: (label, the first who gave it).

    (-1, -1) if nobody did, or two labels are tied. votes: scratch [K].
    """
    worker, label = judgments.worker, judgments.label
    begin, end = judgments.start[task], judgments.start[task] + judgments.length[task]
    votes.fill(0)
    for i in range(begin, end):
        if member[worker[i]] == group and worker[i] != x:
            votes[label[i]] += 1
    top = votes.argmax()
    for k in range(votes.shape[0]):
        if k != top and votes[k] == votes[top]:
            return -1, -1
    for i in range(begin, end):
        if member[worker[i]] == group and worker[i] != x and label[i] == top:
            return top, worker[i]  # type: ignore[return-value]
    return -1, -1


@kernel
def follow(
    judgments: Judgments,
    null: Independence,
    x: int,
    member: Ints,
    group: int,
    stakes: Floats,
    tolerated: float,
    expected: float,
    tally: Floats,
) -> float:
    """Bet on x giving what most of the other members of a group give; member[w] == group are in it.

    Returns the logarithm of the e-value. tally float64[TALLY] as in `compare`, in one direction;
    and of answers for which the others speak less than for another: given, and foreseen.
    Cost: O(judgments of x x (redundancy + K) x K).
    """
    K = null.prior.shape[0]
    votes = np.zeros(K, np.int64)
    w = np.zeros((2, K))
    bets = np.zeros(stakes.shape[0])
    tally.fill(0)
    for i in range(judgments.first[x], judgments.first[x + 1]):
        t = judgments.task[i]
        theirs, who = heard(judgments, t, x, member, group, votes)
        if who < 0:
            continue
        same = judgments.label[judgments.row[i]] == theirs
        tally[COMMON] += 1
        tally[SAME] += same
        if listen(judgments, null, t, x, who, member, group, votes, w) == 0:
            continue
        q = chance(null, votes, w, theirs, who, x)
        if q <= expected:
            tally[BETS] += 1
            tally[WON] += same
            tally[FORESEEN] += q
            if not likeliest(w, theirs):
                tally[WRONG] += same
                tally[FORESEEN_WRONG] += q
            stake(bets, stakes, tolerated, q, same)
    return capital(bets)


@part
def likeliest(w: Floats, label: int) -> bool:
    """Whether no truth has a greater weight in w[2, K] than the label."""
    most = 0.0
    for k in range(w.shape[1]):
        most = max(most, w[0, k] + w[1, k])
    return w[0, label] + w[1, label] >= most  # type: ignore[no-any-return]


@kernel
def agreements(
    judgments: Judgments,
    null: Independence,
    members: Ints,
    member: Ints,
    group: int,
    expected: float,
    tasks: Ints,
    together: Ints,
    chances: Floats,
) -> int:
    """Tasks to which several members of a group gave the same answer, unexpectedly.

    Into tasks[n], together[n], how many gave it, and chances[n], that another one would give it
    too. They must have room for all judgments of the members. Returns how many.
    """
    K = null.prior.shape[0]
    votes = np.zeros(K, np.int64)
    w = np.zeros((2, K))
    worker, label = judgments.worker, judgments.label
    found = 0
    for x in members:
        for i in range(judgments.first[x], judgments.first[x + 1]):
            t = judgments.task[i]
            begin, end = judgments.start[t], judgments.start[t] + judgments.length[t]
            answer, who = heard(judgments, t, -1, member, group, votes)
            # A task of several members is met several times.
            if who != x or votes[answer] < 2:
                continue
            count = votes[answer]
            other = -1
            for j in range(begin, end):
                y = worker[j]
                if y != x and member[y] == group and label[j] == answer:
                    other = y
                    break
            if listen(judgments, null, t, x, other, member, group, votes, w) == 0:
                continue
            q = chance(null, votes, w, answer, x, other)
            if q <= expected:
                tasks[found] = t
                together[found] = count
                chances[found] = q
                found += 1
    return found


@kernel
def dissents(judgments: Judgments, counts: Ints) -> None:
    """counts int32[W]: answers of a worker for which the rest of the task has no majority."""
    start, length, label = judgments.start, judgments.length, judgments.label
    for t in range(start.shape[0]):
        begin, end = start[t], start[t] + length[t]
        for i in range(begin, end):
            alike = 0
            for j in range(begin, end):
                alike += label[j] == label[i]
            if 2 * (alike - 1) <= end - begin - 1:
                counts[judgments.worker[i]] += 1


@kernel
def sketch(
    judgments: Judgments,
    counts: Ints,
    sums: npt.NDArray[np.float32],
    least: float,
    last: Counts,
    pairs: Counts,
) -> int:
    """Find pairs of workers who gave the same answers where the rest has no majority for them.

    Their likeness is the cosine of such answers, damped; counts as of `dissents`. It is summed in
    `sums`, float32[a power of two], at a place that pairs share by chance: never too small. With
    `pairs` empty, sums are added up. Else pairs of at least `least` are put there as
    first x W + second, a few of them repeatedly, until it is full; last int64, as long as sums,
    must be -1. Returns how many.
    Cost: O(judgments x redundancy); an answer of more than CELL workers counts for CELL of them.
    """
    start, length, worker = judgments.start, judgments.length, judgments.worker
    label = judgments.label
    W = counts.shape[0]
    places = np.uint64(sums.shape[0] - 1)
    cell = np.zeros(CELL, np.int32)
    found = 0
    for t in range(start.shape[0]):
        begin, end = start[t], start[t] + length[t]
        for i in range(begin, end):
            alike = 0
            earlier = 0
            for j in range(begin, end):
                alike += label[j] == label[i]
                earlier += j < i and label[j] == label[i]
            # Without the two of a pair no majority gives it; and there are others.
            if earlier > 0 or end - begin < 3 or 2 * (alike - 2) > end - begin - 2:
                continue
            size = 0
            rank = t  # begins elsewhere in each task
            for j in range(i, end):
                if label[j] == label[i]:
                    if rank % alike < CELL:
                        cell[size] = worker[j]
                        size += 1
                    rank += 1
            for a in range(size):
                for b in range(a + 1, size):
                    pair = np.int64(cell[a]) * W + cell[b]
                    place = np.int64(((np.uint64(pair) * _MIX) >> np.uint64(32)) & places)
                    if pairs.shape[0] == 0:
                        spread = (counts[cell[a]] + FEW) * (counts[cell[b]] + FEW)
                        sums[place] += 1 / np.sqrt(spread)
                    elif sums[place] >= least and last[place] != pair:
                        if found == pairs.shape[0]:
                            return found
                        last[place] = pair
                        pairs[found] = pair
                        found += 1
    return found

"""Whether a worker began to rush, and whether its pace is back.

Told from what its judgments took, in the order in which they came: a function of its live judgments
alone. While an alarm stands they are held against the pace before it, not against the latest: who
goes on rushing does not make that usual.
"""

from typing import Any

import numpy as np

from engine.jit import bare
from engine.kernels.evidence import BLOCK, ONE
from engine.kernels.rows import Rows
from engine.kernels.verdict import ALARM_AT, PACES, Verdicts

RECENT_PACES, EARLIER_PACES, FEWEST_PACES = 64, 128, 64
HURRY_BLOCK = 8  # judgments between two looks at the pace
FASTER = 6  # steps below the median of earlier ones from which a judgment counts as hurried
OFTEN = 0.6  # share of hurried judgments that is bet on
SELDOM, TOO_OFTEN = 0.1, 0.4  # limits of their share before

# Columns of `usual`: the median pace, 0 where it is not known, or too many are hurried anyway; and
# what a hurried judgment and another one bear out that the worker rushes.
MEDIAN, HURRIED_BET, CALM_BET = range(3)


@bare
def _learn(work: Rows, verdicts: Verdicts, worker: int, length: int) -> None:
    """Learn what is usual from the judgments before the last ones of the first `length`."""
    counts, usual = verdicts.counts, verdicts.usual
    usual[worker, MEDIAN] = 0
    for pace in range(PACES):
        counts[pace] = 0
    start = work.start[worker]
    end = start + length - RECENT_PACES
    first = max(end - EARLIER_PACES, start + verdicts.settled[worker])
    for row in range(first, end):
        counts[work.note[row]] += 1
    earlier = -counts[0]
    for pace in range(PACES):
        earlier += counts[pace]
    if earlier < FEWEST_PACES:
        return
    median = 0
    seen = np.int64(0)
    while 2 * seen < earlier:
        median += 1
        seen += counts[median]
    fast = np.int64(0)
    for pace in range(1, median - FASTER + 1):
        fast += counts[pace]
    share = max((fast + 1 + 1.6 * np.sqrt(fast + 1.0)) / (earlier + 2.0), SELDOM)
    if share > TOO_OFTEN:
        return
    usual[worker, MEDIAN] = median
    usual[worker, HURRIED_BET] = np.int64(np.floor(np.log(OFTEN / share) * ONE))
    usual[worker, CALM_BET] = np.int64(np.floor(np.log((1 - OFTEN) / (1 - share)) * ONE))


@bare
def _measure(work: Rows, verdicts: Verdicts, worker: int, length: int) -> None:
    """Follow the worker's first `length` judgments, after `follow` of those HURRY_BLOCK fewer."""
    if verdicts.rushing[worker] == 0:
        _learn(work, verdicts, worker, length)
    usual = verdicts.usual
    slow = usual[worker, MEDIAN]
    total = np.int64(0)
    most = np.int64(0)
    start = work.start[worker]
    row = start + length - 1
    first = start + max(length - RECENT_PACES, verdicts.settled[worker])
    while slow > 0 and row >= first:
        if work.note[row] > 0:
            bet = HURRIED_BET if work.note[row] <= slow - FASTER else CALM_BET
            total += usual[worker, bet]
            most = max(most, total)
        row -= 1
    # It may have begun at any judgment of a block, and alarms are counted by blocks.
    rush = max(most - verdicts.logs[BLOCK], 0)
    limit = verdicts.limits[ALARM_AT]
    verdicts.rush[worker] = rush
    verdicts.rushing[worker] = rush >= (limit // 2 if verdicts.rushing[worker] else limit)


@bare
def follow(work: Rows, verdicts: Verdicts, worker: int) -> bool:
    """Follow a judgment that the worker made just now; whether its pace was looked at.

    Cost: O(RECENT_PACES + EARLIER_PACES) each HURRY_BLOCK judgments.
    """
    length: Any = np.int64(work.length[worker])
    if length % HURRY_BLOCK != 0:
        return False
    _measure(work, verdicts, worker, length)
    return True


@bare
def follow_anew(work: Rows, verdicts: Verdicts, worker: int) -> None:
    """Follow all of the worker's judgments from the first, where some were taken back.

    Cost: some 30 steps a judgment.
    """
    verdicts.rushing[worker] = 0
    verdicts.rush[worker] = 0
    verdicts.usual[worker, MEDIAN] = 0
    length: Any = np.int64(work.length[worker]) // HURRY_BLOCK * HURRY_BLOCK
    least = verdicts.settled[worker] + FEWEST_PACES + RECENT_PACES
    begin: Any = (least + HURRY_BLOCK - 1) // HURRY_BLOCK * HURRY_BLOCK
    for end in range(begin, length + 1, HURRY_BLOCK):
        _measure(work, verdicts, worker, end)


@bare
def forget(work: Rows, verdicts: Verdicts, worker: int, index: int) -> bool:
    """Take note that the judgment at `index` of the worker's list was taken out just now; whether
    its pace must be followed anew."""
    if index < verdicts.settled[worker]:
        verdicts.settled[worker] -= 1
    return bool(index < (work.length[worker] + 1) // HURRY_BLOCK * HURRY_BLOCK)

"""Whether a project changes: which labels its tasks get, and how often workers agree.

Each task counts once, so that what is counted is independent: the label of its first judgment, and
whether the second one is the same. Counts are kept by blocks of tasks. At the end of a block, for
each of the last blocks as the one that a change began with: how much likelier are the counts since
if shares were drawn anew about the earlier ones, than if they went on as before (two
Dirichlet-multinomials). A stake of 1 is laid out over all blocks that will ever be, block b getting
1 / (b + 1)(b + 2), so that without a change an alarm is ever raised with the stated probability at
most. An alarm stands until the change is older than the last blocks; then they are what is usual.
What is retracted later remains counted: these are first impressions.
"""

from math import lgamma
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.jit import bare

Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LABELS, AGREEMENT = 0, 1  # what is counted
STREAMS = 2
TASKS = 64  # of a block
BLOCKS = 16  # that a change may have begun with
EARLIEST = 4  # blocks before a change
ANEW = 20.0  # tasks that the earlier shares count for where shares are drawn anew

# Columns of `progress`: tasks so far; those that `total` holds; where the change began that there
# is an alarm about, -1 without one.
COUNTED, KEPT, BEGAN = range(3)
PROGRESS = 3
# Columns of `found`: evidence in nats, the task (in order) from which on, the category that moved
# most, its share before and since.
EVIDENCE, SINCE, CATEGORY, BEFORE, AFTER = range(5)
FOUND = 5


class Shift(NamedTuple):
    """Counts by category (labels; or no, yes), for each of STREAMS."""

    total: Longs  # [STREAMS, K] of what is usual, and since
    recent: Longs  # [STREAMS, BLOCKS, K] the last blocks, in a ring
    progress: Longs  # [STREAMS, PROGRESS]
    found: Floats  # [STREAMS, FOUND] at the end of the last block
    since: Longs  # [K] scratch


@bare
def _likelier(shift: Shift, stream: int, blocks: int) -> float:
    """Logarithm of how much likelier the counts of the last blocks, in `since`, are with new shares
    than with the earlier ones."""
    total, since = shift.total, shift.since
    K = total.shape[1]
    after = blocks * TASKS
    before = shift.progress[stream, KEPT] - after
    categories = K if stream == LABELS else 2
    weight = before + 0.5 * categories
    anew = lgamma(ANEW) - lgamma(ANEW + after)
    same = lgamma(weight) - lgamma(weight + after)
    for k in range(K):
        n = since[k]
        if n > 0:
            earlier = total[stream, k] - n + 0.5
            share = ANEW * earlier / weight
            anew += lgamma(share + n) - lgamma(share)
            same += lgamma(earlier + n) - lgamma(earlier)
    return anew - same


@bare
def _look(shift: Shift, stream: int) -> None:
    """Fill `found` at the end of a block."""
    total, recent, since, found = shift.total, shift.recent, shift.since, shift.found
    K = total.shape[1]
    ended = shift.progress[stream, COUNTED] // TASKS
    kept = shift.progress[stream, KEPT] // TASKS
    for k in range(K):
        since[k] = 0
    found[stream, EVIDENCE] = 0.0
    for blocks in range(1, min(BLOCKS, kept - EARLIEST) + 1):
        began = ended - blocks
        for k in range(K):
            since[k] += recent[stream, began % BLOCKS, k]
        stake = np.log((began + 1.0) * (began + 2.0))
        evidence = _likelier(shift, stream, blocks) - stake
        if evidence > found[stream, EVIDENCE]:
            after = blocks * TASKS
            before = (kept - blocks) * TASKS
            moved = 0.0
            for k in range(K):
                was = (total[stream, k] - since[k]) / before
                now = since[k] / after
                if abs(now - was) > moved:
                    moved = abs(now - was)
                    found[stream, CATEGORY] = k
                    found[stream, BEFORE] = was
                    found[stream, AFTER] = now
            found[stream, EVIDENCE] = evidence
            found[stream, SINCE] = began * TASKS


@bare
def _settle(shift: Shift, stream: int) -> None:
    """Take the last blocks for what is usual."""
    for k in range(shift.total.shape[1]):
        shift.total[stream, k] = 0
        for block in range(BLOCKS):
            shift.total[stream, k] += shift.recent[stream, block, k]
    shift.progress[stream, KEPT] = BLOCKS * TASKS
    shift.progress[stream, BEGAN] = -1


@bare
def count(shift: Shift, stream: int, category: int, limit: float) -> bool:
    """Count one task; True if that raises, at `limit` nats, or ends an alarm."""
    progress = shift.progress
    slot = progress[stream, COUNTED] // TASKS % BLOCKS
    if progress[stream, COUNTED] % TASKS == 0:
        for k in range(shift.total.shape[1]):
            shift.recent[stream, slot, k] = 0
    shift.recent[stream, slot, category] += 1
    shift.total[stream, category] += 1
    progress[stream, COUNTED] += 1
    progress[stream, KEPT] += 1
    if progress[stream, COUNTED] % TASKS != 0:
        return False
    _look(shift, stream)
    if progress[stream, BEGAN] >= 0:
        if progress[stream, COUNTED] - progress[stream, BEGAN] < BLOCKS * TASKS:
            return False
        _settle(shift, stream)
        return True
    if shift.found[stream, EVIDENCE] < limit:
        return False
    progress[stream, BEGAN] = np.int64(shift.found[stream, SINCE])
    return True

"""The live judgments, grouped by task: one block of rows a task, ordered by worker.

A block that is full moves to one of twice its size; what it leaves is reused. The order by worker
makes sums over a task independent of the order of arrival, so that a state that had judgments
taken back has the same bits as one that never saw them.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.jit import kernel, part

FREE_LISTS = 32  # a free list for each power of two
USED = FREE_LISTS  # place in `pool` of the number of rows ever used
SMALLEST = 2  # rows; a free block's first row holds the place of the next one


class Votes(NamedTuple):
    """The grouped judgments of T tasks in a pool of P rows."""

    start: npt.NDArray[np.int64]  # [T] first row of the task's block
    length: npt.NDArray[np.int32]  # [T] live judgments
    capacity: npt.NDArray[np.int32]  # [T] rows of the block
    gold: npt.NDArray[np.int16]  # [T] known label, -1 none
    judged: npt.NDArray[np.uint64]  # [T / 64] a bit for each task that has judgments or gold
    worker: npt.NDArray[np.int32]  # [P]
    label: npt.NDArray[np.int16]  # [P]
    pool: npt.NDArray[np.int64]  # [FREE_LISTS + 1] heads of the free lists (-1 none), rows used


@part
def find(votes: Votes, task: int, worker: int) -> int:
    """Row of the worker's judgment of the task, or -1. Cost: O(log redundancy)."""
    low = votes.start[task]
    end = low + votes.length[task]
    high = end
    while low < high:
        middle = (low + high) >> 1
        if votes.worker[middle] < worker:
            low = middle + 1
        else:
            high = middle
    if low < end and votes.worker[low] == worker:
        return low  # type: ignore[no-any-return]
    return -1


@kernel
def labels_of(
    votes: Votes,
    tasks: npt.NDArray[np.int32],
    workers: npt.NDArray[np.int32],
    labels: npt.NDArray[np.int16],
) -> None:
    """Fill `labels` with what each worker answered to each task, -1 where nothing."""
    for i in range(tasks.shape[0]):
        labels[i] = -1
        if 0 <= tasks[i] < votes.start.shape[0]:
            row = find(votes, tasks[i], workers[i])
            if row >= 0:
                labels[i] = votes.label[row]


@part
def _size_class(rows: int) -> int:
    """The largest power of two that fits, as an exponent."""
    size = 0
    while (2 << size) <= rows:
        size += 1
    return size


@part
def _doubled(capacity: int) -> int:
    rows = SMALLEST
    while rows <= capacity:
        rows *= 2
    return rows


@part
def has_room(votes: Votes, task: int) -> bool:
    """Whether `insert` can be called; if not, the pool must grow first."""
    if votes.length[task] < votes.capacity[task]:
        return True
    rows = _doubled(votes.capacity[task])
    fits: bool = votes.pool[USED] + rows <= votes.worker.shape[0]
    return fits or votes.pool[_size_class(rows)] >= 0


@part
def _move(votes: Votes, task: int) -> None:
    """Give the task a block of twice the size."""
    rows = _doubled(votes.capacity[task])
    size = _size_class(rows)
    block = votes.pool[size]
    if block >= 0:
        votes.pool[size] = votes.worker[block]
    else:
        block = votes.pool[USED]
        votes.pool[USED] = block + rows
    old = votes.start[task]
    for i in range(votes.length[task]):
        votes.worker[block + i] = votes.worker[old + i]
        votes.label[block + i] = votes.label[old + i]
    if votes.capacity[task] >= SMALLEST:
        size = _size_class(votes.capacity[task])
        votes.worker[old] = votes.pool[size]
        votes.pool[size] = old
    votes.start[task] = block
    votes.capacity[task] = rows


@part
def insert(votes: Votes, task: int, worker: int, label: int) -> None:
    """Add a judgment that is not there yet. Needs `has_room`. Cost: O(redundancy)."""
    if votes.length[task] == votes.capacity[task]:
        _move(votes, task)
    first = votes.start[task]
    row = first + votes.length[task]
    while row > first and votes.worker[row - 1] > worker:
        votes.worker[row] = votes.worker[row - 1]
        votes.label[row] = votes.label[row - 1]
        row -= 1
    votes.worker[row] = worker
    votes.label[row] = label
    votes.length[task] += 1


@part
def remove(votes: Votes, task: int, row: int) -> None:
    """Take out the judgment at `row`."""
    end = votes.start[task] + votes.length[task]
    for i in range(row, end - 1):
        votes.worker[i] = votes.worker[i + 1]
        votes.label[i] = votes.label[i + 1]
    votes.length[task] -= 1


@part
def mark(votes: Votes, task: int) -> int:
    """Set the task's bit of `judged` right; returns by how much their number changed."""
    judged = votes.judged
    word = task >> 6
    bit = np.uint64(1) << np.uint64(task & 63)
    was = judged[word] & bit != 0
    is_now = votes.length[task] > 0 or votes.gold[task] >= 0
    if is_now:
        judged[word] |= bit
    else:
        judged[word] &= ~bit
    return int(is_now) - int(was)


@part
def next_judged(judged: npt.NDArray[np.uint64], task: int, end: int) -> int:
    """The first task from `task` on, below `end`, that has judgments or gold; else `end`."""
    while task < end:
        word = judged[task >> 6] >> np.uint64(task & 63)
        if word == 0:
            task = ((task >> 6) + 1) << 6
            continue
        while word & np.uint64(1) == 0:
            word >>= np.uint64(1)
            task += 1
        return min(task, end)
    return end


@kernel
def group(
    votes: Votes,
    task: npt.NDArray[np.int32],
    worker: npt.NDArray[np.int32],
    label: npt.NDArray[np.int16],
) -> tuple[int, int]:
    """Fill empty votes with a whole log; the last judgment of a (task, worker) pair counts.

    Needs len(task) rows in the pool. Returns how many judgments are live, and of how many tasks
    there is a judgment or gold.
    """
    start, lengths, capacity = votes.start, votes.length, votes.capacity
    workers, labels = votes.worker, votes.label
    for i in range(task.shape[0]):
        capacity[task[i]] += 1
    used = 0
    for t in range(start.shape[0]):
        start[t] = used
        used += capacity[t]
    votes.pool[USED] = used
    live = 0
    for i in range(task.shape[0]):
        first = start[task[i]]
        end = first + lengths[task[i]]
        row = end
        while row > first and workers[row - 1] > worker[i]:
            row -= 1
        if row > first and workers[row - 1] == worker[i]:
            labels[row - 1] = label[i]
            continue
        for later in range(end, row, -1):
            workers[later] = workers[later - 1]
            labels[later] = labels[later - 1]
        workers[row] = worker[i]
        labels[row] = label[i]
        lengths[task[i]] += 1
        live += 1
    judged = 0
    for t in range(start.shape[0]):
        judged += mark(votes, t)
    return live, judged

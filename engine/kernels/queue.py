"""Open tasks in lists by priority and load, so that the next one is found without a search."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.jit import kernel
from engine.kernels.votes import Votes, find

PRIORITIES = 10  # 9 goes first
LOADS = 256  # tasks with a greater load share the last list
NOWHERE = -1


class Lists(NamedTuple):
    """Doubly linked lists through the tasks, one for each (priority, load)."""

    following: npt.NDArray[np.int32]  # [T] next task of the list, -1 at its end
    preceding: npt.NDArray[np.int32]  # [T]
    place: npt.NDArray[np.int32]  # [T] list the task is in, or NOWHERE
    priority: npt.NDArray[np.int16]  # [T]
    load: npt.NDArray[np.int32]  # [T]
    head: npt.NDArray[np.int32]  # [PRIORITIES * LOADS]
    tail: npt.NDArray[np.int32]  # [PRIORITIES * LOADS]


@kernel
def leave(lists: Lists, task: int) -> None:
    """Take the task out of its list, if it is in one."""
    place = lists.place[task]
    if place == NOWHERE:
        return
    before = lists.preceding[task]
    after = lists.following[task]
    if before >= 0:
        lists.following[before] = after
    else:
        lists.head[place] = after
    if after >= 0:
        lists.preceding[after] = before
    else:
        lists.tail[place] = before
    lists.place[task] = NOWHERE


@kernel
def join(lists: Lists, task: int) -> None:
    """Put the task at the end of the list that its priority and load name."""
    load = min(lists.load[task], LOADS - 1)
    place = (PRIORITIES - 1 - lists.priority[task]) * LOADS + load
    last = lists.tail[place]
    lists.preceding[task] = last
    lists.following[task] = -1
    if last >= 0:
        lists.following[last] = task
    else:
        lists.head[place] = task
    lists.tail[place] = task
    lists.place[task] = place


@kernel
def add(lists: Lists, tasks: npt.NDArray[np.int32], priorities: npt.NDArray[np.int16]) -> None:
    """Put new tasks, without load, into their lists."""
    for i in range(tasks.shape[0]):
        lists.priority[tasks[i]] = priorities[i]
        lists.load[tasks[i]] = 0
        lists.place[tasks[i]] = NOWHERE
        join(lists, tasks[i])


@kernel
def set_loads(lists: Lists, tasks: npt.NDArray[np.int32], loads: npt.NDArray[np.int32]) -> None:
    """Move tasks to the lists of their new loads; closed ones only take note."""
    for i in range(tasks.shape[0]):
        task = tasks[i]
        if lists.load[task] == loads[i]:
            continue
        lists.load[task] = loads[i]
        if lists.place[task] != NOWHERE:
            leave(lists, task)
            join(lists, task)


@kernel
def set_open(lists: Lists, tasks: npt.NDArray[np.int32], opened: npt.NDArray[np.bool_]) -> None:
    """Put tasks that are opened at the end of their lists, and take closed ones out."""
    for i in range(tasks.shape[0]):
        if not opened[i]:
            leave(lists, tasks[i])
        elif lists.place[tasks[i]] == NOWHERE:
            join(lists, tasks[i])


@kernel
def pick(
    lists: Lists,
    votes: Votes,
    workers: npt.NDArray[np.int32],
    limit: int,
    excluded: npt.NDArray[np.int32],
    picked: npt.NDArray[np.int32],
) -> int:
    """Fill `picked` with tasks that none of the workers has judged, best first; returns their
    number."""
    count = 0
    for place in range(lists.head.shape[0]):
        if count == picked.shape[0]:
            break
        if place % LOADS >= limit:
            continue
        task = lists.head[place]
        while task >= 0 and count < picked.shape[0]:
            free = lists.load[task] < limit
            if free and task < votes.start.shape[0]:
                for i in range(workers.shape[0]):
                    if find(votes, task, workers[i]) >= 0:
                        free = False
            for i in range(excluded.shape[0]):
                if excluded[i] == task:
                    free = False
            if free:
                picked[count] = task
                count += 1
            task = lists.following[task]
    return count

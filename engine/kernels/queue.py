"""Open tasks in lists by group, load and doubt, and in bitmaps by priority.

A group is the tasks of one priority that ask the same of a worker. The lists give the best tasks of
a group without a search; the bitmaps give any open task at random, or all of them in order. To move
a task costs the same however many there are.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.jit import borrow, kernel, part
from engine.kernels import forms
from engine.kernels.votes import Votes

Ints = npt.NDArray[np.int32]

PRIORITIES = 10  # 9 goes first
LOADS = 64  # tasks with a greater load share the last list
DOUBTS = 8  # classes of doubt: from 1/2 on, from 1/4 on, and so forth
CELLS = LOADS * DOUBTS  # lists of a group
WORDS = 64  # to a block of the bitmaps
BLOCK = WORDS * 64  # tasks
NOWHERE = 0


class Lists(NamedTuple):
    """Doubly linked lists through T tasks, CELLS for each of G groups, and the bitmaps. What names
    a task, list or group names the one before it: 0 is none, so that new memory is right."""

    following: Ints  # [T] next task of the list
    preceding: Ints  # [T]
    place: npt.NDArray[np.int16]  # [T] list the task is in, NOWHERE while closed
    group: npt.NDArray[np.int16]  # [T]
    load: Ints  # [T]
    doubt: npt.NDArray[np.int8]  # [T] its class
    head: Ints  # [G, CELLS]
    tail: Ints  # [G, CELLS]
    size: Ints  # [G] open tasks
    priority: npt.NDArray[np.int16]  # [G]
    opened: npt.NDArray[np.uint64]  # [blocks, PRIORITIES, WORDS] a bit for each open task
    filled: Ints  # [blocks, PRIORITIES] open tasks of the block
    loads: npt.NDArray[np.int64]  # [LOADS] open tasks by load


@part
def _mark(lists: Lists, task: int, priority: int, opened: bool) -> None:
    block = task // BLOCK
    word = task % BLOCK >> 6
    bit = np.uint64(1) << np.uint64(task & 63)
    if opened:
        lists.opened[block, priority, word] |= bit
        lists.filled[block, priority] += 1
    else:
        lists.opened[block, priority, word] &= ~bit
        lists.filled[block, priority] -= 1


@part
def leave(lists: Lists, task: int) -> None:
    """Take the task out of its list, if it is in one."""
    place = lists.place[task]
    if place == NOWHERE:
        return
    group = lists.group[task] - 1
    cell = place - 1
    before = lists.preceding[task]
    after = lists.following[task]
    if before > 0:
        lists.following[before - 1] = after
    else:
        lists.head[group, cell] = after
    if after > 0:
        lists.preceding[after - 1] = before
    else:
        lists.tail[group, cell] = before
    lists.place[task] = NOWHERE
    lists.size[group] -= 1
    lists.loads[cell // DOUBTS] -= 1


@part
def join(lists: Lists, task: int) -> None:
    """Put the task at the end of the list that its group, load and doubt name."""
    group = lists.group[task] - 1
    load = min(lists.load[task], LOADS - 1)
    cell = load * DOUBTS + lists.doubt[task]
    last = lists.tail[group, cell]
    lists.preceding[task] = last
    lists.following[task] = 0
    if last > 0:
        lists.following[last - 1] = task + 1
    else:
        lists.head[group, cell] = task + 1
    lists.tail[group, cell] = task + 1
    lists.place[task] = cell + 1
    lists.size[group] += 1
    lists.loads[load] += 1


@kernel
def add(lists: Lists, tasks: Ints, groups: npt.NDArray[np.int16]) -> None:
    """Put new tasks, without load, into their lists."""
    lists = borrow(lists)
    for i in range(tasks.shape[0]):
        task = tasks[i]
        lists.group[task] = groups[i] + 1
        join(lists, task)
        _mark(lists, task, lists.priority[groups[i]], True)


@kernel
def set_loads(lists: Lists, tasks: Ints, loads: Ints) -> None:
    """Move tasks to the lists of their new loads; closed ones only take note."""
    lists = borrow(lists)
    for i in range(tasks.shape[0]):
        task = tasks[i]
        if lists.load[task] == loads[i]:
            continue
        opened = lists.place[task] != NOWHERE
        leave(lists, task)
        lists.load[task] = loads[i]
        if opened:
            join(lists, task)


@kernel
def set_open(lists: Lists, tasks: Ints, opened: npt.NDArray[np.bool_]) -> None:
    """Put tasks that are opened at the end of their lists, and take closed ones out."""
    lists = borrow(lists)
    for i in range(tasks.shape[0]):
        task = tasks[i]
        if opened[i] == (lists.place[task] != NOWHERE):
            continue
        _mark(lists, task, lists.priority[lists.group[task] - 1], opened[i])
        if opened[i]:
            join(lists, task)
        else:
            leave(lists, task)


@part
def doubt_of(votes: Votes, tables: Any, task: int) -> float:
    """Probability that the label we stand by is wrong. Gold must not show: it counts as open."""
    if task >= votes.start.shape[0] or votes.length[task] == 0 or votes.gold[task] >= 0:
        return 1.0
    return 1 - forms.top(votes, tables, task)[1]


@kernel
def sort_in(lists: Lists, votes: Votes, tables: Any, tasks: Ints) -> None:
    """Move tasks to the lists of their doubt; closed ones only take note."""
    lists, votes, tables = borrow(lists), borrow(votes), borrow(tables)
    for i in range(tasks.shape[0]):
        task = tasks[i]
        doubt = doubt_of(votes, tables, task)
        level = 0
        least = 0.5
        while doubt < least and level < DOUBTS - 1:
            level += 1
            least *= 0.5
        if level == lists.doubt[task]:
            continue
        opened = lists.place[task] != NOWHERE
        leave(lists, task)
        lists.doubt[task] = level
        if opened:
            join(lists, task)

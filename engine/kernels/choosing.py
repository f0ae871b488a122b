"""Which open tasks go to a worker: a bounded number is looked at, whatever the project's size.

For each priority, the highest first: tasks that lack judgments, those with the fewest first (of
those with none, any); then the others, the most doubtful first. Of what was looked at, the best by
the mode go.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.jit import borrow, kernel, part
from engine.kernels import forms
from engine.kernels.gain import gain_of
from engine.kernels.queue import BLOCK, DOUBTS, LOADS, WORDS, Lists, doubt_of
from engine.kernels.votes import Votes, find

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

RANDOM, BREADTH, UNCERTAINTY, INFORMATION = range(4)

LOOKS = 256  # tasks of the lists that are looked at for a stage
PROBES = 64  # tries to find a task at random
STRAYS = 8  # tasks found at random among the candidates, so that no list hides one for ever
WALK = 20_000  # tasks that are looked at in order where all else found none


class Wish(NamedTuple):
    """Who asks, and what it may have."""

    workers: Ints  # the worker, then those who count as one with it
    groups: npt.NDArray[np.int16]  # that it may have tasks of, by falling priority
    eligible: npt.NDArray[np.bool_]  # [G] the same
    excluded: Ints  # tasks it must not have, in order
    barred: npt.NDArray[np.bool_]  # [K] labels of which it may have no further tasks
    limit: int  # tasks with so much load have enough
    floor: int  # tasks with less load go first
    mode: int


class Scratch(NamedTuple):
    """Room for what is looked at."""

    task: Ints  # [C]
    score: Floats  # [C]
    answers: Floats  # [2, K, K] of the worker, where the form keeps them
    random: npt.NDArray[np.uint64]  # [1] state, not 0


@part
def _draw(scratch: Scratch, below: int) -> int:
    """A random number below a limit (xorshift64*, Vigna 2016)."""
    state = scratch.random[0]
    state ^= state >> np.uint64(12)
    state ^= state << np.uint64(25)
    state ^= state >> np.uint64(27)
    scratch.random[0] = state
    return int((state * np.uint64(0x2545F4914F6CDD1D)) >> np.uint64(33)) % below


@part
def _judged(votes: Votes, wish: Wish, task: int) -> bool:
    if task < votes.start.shape[0]:
        for i in range(wish.workers.shape[0]):
            if find(votes, task, wish.workers[i]) >= 0:
                return True
    return False


@part
def _free(lists: Lists, votes: Votes, tables: Any, wish: Wish, task: int) -> bool:
    """Whether the task has a place, and is not held already, nor of a barred label."""
    if lists.load[task] >= wish.limit:
        return False
    place = np.searchsorted(wish.excluded, task)
    if place < wish.excluded.shape[0] and wish.excluded[place] == task:
        return False
    if wish.barred.shape[0] > 0 and task < votes.start.shape[0] and votes.length[task] > 0:
        return not wish.barred[forms.top(votes, tables, task)[0]]
    return True


@part
def _enter(scratch: Scratch, count: int, task: int, found: int) -> int:
    """Make the task a candidate, unless it is among the first `found`."""
    for i in range(found):
        if scratch.task[i] == task:
            return count
    scratch.task[count] = task
    return count + 1


@part
def _from_lists(
    lists: Lists,
    votes: Votes,
    tables: Any,
    wish: Wish,
    groups: tuple[int, int],
    loads: tuple[int, int],
    scratch: Scratch,
    count: int,
    room: int,
) -> tuple[int, bool]:
    """Add up to `room` candidates of some loads, the most doubtful first; returns their number, and
    whether more tasks were there than may be looked at."""
    left, found = LOOKS, count
    for doubt in range(DOUBTS):
        for load in range(loads[0], loads[1]):
            if lists.loads[load] == 0:
                continue
            for place in range(groups[0], groups[1]):
                task = lists.head[wish.groups[place], load * DOUBTS + doubt] - 1
                while task >= 0:
                    if count == room:
                        return count, False
                    if left == 0:
                        return count, True
                    left -= 1
                    if _free(lists, votes, tables, wish, task) and not _judged(votes, wish, task):
                        count = _enter(scratch, count, task, found)
                    task = lists.following[task] - 1
    return count, False


@part
def _at_random(
    lists: Lists,
    votes: Votes,
    tables: Any,
    wish: Wish,
    priority: int,
    loads: tuple[int, int],
    scratch: Scratch,
    count: int,
    room: int,
    probes: int,
) -> int:
    """Add up to `room` candidates of some loads, found at random; returns their number."""
    blocks = (lists.place.shape[0] + BLOCK - 1) // BLOCK
    for _ in range(probes):
        if count == room:
            break
        block = _draw(scratch, blocks)
        if lists.filled[block, priority] == 0:
            continue
        start = _draw(scratch, BLOCK)
        bits = lists.opened[block, priority, start >> 6] >> np.uint64(start & 63)
        word = start >> 6
        task = block * BLOCK + start
        while bits == 0:
            word = (word + 1) % WORDS
            task = block * BLOCK + word * 64
            bits = lists.opened[block, priority, word]
        while bits & np.uint64(1) == 0:
            bits >>= np.uint64(1)
            task += 1
        load = min(lists.load[task], LOADS - 1)
        if (
            loads[0] <= load < loads[1]
            and wish.eligible[lists.group[task] - 1]
            and _free(lists, votes, tables, wish, task)
            and not _judged(votes, wish, task)
        ):
            count = _enter(scratch, count, task, count)
    return count


@part
def _weigh(
    lists: Lists, votes: Votes, tables: Any, wish: Wish, scratch: Scratch, count: int
) -> None:
    """Score the candidates by the mode. What is under way will have told its part."""
    fresh = -1.0  # the same of all that nobody has judged
    for i in range(count):
        task = scratch.task[i]
        known = task < votes.start.shape[0] and votes.length[task] > 0
        length = votes.length[task] if known else 0
        if wish.mode == UNCERTAINTY:
            score = doubt_of(votes, tables, task)
        elif known or fresh < 0:
            score = gain_of(votes, tables, task, wish.workers[0], scratch.answers)
            fresh = fresh if known else score
        else:
            score = fresh
        scratch.score[i] = -score / (1 + max(lists.load[task] - length, 0))


@part
def _stage(
    lists: Lists,
    votes: Votes,
    tables: Any,
    wish: Wish,
    groups: tuple[int, int],
    loads: tuple[int, int],
    scratch: Scratch,
    picked: Ints,
    done: int,
) -> tuple[int, bool]:
    """Pick tasks of some loads; returns how many are picked now, and whether some were not seen."""
    wanted = picked.shape[0] - done
    scored = wish.mode in (UNCERTAINTY, INFORMATION)
    priority = lists.priority[wish.groups[groups[0]]]
    count = 0
    if wish.mode == RANDOM or loads[1] == 1:
        # What nobody has judged is all alike; in the order in which it was added, what workers are
        # shown might be in order too, but for the gold among it.
        count = _at_random(
            lists, votes, tables, wish, priority, loads, scratch, 0, wanted, PROBES + wanted
        )
    elif wish.mode == INFORMATION and loads[1] - loads[0] > 1:
        count = _at_random(lists, votes, tables, wish, priority, loads, scratch, 0, STRAYS, STRAYS)
    room = scratch.task.shape[0] if scored else wanted
    count, cut = _from_lists(lists, votes, tables, wish, groups, loads, scratch, count, room)
    if scored:
        _weigh(lists, votes, tables, wish, scratch, count)
        order = np.argsort(scratch.score[:count], kind="mergesort")
        for i in range(min(count, wanted)):
            picked[done + i] = scratch.task[order[i]]
    else:
        for i in range(min(count, wanted)):
            picked[done + i] = scratch.task[i]
    return done + min(count, wanted), cut and count < wanted


@kernel
def pick(
    lists: Lists,
    votes: Votes,
    tables: Any,
    wish: Wish,
    scratch: Scratch,
    picked: Ints,
    done: int,
    first: int,
) -> tuple[int, int, int]:
    """Fill `picked` from place `done` on with tasks of the groups from wish.groups[first] on, best
    first.

    Returns how many are picked now, the next group to go on with, and the priority in which tasks
    were passed over unseen although more were wanted, or -1: the caller walks there first.
    """
    lists, votes, tables = borrow(lists), borrow(votes), borrow(tables)
    wish, scratch = borrow(wish), borrow(scratch)
    if wish.mode == INFORMATION:
        forms.answers(tables, wish.workers[0], scratch.answers)
    while first < wish.groups.shape[0]:
        priority = lists.priority[wish.groups[first]]
        last = first
        size = 0
        while last < wish.groups.shape[0] and lists.priority[wish.groups[last]] == priority:
            size += lists.size[wish.groups[last]]
            last += 1
        groups = (first, last)
        first = last
        if size == 0:
            continue
        most = min(wish.limit, LOADS)
        single = most if wish.mode == BREADTH else min(wish.floor, most)
        cut = False
        for load in range(single):
            if done < picked.shape[0] and lists.loads[load] > 0:
                loads = (load, load + 1)
                done, unseen = _stage(
                    lists, votes, tables, wish, groups, loads, scratch, picked, done
                )
                cut |= unseen
        if done < picked.shape[0] and single < most:
            loads = (single, most)
            done, unseen = _stage(lists, votes, tables, wish, groups, loads, scratch, picked, done)
            cut |= unseen
        if done == picked.shape[0]:
            break
        if cut:
            return done, first, priority
    return done, first, -1


@kernel
def walk(
    lists: Lists,
    votes: Votes,
    tables: Any,
    wish: Wish,
    priority: int,
    useless: npt.NDArray[np.uint64],
    block: int,
    picked: Ints,
    done: int,
    found: Ints,
) -> tuple[int, int]:
    """Fill `found` with tasks of a priority that are not among the first `done` of `picked`, in
    order, from a block on.

    `useless` [blocks, WORDS] bears the tasks that the worker can never have; what is found to be so
    is noted. Returns how many there are, and the block to go on with, or -1 at the end.
    """
    lists, votes, tables = borrow(lists), borrow(votes), borrow(tables)
    wish = borrow(wish)
    left = WALK
    count = 0
    while block < useless.shape[0]:
        if lists.filled[block, priority] == 0:
            block += 1
            continue
        for word in range(WORDS):
            bits = lists.opened[block, priority, word] & ~useless[block, word]
            task = block * BLOCK + word * 64
            while bits != 0:
                while bits & np.uint64(1) == 0:
                    bits >>= np.uint64(1)
                    task += 1
                left -= 1
                if left < 0:
                    return count, block
                if not wish.eligible[lists.group[task] - 1] or _judged(votes, wish, task):
                    useless[block, word] |= np.uint64(1) << np.uint64(task & 63)
                elif _free(lists, votes, tables, wish, task):
                    fresh = True
                    for i in range(done):
                        fresh &= picked[i] != task
                    if fresh:
                        found[count] = task
                        count += 1
                        if count == found.shape[0]:
                            return count, block
                bits >>= np.uint64(1)
                task += 1
        block += 1
    return count, -1


@kernel
def rank(
    lists: Lists, votes: Votes, tables: Any, wish: Wish, scratch: Scratch, count: int
) -> npt.NDArray[np.intp]:
    """The order of the first candidates, best first: those that lack judgments, then by the mode.
    The worker's answers must be laid out."""
    lists, votes, tables = borrow(lists), borrow(votes), borrow(tables)
    wish, scratch = borrow(wish), borrow(scratch)
    if wish.mode in (UNCERTAINTY, INFORMATION):
        _weigh(lists, votes, tables, wish, scratch, count)
    else:
        for i in range(count):
            scratch.score[i] = _draw(scratch, PROBES) if wish.mode == RANDOM else 0
    order = np.argsort(scratch.score[:count], kind="mergesort")
    need = np.empty(count, np.int64)
    for i in range(count):
        load = lists.load[scratch.task[order[i]]]
        need[i] = load if wish.mode == BREADTH else min(load, wish.floor)
    return order[np.argsort(need, kind="mergesort")]

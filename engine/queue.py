"""Which task next, and for whom: by priority, then what lacks judgments, then by the mode."""

from collections import OrderedDict
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.arrays import grown_fields
from engine.categorical import Categorical
from engine.kernels import choosing, gain, queue
from engine.kernels.choosing import BREADTH, INFORMATION, RANDOM, UNCERTAINTY, Scratch, Wish
from engine.kernels.queue import BLOCK, CELLS, LOADS, NOWHERE, PRIORITIES, WORDS, Lists

__all__ = ["BREADTH", "INFORMATION", "RANDOM", "UNCERTAINTY", "Picked", "TaskQueue"]

Ints = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

_PER_TASK = ("following", "preceding", "place", "group", "load", "doubt")
_PER_BLOCK = ("opened", "filled")
_PER_GROUP = ("head", "tail", "size", "priority")

CANDIDATES: Final = 32  # that are compared for one task; for more tasks twice as many
WALKED: Final = 512  # that are compared where a walk found them, which is seldom
NOTES_BYTES: Final = 1 << 26  # of what workers can never have, over all workers
FEWEST_NOTES: Final = 8

_NO_TASKS: Final = np.zeros(0, np.int32)
_NO_LABELS: Final = np.zeros(0, np.bool_)


class Picked(NamedTuple):
    """tasks: best first. complete: whether there is surely no further one for the worker now. cut:
    whether the caller threw some away."""

    tasks: Ints
    complete: bool
    cut: bool = False


class TaskQueue:
    """The open tasks of a project, and which of them should be handed out to whom.

    The load of a task is its live judgments and open leases together. Not part of the log: it is
    filled at start from the tasks, their judgments and leases. A task's demand is a number that
    stands for what it asks of workers; the caller knows who meets which.
    """

    def __init__(self, model: Categorical) -> None:
        self._model = model
        self._lists = Lists(
            np.zeros(0, np.int32),
            np.zeros(0, np.int32),
            np.zeros(0, np.int16),
            np.zeros(0, np.int16),
            np.zeros(0, np.int32),
            np.zeros(0, np.int8),
            np.zeros((0, CELLS), np.int32),
            np.zeros((0, CELLS), np.int32),
            np.zeros(0, np.int32),
            np.zeros(0, np.int16),
            np.zeros((0, PRIORITIES, WORDS), np.uint64),
            np.zeros((0, PRIORITIES), np.int32),
            np.zeros(LOADS, np.int64),
        )
        self._groups: dict[tuple[int, int], int] = {}  # by priority and demand
        self._useless: OrderedDict[int, npt.NDArray[np.uint64]] = OrderedDict()  # by worker
        self._blocks: dict[tuple[int, int], int] = {}  # where a walk goes on, by worker, priority
        K = model.labels
        matrices = (2, K, K) if model.has_matrices else (0, 0, 0)
        self._answers = np.zeros(matrices)
        self._random = np.ones(1, np.uint64)

    def add(
        self, tasks: Ints, priorities: npt.NDArray[np.int16], demands: Ints | None = None
    ) -> None:
        """Add new tasks without load, oldest first. Priorities 0 to 9: 9 goes first. Demands: 0,
        nothing, where left out.

        Raises ValueError on other priorities, or tasks that are there already.
        """
        if len(tasks) == 0:
            return
        if priorities.min() < 0 or priorities.max() >= PRIORITIES:
            raise ValueError(f"priorities must be 0 to {PRIORITIES - 1}")
        inside = tasks[tasks < len(self._lists.group)]
        if np.any(self._lists.group[inside] > 0):
            raise ValueError("some of the tasks are there already")
        last = int(tasks.max())
        lists = grown_fields(self._lists, _PER_TASK, last + 1)
        self._lists = grown_fields(lists, _PER_BLOCK, len(lists.group) // BLOCK + 1)
        kinds = priorities.astype(np.int64)
        if demands is not None:
            kinds += demands.astype(np.int64) * PRIORITIES
        distinct, inverse = np.unique(kinds, return_inverse=True)
        groups = [self._group(kind % PRIORITIES, kind // PRIORITIES) for kind in distinct.tolist()]
        queue.add(self._lists, tasks, np.array(groups, np.int16)[inverse])

    def _group(self, priority: int, demand: int) -> int:
        group = self._groups.get((priority, demand))
        if group is None:
            group = self._groups[priority, demand] = len(self._groups)
            self._lists = grown_fields(self._lists, _PER_GROUP, group + 1)
            self._lists.priority[group] = priority
        return group

    def set_load(self, task: int, load: int) -> None:
        """Tell a task's live judgments and open leases."""
        self.set_loads(np.array([task], np.int32), np.array([load], np.int32))

    def set_loads(self, tasks: Ints, loads: Ints) -> None:
        """Tell many tasks' live judgments and open leases."""
        queue.set_loads(self._lists, tasks, loads)

    def load(self, task: int) -> int:
        """The task's live judgments and open leases."""
        return int(self._lists.load[task])

    def set_open(self, tasks: Ints, opened: Flags) -> None:
        """Hand tasks out again, or no more; does nothing to those which are so already."""
        queue.set_open(self._lists, tasks, opened)

    def is_open(self, task: int) -> bool:
        """Whether the task may be handed out, its load aside."""
        return bool(self._lists.place[task] != NOWHERE)

    def follow(self, tasks: Ints) -> None:
        """Tell that the model thinks otherwise of these tasks. Cost: O(tasks x labels)."""
        queue.sort_in(self._lists, self._model.votes, self._model.tables, tasks)

    def forget(self, worker: int) -> None:
        """Tell that a worker may have tasks that it could not have before: a judgment of it was
        taken back, it can more, or it is one with fewer others."""
        self._useless.pop(worker, None)

    def priorities(self, tasks: Ints) -> npt.NDArray[np.int16]:
        """The priorities of tasks, open or not."""
        found: npt.NDArray[np.int16] = self._lists.priority[self._lists.group[tasks] - 1]
        return found

    def open_tasks(self, limit: int | None = None) -> int:
        """Count the open tasks; with a load below the limit, exact up to LOADS."""
        return int(self._lists.loads[:limit].sum())

    def open_to(self, demands: frozenset[int]) -> int:
        """Count the open tasks that ask for one of these."""
        groups = [group for (_, demand), group in self._groups.items() if demand in demands]
        return int(self._lists.size[groups].sum()) if groups else 0

    def gains(self, worker: int, tasks: Ints) -> npt.NDArray[np.float64]:
        """What a worker's answer is expected to tell of each task's label, in nats."""
        model, told = self._model, np.empty(len(tasks))
        model.make_room(worker)
        gain.gains(model.votes, model.tables, tasks, worker, self._answers, told)
        return told

    def pick(
        self,
        worker: int,
        count: int,
        limit: int,
        excluded: Ints = _NO_TASKS,
        mates: tuple[int, ...] = (),
        *,
        mode: int = INFORMATION,
        floor: int = 1,
        in_order: bool = False,
        demands: frozenset[int] | None = None,
        barred: Flags = _NO_LABELS,
        seed: int = 1,
    ) -> Picked:
        """Up to `count` tasks for a worker, those with a load below `floor` first.

        Only open tasks with a load below `limit` which neither the worker nor one of its `mates`
        has judged, which are not in `excluded` (those they have leased), which ask for one of the
        `demands` (all where left out), and whose label, as it stands, is not `barred` (bool[K]).
        `in_order`: the earliest added first, whatever the mode and the load. Cost: O(count +
        LOOKS); O(WALK) in addition for a worker who has judged nearly all there is.
        """
        model = self._model
        model.make_room(worker)
        if len(self._lists.group) == 0 or count == 0:
            return Picked(_NO_TASKS, complete=True)
        groups, eligible = self._eligible(demands)
        wish = Wish(
            np.array([worker, *mates], np.int32),
            groups,
            eligible,
            np.sort(excluded),
            barred,
            limit,
            floor,
            mode,
        )
        room = max(CANDIDATES, 2 * count)
        self._random[0] = max(seed & ((1 << 64) - 1), 1)
        scratch = Scratch(np.empty(room, np.int32), np.empty(room), self._answers, self._random)
        picked, done, first, complete = np.empty(count, np.int32), 0, 0, True
        if in_order:
            return self._in_order(wish, picked)
        while done < count and first < len(groups):
            done, first, passed = choosing.pick(
                self._lists, model.votes, model.tables, wish, scratch, picked, done, first
            )
            if passed >= 0:
                found, ended = self._walk(wish, passed, picked, done, max(WALKED, count))
                best = self._best(wish, found)[: count - done]
                picked[done : done + len(best)] = best
                done += len(best)
                complete &= ended
        return Picked(picked[:done], complete)

    def _best(self, wish: Wish, found: Ints) -> Ints:
        """What was found on a walk, best first."""
        scratch = Scratch(found, np.empty(len(found)), self._answers, self._random)
        lists, model = self._lists, self._model
        order = choosing.rank(lists, model.votes, model.tables, wish, scratch, len(found))
        best: Ints = found[order]
        return best

    def _in_order(self, wish: Wish, picked: Ints) -> Picked:
        done, complete = 0, True
        for priority in sorted({int(self._lists.priority[g]) for g in wish.groups}, reverse=True):
            self._blocks.pop((int(wish.workers[0]), priority), None)
            found, ended = self._walk(wish, priority, picked, done, len(picked) - done)
            picked[done : done + len(found)] = found
            done += len(found)
            complete &= ended
            if done == len(picked):
                break
        return Picked(picked[:done], complete)

    def _walk(
        self, wish: Wish, priority: int, picked: Ints, done: int, room: int
    ) -> tuple[Ints, bool]:
        """Up to `room` further tasks in order, and whether all tasks were looked at."""
        worker, found = int(wish.workers[0]), np.empty(room, np.int32)
        first = self._blocks.pop((worker, priority), 0)
        count, block = choosing.walk(
            self._lists,
            self._model.votes,
            self._model.tables,
            wish,
            priority,
            self._notes(worker),
            first,
            picked,
            done,
            found,
        )
        if block > 0:
            self._blocks[worker, priority] = block
        return found[:count], first == 0 and block < 0

    def _notes(self, worker: int) -> npt.NDArray[np.uint64]:
        """What the worker can never have; of workers who did not need it for long, nothing."""
        blocks = len(self._lists.filled)
        notes = self._useless.pop(worker, None)
        if notes is None:
            notes = np.zeros((blocks, WORDS), np.uint64)
        elif len(notes) < blocks:
            notes = np.concatenate([notes, np.zeros((blocks - len(notes), WORDS), np.uint64)])
        self._useless[worker] = notes
        while len(self._useless) > max(FEWEST_NOTES, NOTES_BYTES // notes.nbytes):
            self._useless.popitem(last=False)
        return notes

    def _eligible(self, demands: frozenset[int] | None) -> tuple[npt.NDArray[np.int16], Flags]:
        found = sorted(
            (-priority, group)
            for (priority, demand), group in self._groups.items()
            if demands is None or demand in demands
        )
        eligible = np.zeros(len(self._groups), np.bool_)
        groups = np.array([group for _, group in found], np.int16)
        eligible[groups] = True
        return groups, eligible

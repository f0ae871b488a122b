"""Which task next: by priority, then fewest judgments and leases, then longest in waiting."""

import numpy as np
import numpy.typing as npt

from engine.arrays import grown_fields
from engine.categorical import Categorical
from engine.kernels import queue
from engine.kernels.queue import LOADS, NOWHERE, PRIORITIES, Lists

Ints = npt.NDArray[np.int32]

_PER_TASK = ("following", "preceding", "place", "priority", "load")


class TaskQueue:
    """The open tasks of a project in the order in which they should be handed out.

    The load of a task is its live judgments and open leases together. Not part of the log: it is
    filled at start from the tasks, their judgments and leases.
    """

    def __init__(self, model: Categorical) -> None:
        self._model = model
        self._lists = Lists(
            np.zeros(0, np.int32),
            np.zeros(0, np.int32),
            np.zeros(0, np.int32),
            np.zeros(0, np.int16),
            np.zeros(0, np.int32),
            np.full(PRIORITIES * LOADS, -1, np.int32),
            np.full(PRIORITIES * LOADS, -1, np.int32),
        )

    def add(self, tasks: Ints, priorities: npt.NDArray[np.int16]) -> None:
        """Add new tasks without load, oldest first. Priorities 0 to 9: 9 goes first.

        Raises ValueError on other priorities, or tasks that are there already.
        """
        if len(tasks) == 0:
            return
        if priorities.min() < 0 or priorities.max() >= PRIORITIES:
            raise ValueError(f"priorities must be 0 to {PRIORITIES - 1}")
        known = len(self._lists.place)
        inside = tasks[tasks < known]
        if np.any(self._lists.place[inside] != NOWHERE):
            raise ValueError("some of the tasks are there already")
        self._lists = grown_fields(self._lists, _PER_TASK, int(tasks.max()) + 1)
        self._lists.place[known:] = NOWHERE
        queue.add(self._lists, tasks, priorities)

    def set_load(self, task: int, load: int) -> None:
        """Tell a task's live judgments and open leases."""
        self.set_loads(np.array([task], np.int32), np.array([load], np.int32))

    def set_loads(self, tasks: Ints, loads: Ints) -> None:
        """Tell many tasks' live judgments and open leases."""
        queue.set_loads(self._lists, tasks, loads)

    def load(self, task: int) -> int:
        """The task's live judgments and open leases."""
        return int(self._lists.load[task])

    def set_open(self, tasks: Ints, opened: npt.NDArray[np.bool_]) -> None:
        """Hand tasks out again, or no more; does nothing to those which are so already."""
        queue.set_open(self._lists, tasks, opened)

    def is_open(self, task: int) -> bool:
        """Whether the task may be handed out, its load aside."""
        return bool(self._lists.place[task] != NOWHERE)

    def pick(
        self, worker: int, count: int, limit: int, excluded: Ints, mates: tuple[int, ...] = ()
    ) -> Ints:
        """Up to `count` tasks, best first, for a worker.

        Only open tasks with a load below `limit` which neither the worker nor one of its `mates`
        has judged, and which are not in `excluded` (those they have leased). Cost: O(count) where
        few tasks are passed over, O(tasks) for a worker who has judged them all.
        """
        picked = np.empty(count, np.int32)
        workers = np.array([worker, *mates], np.int32)
        found = queue.pick(self._lists, self._model.votes, workers, limit, excluded, picked)
        return picked[:found]

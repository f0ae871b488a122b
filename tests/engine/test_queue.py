"""The task queue against a list that is sorted anew for every question."""

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from engine import Categorical, Events, TaskQueue
from engine.kernels.queue import LOADS


class QueueMachine(RuleBasedStateMachine):
    """Random adds, loads, closings and judgments; every pick must be what a full search finds."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Categorical(3)
        self.queue = TaskQueue(self.model)
        self.priority: list[int] = []
        self.load: list[int] = []
        self.since: list[int] = []  # when the task joined the list it is in
        self.opened: list[bool] = []
        self.judged: set[tuple[int, int]] = set()
        self.clock = 0

    def tick(self) -> int:
        self.clock += 1
        return self.clock

    @rule(priorities=st.lists(st.integers(0, 9), min_size=1, max_size=5))
    def add(self, priorities: list[int]) -> None:
        first = len(self.priority)
        tasks = np.arange(first, first + len(priorities), dtype=np.int32)
        self.queue.add(tasks, np.array(priorities, np.int16))
        for priority in priorities:
            self.priority.append(priority)
            self.load.append(0)
            self.since.append(self.tick())
            self.opened.append(True)

    @rule(data=st.data(), load=st.one_of(st.integers(0, 4), st.integers(LOADS - 2, LOADS + 3)))
    def set_load(self, data: st.DataObject, load: int) -> None:
        if self.load:
            task = data.draw(st.integers(0, len(self.load) - 1))
            if self.opened[task] and load != self.load[task]:
                self.since[task] = self.tick()
            self.load[task] = load
            self.queue.set_load(task, load)

    @rule(data=st.data())
    def set_open(self, data: st.DataObject) -> None:
        if self.load:
            task = st.integers(0, len(self.load) - 1)
            turned = data.draw(st.lists(st.tuples(task, st.booleans()), max_size=6))
            for one, opened in turned:
                if opened and not self.opened[one]:
                    self.since[one] = self.tick()
                self.opened[one] = opened
            tasks, flags = zip(*turned, strict=True) if turned else ((), ())
            self.queue.set_open(np.array(tasks, np.int32), np.array(flags, np.bool_))

    @rule(data=st.data(), worker=st.integers(0, 3))
    def judge(self, data: st.DataObject, worker: int) -> None:
        if self.load:
            task = data.draw(st.integers(0, len(self.load) - 1))
            self.model.apply(Events.judgments([task], [worker], [1]))
            self.judged.add((task, worker))

    @rule(
        worker=st.integers(0, 3),
        count=st.integers(0, 6),
        limit=st.one_of(st.integers(0, 5), st.just(LOADS + 2)),
        excluded=st.lists(st.integers(0, 8), max_size=3),
    )
    def pick(self, worker: int, count: int, limit: int, excluded: list[int]) -> None:
        picked = self.queue.pick(worker, count, limit, np.array(excluded, np.int32))
        tasks = [
            task
            for task in range(len(self.load))
            if self.opened[task]
            and self.load[task] < limit
            and (task, worker) not in self.judged
            and task not in excluded
        ]
        tasks.sort(key=lambda t: (-self.priority[t], min(self.load[t], LOADS - 1), self.since[t]))
        assert picked.tolist() == tasks[:count]

    @invariant()
    def knows_loads(self) -> None:
        for task, load in enumerate(self.load):
            assert self.queue.load(task) == load
            assert self.queue.is_open(task) == self.opened[task]


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_refuses_what_cannot_be() -> None:
    queue = TaskQueue(Categorical(2))
    queue.add(np.zeros(0, np.int32), np.zeros(0, np.int16))
    queue.add(np.arange(3, dtype=np.int32), np.zeros(3, np.int16))
    with pytest.raises(ValueError, match="0 to 9"):
        queue.add(np.array([4], np.int32), np.array([10], np.int16))
    with pytest.raises(ValueError, match="there already"):
        queue.add(np.array([2, 3], np.int32), np.zeros(2, np.int16))
    assert queue.pick(0, 9, 3, np.zeros(0, np.int32)).tolist() == [0, 1, 2]

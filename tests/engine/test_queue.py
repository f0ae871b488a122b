"""The task queue against a list that is sorted anew for every question."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine import GOLD, JUDGE, RETRACT, Categorical, Events, TaskQueue
from engine.kernels.queue import BLOCK, DOUBTS, LOADS
from engine.queue import BREADTH, INFORMATION, RANDOM, UNCERTAINTY, Picked

WORKERS, LABELS = 4, 3
MOST_TASKS = 30  # so that all are candidates


class QueueMachine(RuleBasedStateMachine):
    """Random adds, loads, closings and judgments; every pick must be what a full search finds."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Categorical(LABELS)
        self.queue = TaskQueue(self.model)
        self.priority: list[int] = []
        self.demand: list[int] = []
        self.load: list[int] = []
        self.doubt: list[int] = []
        self.since: list[int] = []  # when the task joined the list it is in
        self.opened: list[bool] = []
        self.judged: set[tuple[int, int]] = set()
        self.clock = 0

    def tick(self) -> int:
        self.clock += 1
        return self.clock

    def how_doubtful(self, task: int) -> float:
        view = self.model.consensus(np.array([task], np.int32))
        if view.judgments[0] == 0 or view.gold[0] >= 0:
            return 1.0
        return float(np.float32(1) - np.float32(view.confidence[0]))

    @precondition(lambda self: len(self.load) <= MOST_TASKS - 5)
    @rule(
        priorities=st.lists(st.sampled_from([0, 0, 4, 9]), min_size=1, max_size=5),
        demand=st.integers(0, 2),
    )
    def add(self, priorities: list[int], demand: int) -> None:
        first = len(self.priority)
        tasks = np.arange(first, first + len(priorities), dtype=np.int32)
        demands = np.full(len(priorities), demand, np.int32)
        self.queue.add(tasks, np.array(priorities, np.int16), demands if demand else None)
        for priority in priorities:
            self.priority.append(priority)
            self.demand.append(demand)
            self.load.append(0)
            self.doubt.append(0)
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

    @rule(
        data=st.data(),
        worker=st.integers(0, WORKERS - 1),
        label=st.integers(0, LABELS - 1),
        kind=st.sampled_from([JUDGE, JUDGE, JUDGE, RETRACT, GOLD]),
    )
    def judge(self, data: st.DataObject, worker: int, label: int, kind: int) -> None:
        if not self.load:
            return
        task = data.draw(st.integers(0, len(self.load) - 1))
        change = np.array([task], np.int32), np.array([worker], np.int32)
        self.model.apply(Events(np.array([kind], np.uint8), *change, np.array([label], np.int16)))
        if kind == JUDGE:
            self.judged.add((task, worker))
        elif kind == RETRACT:
            self.judged.discard((task, worker))
            self.queue.forget(worker)
        # A refit may have ended: any task may have moved.
        everything = np.arange(len(self.load), dtype=np.int32)
        self.queue.follow(everything)
        for one in everything.tolist():
            doubt = self.how_doubtful(one)
            level = next((n for n in range(DOUBTS - 1) if doubt >= 0.5 ** (n + 1)), DOUBTS - 1)
            if level != self.doubt[one]:
                self.doubt[one] = level
                if self.opened[one]:
                    self.since[one] = self.tick()

    def free(self, worker: int, limit: int, excluded: list[int], demands: set[int]) -> list[int]:
        return [
            task
            for task in range(len(self.load))
            if self.opened[task]
            and self.load[task] < limit
            and (task, worker) not in self.judged
            and task not in excluded
            and self.demand[task] in demands
        ]

    @rule(
        worker=st.integers(0, WORKERS - 1),
        count=st.integers(1, 6),
        limit=st.one_of(st.integers(0, 5), st.just(LOADS + 2)),
        floor=st.integers(1, 4),
        excluded=st.lists(st.integers(0, 8), max_size=3),
        mode=st.sampled_from([RANDOM, BREADTH, UNCERTAINTY, INFORMATION]),
        demands=st.sampled_from([None, {0}, {0, 2}, {1}]),
        seed=st.integers(0, 2**64 - 1),
    )
    def pick(
        self,
        worker: int,
        count: int,
        limit: int,
        floor: int,
        excluded: list[int],
        mode: int,
        demands: set[int] | None,
        seed: int,
    ) -> None:
        def ask() -> Picked:
            return self.queue.pick(
                worker,
                count,
                limit,
                np.array(excluded, np.int32),
                mode=mode,
                floor=floor,
                demands=None if demands is None else frozenset(demands),
                seed=seed,
            )

        picked = ask()
        assert picked.complete
        tasks = picked.tasks.tolist()
        assert tasks == ask().tasks.tolist()
        free = self.free(worker, limit, excluded, demands or {0, 1, 2})
        assert set(tasks) <= set(free)
        assert len(set(tasks)) == len(tasks) == min(count, len(free))

        def stage(task: int) -> tuple[int, int]:
            load = min(self.load[task], LOADS - 1)
            return -self.priority[task], load if mode == BREADTH else min(load, floor)

        assert list(map(stage, tasks)) == sorted(map(stage, free))[:count]
        if mode == BREADTH:
            # Of those without any load, any.
            key = {
                t: (*stage(t), *(self.doubt[t], self.demand[t], self.since[t]) * (self.load[t] > 0))
                for t in free
            }
            lists = sorted(free, key=key.__getitem__)
            by_group = [key[task][:3] for task in lists[:count]]
            assert [key[task][:3] for task in tasks] == by_group
            if len({self.demand[task] for task in free}) == 1:
                loaded = [task for task in lists[:count] if self.load[task] > 0]
                assert [task for task in tasks if self.load[task] > 0] == loaded
        elif mode != RANDOM:
            score = self.scores(worker, free, mode)
            best = sorted(free, key=lambda t: (stage(t), -score[t]))[:count]
            assert [score[t] for t in tasks] == pytest.approx([score[t] for t in best], abs=1e-6)

    def scores(self, worker: int, free: list[int], mode: int) -> dict[int, float]:
        if mode == UNCERTAINTY:
            told = np.array([self.how_doubtful(task) for task in free])
        else:
            told = self.queue.gains(worker, np.array(free, np.int32))
        judgments = self.model.consensus(np.array(free, np.int32)).judgments
        under_way = np.maximum(np.array([self.load[task] for task in free]) - judgments, 0)
        return dict(zip(free, (told / (1 + under_way)).tolist(), strict=True))

    @rule(worker=st.integers(0, WORKERS - 1), count=st.integers(1, 6), limit=st.integers(0, 5))
    def pick_in_order(self, worker: int, count: int, limit: int) -> None:
        picked = self.queue.pick(worker, count, limit, in_order=True)
        free = self.free(worker, limit, [], {0, 1, 2})
        free.sort(key=lambda task: (-self.priority[task], task))
        assert picked.tasks.tolist() == free[:count]

    @invariant()
    def knows_loads(self) -> None:
        for task, load in enumerate(self.load):
            assert self.queue.load(task) == load
            assert self.queue.is_open(task) == self.opened[task]
        assert self.queue.open_tasks() == sum(self.opened)
        free = [o and load < 3 for o, load in zip(self.opened, self.load, strict=True)]
        assert self.queue.open_tasks(3) == sum(free)
        twos = [o and demand == 2 for o, demand in zip(self.opened, self.demand, strict=True)]
        assert self.queue.open_to(frozenset({2})) == sum(twos)


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
    assert sorted(queue.pick(0, 9, 3).tasks.tolist()) == [0, 1, 2]


@pytest.mark.parametrize("mode", [RANDOM, BREADTH, UNCERTAINTY, INFORMATION])
def test_what_nobody_has_judged_comes_in_no_order(mode: int) -> None:
    """Or a worker would see by it which task is gold: that one is not in its place."""
    tasks = 20_000
    queue = TaskQueue(Categorical(2))
    queue.add(np.arange(tasks, dtype=np.int32), np.zeros(tasks, np.int16))
    got: list[int] = []
    for seed in range(1, 301):
        task = int(queue.pick(0, 1, 3, mode=mode, seed=seed).tasks[0])
        queue.set_load(task, 1)
        got.append(task)
    rising = sum(later > earlier for earlier, later in pairwise(got))
    assert 110 <= rising <= 190  # chance: 149.5, give or take 5
    assert sum(task < tasks // 2 for task in got) in range(100, 200)


@pytest.mark.parametrize("mode", [RANDOM, BREADTH, UNCERTAINTY, INFORMATION])
def test_whoever_has_judged_nearly_all_gets_each_of_the_rest(mode: int) -> None:
    tasks = 60_000  # more than one walk looks at
    model = Categorical(2)
    queue = TaskQueue(model)
    everything = np.arange(tasks, dtype=np.int32)
    queue.add(everything, np.zeros(tasks, np.int16))
    left = [BLOCK - 1, 30_000, tasks - 1]
    judged = np.setdiff1d(everything, left).astype(np.int32)
    nobody = np.zeros(len(judged), np.int32)
    model.apply(Events.judgments(judged, nobody, nobody))
    queue.set_loads(everything, np.ones(tasks, np.int32))
    queue.follow(everything)
    found: list[int] = []
    asked = 0
    while len(found) < len(left):
        picked = queue.pick(0, 1, 3, np.array(found, np.int32), mode=mode, seed=asked + 1)
        found += picked.tasks.tolist()
        asked += 1
        assert asked < 12
    assert set(found) == set(left)
    while not queue.pick(0, 1, 3, np.array(found, np.int32), mode=mode).complete:
        asked += 1
        assert asked < 16
    judgment = np.array([7], np.int32), np.zeros(1, np.int32), np.zeros(1, np.int16)
    model.apply(Events(np.array([RETRACT], np.uint8), *judgment))
    queue.forget(0)
    again = [queue.pick(0, 1, 3, np.array(found, np.int32), mode=mode).tasks for _ in range(4)]
    assert [7] in [tasks.tolist() for tasks in again]

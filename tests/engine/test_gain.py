"""The expected gain of one more answer against its slow twin."""

import numpy as np
import pytest
from hypothesis import given, settings

from engine import Categorical, Events, TaskQueue
from tests.engine.test_categorical import Event, columns, new_pair, programs, run_naive
from tests.naive_gain import naive_gain


@given(programs(most=40))
@settings(max_examples=60, deadline=None)
def test_gains_are_the_twins(program: tuple[int, list[Event]]) -> None:
    labels, events = program
    model, naive = new_pair(labels)
    for event in events:
        model.apply(columns([event]))
        run_naive(naive, event)
    queue, tasks = TaskQueue(model), np.arange(10, dtype=np.int32)
    for worker in (0, 3, 8):
        found = queue.gains(worker, tasks)
        for task in tasks.tolist():
            assert found[task] == pytest.approx(naive_gain(naive, task, worker), abs=1e-6), task


@pytest.mark.parametrize("labels", [3, 40])
def test_asks_the_one_who_can_tell(labels: int) -> None:
    """A worker who is always right tells more than one who clicks at random, and more of a task
    that is in doubt than of one that is sure."""
    rng = np.random.default_rng(1)
    model, queue_tasks = Categorical(labels), 300
    for task in range(queue_tasks):
        truth = task % 3
        answers = [truth, truth, truth, int(rng.integers(labels))]
        model.apply(Events.judgments([task] * 4, [0, 1, 2, 3], answers))
    sure, torn = queue_tasks, queue_tasks + 1
    model.apply(Events.judgments([sure, sure, torn, torn], [1, 2, 1, 2], [0, 0, 0, 1]))
    queue = TaskQueue(model)
    tasks = np.array([sure, torn], np.int32)
    good, random = queue.gains(0, tasks), queue.gains(3, tasks)
    assert good[1] > 10 * good[0]
    assert good[1] > 3 * random[1]

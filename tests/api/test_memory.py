"""What the event loop waits for when a flush is large, or all of a project may have changed."""

import os
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from api.flush.calls import new_future
from api.flush.lookups import Known
from api.flush.planning import plan_requests
from api.flush.requests import LeaseTasks, Request, Submit
from api.limits import Limits
from api.memory import Memory
from api.policy import Policy
from api.projects import Label, Project
from api.reading.showing import task_views
from api.rows import CONTESTED, OPEN, Int32s
from api.state.lessons import Lessons
from api.state.standing import SWEEP_ROWS
from engine import Events
from tests.api.rig import submissions

TASKS = 300_000


POLICY = Policy(overlap=2, target_confidence=1.0, require_lease=False)
AT = datetime(2026, 3, 1, tzinfo=UTC)


def make_memory(tasks: int, workers: int) -> Memory:
    labels = (Label("a", "A"), Label("b", "B"))
    memory = Memory(Project(1, "p", "P", labels, POLICY, 1, {}, AT))
    memory.add_tasks([f"t{task}" for task in range(tasks)], [0] * tasks, 1)
    memory.add_workers([f"w{worker}" for worker in range(workers)], ["HUMAN"] * workers, 1)
    return memory


def judged(tasks: Int32s, workers: Int32s) -> Lessons:
    """Everyone says the first label."""
    count = len(tasks)
    return Lessons(
        Events.judgments(tasks, workers, np.zeros(count, np.int16)),
        np.arange(2, count + 2),
        np.full(count, np.nan, np.float32),
        np.zeros(count, np.bool_),
    )


def test_a_new_policy_and_a_new_start_reach_every_task() -> None:
    memory = make_memory(TASKS, 1)
    tasks, nobody = np.arange(TASKS, dtype=np.int32), np.zeros(TASKS, np.int32)
    memory.learn(judged(tasks, nobody), TASKS + 1)
    none = np.zeros(0, np.int32)
    for overlap in (1, 2, 1, 2):
        project = replace(memory.project, policy=replace(POLICY, overlap=overlap))
        memory.adopt(project, TASKS + 1)
        moved = memory.sweep_all(memory.seq + 1)
        memory.restart([])
        assert len(moved) == TASKS
        open_now = len(memory.queue.pick(1, 10, 2, none).tasks)
        assert open_now == (10 if overlap == 2 else 0)


async def test_many_leases_beside_many_judgments_of_one_flush_are_planned() -> None:
    tasks, workers = 20_000, 2_000
    memory = make_memory(tasks, workers)
    mine = [task % workers for task in range(tasks)]
    submit = Submit(submissions(mine, [1] * tasks, task=range(tasks)), new_future())
    submit.task, submit.standing = list(range(tasks)), [-1] * tasks
    leases = [LeaseTasks(worker, 2, new_future()) for worker in range(workers)]
    requests: list[Request] = [submit, *leases]
    plan = plan_requests(memory, Known(), AT, os.urandom, Limits(), requests)
    assert len(plan.entries.judgments.seq) == tasks
    for request in leases:
        assert len(request.granted) == 2
        assert all(lease.task % workers != request.worker for lease in request.granted)


def test_a_sweep_goes_on_in_steps_and_what_it_has_not_come_to_shows_how_it_stands() -> None:
    memory = make_memory(TASKS, 2)
    tasks, nobody = np.arange(TASKS, dtype=np.int32), np.zeros(TASKS, np.int32)
    memory.learn(judged(tasks, nobody), TASKS + 1)
    memory.sweep_all(TASKS + 1)
    for overlap, status in ((1, CONTESTED), (2, OPEN)):
        memory.adopt(replace(memory.project, policy=replace(POLICY, overlap=overlap)), TASKS + 1)
        seq, steps, moved = memory.standing.seq.copy(), 0, []
        while memory.sweeping:
            assert (task_views(memory, tasks[-3:]).status == status).all()
            moved.append(memory.sweep(TASKS + 2 + status))
            steps += 1
        assert steps == -(-TASKS // SWEEP_ROWS)
        assert np.array_equal(np.concatenate(moved), tasks)
        assert (memory.standing.seq[:TASKS] != seq[:TASKS]).all()
        assert memory.standing.counts[status] == TASKS
        assert memory.queue.is_open(TASKS - 1) == (status == OPEN)


def test_a_judgment_between_two_steps_of_a_sweep_is_not_undone_by_the_next() -> None:
    memory = make_memory(TASKS, 2)
    zero, last = np.zeros(1, np.int32), np.array([TASKS - 1], np.int32)
    memory.adopt(replace(memory.project, policy=replace(POLICY, overlap=1)), 2)
    memory.sweep(2)
    memory.learn(judged(last, zero), 3)
    assert memory.standing.status[TASKS - 1] == CONTESTED
    assert (TASKS - 1) not in memory.sweep_all(4)
    assert memory.standing.seq[TASKS - 1] == 3
    assert memory.standing.counts.tolist() == [TASKS - 1, 0, 1]
    assert not memory.queue.is_open(TASKS - 1)

"""The desk of a project without a database: flushes are planned and settled, nothing is kept."""

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from api.calibrated import Calibrated
from api.flush.calls import new_future
from api.flush.lookups import Known
from api.flush.plan import Plan
from api.flush.planning import plan_requests
from api.flush.requests import AddTasks, AddWorkers, LeaseTasks, Request, Submit
from api.flush.settle import settle
from api.limits import Limits
from api.memory import Memory
from api.policy import Policy
from api.projects import Label, Project
from api.rows import NewTasks, Submissions
from api.state.reputations import NOWHERE
from api.upkeep.calibrating import body_of
from engine import Categorical
from engine.trust import Sample

BEGIN: Final = datetime(2026, 3, 1, tzinfo=UTC)


class Desk:
    """Hands out tasks and takes judgments, as the flushes of a shard do, one after the other.

    With a seed all draws are the same each time.
    """

    def __init__(
        self, labels: int, policy: Policy, model: Categorical | None = None, seed: int | None = None
    ) -> None:
        names = tuple(Label(f"l{k}", f"Label {k}") for k in range(labels))
        self.now = BEGIN
        self.memory = Memory(Project(1, "p", "P", names, policy, 1, {}, self.now), model)
        self._entropy: Callable[[int], bytes] = os.urandom
        if seed is not None:
            self._entropy = np.random.default_rng(seed).bytes

    def open(self, tasks: int, workers: int, gold: Sequence[int]) -> None:
        """Add tasks, with the labels of those that are gold and -1 else, and workers."""
        names = [f"t{task}" for task in range(tasks)]
        nothing: list[dict[str, object]] = [{}] * tasks
        rows = NewTasks(names, nothing, nothing, [0] * tasks, gold)
        people = [f"w{worker}" for worker in range(workers)]
        self.settle(self.plan([AddTasks(rows, "bench", new_future())]))
        hired = AddWorkers(people, ["HUMAN"] * workers, [{}] * workers, "bench", new_future())
        self.settle(self.plan([hired]))

    def plan(self, requests: list[Request]) -> Plan:
        """What a flush makes of requests, a millisecond after the last one."""
        self.now += timedelta(milliseconds=1)
        return plan_requests(self.memory, Known(), self.now, self._entropy, Limits(), requests)

    def settle(self, plan: Plan) -> None:
        """Let memory follow a flush, and a sweep go on."""
        settle(self.memory, plan)
        if self.memory.sweeping:
            self.memory.sweep(self.memory.seq)

    def lease(self, worker: int) -> LeaseTasks:
        """Let a worker ask for a task."""
        wanted = LeaseTasks(worker, 1, new_future())
        self.settle(self.plan([wanted]))
        return wanted

    def judge(self, wanted: LeaseTasks, label: int) -> None:
        """Let the worker judge what it was granted."""
        lease = wanted.granted[0]
        rows = Submissions(
            worker=np.array([wanted.worker], np.int32),
            task=np.array([lease.task], np.int32),
            label=np.array([label], np.int16),
            lease_id=[lease.lease_id],
            client_id=[None],
            seconds=np.full(1, np.nan, np.float32),
            require_lease=True,
            own=False,
        )
        submit = Submit(rows, new_future())
        submit.task, submit.standing = [lease.task], [-1]
        self.settle(self.plan([submit]))

    def learn(self) -> None:
        """Learn what confidence means and what workers have in common, which a server does beside
        its flushes."""
        memory = self.memory
        totals = memory.model.totals()
        body = {
            **body_of(Sample.of(memory.model)),
            "judgments": totals.judgments,
            "gold_judgments": totals.gold_total,
            "gold_right": totals.gold_right,
        }
        memory.seq += 1
        memory.calibrate(Calibrated.of(body, memory.seq))
        memory.sweep_all(memory.seq)
        memory.background.learn(memory.model, NOWHERE)

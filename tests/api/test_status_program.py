"""Random programs: what the log holds of statuses is what a replay from its beginning comes to."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from api.acts import (
    Act,
    AnswerAppeal,
    Appeal,
    Cause,
    ChangeGold,
    FreeStatus,
    HoldStatus,
    LiftPause,
    RestoreWorker,
    Ruling,
    VoidJudgments,
    VoidWorker,
)
from api.errors import Refused
from api.limits import Limits
from api.log import snapshots
from api.policy import BAN, GOLD, GOLD_AND_CONSENSUS, PAUSE, Policy
from api.rows import Submissions
from api.shards import Shards
from db.connect import connect, create_pool
from engine import STATUSES
from tests.api.rig import Clock, make_project, submissions
from tests.api.status_log import assert_log_tells_all

TASKS, WORKERS, LABELS = 120, 4, 3
KILL = (
    "select pg_terminate_backend(pid) from pg_stat_activity "
    "where application_name = 'basanite writer' and datname = current_database()"
)

_T = TypeVar("_T")


class StatusProgram(RuleBasedStateMachine):
    """Workers of all kinds, and everything that moves their status."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.limits = Limits(snapshot_rows=10**9, snapshot_rows_at_end=1)

    def run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        return self.loop.run_until_complete(coroutine)

    @initialize(quiz=st.booleans(), evidence=st.sampled_from([GOLD, GOLD_AND_CONSENSUS]))
    def begin(self, quiz: bool, evidence: str) -> None:
        self.policy = Policy(
            overlap=20,
            require_lease=False,
            quiz=quiz,
            quiz_count=20,
            status_evidence=evidence,
            pause_error=0.05,
        )
        self.run(self._open())
        self.random = np.random.default_rng(7)
        tasks = np.arange(0, TASKS, 3, dtype=np.int32)
        self.run(self.shard.set_gold(tasks, np.zeros(len(tasks), np.int16), "test"))
        for worker, right in enumerate((1.0, 0.9, 0.3, 0.0)):
            self.run(self._judge(self.rows(worker, right), snapshot=False))

    async def _open(self) -> None:
        self.pool = await create_pool(self.url, size=2)
        self.connection = await connect(self.url)
        self.shards = Shards(self.url, self.pool, limits=self.limits, now=Clock())
        self.shard = await make_project(
            self.shards,
            str(uuid4()),
            labels=LABELS,
            tasks=TASKS,
            workers=WORKERS,
            policy=self.policy,
        )

    def teardown(self) -> None:
        if hasattr(self, "shard"):
            self.run(assert_log_tells_all(self.url, self.shard, self.policy))
            self.run(self._close())
        self.loop.close()

    async def _close(self) -> None:
        await self.shards.close()
        await self.connection.close()
        await self.pool.close()

    async def ask(self, wanted: Coroutine[Any, Any, _T]) -> _T | None:
        """What is refused changes nothing."""
        try:
            return await wanted
        except Refused:
            return None

    @rule(
        worker=st.integers(0, WORKERS - 1),
        right=st.sampled_from([0.0, 0.0, 0.4, 1.0]),
        snapshot=st.sampled_from([False, False, True]),
    )
    def judge(self, worker: int, right: float, snapshot: bool) -> None:
        """Dozens of judgments, some revisions of earlier ones; label 0 is right everywhere.

        A snapshot comes before what follows from them can be recorded.
        """
        self.run(self._judge(self.rows(worker, right), snapshot=snapshot))

    def rows(self, worker: int, right: float) -> Submissions:
        tasks = self.random.integers(0, TASKS, 30)
        labels = np.where(self.random.random(30) < right, 0, self.random.integers(1, LABELS, 30))
        rows = submissions(worker, labels.tolist(), task=tasks.tolist())
        rows.seconds[::2] = self.random.lognormal(2, 0.5, 15)
        return rows

    async def _judge(self, rows: Submissions, *, snapshot: bool) -> None:
        await self.ask(self.shard.submit(rows))
        if snapshot:
            await snapshots.save(self.connection, self.shard.memory)

    @rule(task=st.integers(0, TASKS - 1), label=st.integers(-1, LABELS - 1))
    def set_gold(self, task: int, label: int) -> None:
        tasks, labels = np.array([task], np.int32), np.array([label], np.int16)
        self.run(self.ask(self.shard.set_gold(tasks, labels, "test")))

    @rule(label=st.integers(0, LABELS - 1), some=st.integers(2, 30))
    def change_gold(self, label: int, some: int) -> None:
        self.act(ChangeGold(tuple(range(0, 3 * some, 3)), (label,) * some))

    @rule(worker=st.integers(0, WORKERS - 1), back=st.booleans())
    def void_worker(self, worker: int, back: bool) -> None:
        self.act(RestoreWorker(worker) if back else VoidWorker(worker))

    @rule(places=st.sets(st.floats(0, 1, exclude_max=True), min_size=1, max_size=3))
    def void_judgments(self, places: set[float]) -> None:
        """Somewhere in the log: how long it is by now is not for the program to know."""
        for place in sorted(places):
            self.act(VoidJudgments((1 + int(place * self.shard.seq),)))

    def act(self, act: Act) -> None:
        cause = Cause("test", "to see what happens", {}, str(uuid4()))
        self.run(self.ask(self.shard.staff.decide(act, cause)))

    @rule(
        worker=st.integers(0, WORKERS - 1),
        status=st.integers(0, len(STATUSES) - 1),
        how=st.integers(0, 5),
    )
    def say(self, worker: int, status: int, how: int) -> None:
        rulings: Sequence[Ruling] = (
            HoldStatus(worker, status),
            FreeStatus(worker),
            LiftPause(worker),
            Appeal(worker),
            AnswerAppeal(worker, granted=True),
            AnswerAppeal(worker, granted=False),
        )
        cause = Cause("test", "to see what happens", {}, str(uuid4()))
        self.run(self.ask(self.shard.staff.rule(rulings[how], cause)))

    @rule(
        changes=st.fixed_dictionaries(
            {},
            optional={
                "pause_error": st.sampled_from([0.01, 0.05, 0.09]),
                "acceptable_accuracy": st.sampled_from([0.7, 0.8, 0.95]),
                "quiz": st.booleans(),
                "quiz_count": st.sampled_from([None, 10, 30]),
                "quiz_failed": st.sampled_from([PAUSE, BAN]),
                "act_on_status": st.booleans(),
                "status_evidence": st.sampled_from([GOLD, GOLD_AND_CONSENSUS]),
                "overlap": st.integers(18, 20),
            },
        )
    )
    def change_policy(self, changes: dict[str, object]) -> None:
        self.run(self.ask(self.shard.update_policy(changes, None, "test")))

    @rule(clean=st.booleans())
    def start_again(self, clean: bool) -> None:
        self.run(self._start_again(clean))

    async def _start_again(self, clean: bool) -> None:
        if not clean:
            connection = await connect(self.url)
            await connection.execute(KILL)
            await connection.close()
            return
        await self.shards.close()
        self.shards = Shards(self.url, self.pool, limits=self.limits, now=Clock())
        self.shard = await self.shards.open(self.shard.project.project_id)


def test_any_program_leaves_the_decisions_that_its_log_leads_to(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StatusProgram, "url", database_url)
    run_state_machine_as_test(
        StatusProgram,
        settings=settings(
            max_examples=6,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # shrinking a program on a database takes minutes
            database=None,
        ),
    )

"""Random programs against a shard and an oracle in obvious Python, with reloads in between."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar
from uuid import UUID, uuid4

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from api.errors import BudgetSpent, InvalidPolicy, LeaseLimit, NoTasks, Unavailable, WorkerVoided
from api.limits import Limits
from api.policy import Policy
from api.rows import OPEN, TaskViews
from api.shards import Shards
from db.connect import connect, create_pool
from tests.api.oracle import Oracle, is_model
from tests.api.oracle_compared import assert_agrees, assert_shown_alike, shown
from tests.api.rig import (
    Clock,
    all_tasks,
    learned,
    make_project,
    new_tasks,
    submissions,
)

LABELS = 3
_T = TypeVar("_T")

CLIENTS = st.one_of(st.none(), st.sampled_from(["c1", "c2", "c3", "c4"]))


class Program(RuleBasedStateMachine):
    """Calls in any order; the database comes from the test that runs the machine."""

    url = ""
    limits = Limits(renewal_pause=0.0, renewal_share=1.0)

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = Clock()
        self.lease_ids: list[UUID] = [uuid4()]

    def run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        return self.loop.run_until_complete(coroutine)

    @initialize(overlap=st.integers(1, 4), require_lease=st.booleans())
    def begin(self, overlap: int, require_lease: bool) -> None:
        self.begin_project(overlap, require_lease)

    def begin_project(self, overlap: int, require_lease: bool) -> None:
        policy = Policy(
            overlap=overlap,
            require_lease=require_lease,
            leases_per_worker=3,
            lease_seconds=100.0,
            gold_rate=0.0,  # what is drawn by lot has a test of its own
        )
        self.oracle = self.new_oracle(policy)
        self.run(self._open(policy))

    def new_oracle(self, policy: Policy) -> Oracle:
        return Oracle(LABELS, policy)

    async def _open(self, policy: Policy) -> None:
        self.pool = await create_pool(self.url, size=2)
        self.shards = Shards(self.url, self.pool, limits=self.limits, now=self.clock)
        self.shard = await make_project(
            self.shards, str(uuid4()), labels=LABELS, workers=3, policy=policy
        )
        self.oracle.workers = 3

    def teardown(self) -> None:
        if hasattr(self, "shard"):
            self.run(self._close())
        self.loop.close()

    async def _close(self) -> None:
        await self.shards.close()
        await self.pool.close()

    @property
    def now(self) -> float:
        return self.clock().timestamp()

    def before(self) -> TaskViews:
        """Tasks as the next flush will find them."""
        self.oracle.expire(self.now)
        return self.shard.tasks(all_tasks(self.shard))

    @rule(
        names=st.lists(st.integers(0, 11), min_size=1, max_size=4),
        priority=st.integers(0, 2),
        gold=st.sampled_from([-1, -1, -1, 0, 2, 7]),
    )
    def add_tasks(self, names: list[int], priority: int, gold: int) -> None:
        texts = [f"task {name}" for name in names]
        self.oracle.expire(self.now)
        added = self.run(
            self.shard.add_tasks(new_tasks(texts, priority, [gold] * len(texts)), "test")
        )
        for row, text in enumerate(texts):
            if gold >= LABELS:
                assert (added.code[row], added.task[row]) == ("UNKNOWN_LABEL", -1)
                continue
            new = text not in self.oracle.tasks
            assert added.created[row] == new
            if new:
                self.oracle.tasks.append(text)
                self.oracle.priority.append(priority)
                if gold >= 0:
                    self.oracle.gold[len(self.oracle.tasks) - 1] = gold
            assert added.task[row] == self.oracle.tasks.index(text)

    @rule(worker=st.integers(0, 5))
    def add_worker(self, worker: int) -> None:
        self.oracle.expire(self.now)
        names = [f"w{j}" for j in range(worker + 1)]
        kinds = ["MODEL" if is_model(j) else "HUMAN" for j in range(worker + 1)]
        ids = self.run(self.shard.add_workers(names, kinds))
        assert ids.tolist() == list(range(worker + 1))
        self.oracle.workers = max(self.oracle.workers, worker + 1)

    @rule(data=st.data(), count=st.integers(1, 5))
    def lease(self, data: st.DataObject, count: int) -> None:
        worker = data.draw(st.integers(0, self.oracle.workers - 1))
        before = self.before()
        free = self.oracle.free_for(worker, before)
        held = len(self.oracle.open_leases(worker=worker))
        room = self.oracle.policy.leases_per_worker - held
        fresh = [task for task in free if task not in self.oracle.passed(worker)]
        asked = room > 0 and self.oracle.affords(worker) > 0
        if not fresh and asked and worker not in self.oracle.voided:
            self.oracle.forget_passed(worker)
        free = fresh or free
        order = {task: (-self.oracle.priority[task], self.oracle.rank(task)) for task in free}
        try:
            leases = self.run(self.shard.lease(worker, count))
        except WorkerVoided:
            assert worker in self.oracle.voided
            return
        except LeaseLimit:
            assert room <= 0
            return
        except BudgetSpent:
            assert room > 0
            assert self.oracle.affords(worker) == 0
            return
        except NoTasks as refusal:
            finished = refusal.finished
            assert (bool(free), room > 0, finished) == (False, True, OPEN not in before.status)
            return
        assert room > 0
        assert len(leases) == min(count, room, self.oracle.affords(worker), len(free))
        taken = [lease.task_id for lease in leases]
        assert sorted(order[task] for task in taken) == sorted(order.values())[: len(taken)]
        for lease in leases:
            assert lease.task_id in free
            assert lease.payload == {"name": self.oracle.tasks[lease.task_id]}
            expires = lease.expires_at.timestamp()
            self.oracle.grant(lease.lease_id, lease.task_id, worker, expires)
            self.lease_ids.append(lease.lease_id)

    @rule(data=st.data(), size=st.integers(1, 6), require_lease=st.booleans())
    def submit(self, data: st.DataObject, size: int, require_lease: bool) -> None:
        rows = data.draw(
            st.lists(
                st.tuples(
                    st.integers(-1, self.oracle.workers),
                    st.integers(-1, len(self.oracle.tasks)),
                    st.sampled_from([0, 0, 1, 1, 2, 2, -1, LABELS]),
                    st.one_of(st.none(), st.sampled_from(self.lease_ids[-8:])),
                    CLIENTS,
                ),
                min_size=size,
                max_size=size,
            )
        )
        # Most rows against a lease come from the worker who holds it, and name no task.
        plain = []
        for worker, task, label, lease_id, client in rows:
            lease = self.oracle.leases.get(lease_id) if lease_id else None
            if lease is not None and label != 0:
                worker, task = lease.worker, -1  # noqa: PLW2901
            plain.append((worker, task, label, lease_id, client))
        workers, tasks, labels, lease_ids, clients = zip(*plain, strict=True)
        batch = submissions(
            workers,
            labels,
            task=tasks,
            lease=lease_ids,
            client=clients,
            require_lease=require_lease,
        )
        self.before()
        answer = self.run(self.shard.submit(batch))
        expected = self.oracle.submit(batch, answer.seq.tolist())
        for code, should in zip(answer.code, expected, strict=True):
            assert code == should or _both_refuse_a_reused_id(code, should)
        self.check_answer(answer.code, answer.seq.tolist(), answer.task.tolist())
        if "CLIENT_ID_REUSED" in answer.code:  # the log was read again if only its index could tell
            self.reload(clean=False)

    def check_answer(self, codes: list[str], seqs: list[int], tasks: list[int]) -> None:
        for code, seq in zip(codes, seqs, strict=True):
            assert (seq > 0) == (code in ("", "DUPLICATE"))
        stored = [seq for code, seq in zip(codes, seqs, strict=True) if code == ""]
        assert stored == sorted(set(stored))
        assert all(-1 <= task < len(self.oracle.tasks) for task in tasks)

    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """The same call again, as a client does that got no answer: nothing may change."""
        if not self.oracle.clients:
            return
        (worker, client), (task, label, seq) = data.draw(
            st.sampled_from(sorted(self.oracle.clients.items()))
        )
        batch = submissions([worker], [label], task=[task], client=[client], require_lease=True)
        self.before()
        answer = self.run(self.shard.submit(batch))
        voided = worker in self.oracle.voided
        expected = (["WORKER_VOIDED"], [-1]) if voided else (["DUPLICATE"], [seq])
        assert (answer.code, answer.seq.tolist()) == expected

    @rule(data=st.data())
    def at_once(self, data: st.DataObject) -> None:
        """Workers grab, submit and give back in one flush: every place is given away once."""
        workers = data.draw(st.lists(st.integers(0, self.oracle.workers - 1), max_size=6))
        self.before()
        leases = self.run(self._grab(workers))
        for worker, granted in leases:
            passed = self.oracle.passed(worker)
            nothing = granted is None and self.oracle.affords(worker) > 0
            if nothing or passed & {lease.task_id for lease in granted or ()}:
                self.oracle.forget_passed(worker)
            for lease in granted or ():
                assert (lease.task_id, worker) not in self.oracle.judgments
                expires = lease.expires_at.timestamp()
                self.oracle.grant(lease.lease_id, lease.task_id, worker, expires)
                self.lease_ids.append(lease.lease_id)
        budget = self.shard.quality().budget
        if any(granted for _, granted in leases):
            for each in (budget.judgments, budget.judgments_today):
                assert each.limit is None or each.spent + each.reserved <= each.limit

    async def _grab(self, workers: list[int]) -> list[tuple[int, Any]]:
        async def grab(worker: int) -> tuple[int, Any]:
            with contextlib.suppress(BudgetSpent, LeaseLimit, WorkerVoided):
                try:
                    return worker, await self.shard.lease(worker, 2)
                except NoTasks:
                    return worker, None
            return worker, []

        return list(await asyncio.gather(*map(grab, workers)))

    @rule(data=st.data(), own=st.booleans())
    def release(self, data: st.DataObject, own: bool) -> None:
        lease_ids = data.draw(st.lists(st.sampled_from(self.lease_ids), min_size=1, max_size=3))
        worker = data.draw(st.integers(0, self.oracle.workers - 1)) if own else None
        self.oracle.expire(self.now)
        codes = self.run(self.shard.release(worker, lease_ids))
        assert codes == self.oracle.release(worker, lease_ids)

    @rule(data=st.data(), label=st.integers(-2, LABELS))
    def set_gold(self, data: st.DataObject, label: int) -> None:
        task = data.draw(st.integers(-1, len(self.oracle.tasks)))
        self.oracle.expire(self.now)
        seqs = self.run(
            self.shard.set_gold(np.array([task], np.int32), np.array([label], np.int16), "test")
        )
        if 0 <= task < len(self.oracle.tasks) and -1 <= label < LABELS:
            assert seqs[0] > 0
            self.oracle.gold.pop(task, None)
            if label >= 0:
                self.oracle.gold[task] = label
        else:
            assert seqs.tolist() == [-1]

    @rule(seconds=st.sampled_from([1.0, 50.0, 99.9, 100.0, 1000.0, 43_200.0]))
    def wait(self, seconds: float) -> None:
        self.clock.pass_(seconds)

    @rule(
        changes=st.fixed_dictionaries(
            {},
            optional={
                "overlap": st.integers(0, 5),
                "min_judgments": st.none() | st.integers(1, 3),
                "target_confidence": st.sampled_from([0.5, 0.7, 0.95]),
                "allow_revision": st.booleans(),
                "revision_seconds": st.sampled_from([10.0, 100.0]),
                "lease_seconds": st.sampled_from([10.0, 100.0]),
                "leases_per_worker": st.integers(1, 4),
                "models_count": st.booleans(),
                "price": st.integers(0, 3),
                "model_price": st.integers(0, 2),
                "judgment_budget": st.none() | st.integers(0, 20),
                "money_budget": st.none() | st.integers(0, 30),
                "daily_judgments": st.none() | st.integers(0, 9),
                "daily_money": st.none() | st.integers(0, 15),
                "label_value": st.none() | st.integers(1, 60),
            },
        )
    )
    def update_policy(self, changes: dict[str, object]) -> None:
        self.oracle.expire(self.now)
        version = self.shard.project.policy_version
        try:
            policy = self.oracle.policy.changed(changes)
        except InvalidPolicy:
            with pytest.raises(InvalidPolicy):
                self.run(self.shard.update_policy(changes, version, "test"))
            return
        project = self.run(self.shard.update_policy(changes, version, "test"))
        assert project.policy == policy == self.shard.project.policy
        assert project.policy_version == version + (policy != self.oracle.policy)
        self.oracle.policy = policy

    @rule(clean=st.booleans())
    def reload(self, clean: bool) -> None:
        """State equals what is rebuilt from the log, bit by bit."""
        self.settle()
        self.run(learned(self.shard))
        was, seq = shown(self.shard), self.shard.seq
        self.run(self._reopen(clean))
        if not clean:
            with contextlib.suppress(Unavailable):
                self.settle()
        self.settle()
        self.run(learned(self.shard))
        assert self.shard.seq == seq
        assert_shown_alike(was, shown(self.shard))

    async def _reopen(self, clean: bool) -> None:
        name = self.shard.project.external_id
        # The log tells all that workers ever passed over.
        self.oracle.forgotten.clear()
        if clean:
            await self.shards.close()
            self.shards = Shards(self.url, self.pool, limits=self.limits, now=self.clock)
            self.shard = await self.shards.open(self.shard.project.project_id)
        else:
            admin = await connect(self.url)
            await admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where application_name = 'basanite writer' and datname = current_database()"
            )
            await admin.close()
        assert self.shard.project.external_id == name

    def settle(self) -> None:
        """Have a flush, so that what ran out is seen to have."""
        self.oracle.expire(self.now)
        self.run(self.shard.release(None, [uuid4()]))

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "shard"):
            return
        self.settle()
        assert_agrees(self.shard, self.oracle)


def _both_refuse_a_reused_id(code: str, should: str) -> bool:
    """A row may be refused for its client id or for something else that is wrong with it."""
    codes = {code, should}
    return "CLIENT_ID_REUSED" in codes and not codes & {"", "DUPLICATE"}


def test_any_program_agrees_with_the_oracle(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Program, "url", database_url)
    run_state_machine_as_test(
        Program,
        settings=settings(
            max_examples=15,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # shrinking a program on a database takes minutes
            database=None,
        ),
    )

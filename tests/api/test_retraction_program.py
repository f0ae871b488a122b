"""Random programs in which staff take back and give back, against an oracle and a rebuild."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test

from api.acts import (
    Act,
    Cause,
    ChangeGold,
    ReopenTasks,
    RestoreWorker,
    VoidJudgments,
    VoidWorker,
)
from api.errors import (
    AlreadyVoided,
    DecisionExists,
    JudgmentNotLive,
    NotGold,
    NotVoided,
    Refused,
)
from api.reading.views import Views
from api.state.standing import NOTICEABLE
from engine import Categorical, Events
from engine.kernels import stream
from engine.records import Records
from tests.api.rig import all_tasks, all_workers, learned, submissions
from tests.api.test_shard_program import LABELS, Program


class StaffProgram(Program):
    """The calls of workers and admins, and the acts of staff among them.

    Clean ends leave snapshots, from which starts and looks back begin.
    """

    limits = replace(Program.limits, snapshot_rows_at_end=1)

    @initialize(overlap=st.integers(2, 4), require_lease=st.booleans(), data=st.data())
    def begin(self, overlap: int, require_lease: bool, data: st.DataObject) -> None:
        self.memories: dict[int, list[Any]] = {}
        self.exact = False
        self.begin_project(overlap, require_lease)
        self.crowd(data, 1)
        self.add_tasks([6, 7, 8], 1, -1)
        self.crowd(data, -1)

    @rule(data=st.data(), gold=st.sampled_from([-1, -1, 1]))
    def crowd(self, data: st.DataObject, gold: int) -> None:
        """Many judge many tasks: without this, there is seldom much to take back."""
        self.add_tasks([0, 1], 0, gold)
        self.add_tasks([2, 3, 4, 5], 0, -1)
        self.add_worker(4)
        pairs = [(task, worker) for task in range(6) for worker in range(5)]
        some = data.draw(st.lists(st.sampled_from(pairs), min_size=10, max_size=20, unique=True))
        labels = data.draw(st.lists(st.integers(0, 2), min_size=len(some), max_size=len(some)))
        tasks, workers = zip(*some, strict=True)
        batch = submissions(workers, labels, task=tasks)
        self.before()
        answer = self.run(self.shard.submit(batch))
        assert answer.code == self.oracle.submit(batch, answer.seq.tolist())

    @rule(data=st.data(), back=st.booleans())
    def void_worker(self, data: st.DataObject, back: bool) -> None:
        self.void(data.draw(st.integers(0, self.oracle.workers - 1)), back=back)

    def void(self, worker: int, *, back: bool) -> None:
        if back:
            if worker not in self.oracle.voided:
                self.refused(RestoreWorker(worker), NotVoided)
                return
            self.carry_out(RestoreWorker(worker))
            self.oracle.restore_worker(worker)
            return
        if worker in self.oracle.voided:
            self.refused(VoidWorker(worker), AlreadyVoided)
            return
        self.carry_out(VoidWorker(worker))
        self.oracle.void_worker(worker)

    @rule(data=st.data())
    def void_judgments(self, data: st.DataObject) -> None:
        live = self.oracle.voidable()
        if not live:
            self.refused(VoidJudgments((1,)), JudgmentNotLive)
            return
        seqs = data.draw(st.lists(st.sampled_from(live), min_size=1, max_size=4, unique=True))
        if data.draw(st.integers(0, 9)) == 0:
            self.refused(VoidJudgments((*seqs, max(live) + 1)), JudgmentNotLive)
            return
        self.carry_out(VoidJudgments(tuple(seqs)))
        self.oracle.void_judgments(seqs)

    @rule(data=st.data(), label=st.integers(-1, LABELS - 1))
    def change_gold(self, data: st.DataObject, label: int) -> None:
        if not self.oracle.tasks:
            return
        if not self.oracle.gold:
            self.refused(ChangeGold((0,), (label,)), NotGold)
            return
        gold = st.sampled_from(sorted(self.oracle.gold))
        tasks = data.draw(st.lists(gold, min_size=1, max_size=2, unique=True))
        self.carry_out(ChangeGold(tuple(tasks), (label,) * len(tasks)))
        for task in tasks:
            self.oracle.gold.pop(task)
            if label >= 0:
                self.oracle.gold[task] = label

    @rule(data=st.data(), judgments=st.integers(1, 3))
    def reopen(self, data: st.DataObject, judgments: int) -> None:
        tasks = [task for task in range(len(self.oracle.tasks)) if task not in self.oracle.gold]
        if not tasks:
            return
        some = data.draw(st.lists(st.sampled_from(tasks), min_size=1, max_size=2, unique=True))
        self.carry_out(ReopenTasks(tuple(some), judgments))
        for task in some:
            self.oracle.required[task] = self.oracle.counted(task) + judgments

    @rule()
    def remember(self) -> None:
        """Note how things stand, for `look_back`."""
        self.settle()
        self.run(learned(self.shard))
        self.memories[self.shard.seq] = self.standing(self.shard)

    @rule(data=st.data())
    def look_back(self, data: st.DataObject) -> None:
        """As of a seq everything is as it was, bit by bit."""
        if not self.memories:
            return
        seq = data.draw(st.sampled_from(sorted(self.memories)))
        past = self.run(self.shards.history.at(self.shard, seq))
        for was, now in zip(self.memories[seq], self.standing(past), strict=True):
            np.testing.assert_array_equal(was, now)

    def standing(self, views: Views) -> list[Any]:
        ids = np.arange(views.task_count, dtype=np.int32)
        people = np.arange(views.worker_count, dtype=np.int32)
        tasks, workers = views.tasks(ids), views.workers(people)
        return [
            *(tasks.status, tasks.judgments, tasks.label, tasks.confidence, tasks.gold),
            *(workers.voided, workers.judgments, workers.accuracy.low, workers.bits.value),
            views.posterior(ids),
            [views.project.policy_version],
        ]

    def carry_out(self, act: Act) -> None:
        """Decide on an act, twice under one client id, and see that it does what was foreseen."""
        self.settle()
        self.run(learned(self.shard))
        ids = all_tasks(self.shard)
        was = self.shard.tasks(ids)
        foreseen = self.run(self.shard.staff.foresee(act))
        cause = Cause("test", "to see what happens", {"a": 1}, str(uuid4()))
        refits = self.refits()
        done = self.run(self.shard.staff.decide(act, cause))
        now = self.shard.tasks(ids)
        assert done.effect == foreseen.effect
        moved = np.abs(now.confidence - was.confidence) > NOTICEABLE
        relabelled = now.label != was.label
        if self.refits() == refits:  # none ended with it, which might have moved more
            assert done.effect["labels"] == relabelled.sum()
            assert done.effect["posteriors"] == (relabelled | moved).sum()
            assert done.effect["statuses"] == (now.status != was.status).sum()
        again = self.run(self.shard.staff.decide(act, cause))
        assert (again.seq, again.duplicate, again.effect) == (done.seq, True, done.effect)
        other = ReopenTasks((0,), 7)
        if len(self.oracle.tasks):
            with pytest.raises(DecisionExists):
                self.run(self.shard.staff.decide(other, cause))
        self.exact = not isinstance(act, ReopenTasks)
        self.run(self.shard.staff.finish())

    def refits(self) -> tuple[int, bool]:
        """Changes whenever a refit ends."""
        progress = self.shard.memory.model.store.progress
        return int(progress[stream.BEGUN_AT]), bool(progress[stream.STAGE] == stream.IDLE)

    def refused(self, act: Act, refusal: type[Refused]) -> None:
        self.settle()
        with pytest.raises(refusal):
            self.run(self.shard.staff.foresee(act))
        cause = Cause("test", "to see what happens", {}, str(uuid4()))
        with pytest.raises(refusal):
            self.run(self.shard.staff.decide(act, cause))

    def rebuilt(self) -> Categorical:
        """A model of nothing but what counts."""
        model = Categorical(LABELS)
        for (task, worker), (label, _) in sorted(
            self.oracle.judgments.items(), key=lambda judgment: judgment[1][1]
        ):
            model.apply(Events.judgments([task], [worker], [label]))
        for task, label in self.oracle.gold.items():
            model.apply(Events.gold([task], [label]))
        return model

    @invariant()
    def equals_a_rebuild(self) -> None:
        """A refit has the same bits as one of a log that never had what does not count."""
        if not hasattr(self, "shard"):
            return
        model = Categorical.from_state(self.shard.memory.model.state())
        rebuilt = self.rebuilt()
        if self.exact:  # an act came last: its refit has ended by itself
            assert not model.refitting
        else:
            model.refit()
        self.exact = False
        rebuilt.refit()
        ids, people = all_tasks(self.shard), all_workers(self.shard)
        np.testing.assert_array_equal(model.posterior(ids), rebuilt.posterior(ids))
        for now, then in zip(
            (*Records.of(model, people), model.workers(people).judgments),
            (*Records.of(rebuilt, people), rebuilt.workers(people).judgments),
            strict=True,
        ):
            np.testing.assert_array_equal(now, then)


def test_any_program_with_retractions_agrees_with_a_rebuild(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StaffProgram, "url", database_url)
    monkeypatch.setattr("api.flush.retracted.PART", 2)  # so that an act takes several flushes
    run_state_machine_as_test(
        StaffProgram,
        settings=settings(
            max_examples=15,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # shrinking a program on a database takes minutes
            database=None,
        ),
    )

"""Random programs in which workers are joined and split among all else that staff do."""

import random

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from api.acts import JoinWorkers, SplitWorkers, VoidJudgments
from api.errors import InvalidInput
from api.policy import Policy
from api.state.voices import AlreadyJoined, NotJoined
from tests.api.oracle_voices import VoicesOracle
from tests.api.rig import submissions
from tests.api.test_retraction_program import StaffProgram
from tests.api.test_shard_program import LABELS

STEPS = ["join", "join", "split", "void", "restore", "void judgments", "judge", "judge"]
FEW = [0, 1, 2]


class VoicesProgram(StaffProgram):
    """The oracle knows who is joined, and what each judgment is held back by."""

    oracle: VoicesOracle

    def new_oracle(self, policy: Policy) -> VoicesOracle:
        return VoicesOracle(LABELS, policy)

    @rule(seed=st.integers(0, 2**32 - 1))
    def tangle(self, seed: int) -> None:
        """Acts that meet: they are about the same few workers and tasks, one after the other."""
        source = random.Random(seed)
        for step in source.choices(STEPS, k=8):
            workers = source.sample(FEW, source.randint(1, 3))
            match step:
                case "join":
                    self.join(workers)
                case "split":
                    self.split(workers)
                case "void":
                    self.void(workers[0], back=False)
                case "restore":
                    self.void(workers[0], back=True)
                case "void judgments":
                    seqs = [
                        seq for (_, who), (_, seq) in self.oracle.last.items() if who in workers
                    ]
                    chosen = [seq for seq in self.oracle.voidable() if seq in seqs][::3]
                    if chosen:
                        self.carry_out(VoidJudgments(tuple(chosen)))
                        self.oracle.void_judgments(chosen)
                case "judge":
                    self.judge(workers, source)
            self.agrees()

    def judge(self, workers: list[int], source: random.Random) -> None:
        rows = [
            (worker, task)
            for worker in workers
            for task in range(len(self.oracle.tasks))
            if source.random() < 0.5
        ]
        if rows:
            who, what = zip(*rows, strict=True)
            batch = submissions(who, source.choices(range(LABELS), k=len(rows)), task=what)
            self.before()
            self.exact = False
            answer = self.run(self.shard.submit(batch))
            assert answer.code == self.oracle.submit(batch, answer.seq.tolist())

    @rule(data=st.data())
    def join_some(self, data: st.DataObject) -> None:
        everyone = st.integers(0, self.oracle.workers - 1)
        self.join(data.draw(st.lists(everyone, min_size=1, max_size=3, unique=True)))

    def join(self, workers: list[int]) -> None:
        act = JoinWorkers(tuple(workers))
        if len(workers) == 1:
            self.refused(act, InvalidInput)
        elif any(set(workers) <= group for group in self.oracle.groups):
            self.refused(act, AlreadyJoined)
        else:
            self.carry_out(act)
            self.oracle.join(workers)

    def split(self, workers: list[int]) -> None:
        act = SplitWorkers(tuple(workers))
        if not all(self.oracle.mates(worker) for worker in workers):
            self.refused(act, NotJoined)
        else:
            self.carry_out(act)
            self.oracle.split(workers)

    @invariant()
    def groups_are_known(self) -> None:
        if hasattr(self, "shard"):
            voices = self.shard.memory.voices
            known = sorted(sorted(group.members) for group in voices.groups())
            assert known == sorted(sorted(group) for group in self.oracle.groups)


def test_any_program_with_joins_agrees_with_a_rebuild(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(VoicesProgram, "url", database_url)
    monkeypatch.setattr("api.flush.retracted.PART", 2)  # so that an act takes several flushes
    run_state_machine_as_test(
        VoicesProgram,
        settings=settings(
            max_examples=10,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # shrinking a program on a database takes minutes
            database=None,
        ),
    )


@pytest.mark.parametrize("seed", range(4))
def test_acts_about_the_same_judgments_compose_in_any_order(
    database_url: str, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Denser than hypothesis would be: the same few judgments voided, muted and given back."""
    monkeypatch.setattr(VoicesProgram, "url", database_url)
    monkeypatch.setattr("api.flush.retracted.PART", 2)
    program = VoicesProgram()
    try:
        program.memories, program.exact = {}, False
        program.begin_project(overlap=4, require_lease=False)
        program.add_tasks([0, 1, 2, 3, 4], 0, -1)
        for part in range(4):
            program.tangle(100 * seed + part)
            program.remember()
            program.equals_a_rebuild()
            program.reload(clean=part % 2 == 0)
            program.groups_are_known()
    finally:
        program.teardown()

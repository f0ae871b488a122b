"""All that a shard keeps in memory of one project. The log is the truth; this is a cache of it.

Everything here shows committed state, but for `load` and `leases`, which the planning of a flush
moves ahead: if its commit fails, the whole memory is thrown away and read again.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from api.acts import Ruling
from api.budget import NOTHING_PAID, Budget, Cost, Ledger, day_of, price_of
from api.calibrated import Calibrated
from api.projects import Project
from api.rows import (
    Int8s,
    Int16s,
    Int32s,
    Int64s,
    distinct,
)
from api.state.alerts import AlertBook
from api.state.cohorts import Full
from api.state.directory import Directory
from api.state.doubts import Doubts
from api.state.eligibility import Eligibility
from api.state.gold_book import GoldBook
from api.state.leases import LeaseBook, OpenLease
from api.state.lessons import Lessons
from api.state.passed import Passed
from api.state.reputations import Background
from api.state.standing import Standing, room
from api.state.tempo import Tempo
from api.state.vetting import Vetting
from api.state.voices import Voices
from engine import GOLD, RETRACT, Categorical, Consensus, TaskQueue
from engine.truths import observed

MODEL: Final = "MODEL"  # the kind of workers who are programs

_NOBODY: Final[Set[int]] = frozenset()
_NO_ATTRIBUTES: Final[Mapping[int, Mapping[str, Any]]] = MappingProxyType({})


@dataclass(slots=True)
class Changed:
    """Tasks, workers and alerts (by their numbers) that look different now."""

    tasks: Int32s
    workers: Int32s
    alerts: Int32s = field(default_factory=distinct)


class Memory:
    """A project's model, tests, queue, open leases, directories and standing, as of `seq`."""

    def __init__(
        self,
        project: Project,
        model: Categorical | None = None,
        vetting: Vetting | None = None,
    ) -> None:
        self.project = project
        self.seq = 0
        self.snapshot_seq = 0  # of the snapshot it was read from
        self.model = model or Categorical(len(project.labels))
        self.vetting = vetting or Vetting.of(project)
        self.queue = TaskQueue(self.model)
        self.tasks = Directory()
        self.workers = Directory()
        self.eligibility = Eligibility()
        self.leases = LeaseBook()
        self.passed = Passed()
        self.full = Full()
        # Live judgments and open leases, planned ones too, that take a place of the overlap.
        self.load = np.zeros(0, np.int32)
        self._models: set[int] = set()
        self.standing = Standing()
        self.gold = GoldBook(len(project.labels))
        self.background = Background(len(project.labels))
        self.doubts = Doubts()
        self.voided: dict[int, int] = {}  # seq of the decision by voided worker
        self.voices = Voices()
        self.alerts = AlertBook()
        self.calibrated = Calibrated()
        self.ledger = Ledger()
        self.tempo = Tempo()

    # What changes it

    def add_tasks(
        self,
        names: Sequence[str],
        priorities: Sequence[int],
        seq: int,
        attributes: Mapping[int, Mapping[str, Any]] = _NO_ATTRIBUTES,
    ) -> Int32s:
        """Take in new tasks, with the attributes, by id, of those that ask something of workers;
        return their dense ids."""
        self.tasks.append(names)
        ids = self.standing.add_tasks(len(names), seq)
        self.load = room(self.load, len(self.tasks))
        demands = np.zeros(len(ids), np.int32)
        for task, asked in attributes.items():
            demands[task - ids[0]] = self.eligibility.demand(asked)
        self.eligibility.ask(ids, demands)
        self.queue.add(ids, np.array(priorities, np.int16), demands)
        return ids

    def add_workers(
        self,
        names: Sequence[str],
        kinds: Sequence[str],
        seq: int,
        attributes: Mapping[int, Mapping[str, Any]] = _NO_ATTRIBUTES,
    ) -> Int32s:
        """Take in new workers, with the attributes, by id, of those who have some; return their
        dense ids."""
        self.workers.append(names)
        self.background.count(len(names))
        ids = self.standing.add_workers([kind == MODEL for kind in kinds], seq)
        for worker, declared in attributes.items():
            self.eligibility.declare(worker, declared)
        self._models.update(ids[self.standing.is_model[ids]].tolist())
        return ids

    @property
    def models(self) -> Set[int]:
        """Workers who are programs."""
        return self._models

    @property
    def placeless(self) -> Set[int]:
        """Workers whose judgments and leases take no place of the overlap: they come on top."""
        return _NOBODY if self.project.policy.models_count else self._models

    def learn(self, lessons: Lessons, seq: int) -> Changed:
        """Let the model learn events that end at `seq`; standing, tests and queue follow."""
        policy = self.project.policy
        outcome = self.model.apply(observed(lessons.events, self.model.labels))
        self.background.count(len(lessons.events), refitted=outcome.refitted)
        tasks, workers = self.standing.update(self.model, policy, outcome, seq)
        self.rest(outcome.tasks)
        self._let_again(lessons)
        turned = self.vetting.learn(self.project, lessons)
        self.standing.worker_seq[turned] = seq
        return Changed(tasks, distinct(workers, turned) if len(turned) else workers)

    def know(self, kind: str, seq: int, task: int, body: Mapping[str, Any]) -> None:
        """Let a decision about gold take effect; what is learned from it follows with `learn`."""
        self.gold.take(kind, seq, task, body)
        self.model.truths.put(task, self.gold.standing(task))

    def pass_over(self, worker: int, task: int) -> None:
        """Take note that a worker gave a task back, or let it run out."""
        self.passed.note(worker, task)
        if self.gold.known(task):
            self.gold.given_back[task] += 1

    def recall_passed(self, passed: Iterable[tuple[int, int]]) -> None:
        """Take what workers passed over before, each a worker and a task, the earliest first."""
        self.passed = Passed()
        self.gold.given_back.clear()
        for worker, task in passed:
            self.pass_over(worker, task)

    def adopt(self, project: Project, seq: int) -> Int32s:
        """Take a policy that came with the decision at `seq`; a sweep is due. Returns the workers
        who look different."""
        self.background.count(1)
        counted = self.project.policy.models_count
        self.project = project
        self.full.forget()
        self.standing.begin_sweep()
        if project.policy.models_count != counted and self._models:
            self._count_loads()
        else:
            demanded = np.flatnonzero(self.standing.required[: len(self.tasks)])
            self.tell_loads(demanded.astype(np.int32))
        everyone = np.arange(len(self.workers), dtype=np.int32)
        workers = everyone if self.vetting.adopt(project, seq) else everyone[:0]
        self.standing.worker_seq[workers] = seq
        return workers

    def calibrate(self, calibrated: Calibrated) -> None:
        """Let confidence mean what was learned; a sweep is due."""
        self.calibrated = calibrated
        if calibrated.calibration is not None:
            self.model.calibration = calibrated.calibration
        self.standing.begin_sweep()

    def rule(self, ruling: Ruling, seq: int) -> Int32s:
        """Let what was said of a worker at `seq` take effect; return who changed."""
        workers = self.vetting.rule(self.project, ruling, seq)
        self.standing.worker_seq[workers] = seq
        return workers

    @property
    def sweeping(self) -> bool:
        """Whether a refit or another policy moved tasks that `sweep` has not come to."""
        return self.standing.sweeping

    def sweep(self, seq: int) -> Int32s:
        """Let standing and queue of some more tasks follow; return those that changed, at `seq`."""
        policy = self.project.policy
        tasks, moved = self.standing.sweep(self.model, policy, seq)
        self.rest(tasks)
        return moved

    def sweep_all(self, seq: int) -> Int32s:
        """The same until nothing is left of the sweep."""
        moved = []
        while self.sweeping:
            moved.append(self.sweep(seq))
        return distinct(*moved)

    def require(self, tasks: Int32s, judgments: Int32s, seq: int) -> Int32s:
        """Demand so many judgments of each task before it may settle; return those that changed."""
        policy = self.project.policy
        self.standing.required[tasks] = judgments
        moved = self.standing.look(self.model, policy, tasks, seq, noticeable=0.0)
        self.rest(tasks)
        self.tell_loads(tasks)
        return moved

    def void(self, worker: int, seq: int) -> Int32s:
        """Take note that a worker is voided, by the decision at `seq`; return who changed."""
        self.voided[worker] = seq
        return self.stamp([worker], seq)

    def unvoid(self, worker: int, seq: int) -> Int32s:
        """Take note that a worker is voided no more; return who changed."""
        del self.voided[worker]
        return self.stamp([worker], seq)

    def refit(self, seq: int, judgments: int, *, begin: bool) -> Int32s:
        """Do a part of a refit, of so many judgments of a pass, the first one if it begins; return
        the workers who changed.

        One begins when an act of staff is whole, so that is when the tests judge it. Where it is
        complete, a sweep is due.
        """
        turned = np.zeros(0, np.int32)
        if begin:
            self.model.begin_refit()
            turned = self.vetting.settle(self.project, seq)
            self.standing.worker_seq[turned] = seq
        if not self.model.refitting or not self.model.advance_refit(judgments):
            return turned
        self.background.count(0, refitted=True)
        self.standing.begin_sweep()
        workers = np.arange(len(self.workers), dtype=np.int32)
        self.standing.worker_seq[workers] = seq
        return workers

    def join(self, workers: Sequence[int], seq: int) -> Int32s:
        """Let workers count as one, by the decision at `seq`; return who changed."""
        return self.stamp(self.voices.join(workers, seq), seq)

    def split(self, workers: Sequence[int], seq: int) -> Int32s:
        """Let the groups of workers count as one no more; return who changed."""
        changed = self.voices.split(workers)
        for worker in changed:
            self.queue.forget(worker)
        return self.stamp(changed, seq)

    def declare(self, worker: int, attributes: Mapping[str, Any], seq: int) -> Int32s:
        """Take the attributes of a worker, by the decision at `seq`; return who changed."""
        self.eligibility.declare(worker, attributes)
        self.full.forget()
        self.queue.forget(worker)
        return self.stamp([worker], seq)

    def stamp(self, workers: Sequence[int], seq: int) -> Int32s:
        """Take note that workers changed at `seq`; return them."""
        ids = np.array(workers, np.int32)
        self.standing.worker_seq[ids] = seq
        return ids

    def tell_loads(self, tasks: Int32s) -> None:
        """Let the queue know these tasks' loads, each once.

        The queue has one limit for all tasks, the overlap. Of a task that may have more judgments
        it is told as many fewer, so that it comes to the limit when its own is reached.
        """
        further = np.maximum(self.standing.required[tasks] - self.project.policy.overlap, 0)
        self.queue.set_loads(tasks, np.maximum(self.load[tasks] - further, 0))

    def recall(self, task_seq: Int64s, worker_seq: Int64s) -> None:
        """Take over a model from a snapshot: how things stand, and when they last changed."""
        self.standing.recount(self.model, np.arange(len(self.tasks), dtype=np.int32))
        self.standing.begin_sweep()
        self.sweep_all(self.seq)
        self.standing.seq[: len(task_seq)] = task_seq
        self.standing.worker_seq[: len(worker_seq)] = worker_seq

    def replay(self, lessons: Lessons) -> Changed:
        """Learn events from the log, each with its seq. `restart` must follow the last ones."""
        # Model and tests know nothing of each other, and neither holds the interpreter up.
        with ThreadPoolExecutor(1) as beside:
            turning = beside.submit(self.vetting.learn, self.project, lessons)
            tasks, workers = self._replay_to_model(lessons)
            turned = turning.result()
        last = int(lessons.seqs[-1])
        self._let_again(lessons)
        self.standing.worker_seq[turned] = last
        self.seq = last
        return Changed(tasks, distinct(workers, turned))

    def _replay_to_model(self, lessons: Lessons) -> tuple[Int32s, Int32s]:
        """Return the tasks and workers that look different now."""
        events, seqs = lessons.events, lessons.seqs
        outcome = self.model.apply(observed(events, self.model.labels))
        self.background.count(len(events), refitted=outcome.refitted)
        last = int(seqs[-1])
        tasks, workers = self.standing.update(self.model, self.project.policy, outcome, last)
        # Later rows win, so this leaves the seq of the last event of each.
        self.standing.seq[events.task] = seqs
        judging = events.kind != GOLD
        self.standing.worker_seq[events.worker[judging]] = seqs[judging]
        self.standing.retract(events.task[events.kind == RETRACT])
        if outcome.refitted:  # somewhere among the events: what moved counts as new at the end
            tasks = distinct(tasks, self.sweep_all(last))
            self.standing.seq[tasks] = last
            self.standing.worker_seq[workers] = last
        return tasks, workers

    def restart(self, leases: Sequence[OpenLease]) -> None:
        """Begin to lease anew: with these leases, and every task's load counted afresh."""
        standing = self.standing
        self.leases = LeaseBook()
        for lease in leases:
            self.leases.grant(lease)
        held = np.array([lease.task for lease in leases], np.int32)
        standing.leases[:] = 0
        np.add.at(standing.leases, held, 1)
        self._count_loads()
        self.rest(np.arange(len(self.tasks), dtype=np.int32))
        self.vetting.survey(self.project, len(self.workers))

    def _count_loads(self) -> None:
        ids = np.arange(len(self.tasks), dtype=np.int32)
        judgments, placeless = self.standing.judgments[ids], self.placeless
        held = [lease.task for lease in self.leases.open.values() if lease.worker not in placeless]
        self.load[ids] = judgments - self.standing.beside(ids, self.project.policy)
        np.add.at(self.load, np.array(held, np.int32), 1)
        self.tell_loads(ids)

    def rest(self, tasks: Int32s) -> None:
        """Let the queue follow what became of tasks."""
        self.queue.follow(tasks)
        parked = self.gold.quarantined(tasks)
        turned, opened = self.standing.rest(tasks, parked, self.in_turn(tasks))
        self.queue.set_open(turned, opened)

    def _let_again(self, lessons: Lessons) -> None:
        """Whose judgment was taken back may have its task again."""
        events = lessons.events
        for worker in set(events.worker[events.kind == RETRACT].tolist()):
            self.queue.forget(worker)

    # What is read

    def labels_of(self, tasks: Int32s, workers: Int32s) -> Int16s:
        """Return the labels of live judgments; -1 where there is none, or no such id."""
        return self.model.labels_of(tasks, workers)

    def spoken_for(self, tasks: Int32s, workers: Int32s) -> list[bool]:
        """Whether a judgment of tasks[i] counts by another one of the group of workers[i]."""
        spoken = np.zeros(len(tasks), np.bool_)
        pairs = [
            (row, mate) for row, worker in enumerate(workers) for mate in self.voices.mates(worker)
        ]
        if pairs:
            rows, mates = (np.array(column, np.int32) for column in zip(*pairs, strict=True))
            spoken[rows[self.labels_of(tasks[rows], mates) >= 0]] = True
        return spoken.tolist()

    def statuses(self, tasks: Int32s, now: Consensus) -> Int8s:
        """Return the status of tasks of which `now` is the consensus, also of those that a sweep
        has not come to."""
        if not self.sweeping:
            return self.standing.status[tasks]
        return self.standing.statuses(self.model, self.project.policy, tasks, now)

    def in_turn(self, tasks: Int32s) -> NDArray[np.bool_]:
        """Which of the tasks are gold that is handed out at its own place among the others: where
        these keep their order, what is drawn would stand out. As others do it gets the judgments
        that a task needs, and no more."""
        policy = self.project.policy
        if not policy.keep_order or policy.gold_rate == 0:
            return np.zeros(len(tasks), np.bool_)
        judgments = self.standing.judgments[tasks] - self.standing.beside(tasks, policy)
        return np.asarray((self.gold.classes(tasks) >= 0) & (judgments < policy.enough))

    def exposures(self, task: int) -> int:
        """How often workers have seen a gold task: those who judged it, hold it (planned leases as
        well), or gave it back."""
        standing = self.standing
        seen = max(int(self.load[task]), int(standing.judgments[task] + standing.leases[task]))
        return seen + self.gold.given_back[task]

    def price_for(self, worker: int) -> int:
        """What the worker's next judgment costs."""
        usual = price_of(self.project.policy, is_model=worker in self._models)
        return self.eligibility.prices.get(worker, usual)

    def budget(self, at: datetime, bill: Cost = NOTHING_PAID) -> Budget:
        """Return what is spent and left at a moment. `bill`: what a flush pays in addition."""
        paid, today = self.ledger.total.plus(bill), self.ledger.on(day_of(at)).plus(bill)
        return Budget.of(self.project.policy, paid, today, self.leases.reserved)

    def seqs(self) -> tuple[Int64s, Int64s]:
        """Return the seq of the last change of each task and of each worker."""
        standing = self.standing
        return standing.seq[: len(self.tasks)], standing.worker_seq[: len(self.workers)]

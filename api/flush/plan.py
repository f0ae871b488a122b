"""One flush before its commit: what the waiting requests come to, row by row, in order."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any, Final

import numpy as np
import orjson

from api.acts import Row, Ruling
from api.budget import Bill, Budget
from api.calibrated import Calibrated
from api.codes import Code
from api.decisions import (
    POLICY_CHANGED,
    REFIT,
    TASKS_ADDED,
    WORKER_DECLARED,
    WORKERS_ADDED,
)
from api.errors import PolicyConflict, Refused
from api.flush.gold_answers import answered
from api.flush.lookups import Known
from api.flush.requests import AddTasks, AddWorkers, Declare, Refit, Release, SetGold, UpdatePolicy
from api.limits import Limits
from api.memory import Memory
from api.projects import Project
from api.state.directory import NewNames, storable
from api.state.eligibility import MOST_DEMANDS, names_in
from api.state.leases import EXPIRED, JUDGED, RELEASED, OpenLease, pair
from db.log import Entries
from engine.truths import UNKNOWN, is_answer

ENGINE: Final = "engine"  # the actor of decisions that no person took

_EVERYONE: Final = -1

_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # escaped, and not a backslash before "u0000"


class Plan:
    """What a flush will write, and what its requests will be answered.

    Makes the leases and loads of the memory move ahead; all else there waits for the commit.
    """

    def __init__(
        self,
        memory: Memory,
        known: Known,
        now: datetime,
        entropy: Callable[[int], bytes],
        limits: Limits,
    ) -> None:
        self.memory = memory
        self.known = known
        self.now = now
        self.entries = Entries()
        self.seq = memory.seq
        self.project: Project | None = None
        self.judged: dict[int, tuple[int, int]] = {}  # (label, seq) by pair
        self.dirty: set[int] = set()  # tasks whose load the queue does not know yet
        self.new_tasks = NewNames(len(memory.tasks), columns=([], [], []))
        self.new_workers = NewNames(len(memory.workers), columns=([], []))
        self.declared: dict[int, Mapping[str, Any]] = {}  # attributes by worker
        self.ended: list[int] = []  # tasks, one for each lease that ends
        self.required: dict[int, int] = {}  # judgments that staff demand, by task
        self.voided: dict[int, int] = {}  # seq of the decision, by worker who is voided now
        self.restored: dict[int, int] = {}  # the same of those who are so no more
        self.refits: Refit | None = None  # what is fitted in this flush
        self.calibrated: Calibrated | None = None  # what confidence means from now on
        self.recorded: list[int] = []  # seqs of what the tests had come to before
        self.ruling: tuple[int, Ruling] | None = None  # with the seq of its decision
        self.joined: dict[int, tuple[int, ...]] = {}  # who counts as one, by the decision's seq
        self.split: dict[int, tuple[int, ...]] = {}  # who does so no more
        self.muted: set[int] = set()  # pairs whose judgment of this flush does not count
        self._asked: set[frozenset[str]] = set()  # what tasks of this flush are the first to ask
        self._granted: dict[int, int] = {}  # place in entries.grants by lease id
        self._gold: dict[int, Mapping[str, Any]] = {}  # what was decided of tasks
        self._judged_by_worker: dict[int, set[int]] = {}
        self._judges_by_task: dict[int, list[int]] = {}
        self._labels: Counter[tuple[int, int]] = Counter()
        self._bill = Bill()
        self._judgments_sorted = 0  # how many of entries.judgments are in both
        self.entropy = entropy
        self.limits = limits

    @property
    def structural(self) -> bool:
        """Whether it takes more than one statement to store."""
        return bool(
            self.new_tasks.ids
            or self.new_workers.ids
            or self.project
            or self.declared
            or self.entries.retractions.seq
        )

    def next_seq(self) -> int:
        """Take the next seq of the log."""
        self.seq += 1
        return self.seq

    # Leases

    def end(self, lease: OpenLease, outcome: str) -> None:
        """End an open lease; what becomes of its place is the caller's matter."""
        self.memory.leases.end(lease, outcome)
        self.ended.append(lease.task)
        place = self._granted.get(lease.lease_id.int)
        if place is not None:
            self.entries.grants.outcome[place] = outcome
        else:
            self.entries.closings.lease_id.append(lease.lease_id)
            self.entries.closings.outcome.append(outcome)

    def free(self, lease: OpenLease, outcome: str) -> None:
        """End an open lease and give its place back to the task."""
        self.end(lease, outcome)
        if outcome != JUDGED:
            self.memory.pass_over(lease.worker, lease.task)
        self.memory.full.free(lease.task)
        if lease.worker not in self.memory.placeless:
            self.memory.load[lease.task] -= 1
            self.dirty.add(lease.task)

    def expire(self) -> None:
        """End what ran out; before anything else, so that its places can be given away."""
        for lease in self.memory.leases.due(self.now.timestamp()):
            self.free(lease, EXPIRED)

    def grant(self, lease: OpenLease, seq: int, expires_at: datetime) -> None:
        """Enter a new lease, which takes a place of its task unless the worker takes none."""
        self.memory.leases.grant(lease)
        grants = self.entries.grants
        self._granted[lease.lease_id.int] = len(grants.seq)
        grants.lease_id.append(lease.lease_id)
        grants.seq.append(seq)
        grants.task.append(lease.task)
        grants.worker.append(lease.worker)
        grants.expires_at.append(expires_at)
        grants.outcome.append(None)
        grants.price.append(lease.price or None)
        if lease.worker not in self.memory.placeless:
            self.memory.load[lease.task] += 1
            self.dirty.add(lease.task)

    def release(self, request: Release) -> None:
        """Take leases back."""
        request.code = []
        book = self.memory.leases
        for lease_id in request.lease_ids:
            key = lease_id.int
            lease = book.open.get(key)
            past = None if lease else book.ended.get(key) or self.known.leases.get(key)
            of_lease = lease or past
            code = ""
            if of_lease is None:
                code = Code.LEASE_NOT_FOUND
            elif request.worker not in (None, of_lease.worker):
                code = Code.LEASE_FOREIGN
            elif lease is not None:
                self.free(lease, RELEASED)
            elif past is not None and past.outcome == EXPIRED:
                code = Code.LEASE_EXPIRED
            elif past is not None and past.outcome == JUDGED:
                code = Code.LEASE_USED
            request.code.append(code)

    def tell_loads(self) -> None:
        """Let the queue know the loads that changed; before it is asked, and at the end."""
        if self.dirty:
            self.memory.tell_loads(np.fromiter(self.dirty, np.int32, len(self.dirty)))
            self.dirty.clear()

    def judges_of(self, task: int) -> list[int]:
        """Workers who judge a task in this flush."""
        self._sort_judgments()
        return self._judges_by_task.get(task, [])

    def judged_by(self, worker: int) -> set[int]:
        """Tasks that a worker judges in this flush."""
        self._sort_judgments()
        return self._judged_by_worker.get(worker, set())

    def labelled(self, worker: int, label: int) -> tuple[int, int]:
        """How often a worker gives a label in this flush, and how often all give it."""
        self._sort_judgments()
        return self._labels[worker, label], self._labels[_EVERYONE, label]

    def _sort_judgments(self) -> None:
        """Sort by worker, task and label what came since. Only when somebody asks: most flushes
        have judgments only."""
        stored, done = self.entries.judgments, self._judgments_sorted
        columns = (stored.task[done:], stored.worker[done:], stored.label[done:])
        for task, by, label in zip(*columns, strict=True):
            self._judged_by_worker.setdefault(by, set()).add(task)
            self._judges_by_task.setdefault(task, []).append(by)
            self._labels[by, label] += 1
            self._labels[_EVERYONE, label] += 1
        self._judgments_sorted = len(stored.task)

    def budget(self) -> Budget:
        """What is spent and left, after the judgments and leases of this flush so far."""
        return self.memory.budget(self.now, self._bill.of(self.entries.judgments))

    # Staff

    def set_gold(self, request: SetGold) -> None:
        """Set or withdraw known answers; what is so already is not decided again."""
        request.seq = []
        memory, book = self.memory, self.memory.gold
        tasks, labels = len(memory.tasks), len(memory.project.labels)
        columns = (request.task.tolist(), request.answer.tolist(), request.explanation)
        for task, answer, text in zip(*columns, strict=True):
            known = answer == UNKNOWN or is_answer(answer, labels)
            if not (known and 0 <= task < tasks):
                request.seq.append(-1)
                continue
            kind, body = answered(book, task, answer, source=request.source, explanation=text)
            now = self._gold[task] if task in self._gold else book.told(task) or {}
            if now == body:
                request.seq.append(self.seq)
                continue
            self._gold[task] = body
            request.seq.append(self.decide(kind, body, request.actor, task=task))

    def add_tasks(self, request: AddTasks) -> None:
        """Add the tasks that are not there."""
        request.code, request.task, request.created = [], [], []
        labels, rows = len(self.memory.project.labels), request.rows
        for name, payload, attributes, priority, gold in zip(
            rows.external_id, rows.payload, rows.attributes, rows.priority, rows.gold, strict=True
        ):
            code = _unfit(name, payload, attributes, priority) or self._unmeetable(attributes)
            if not -1 <= gold < labels:
                code = Code.UNKNOWN_LABEL
            task, created = -1, False
            if not code:
                task, created = self.new_tasks.find_or_add(
                    self.memory.tasks, name, payload, attributes, priority
                )
            if created and gold >= 0:
                kind, body = answered(self.memory.gold, task, gold)
                self.decide(kind, body, request.actor, task=task)
            request.code.append(code)
            request.task.append(task)
            request.created.append(created)
        self._decide_added(TASKS_ADDED, self.new_tasks, sum(request.created), request.actor)

    def _unmeetable(self, attributes: Mapping[str, Any]) -> str:
        """The reason why a task cannot ask for this, or ''."""
        asked = names_in(attributes)
        if asked is None:
            return Code.INVALID_DEMAND
        known = self.memory.eligibility.demands
        if asked not in known and asked not in self._asked:
            if len(known) + len(self._asked) >= MOST_DEMANDS:
                return Code.INVALID_DEMAND
            self._asked.add(asked)
        return ""

    def add_workers(self, request: AddWorkers) -> None:
        """Add the workers that are not there."""
        request.worker, created = [], 0
        for name, kind, attributes in zip(
            request.external_id, request.kind, request.attributes, strict=True
        ):
            worker, new = self.new_workers.find_or_add(self.memory.workers, name, kind, attributes)
            created += new
            request.worker.append(worker)
        self._decide_added(WORKERS_ADDED, self.new_workers, created, request.actor)

    def declare(self, request: Declare) -> None:
        """Set the attributes of a worker."""
        self.declared[request.worker] = request.attributes
        body = {"attributes": request.attributes}
        request.seq = self.decide(WORKER_DECLARED, body, request.actor, worker=request.worker)

    def update_policy(self, request: UpdatePolicy) -> None:
        """Change the policy. The request is alone in its flush: others see the new one."""
        project = self.memory.project
        version = project.policy_version
        if request.expected_version not in (None, version):
            request.refusal = PolicyConflict(int(request.expected_version or 0), version)
            return
        try:
            policy = project.policy.changed(request.changes)
        except Refused as refusal:
            request.refusal = refusal
            return
        if policy != project.policy:
            self.project = replace(project, policy=policy, policy_version=version + 1)
            before = project.policy.to_json()
            body = {
                "version": version + 1,
                "policy": policy.to_json(),
                "before": before,
                "preset": request.preset,
            }
            self.decide(POLICY_CHANGED, body, request.actor)

    def refit(self, request: Refit) -> None:
        """Fit everything anew, or a further part of it, unless none is left."""
        if request.begin or self.memory.model.refitting:
            self.refits = request
            body = {"begin": request.begin, "judgments": request.judgments}
            self.decide(REFIT, body, ENGINE)

    def _decide_added(self, kind: str, names: NewNames, count: int, actor: str) -> None:
        # Tasks and workers as such are no part of the log; this lets a cursor pass the last ones.
        if count:
            first = names.first + len(names.ids) - count
            self.decide(kind, {"first": first, "count": count}, actor)

    def decide(
        self,
        kind: str,
        body: Mapping[str, Any],
        actor: str,
        *,
        task: int | None = None,
        worker: int | None = None,
        client_id: str | None = None,
    ) -> int:
        """Enter a decision; return its seq."""
        decisions, seq = self.entries.decisions, self.next_seq()
        decisions.seq.append(seq)
        decisions.kind.append(kind)
        decisions.task.append(task)
        decisions.body.append(body)
        decisions.actor.append(actor)
        decisions.worker.append(worker)
        decisions.client_id.append(client_id)
        return seq

    def retract(self, decision: int, row: Row, *, restores: bool) -> None:
        """Let a decision hold a judgment back, or give it back; its place follows if it `turns`."""
        retractions = self.entries.retractions
        retractions.seq.append(self.next_seq())
        retractions.decision.append(decision)
        retractions.judgment.append(row.seq)
        retractions.task.append(row.task)
        retractions.worker.append(row.worker)
        retractions.label.append(row.label)
        retractions.seconds.append(row.seconds if restores else None)
        retractions.restores.append(restores)
        retractions.turns.append(row.turns)
        self.memory.full.free(row.task)
        if row.turns and row.worker not in self.memory.placeless:
            self.memory.load[row.task] += 1 if restores else -1
            self.dirty.add(row.task)

    # The engine

    def evict(self) -> None:
        """Release what workers hold who were banned; their places can be given away."""
        memory = self.memory
        if not memory.project.policy.act_on_status:
            return
        for worker in memory.vetting.evicted:
            self.free_all(worker)

    def free_all(self, worker: int) -> None:
        """End all open leases of a worker, and give their places back."""
        book = self.memory.leases
        for task in book.tasks_of(worker).tolist():
            self.free(book.pairs[pair(task, worker)], RELEASED)

    def record(self, most: int) -> None:
        """Enter what the tests have come to, up to so many decisions."""
        for verdict in islice(self.memory.vetting.unrecorded, most):
            seq = self.decide(verdict.kind, verdict.body, ENGINE, worker=verdict.worker)
            self.recorded.append(seq)


def _unfit(name: str, payload: object, attributes: object, priority: int) -> str:
    """The reason why a task cannot be stored, or ''."""
    if not storable(name):
        return Code.INVALID_TEXT
    if not 0 <= priority <= 9:
        return Code.INVALID_PRIORITY
    return "" if all(map(storable_json, (payload, attributes))) else Code.INVALID_JSON


def storable_json(value: object) -> bool:
    """Whether a value is a JSON object that PostgreSQL can store."""
    try:
        text = orjson.dumps(value)
    except (TypeError, ValueError):
        return False
    return isinstance(value, dict) and not _NUL.search(text)

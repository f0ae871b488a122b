"""An interval of the log, and how a memory takes it in.

Nothing here waits: a connection that breaks while the interval is read leaves the memory as it was,
and one that has begun to take it in comes to its end.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import asyncpg
import numpy as np

from api.budget import Cost
from api.calibrated import Calibrated
from api.decisions import (
    CALIBRATED,
    GOLD_SUSPECTED,
    POLICY_CHANGED,
    REFIT,
    TASK_REOPENED,
    WORKER_DECLARED,
    WORKER_RESTORED,
    WORKER_VOIDED,
    WORKERS_JOINED,
    WORKERS_SPLIT,
)
from api.flush.ruling import RULINGS, ruling_of
from api.log.snapshots import Restored
from api.memory import Changed, Memory
from api.policy import Policy
from api.rows import distinct
from api.state.alerts import Decision
from api.state.leases import OpenLease
from api.state.lessons import of_rows
from api.state.vetting import Vetting
from db.log import EventRows

_REFIT_PART: Final = 300_000  # judgments of a part of a refit, where the log does not tell

Rows = Sequence[asyncpg.Record]


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a memory is begun with: a snapshot, and what the log says up to its seq of what no
    snapshot holds."""

    restored: Restored
    acts: Rows
    retracted: Sequence[int]  # tasks of which a judgment was held back

    def take(self, memory: Memory) -> None:
        """Bring a memory that has the snapshot's model and tests to its seq."""
        restored = self.restored
        for act in self.acts:
            _recall_act(memory, act)
        # What comes next asks who is barred: an appeal that is granted lifts only what there is.
        memory.vetting.survey(memory.project, len(memory.workers))
        memory.standing.retract(np.array(self.retracted, np.int32))
        memory.gold.recall(restored.gold)
        for task in memory.gold.tasks().tolist():
            memory.model.truths.put(task, memory.gold.standing(task))
        memory.ledger.recall(restored.paid)
        memory.recall(restored.task_seq, restored.worker_seq)


@dataclass(frozen=True, slots=True)
class Interval:
    """What the log holds up to the seq `end`, from a memory's own on, but for events.

    `acts` may go beyond `end`: the first change of policy tells which one held before. `alerts`
    begin with the log if the memory begins with a snapshot. `leases` are all that are open.
    """

    end: int
    acts: deque[asyncpg.Record]
    gold: Rows
    verdicts: Rows
    alerts: Rows
    paid: Rows
    leases: Rows

    def open(self, memory: Memory, beginning: Beginning | None) -> list[Changed]:
        """What comes before the events. What it changes is told with them."""
        _begin_with_policy(memory, self.acts)
        while self.acts and self.acts[-1]["seq"] > self.end:
            self.acts.pop()
        if beginning is not None:
            beginning.take(memory)
        # What stands when the events are read is what stands in the end.
        for row in self.gold:
            if row["task_id"] is None:  # an alert, and no more
                continue
            if row["kind"] == GOLD_SUSPECTED:
                memory.gold.suspect(row["task_id"], row["body"]["answers"])
            else:
                memory.know(row["kind"], row["seq"], row["task_id"], row["body"])
        return []

    def learn(self, memory: Memory, events: EventRows) -> list[Changed]:
        """The next events.

        Each act takes effect at its place among them, as it did when they came: what it moved bears
        its seq, by which feeds and derived tables know that it moved.
        """
        changed: list[Changed] = []
        start = 0
        while self.acts and self.acts[0]["seq"] <= events["seq"][-1]:
            place = int(np.searchsorted(events["seq"], self.acts[0]["seq"]))
            if place > start:
                changed.append(memory.replay(of_rows(events[start:place])))
            changed.append(_take_act(memory, self.acts.popleft()))
            start = place
        if len(events) > start:
            changed.append(memory.replay(of_rows(events[start:])))
        return changed

    def close(self, memory: Memory) -> list[Changed]:
        """What comes after the events; the memory is at the end then."""
        changed = [_take_act(memory, act) for act in self.acts]
        nothing = np.zeros(0, np.int32)
        for row in self.verdicts:
            memory.vetting.recorded(row["kind"], row["worker_id"], row["of"], row["event"])
            if row["worker_id"] is not None:
                changed.append(Changed(nothing, memory.stamp([row["worker_id"]], row["seq"])))
        alerts = distinct(*(memory.alerts.take(Decision(*row)) for row in self.alerts))
        # Together with the leases: what they reserved is what was paid.
        for row in self.paid:
            memory.ledger.pay(row["day"], Cost(row["judgments"], row["money"]))
        memory.restart(
            [
                OpenLease(
                    row["lease_id"],
                    row["task_id"],
                    row["worker_id"],
                    row["expires_at"].timestamp(),
                    row["price"] or 0,
                )
                for row in self.leases
            ]
        )
        # What a flush had left of a sweep is owed to feeds and derived tables as well.
        changed.append(Changed(memory.sweep_all(self.end), nothing, alerts))
        memory.seq = self.end
        return changed


def _begin_with_policy(memory: Memory, acts: Sequence[asyncpg.Record]) -> None:
    """Give the memory the policy that it had at its seq: the one before the first change since.

    The tests begin with it too, unless they have seen something.
    """
    change = next((act for act in acts if act["kind"] == POLICY_CHANGED), None)
    if change is not None:
        body = change["body"]
        policy = Policy.from_json(body.get("before", body["policy"]))
        version = body["version"] - 1
        memory.project = replace(memory.project, policy=policy, policy_version=version)
        if memory.seq == 0:
            memory.vetting = Vetting.of(memory.project)


def _take_act(memory: Memory, act: asyncpg.Record) -> Changed:
    """Let an act of the log take effect on the memory, as `settle` did when it came."""
    seq, body = act["seq"], act["body"]
    nothing = np.zeros(0, np.int32)
    if act["kind"] == POLICY_CHANGED:
        policy = Policy.from_json(body["policy"])
        project = replace(memory.project, policy=policy, policy_version=body["version"])
        workers = memory.adopt(project, seq)
        return Changed(memory.sweep_all(seq), workers)
    if act["kind"] == CALIBRATED:
        memory.calibrate(Calibrated.of(body, seq))
        return Changed(memory.sweep_all(seq), nothing)
    if act["kind"] == REFIT:
        workers = memory.refit(seq, body.get("judgments", _REFIT_PART), begin=body["begin"])
        return Changed(memory.sweep_all(seq), workers)
    if act["kind"] == TASK_REOPENED:
        task, judgments = np.array([[act["task_id"]], [body["judgments"]]], np.int32)
        return Changed(memory.require(task, judgments, seq), nothing)
    if act["kind"] == WORKER_VOIDED:
        return Changed(nothing, memory.void(act["worker_id"], seq))
    if act["kind"] == WORKER_RESTORED:
        return Changed(nothing, memory.unvoid(act["worker_id"], seq))
    if act["kind"] == WORKER_DECLARED:
        return Changed(nothing, memory.declare(act["worker_id"], body["attributes"], seq))
    if act["kind"] == WORKERS_JOINED:
        return Changed(nothing, memory.join(body["workers"], seq))
    if act["kind"] == WORKERS_SPLIT:
        return Changed(nothing, memory.split(body["workers"], seq))
    return Changed(nothing, memory.rule(ruling_of(act), seq))


def _recall_act(memory: Memory, act: asyncpg.Record) -> None:
    """Take note of an act whose effect on model and tests a snapshot holds."""
    if act["kind"] in RULINGS:
        memory.vetting.recall(ruling_of(act), act["seq"])
    elif act["kind"] == CALIBRATED:
        memory.calibrated = Calibrated.of(act["body"], act["seq"])
    elif act["kind"] not in (POLICY_CHANGED, REFIT):
        _take_act(memory, act)

"""Alerts: what the engine found and staff should look at.

An alert is a decision of certain kinds, and its id that decision's seq. What became of it is told
by later decisions: staff acknowledge or resolve it, or its cause ends. So the book is a function of
the log, as of any moment.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

import numpy as np

from api.decisions import (
    ALERT_ACKNOWLEDGED,
    ALERT_RESOLVED,
    APPEAL_ANSWERED,
    FRAUD_FOUND,
    GOLD_SUSPECTED,
    JUDGMENT_CONTESTED,
    PROJECT_CHANGED,
    STATUS_CHANGED,
    WORKER_APPEALED,
    WORKER_RESTORED,
    WORKER_VOIDED,
)
from api.rows import Int32s, Int64s
from api.state.standing import room

KINDS: Final = frozenset(
    {
        FRAUD_FOUND,
        GOLD_SUSPECTED,
        JUDGMENT_CONTESTED,
        STATUS_CHANGED,
        PROJECT_CHANGED,
        WORKER_APPEALED,
        APPEAL_ANSWERED,
        WORKER_VOIDED,
        WORKER_RESTORED,
        ALERT_ACKNOWLEDGED,
        ALERT_RESOLVED,
    }
)
_OUT: Final = ("PAUSED", "BANNED")  # statuses that are alerts


class AlertKind(StrEnum):
    """What an alert is about."""

    COPYING = "COPYING"
    ONE_HAND = "ONE_HAND"
    TOO_FAST = "TOO_FAST"
    CONSTANT = "CONSTANT"
    PERIODIC = "PERIODIC"
    WORKER_PAUSED = "WORKER_PAUSED"
    WORKER_BANNED = "WORKER_BANNED"
    WORKER_WORSE = "WORKER_WORSE"
    WORKER_HURRIED = "WORKER_HURRIED"
    PROJECT_CHANGED = "PROJECT_CHANGED"
    WORKER_APPEALED = "WORKER_APPEALED"
    GOLD_LEAKED = "GOLD_LEAKED"
    GOLD_MISSED = "GOLD_MISSED"
    ALL_GOLD_LEAKED = "ALL_GOLD_LEAKED"
    JUDGMENT_CONTESTED = "JUDGMENT_CONTESTED"


class AlertState(StrEnum):
    """How far an alert has come."""

    OPEN = "OPEN"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    RESOLVED = "RESOLVED"


class Severity(StrEnum):
    """How soon staff should look."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


SEVERITIES: Final[Mapping[AlertKind, Severity]] = {
    AlertKind.COPYING: Severity.HIGH,
    AlertKind.ONE_HAND: Severity.HIGH,
    AlertKind.TOO_FAST: Severity.MEDIUM,
    AlertKind.CONSTANT: Severity.MEDIUM,
    AlertKind.PERIODIC: Severity.MEDIUM,
    AlertKind.WORKER_PAUSED: Severity.MEDIUM,
    AlertKind.WORKER_BANNED: Severity.HIGH,
    AlertKind.WORKER_WORSE: Severity.MEDIUM,
    AlertKind.WORKER_HURRIED: Severity.LOW,
    AlertKind.PROJECT_CHANGED: Severity.HIGH,
    AlertKind.WORKER_APPEALED: Severity.MEDIUM,
    AlertKind.GOLD_LEAKED: Severity.HIGH,
    AlertKind.GOLD_MISSED: Severity.HIGH,
    AlertKind.ALL_GOLD_LEAKED: Severity.HIGH,
    AlertKind.JUDGMENT_CONTESTED: Severity.MEDIUM,
}


_GROUPS: Final = {AlertKind.COPYING, AlertKind.ONE_HAND}  # a finding can turn from one to another
_FRAUDS: Final = _GROUPS | {AlertKind.TOO_FAST, AlertKind.CONSTANT, AlertKind.PERIODIC}
_FLAGS: Final = (("worse", AlertKind.WORKER_WORSE), ("hurried", AlertKind.WORKER_HURRIED))


class Decision(NamedTuple):
    """A decision of the log, as far as alerts need it."""

    seq: int
    kind: str
    worker: int | None
    body: Mapping[str, Any]
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Handling:
    """Who acknowledged or resolved an alert, when and why; `decision` is the seq of that."""

    decision: int
    actor: str
    note: str
    at: datetime


@dataclass(slots=True)
class Alert:
    """One alert. `number` counts them from 0, in the order of the log; workers are dense ids;
    `body` is that of the decision; `changed` the seq of what happened to it last."""

    number: int
    seq: int
    kind: AlertKind
    workers: tuple[int, ...]
    body: Mapping[str, Any]
    raised_at: datetime
    changed: int
    acknowledged: Handling | None = None
    resolved: Handling | None = None

    @property
    def state(self) -> AlertState:
        """How far it has come."""
        if self.resolved is not None:
            return AlertState.RESOLVED
        return AlertState.OPEN if self.acknowledged is None else AlertState.ACKNOWLEDGED

    @property
    def severity(self) -> Severity:
        """How soon staff should look."""
        return SEVERITIES[self.kind]


class AlertBook:
    """All alerts of a project, as of some seq of its log."""

    def __init__(self) -> None:
        self._alerts: list[Alert] = []
        self._by_seq: dict[int, Alert] = {}
        self._going: dict[Hashable, Alert] = {}  # unresolved, by what ends when its cause does
        self._flags: set[tuple[str, int]] = set()  # alarms that are raised: "worse" or "hurried"
        self._voided: set[int] = set()
        self._banned: set[int] = set()
        self._changed = np.zeros(0, np.int64)

    def __len__(self) -> int:
        return len(self._alerts)

    def get(self, seq: int) -> Alert | None:
        """Return the alert that the decision of this seq is."""
        return self._by_seq.get(seq)

    def at(self, number: int) -> Alert:
        """Return an alert by its number."""
        return self._alerts[number]

    def newest_first(self, before: int | None = None) -> list[Alert]:
        """Return the alerts, or those raised before a seq, the newest first."""
        return [alert for alert in reversed(self._alerts) if before is None or alert.seq < before]

    def last_of(self, kind: AlertKind) -> Alert | None:
        """Return the last alert of a kind, if there was one."""
        return next((alert for alert in reversed(self._alerts) if alert.kind is kind), None)

    def contested_by(self, worker: int) -> set[int]:
        """The tasks of which the worker contests its judgment, and which staff have not looked at.
        Cost: O(unresolved alerts)."""
        return {
            key[2]
            for key in self._going
            if isinstance(key, tuple) and key[:2] == (JUDGMENT_CONTESTED, worker)
        }

    def seqs(self) -> Int64s:
        """Return the seq of the last change of each alert."""
        return self._changed[: len(self._alerts)]

    def take(self, decision: Decision) -> Int32s:
        """Let a decision of one of KINDS take effect; return the numbers of what changed."""
        match decision.kind:
            case "FRAUD_FOUND":
                changed = self._take_fraud(decision)
            case "GOLD_SUSPECTED":
                changed = self._take_suspicion(decision)
            case "JUDGMENT_CONTESTED":
                changed = self._take_contest(decision)
            case "STATUS_CHANGED":
                changed = self._take_status(decision)
            case "PROJECT_CHANGED":
                changed = self._take_turn(decision)
            case "WORKER_APPEALED":
                kind, subject = AlertKind.WORKER_APPEALED, (WORKER_APPEALED, decision.worker)
                changed = [self._raise(decision, kind, _whom(decision), subject)]
            case "APPEAL_ANSWERED":
                subject = WORKER_APPEALED, decision.worker
                changed = self._end(subject, decision, "It was answered.")
            case "WORKER_VOIDED" | "WORKER_RESTORED":
                changed = self._take_void(decision)
            case _:
                changed = self._handle(decision)
        return np.array([alert.number for alert in changed], np.int32)

    def _take_fraud(self, decision: Decision) -> list[Alert]:
        """A finding takes the place of earlier ones that it covers."""
        kind, workers = AlertKind(decision.body["kind"]), tuple(decision.body["workers"])
        kinds = _GROUPS if kind in _GROUPS else {kind}
        covered = [
            subject
            for subject, alert in self._going.items()
            if alert.kind in kinds and set(alert.workers) <= set(workers)
        ]
        ended = [
            alert
            for subject in covered
            for alert in self._end(subject, decision, "A later finding took its place.")
        ]
        found = self._raise(decision, kind, workers, (FRAUD_FOUND, decision.seq))
        return [*ended, found, *self._end_frauds(decision, found.workers[0])]

    def _take_contest(self, decision: Decision) -> list[Alert]:
        subject = JUDGMENT_CONTESTED, decision.worker, decision.body["evidence"]["tasks"][0]
        earlier = self._end(subject, decision, "It was contested again.")
        kind = AlertKind.JUDGMENT_CONTESTED
        return [*earlier, self._raise(decision, kind, _whom(decision), subject)]

    def _take_suspicion(self, decision: Decision) -> list[Alert]:
        body = decision.body
        task = body["evidence"]["tasks"][0] if "tasks" in body["evidence"] else None
        subject = GOLD_SUSPECTED, task
        earlier = self._end(subject, decision, "It was suspected again.")
        workers = tuple(body.get("workers", ()))
        return [*earlier, self._raise(decision, AlertKind(body["kind"]), workers, subject)]

    def _take_status(self, decision: Decision) -> list[Alert]:
        body, worker = decision.body, decision.worker
        changed: list[Alert] = []
        raised: list[tuple[AlertKind, Hashable]] = []
        if body["from"] != body["to"]:
            changed += self._end((STATUS_CHANGED, worker), decision, f"It is {body['to']} now.")
            if body["to"] in _OUT:
                raised.append((AlertKind(f"WORKER_{body['to']}"), (STATUS_CHANGED, worker)))
            changed += self._take_ban(decision)
        for flag, kind in _FLAGS:
            known = flag, -1 if worker is None else worker
            if not body[flag]:
                self._flags.discard(known)
                changed += self._end(known, decision, "The alarm has ended.")
            elif known not in self._flags:
                self._flags.add(known)
                raised.append((kind, known))
        # One decision is one alert, of what weighs most.
        return changed + [
            self._raise(decision, kind, _whom(decision), subject) for kind, subject in raised[:1]
        ]

    def _take_ban(self, decision: Decision) -> list[Alert]:
        (worker,) = _whom(decision)
        if decision.body["to"] != "BANNED":
            self._banned.discard(worker)
            return []
        self._banned.add(worker)
        return self._end_frauds(decision, worker)

    def _take_void(self, decision: Decision) -> list[Alert]:
        (worker,) = _whom(decision)
        if decision.kind == WORKER_RESTORED:
            self._voided.discard(worker)
            return []
        self._voided.add(worker)
        return self._end_frauds(decision, worker)

    def _end_frauds(self, decision: Decision, worker: int) -> list[Alert]:
        """Resolve what was found of a worker where nobody is left to do something about; of a group
        that takes two. Workers who are let in again are looked at by later searches."""
        gone = self._voided | self._banned
        over = [
            (subject, alert)
            for subject, alert in self._going.items()
            if alert.kind in _FRAUDS
            and worker in alert.workers
            and not gone.isdisjoint(alert.workers)
            and len(set(alert.workers) - gone) <= (alert.kind in _GROUPS)
        ]
        single = f"The worker is {'voided' if worker in self._voided else 'banned'}."
        group = "All of them, or all but one, are voided or banned."
        return [
            alert
            for subject, fraud in over
            for alert in self._end(subject, decision, group if fraud.kind in _GROUPS else single)
        ]

    def _take_turn(self, decision: Decision) -> list[Alert]:
        subject = PROJECT_CHANGED, decision.body["of"]
        note = "It changed again." if decision.body["alarm"] else "The alarm has ended."
        changed = self._end(subject, decision, note)
        if decision.body["alarm"]:
            changed.append(self._raise(decision, AlertKind.PROJECT_CHANGED, (), subject))
        return changed

    def _handle(self, decision: Decision) -> list[Alert]:
        alert = self._by_seq[decision.body["alert"]]
        handling = Handling(decision.seq, decision.actor, decision.body["note"], decision.at)
        if decision.kind == ALERT_ACKNOWLEDGED:
            alert.acknowledged = handling
        else:
            alert.resolved = handling
            self._going = {key: each for key, each in self._going.items() if each is not alert}
        self._stamp(alert, decision.seq)
        return [alert]

    def _raise(
        self, decision: Decision, kind: AlertKind, workers: tuple[int, ...], subject: Hashable
    ) -> Alert:
        seq = decision.seq
        alert = Alert(len(self._alerts), seq, kind, workers, decision.body, decision.at, seq)
        self._alerts.append(alert)
        self._by_seq[seq] = self._going[subject] = alert
        self._changed = room(self._changed, len(self._alerts))
        self._stamp(alert, seq)
        return alert

    def _end(self, subject: Hashable, decision: Decision, note: str) -> list[Alert]:
        """Resolve the alert whose cause has ended by a decision, if there is one."""
        alert = self._going.pop(subject, None)
        if alert is None:
            return []
        alert.resolved = Handling(decision.seq, decision.actor, note, decision.at)
        self._stamp(alert, decision.seq)
        return [alert]

    def _stamp(self, alert: Alert, seq: int) -> None:
        alert.changed = seq
        self._changed[alert.number] = seq


def _whom(decision: Decision) -> tuple[int, ...]:
    return () if decision.worker is None else (decision.worker,)

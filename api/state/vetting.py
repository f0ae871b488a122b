"""Who may work: the status tests of one project, and what of their verdicts the log has not yet.

The tests are a function of the log, and so is the sequence of their verdicts. Each flush enters the
verdicts that the one before led to, in their order. After a crash between the two a replay comes to
the same verdicts, and drops those that the log has; what is left is entered then.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from math import isnan
from typing import Any, Final

import numpy as np

from api.acts import (
    AcceptPace,
    AnswerAppeal,
    Appeal,
    Contest,
    FreeStatus,
    HoldStatus,
    LiftPause,
    Ruling,
)
from api.decisions import PROJECT_CHANGED, STATUS_CHANGED
from api.policy import BAN, GOLD_AND_CONSENSUS, Policy
from api.projects import Project
from api.rows import Int32s, Int64s, distinct
from api.state.lessons import Lessons
from engine import STATUSES, Findings, StatusRules, StatusTests, Transitions, Turn

PAUSED: Final = STATUSES.index("PAUSED")
BANNED: Final = STATUSES.index("BANNED")
AGREEMENT: Final = "AGREEMENT"  # what an alarm of the project is about
LABELS: Final = "LABELS"

_DIGITS: Final = 3  # of numbers in evidence; more say nothing
_NOBODY: Final = np.zeros(0, np.int32)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the tests have come to, as a decision. `worker` None: it is about the project.

    `event` in the body is the seq of the entry of the log that led to it.
    """

    kind: str
    worker: int | None
    body: Mapping[str, Any]


@dataclass(slots=True)
class Vetting:
    """The tests, and what follows from them.

    unrecorded: verdicts that the log has not yet, in order. barred: paused and banned workers, with
    PAUSED or BANNED. evicted: those banned whose leases must be released. held: workers whose
    status staff holds, and appeals: those with an open one, each with the seq of the decision.
    """

    tests: StatusTests
    unrecorded: deque[Verdict] = field(default_factory=deque)
    barred: dict[int, int] = field(default_factory=dict)
    evicted: set[int] = field(default_factory=set)
    held: dict[int, int] = field(default_factory=dict)
    appeals: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, project: Project) -> "Vetting":
        """That of a project of which nothing was judged yet."""
        return cls(StatusTests(len(project.labels), rules_of(project.policy)))

    @property
    def due(self) -> bool:
        """Whether there is something that the next flush must do, whoever asks for it."""
        return bool(self.unrecorded or self.evicted)

    # What changes it

    def learn(self, project: Project, lessons: Lessons) -> Int32s:
        """Let the tests see events; return the workers who stand in another way."""
        transitions, turns = self.tests.apply(lessons.events, lessons.seconds, lessons.parts)
        if not len(transitions) and not turns:
            return _NOBODY
        return self._take(project, transitions, turns, lessons.seqs)

    def adopt(self, project: Project, seq: int) -> bool:
        """Follow a policy that came with the decision at `seq`; return whether it measures workers
        in another way. Cost: O(judgments) if so."""
        rules = rules_of(project.policy)
        differs = rules != self.tests.rules
        if differs:
            self._take(project, self.tests.set_rules(rules), [], _at(seq))
        self._evict(project)
        return differs

    def rule(self, project: Project, ruling: Ruling, seq: int) -> Int32s:
        """Let what staff or a worker said at `seq` take effect; return whom it is about."""
        worker = ruling.worker
        match ruling:
            case HoldStatus(status=status):
                self.held[worker] = seq
                transitions = self.tests.hold(worker, status)
            case FreeStatus():
                del self.held[worker]
                transitions = self.tests.hold(worker, None)
            case LiftPause():
                self.held.pop(worker, None)
                transitions = self.tests.lift(worker)
            case AcceptPace():
                transitions = self.tests.accept_pace(worker)
            case Appeal():
                self.appeals[worker] = seq
                return _of(worker)
            case Contest():  # it is for staff to read
                return _of(worker)
            case AnswerAppeal(granted=granted):
                del self.appeals[worker]
                if not granted or worker not in self.barred:
                    return _of(worker)
                self.held.pop(worker, None)
                transitions = self.tests.lift(worker)
        self._take(project, transitions, [], _at(seq))
        return _of(worker)

    def settle(self, project: Project, seq: int) -> Int32s:
        """Let the tests judge whom acts before `seq` were about; return who stands in another
        way."""
        return self._take(project, self.tests.settle(), [], _at(seq))

    def recall(self, ruling: Ruling, seq: int) -> None:
        """Take note of a ruling that the tests, which come from a snapshot, know of."""
        worker = ruling.worker
        match ruling:
            case HoldStatus():
                self.held[worker] = seq
            case Appeal():
                self.appeals[worker] = seq
            case AnswerAppeal():
                del self.appeals[worker]
            case FreeStatus() | LiftPause() | AcceptPace():
                pass  # the tests know who is held: see `survey`

    def recorded(self, kind: str, worker: int | None, of: str | None, event: int) -> None:
        """Drop what the log has: the verdict that such a decision records.

        What an earlier version of the tests would have decided before that is dropped as well.
        """
        waiting = self.unrecorded
        while waiting and waiting[0].body["event"] < event:
            waiting.popleft()
        if waiting and (waiting[0].kind, waiting[0].worker) == (kind, worker):
            body = waiting[0].body
            if body["event"] == event and body.get("of") == of:
                waiting.popleft()

    def survey(self, project: Project, workers: int) -> None:
        """Find out who is barred and who is held, after a start."""
        everyone = np.arange(workers, dtype=np.int32)
        held = set(np.flatnonzero(self.tests.held(everyone) >= 0).tolist())
        self.held = {worker: seq for worker, seq in self.held.items() if worker in held}
        statuses = self.tests.status(everyone)
        barred = np.flatnonzero(statuses >= PAUSED)
        self.barred = dict(zip(barred.tolist(), statuses[barred].tolist(), strict=True))
        self._evict(project)

    def _evict(self, project: Project) -> None:
        if project.policy.act_on_status:
            self.evicted |= {worker for worker, how in self.barred.items() if how == BANNED}
        else:
            self.evicted.clear()

    def _take(
        self, project: Project, transitions: Transitions, turns: list[Turn], seqs: Int64s
    ) -> Int32s:
        """Keep what the tests have come to. `seqs` of the events that were applied."""
        version = project.policy_version
        found: list[tuple[int, Verdict]] = []
        workers, now = transitions.worker.tolist(), transitions.now.tolist()
        for row, worker in enumerate(workers):
            event = int(seqs[transitions.event[row]])  # -1 where it was no event, but the one act
            body = {
                "from": STATUSES[transitions.was[row]],
                "to": STATUSES[now[row]],
                "worse": bool(transitions.worse[row]),
                "hurried": bool(transitions.hurried[row]),
                "event": event,
                "policy_version": version,
                "evidence": told(transitions.findings, row),
            }
            found.append((event, Verdict(STATUS_CHANGED, worker, body)))
            if now[row] >= PAUSED:
                self.barred[worker] = now[row]
            else:
                self.barred.pop(worker, None)
            if now[row] == BANNED and project.policy.act_on_status:
                self.evicted.add(worker)
            else:
                self.evicted.discard(worker)
        for turn in turns:
            event = int(seqs[turn.event])
            found.append((event, Verdict(PROJECT_CHANGED, None, _body(project, turn, event))))
        found.sort(key=lambda each: each[0])
        self.unrecorded += (verdict for _, verdict in found)
        return distinct(transitions.worker)


def rules_of(policy: Policy) -> StatusRules:
    """By what the policy has workers measured."""
    return StatusRules(
        acceptable=policy.acceptable_accuracy,
        unacceptable=policy.unacceptable_accuracy,
        crowd_share=policy.crowd_share,
        pause_error=policy.pause_error,
        watch_error=policy.watch_error,
        ban_error=policy.ban_error,
        pass_error=policy.pass_error,
        trust_error=policy.trust_error,
        drift_alarms=policy.drift_alarms,
        project_error=policy.project_error,
        quiz=policy.quiz,
        quiz_count=policy.quiz_count or 0,
        quiz_right=policy.quiz_right,
        quiz_bans=policy.quiz_failed == BAN,
        consensus=policy.status_evidence == GOLD_AND_CONSENSUS,
    )


def told(findings: Findings, row: int) -> dict[str, Any]:
    """The findings about one worker as plain numbers."""
    return {column.name: _plain(getattr(findings, column.name)[row].item()) for column in _FINDINGS}


_FINDINGS: Final = fields(Findings)


def _body(project: Project, turn: Turn, event: int) -> dict[str, Any]:
    return {
        "alarm": turn.alarm,
        "of": AGREEMENT if turn.agreement else LABELS,
        "label": None if turn.label < 0 else project.labels[turn.label].external_id,
        "before": _plain(turn.before),
        "after": _plain(turn.after),
        "since": None if turn.since < 0 else turn.since,
        "evidence": _plain(turn.evidence),
        "event": event,
        "policy_version": project.policy_version,
    }


def _plain(value: float) -> float | None:
    return None if isnan(value) else round(value, _DIGITS)


def _at(seq: int) -> Int64s:
    return np.array([seq], np.int64)


def _of(worker: int) -> Int32s:
    return np.array([worker], np.int32)


def names(statuses: Sequence[int]) -> list[str]:
    """The names of statuses."""
    return [STATUSES[status] for status in statuses]

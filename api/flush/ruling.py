"""What is said of a worker's status, by staff or by the worker who appeals: decisions."""

from typing import Any, Final

import asyncpg

from api.acts import (
    AcceptPace,
    AnswerAppeal,
    Appeal,
    Contest,
    Decided,
    FreeStatus,
    HoldStatus,
    LiftPause,
    Ruling,
    digest,
)
from api.decisions import (
    ALERT_RESOLVED,
    APPEAL_ANSWERED,
    JUDGMENT_CONTESTED,
    PAUSE_LIFTED,
    STATUS_FREED,
    STATUS_HELD,
    WORKER_APPEALED,
)
from api.errors import (
    AppealOpen,
    ContestOpen,
    DecisionExists,
    NoAppeal,
    NotHeld,
    NotPaused,
    Refused,
    TooManyContests,
)
from api.flush.plan import Plan
from api.flush.requests import Rule
from api.flush.retracted import Decision
from api.memory import Memory
from api.policy import NOTHING
from engine import STATUSES

RULINGS: Final = (
    *(STATUS_HELD, STATUS_FREED, PAUSE_LIFTED, WORKER_APPEALED, APPEAL_ANSWERED),
    ALERT_RESOLVED,  # of an alert about a worker's pace; that of another one bears no worker
)


def plan_ruling(plan: Plan, request: Rule, decided: Decision | None) -> None:
    """Decide on a ruling. The request is alone in its flush."""
    ruling, cause = request.ruling, request.cause
    if decided is not None:
        seq, body = decided
        if body.get("act") != digest(ruling):
            request.refusal = DecisionExists()
        else:
            request.answer = Decided(seq, True, {}, False)
        return
    request.refusal = obstacle(plan.memory, ruling)
    if request.refusal is not None:
        return
    kind, facts = _facts(plan.memory, ruling)
    body = facts | {"reason": cause.reason, "evidence": cause.evidence, "act": digest(ruling)}
    seq = plan.decide(kind, body, cause.actor, worker=ruling.worker, client_id=cause.client_id)
    plan.ruling = seq, ruling
    request.answer = Decided(seq, False, {}, False)


def obstacle(memory: Memory, ruling: Ruling) -> Refused | None:
    """What keeps a ruling from being decided now."""
    vetting, worker = memory.vetting, ruling.worker
    untold = memory.project.policy.tell_workers == NOTHING  # nor does a refusal tell it
    match ruling:
        case FreeStatus() if worker not in vetting.held:
            return NotHeld()
        case LiftPause() if worker not in vetting.barred:
            return NotPaused()
        case Contest(task=task):
            before = memory.alerts.contested_by(worker)
            if task in before:
                return ContestOpen()
            full = len(before) >= memory.project.policy.open_contests
            return TooManyContests() if full else None
        case Appeal() if worker in vetting.appeals:
            return AppealOpen()
        case Appeal() if not (worker in vetting.barred or worker in memory.voided or untold):
            return NotPaused()
        case AnswerAppeal() if worker not in vetting.appeals:
            return NoAppeal()
        case _:
            return None


def _facts(memory: Memory, ruling: Ruling) -> tuple[str, dict[str, Any]]:
    """The kind of a ruling's decision, and what `ruling_of` needs."""
    match ruling:
        case HoldStatus(status=status):
            return STATUS_HELD, {"status": STATUSES[status]}
        case FreeStatus():
            return STATUS_FREED, {}
        case LiftPause():
            return PAUSE_LIFTED, {}
        case Appeal():
            return WORKER_APPEALED, {}
        case Contest():
            return JUDGMENT_CONTESTED, {}
        case AnswerAppeal(worker, granted):
            appeal = memory.vetting.appeals[worker]
            return APPEAL_ANSWERED, {"granted": granted, "appeal": appeal}
        case AcceptPace():
            raise ValueError("a pace is accepted by resolving the alert about it")


def ruling_of(row: asyncpg.Record) -> Ruling:
    """The ruling that a decision of the log, one of RULINGS, has stored."""
    worker, body = row["worker_id"], row["body"]
    match row["kind"]:
        case "STATUS_HELD":
            return HoldStatus(worker, STATUSES.index(body["status"]))
        case "STATUS_FREED":
            return FreeStatus(worker)
        case "PAUSE_LIFTED":
            return LiftPause(worker)
        case "WORKER_APPEALED":
            return Appeal(worker)
        case "ALERT_RESOLVED":
            return AcceptPace(worker)
        case _:
            return AnswerAppeal(worker, body["granted"])

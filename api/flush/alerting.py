"""What staff say of an alert: decisions, each taken once under its client id."""

from collections.abc import Mapping

from api.acts import AcceptPace, Decided
from api.codes import Code
from api.decisions import ALERT_ACKNOWLEDGED, ALERT_RESOLVED
from api.errors import DecisionExists, Refused
from api.flush.plan import ENGINE, Plan
from api.flush.requests import HandleAlert
from api.flush.retracted import Decision
from api.memory import Memory
from api.state.alerts import AlertKind, AlertState


class UnknownAlert(Refused):
    """No alert has this sequence."""

    code = Code.UNKNOWN_ALERT


class AlertHandled(Refused):
    """An alert that is to be acknowledged or resolved is so already."""

    code = Code.ALERT_HANDLED

    def __init__(self, decision: int) -> None:
        super().__init__(decision=decision)


def plan_handling(plan: Plan, request: HandleAlert, decided: Decision | None) -> None:
    """Decide on an alert. The request is alone in its flush."""
    cause, kind = request.cause, ALERT_RESOLVED if request.resolves else ALERT_ACKNOWLEDGED
    said = f"{kind} {request.alert}"
    if decided is not None:
        seq, known = decided
        if known.get("act") == said:
            request.answer = Decided(seq, True, {}, False)
        else:
            request.refusal = DecisionExists()
        return
    request.refusal = _obstacle(plan.memory, request)
    if request.refusal is None:
        body = {"alert": request.alert, "note": cause.reason, "act": said}
        worker = _paced(plan.memory, request)
        seq = plan.decide(kind, body, cause.actor, worker=worker, client_id=cause.client_id)
        if worker is not None:
            plan.ruling = seq, AcceptPace(worker)
        request.answer = Decided(seq, False, {}, False)


def end_alerts(plan: Plan, ended: Mapping[int, str]) -> None:
    """Resolve alerts whose cause has ended, in the name of the engine; each has its note."""
    for seq, note in ended.items():
        alert = plan.memory.alerts.get(seq)
        if alert is not None and alert.resolved is None:
            body = {"alert": seq, "note": note, "act": f"{ALERT_RESOLVED} {seq}"}
            plan.decide(ALERT_RESOLVED, body, ENGINE)


def _paced(memory: Memory, request: HandleAlert) -> int | None:
    """Whose pace staff accept by resolving the alert about it."""
    alert = memory.alerts.get(request.alert)
    if alert is None or not request.resolves or alert.kind is not AlertKind.WORKER_HURRIED:
        return None
    return alert.workers[0]


def _obstacle(memory: Memory, request: HandleAlert) -> Refused | None:
    alert = memory.alerts.get(request.alert)
    if alert is None:
        return UnknownAlert()
    if alert.resolved is not None:
        return AlertHandled(alert.resolved.decision)
    if alert.state is AlertState.ACKNOWLEDGED and not request.resolves and alert.acknowledged:
        return AlertHandled(alert.acknowledged.decision)
    return None

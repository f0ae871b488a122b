"""A whole flush planned: each request in its order of arrival."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from api.calibrated import Calibrated
from api.decisions import CALIBRATED, FRAUD_FOUND, GOLD_SUSPECTED
from api.flush.alerting import end_alerts, plan_handling
from api.flush.gold_answers import moved
from api.flush.gold_making import make
from api.flush.handing import hand_out
from api.flush.judging import plan_judgments
from api.flush.lookups import Known
from api.flush.plan import ENGINE, Plan
from api.flush.requests import (
    AddTasks,
    AddWorkers,
    Calibrate,
    Declare,
    HandleAlert,
    LeaseTasks,
    MakeGold,
    Refit,
    Release,
    ReportFraud,
    Request,
    Retract,
    Rule,
    SetGold,
    Submit,
    SuspectGold,
    UpdatePolicy,
)
from api.flush.retracting import plan_retraction
from api.flush.ruling import plan_ruling
from api.limits import Limits
from api.memory import Memory
from api.state.gold_book import GoldState


def plan_requests(
    memory: Memory,
    known: Known,
    now: datetime,
    entropy: Callable[[int], bytes],
    limits: Limits,
    requests: list[Request],
) -> Plan:
    """Return what the flush comes to; the memory's leases and loads have moved ahead."""
    plan = Plan(memory, known, now, entropy, limits)
    plan.expire()
    plan.evict()
    plan.record(limits.flush_rows)
    for request in requests:
        match request:
            case Submit():
                plan_judgments(plan, request)
            case LeaseTasks():
                # A caller who is gone would keep the tasks from others until they run out.
                if not request.future.done():
                    hand_out(plan, request)
            case Release():
                plan.release(request)
            case SetGold():
                plan.set_gold(request)
            case AddTasks():
                plan.add_tasks(request)
            case AddWorkers():
                plan.add_workers(request)
            case Declare():
                plan.declare(request)
            case UpdatePolicy():
                plan.update_policy(request)
            case Retract():
                plan_retraction(plan, request, known.retraction)
            case Refit():
                plan.refit(request)
            case ReportFraud():
                request.seq = [_found(plan, body) for body in request.bodies]
                end_alerts(plan, request.ended)
            case Calibrate():
                request.seq = plan.decide(CALIBRATED, request.body, ENGINE)
                plan.calibrated = Calibrated.of(request.body, request.seq)
            case Rule():
                plan_ruling(plan, request, known.decided)
            case HandleAlert():
                plan_handling(plan, request, known.decided)
            case MakeGold():
                request.seq = make(plan, request.task)
            case SuspectGold():
                _suspect(plan, request)
    plan.tell_loads()
    return plan


def _suspect(plan: Plan, request: SuspectGold) -> None:
    """Enter what speaks against gold, unless it is in doubt already, and quarantine it."""
    task, book = request.task, plan.memory.gold
    if task is None:
        request.seq = plan.decide(GOLD_SUSPECTED, request.body, ENGINE)
        return
    # What was found of an answer that is another one by now says nothing of this one.
    if not book.measures(task) or book.decided[task] != request.decided:
        return
    request.seq = plan.decide(GOLD_SUSPECTED, request.body, ENGINE, task=task)
    if plan.memory.project.policy.quarantine_leaks:
        kind, body = moved(book, task, GoldState.QUARANTINED)
        plan.decide(kind, {**body, "finding": request.seq}, ENGINE, task=task)


def _found(plan: Plan, body: Mapping[str, Any]) -> int:
    workers = body["workers"]
    worker = workers[0] if len(workers) == 1 else None
    return plan.decide(FRAUD_FOUND, body, ENGINE, worker=worker)

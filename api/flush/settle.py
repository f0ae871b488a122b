"""One flush after its commit: memory follows the log, and the callers get their answers."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from api.acts import Decided
from api.budget import cost_of, day_of
from api.decisions import GOLD_KINDS, GOLD_SUSPECTED
from api.errors import Refused
from api.flush.plan import Plan
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
from api.memory import Changed, Memory
from api.rows import Int32s, Lease, Submitted, TasksAdded, distinct
from api.state.alerts import KINDS, Decision
from api.state.leases import OpenLease
from api.state.lessons import of_flush
from engine import RETRACT

Contents = Mapping[int, tuple[str, Mapping[str, Any]]]  # outside id and payload by task


def settle(memory: Memory, plan: Plan) -> Changed:
    """Bring the memory to the state after the flush, which is committed."""
    seq = plan.seq
    tasks: list[Int32s] = []
    workers: list[Int32s] = []
    if plan.new_tasks.ids:
        _, attributes, priorities = plan.new_tasks.columns
        asking = _with_some(plan.new_tasks.first, attributes)
        tasks.append(memory.add_tasks(list(plan.new_tasks.ids), priorities, seq, asking))
    if plan.new_workers.ids:
        kinds, attributes = plan.new_workers.columns
        declared = _with_some(plan.new_workers.first, attributes)
        workers.append(memory.add_workers(list(plan.new_workers.ids), kinds, seq, declared))
    workers += [memory.declare(who, what, seq) for who, what in plan.declared.items()]
    vetting = memory.vetting
    vetting.evicted.clear()  # what they held was released
    for decided in plan.recorded:
        worker = vetting.unrecorded.popleft().worker
        if worker is not None:
            workers.append(memory.stamp([worker], decided))
    if plan.ruling is not None:
        workers.append(memory.rule(plan.ruling[1], plan.ruling[0]))
    if plan.project is not None:
        workers.append(memory.adopt(plan.project, seq))
    if plan.required:
        demanded = np.array(list(plan.required.items()), np.int32)
        tasks.append(memory.require(demanded[:, 0], demanded[:, 1], seq))
    workers += [memory.void(worker, decided) for worker, decided in plan.voided.items()]
    workers += [memory.join(members, decided) for decided, members in plan.joined.items()]
    workers += [memory.split(members, decided) for decided, members in plan.split.items()]
    told, golden = plan.entries.decisions, []
    for kind, decided, task, body in zip(told.kind, told.seq, told.task, told.body, strict=True):
        if task is not None and kind in GOLD_KINDS:
            memory.know(kind, decided, task, body)
            golden.append(task)
        elif task is not None and kind == GOLD_SUSPECTED:
            memory.gold.suspect(task, body["answers"])
    lessons = of_flush(plan.entries)
    if len(lessons):
        changed = memory.learn(lessons, seq)
        tasks.append(changed.tasks)
        workers.append(changed.workers)
        memory.ledger.pay(day_of(plan.now), cost_of(plan.entries.judgments))
        memory.tempo.count(len(plan.entries.judgments.seq), plan.now.timestamp())
        memory.standing.retract(lessons.events.task[lessons.events.kind == RETRACT])
    if golden:  # also where the model learned nothing from it: its state may be another
        memory.rest(np.array(golden, np.int32))
    workers += [memory.unvoid(worker, decided) for worker, decided in plan.restored.items()]
    if plan.calibrated is not None:
        memory.calibrate(plan.calibrated)
    if plan.refits is not None:
        refits = plan.refits
        workers.append(memory.refit(seq, refits.judgments, begin=refits.begin))
    if memory.sweeping:
        tasks.append(memory.sweep(seq))
    held = memory.standing.leases
    if plan.entries.grants.task:
        np.add.at(held, plan.entries.grants.task, 1)
    if plan.ended:
        np.subtract.at(held, plan.ended, 1)
    memory.leases.tidy()
    memory.seq = seq
    return Changed(_joined(tasks), _joined(workers), _alerts(memory, plan))


def _with_some(first: int, attributes: Sequence[Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    return {first + place: each for place, each in enumerate(attributes) if each}


def _alerts(memory: Memory, plan: Plan) -> Int32s:
    """Let the book of alerts follow; return the numbers of those that changed."""
    told = plan.entries.decisions
    columns = (told.seq, told.kind, told.worker, told.body, told.actor)
    changed = [
        memory.alerts.take(Decision(*row, plan.now))
        for row in zip(*columns, strict=True)
        if row[1] in KINDS
    ]
    return distinct(*changed)


def _joined(parts: list[Int32s]) -> Int32s:
    return parts[0] if len(parts) == 1 else distinct(*parts)


def answer(memory: Memory, requests: list[Request], contents: Contents) -> list[OpenLease]:
    """Answer the callers; return the leases of those who are gone.

    A caller who is gone has a cancelled future; what it asked for is stored all the same.
    """
    _answer_submits(memory, [request for request in requests if isinstance(request, Submit)])
    orphans: list[OpenLease] = []
    for request in requests:
        if request.future.done():
            if isinstance(request, LeaseTasks):
                orphans += request.granted
            continue
        match request:
            case LeaseTasks(refusal=None):
                request.future.set_result([_lease(lease, contents) for lease in request.granted])
            case UpdatePolicy(refusal=None):
                request.future.set_result(memory.project)
            case (
                LeaseTasks(refusal=Refused() as refusal)
                | UpdatePolicy(refusal=Refused() as refusal)
                | Retract(refusal=Refused() as refusal)
                | Rule(refusal=Refused() as refusal)
                | HandleAlert(refusal=Refused() as refusal)
            ):
                request.future.set_exception(refusal)
            case Release(code=code):
                request.future.set_result(code)
            case MakeGold(seq=made):
                request.future.set_result(made)
            case SetGold(seq=seqs):
                request.future.set_result(np.array(seqs, np.int64))
            case AddTasks(code=code, task=task, created=created):
                request.future.set_result(
                    TasksAdded(code, np.array(task, np.int32), np.array(created, np.bool_))
                )
            case Declare(seq=declared):
                request.future.set_result(declared)
            case AddWorkers(worker=worker):
                request.future.set_result(np.array(worker, np.int32))
            case (
                Retract(answer=Decided() as decided)
                | Rule(answer=Decided() as decided)
                | HandleAlert(answer=Decided() as decided)
            ):
                request.future.set_result(decided)
            case ReportFraud(seq=entered):
                request.future.set_result(entered)
            case SuspectGold(seq=entered_at):
                request.future.set_result(entered_at)
            case Calibrate(seq=entered):
                request.future.set_result(entered)
            case Refit():
                request.future.set_result(not memory.model.refitting)
            case Submit() | Retract() | Rule() | HandleAlert():
                pass
    return orphans


def _answer_submits(memory: Memory, submits: list[Submit]) -> None:
    """One look at the model for all of them."""
    if not submits:
        return
    tasks = np.array([task for request in submits for task in request.task], np.int32)
    known = (tasks >= 0) & (tasks < len(memory.tasks))
    label = np.full(len(tasks), -1, np.int16)
    confidence = np.full(len(tasks), np.nan)
    status = np.full(len(tasks), -1, np.int8)
    now = memory.model.consensus(tasks[known])
    label[known], confidence[known] = now.label, now.confidence
    status[known] = memory.statuses(tasks[known], now)
    tasks[~known] = -1
    start = 0
    for request in submits:
        rows = slice(start, start := start + len(request.task))
        if not request.future.done():
            request.future.set_result(
                Submitted(
                    code=request.code,
                    seq=np.array(request.seq, np.int64),
                    task=tasks[rows],
                    label=label[rows],
                    confidence=confidence[rows],
                    status=status[rows],
                )
            )


def _lease(lease: OpenLease, contents: Contents) -> Lease:
    external_id, payload = contents[lease.task]
    expires_at = datetime.fromtimestamp(lease.expires, UTC)
    return Lease(lease.lease_id, lease.task, external_id, payload, expires_at)

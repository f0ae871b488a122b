"""How an act of staff becomes rows of the log: judgments held back or given back, gold, reopened
tasks.

Each act is alone in its flush. One that concerns more rows than a flush should take is asked again
until none is left; between two parts judgments of others get through. A worker is voided with the
first part and restored with the last, so it takes no part meanwhile; where a restoration is broken
off, the rows that came back are voided again. Workers are joined with the first part, so that no
more of their judgments count twice, and split with the first part too.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from api.acts import (
    Act,
    AdjudicateTasks,
    ChangeGold,
    Decided,
    JoinWorkers,
    MoveGold,
    ReopenTasks,
    RestoreWorker,
    Row,
    SplitWorkers,
    VoidJudgments,
    VoidWorker,
    digest,
)
from api.decisions import (
    JUDGMENTS_VOIDED,
    TASK_REOPENED,
    WORKER_RESTORED,
    WORKER_VOIDED,
    WORKERS_JOINED,
    WORKERS_SPLIT,
)
from api.errors import (
    AlreadyVoided,
    DecisionExists,
    JudgmentNotLive,
    NotGold,
    NotVoided,
    Refused,
    TaskIsGold,
)
from api.flush.gold_answers import decided_by
from api.flush.plan import Plan
from api.flush.requests import Retract
from api.flush.retracted import Facts
from api.memory import Memory
from api.state.voices import AlreadyJoined, NotJoined


def obstacle(memory: Memory, act: Act) -> Refused | None:
    """What keeps an act from being decided now, as far as memory knows."""
    gold = memory.standing.gold
    match act:
        case VoidWorker(worker) if worker in memory.voided:
            return AlreadyVoided(memory.voided[worker])
        case RestoreWorker(worker) if worker not in memory.voided:
            return NotVoided()
        case JoinWorkers(workers) if group := memory.voices.together(workers):
            return AlreadyJoined(group.decisions[-1])
        case SplitWorkers(workers) if not all(map(memory.voices.group, workers)):
            return NotJoined()
        case ChangeGold(tasks) | MoveGold(tasks) if unknown := [
            task for task in tasks if not memory.gold.known(task)
        ]:
            return NotGold(_name(memory, unknown[0]))
        case ReopenTasks(tasks) if (other := _first(tasks, gold[list(tasks)] >= 0)) is not None:
            return TaskIsGold(_name(memory, other))
        case _:
            return None


def demanded(memory: Memory, act: ReopenTasks) -> dict[int, int]:
    """Return how many judgments a reopened task must have, by task."""
    tasks, standing = np.array(act.tasks, np.int32), memory.standing
    judged = (standing.judgments[tasks] - standing.beside(tasks, memory.project.policy)).tolist()
    return {task: count + act.judgments for task, count in zip(act.tasks, judged, strict=True)}


def plan_retraction(plan: Plan, request: Retract, facts: Facts) -> None:
    """Decide on an act, and enter the rows of this part of it."""
    act, cause, memory = request.act, request.cause, plan.memory
    decided: int | None = None
    effect = request.effect
    if facts.decided is not None:
        decided, body = facts.decided
        if body.get("act") != digest(act):
            request.refusal = DecisionExists()
            return
        effect = body["effect"]
    elif cause is not None:
        request.refusal = obstacle(memory, act)
        if request.refusal is None and facts.missing is not None:
            request.refusal = JudgmentNotLive(facts.missing)
        if request.refusal is not None:
            return
    duplicate = decided is not None
    match act:
        case VoidWorker(worker):
            decided = _void_worker(plan, request, facts, worker)
        case RestoreWorker(worker) if not duplicate:
            decided = _restore_worker(plan, request, facts, worker)
        case JoinWorkers(workers) if not duplicate:
            decided = _join_workers(plan, request, facts, workers)
        case SplitWorkers(workers) if not duplicate:
            decided = _split_workers(plan, request, facts, workers)
        case VoidJudgments() if not duplicate:
            decided = _decide(plan, request, JUDGMENTS_VOIDED, {"judgments": len(facts.rows)})
            _enter(plan, facts.rows, decided, restores=False)
        case ChangeGold(tasks) | AdjudicateTasks(tasks) | MoveGold(tasks) if not duplicate:
            gold = list(decided_by(memory.gold, act))
            kinds = [kind for kind, _ in gold]
            decided = _decide_all(plan, request, kinds, tasks, [body for _, body in gold])
        case ReopenTasks(tasks) if not duplicate:
            plan.required = demanded(memory, act)
            bodies = [{"judgments": plan.required[task]} for task in tasks]
            decided = _decide_all(plan, request, [TASK_REOPENED] * len(tasks), tasks, bodies)
        case _:
            pass
    # What was decided before is only carried on where it can have been broken off.
    more = facts.more and (not duplicate or isinstance(act, VoidWorker))
    request.answer = Decided(decided, duplicate, effect, more)


def _void_worker(plan: Plan, request: Retract, facts: Facts, worker: int) -> int | None:
    decided = plan.memory.voided.get(worker)
    if decided is None:
        if request.cause is None or facts.decided is not None:
            # The worker was restored meanwhile: its judgments count again, and are to stay.
            facts.more = False
            return facts.decided[0] if facts.decided else None
        decided = _decide(plan, request, WORKER_VOIDED, {}, worker)
        plan.voided[worker] = decided
        plan.free_all(worker)
    _enter(plan, facts.rows, decided, restores=False)
    return facts.decided[0] if facts.decided else decided


def _restore_worker(plan: Plan, request: Retract, facts: Facts, worker: int) -> int | None:
    voided = plan.memory.voided[worker]
    _enter(plan, facts.rows, voided, restores=True)
    if facts.more:
        return None
    decided = _decide(plan, request, WORKER_RESTORED, {"voided": voided}, worker)
    plan.restored[worker] = decided
    return decided


def _join_workers(plan: Plan, request: Retract, facts: Facts, workers: Sequence[int]) -> int | None:
    """The first part bears the cause. One without it goes on with a group that is there."""
    group = plan.memory.voices.together(workers)
    decided = group.decisions[-1] if group else None
    if request.cause is not None:
        decided = _decide(plan, request, WORKERS_JOINED, {"workers": list(workers)})
        plan.joined[decided] = tuple(workers)
    if decided is not None:
        _enter(plan, facts.rows, decided, restores=False)
    return decided


def _split_workers(
    plan: Plan, request: Retract, facts: Facts, workers: Sequence[int]
) -> int | None:
    decided = None
    if request.cause is not None:
        decided = _decide(plan, request, WORKERS_SPLIT, {"workers": list(workers)})
        plan.split[decided] = tuple(workers)
    _enter(plan, facts.rows, -1, restores=True)
    return decided


def _decide_all(
    plan: Plan,
    request: Retract,
    kinds: Sequence[str],
    tasks: Sequence[int],
    bodies: Sequence[dict[str, Any]],
) -> int:
    """Enter one decision a task; the first bears what is common to all, and the others name it."""
    first = _decide(plan, request, kinds[0], bodies[0], task=tasks[0])
    actor = plan.entries.decisions.actor[-1]
    for kind, task, body in zip(kinds[1:], tasks[1:], bodies[1:], strict=True):
        plan.decide(kind, {**body, "with": first}, actor, task=task)
    return first


def _decide(
    plan: Plan,
    request: Retract,
    kind: str,
    body: dict[str, Any],
    worker: int | None = None,
    task: int | None = None,
) -> int:
    cause = request.cause
    if cause is None:
        raise ValueError("only a decision that was taken can be carried on without a cause")
    common = {
        "reason": cause.reason,
        "evidence": cause.evidence,
        "effect": request.effect,
        "act": digest(request.act),
    }
    return plan.decide(
        kind, body | common, cause.actor, task=task, worker=worker, client_id=cause.client_id
    )


def _enter(plan: Plan, rows: Sequence[Row], decision: int, *, restores: bool) -> None:
    """Enter what the decision holds back, or what the rows' own decisions give back."""
    for row in rows:
        plan.retract(row.decision if restores else decision, row, restores=restores)
        if row.mutes and (group := plan.memory.voices.group(row.worker)):
            plan.retract(group.decisions[-1], row, restores=False)


def _first(tasks: Sequence[int], wrong: Any) -> int | None:
    return next((task for task, bad in zip(tasks, wrong.tolist(), strict=True) if bad), None)


def _name(memory: Memory, task: int) -> str:
    return memory.tasks.names(np.array([task], np.int32))[0]

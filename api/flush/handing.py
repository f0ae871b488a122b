"""Tasks for a worker who asks: who may have some, how many, which ones, and the leases of them."""

from datetime import timedelta
from typing import Final

import numpy as np

from api.budget import UNLIMITED
from api.errors import (
    BudgetSpent,
    LeaseLimit,
    NoTasks,
    Refused,
    WorkerBanned,
    WorkerPaused,
    WorkerVoided,
)
from api.flush.caps import barred_labels, share_left, within_cohort
from api.flush.gold_choice import gold_places, in_quiz
from api.flush.plan import Plan
from api.flush.requests import LeaseTasks
from api.flush.worth import worth_asking
from api.lacks import Lack
from api.policy import BREADTH, INFORMATION, NOTHING, RANDOM, UNCERTAINTY
from api.rows import OPEN, Int32s
from api.state.leases import OpenLease, lease_uuid
from api.state.vetting import BANNED
from engine import queue
from engine.queue import Picked

_ENTROPY_BYTES: Final = 10
_SEED_BYTES: Final = 8
_SHORTEST_RETRY: Final = 0.01  # seconds
_BEHIND: Final = 32  # tasks that are looked at beyond those wanted, where they keep their order
_FURTHER: Final = 4  # times as many, while all are gold
_MOST_LOAD: Final = 1 << 30  # more than any task has: whoever takes no place finds one

_MODES: Final = {
    RANDOM: queue.RANDOM,
    BREADTH: queue.BREADTH,
    UNCERTAINTY: queue.UNCERTAINTY,
    INFORMATION: queue.INFORMATION,
}


def hand_out(plan: Plan, request: LeaseTasks) -> None:
    """Lease tasks to a worker, or tell why there are none."""
    request.granted, request.refusal = [], _barred(plan, request.worker)
    afforded, spent = _afforded(plan, request.worker)
    if request.refusal is not None:
        if plan.memory.project.policy.tell_workers == NOTHING:
            request.refusal = spent or _nothing(plan, request.worker)
        return
    count = _room(plan, request)
    if count <= 0:
        policy, held = plan.memory.project.policy, plan.memory.leases.held(request.worker)
        request.refusal = LeaseLimit(held, policy.leases_per_worker)
        return
    if spent is not None:
        request.refusal = spent
        return
    count = min(count, afforded, share_left(plan, request.worker))
    if count <= 0:
        request.refusal = NoTasks(plan.limits.longest_retry, Lack.SHARE_REACHED)
        return
    picked = _mix(plan, request.worker, count)
    if _exhausted(picked) and plan.memory.passed.of(request.worker):
        plan.memory.passed.forget(request.worker)
        picked = _mix(plan, request.worker, count)
    if len(picked.tasks) == 0:
        request.refusal = _nothing(plan, request.worker, picked)
        return
    request.granted = _grant(plan, request.worker, picked.tasks)


def _exhausted(picked: Picked) -> bool:
    """Whether there is nothing but what the worker passed over."""
    return len(picked.tasks) == 0 and (picked.complete or picked.cut)


def _barred(plan: Plan, worker: int) -> Refused | None:
    """Why a worker may have no tasks at all."""
    memory = plan.memory
    if worker in memory.voided:
        return WorkerVoided()
    if not memory.project.policy.act_on_status:
        return None
    status = memory.vetting.barred.get(worker)
    if status is None:
        return None
    return WorkerBanned() if status == BANNED else WorkerPaused()


def _afforded(plan: Plan, worker: int) -> tuple[int, Refused | None]:
    """How many tasks the budget has for the worker; and where it has none, the refusal."""
    memory = plan.memory
    if not memory.project.policy.budgeted:
        return UNLIMITED, None
    budget, price = plan.budget(), memory.price_for(worker)
    afforded = budget.affords(price)
    if afforded:
        return afforded, None
    if _lack(plan, worker, None) == Lack.FINISHED:
        return 0, _nothing(plan, worker)
    return 0, BudgetSpent(budget.retry_after(price, plan.now))


def _room(plan: Plan, request: LeaseTasks) -> int:
    """How many tasks the worker may have now, of those it asks for."""
    memory = plan.memory
    held = memory.leases.held(request.worker)
    return min(request.count, memory.project.policy.leases_per_worker - held)


def _mix(plan: Plan, worker: int, count: int) -> Picked:
    """Up to `count` tasks for the worker, gold hidden among the others.

    Where there are no others there is no gold either, or all that is left would be gold; but in the
    quiz, which may be of gold alone.
    """
    policy = plan.memory.project.policy
    if policy.keep_order and not (policy.quiz_gold == 1 and in_quiz(plan.memory, worker)):
        return _in_order(plan, worker, count)
    chosen = _choose(plan, worker, count)
    known = plan.memory.model.known(chosen.tasks)
    fresh = 1 - float(known.mean()) if len(known) else 0.0
    places = gold_places(plan, worker, count, fresh)
    others = chosen.tasks.tolist()
    examined = in_quiz(plan.memory, worker)
    tasks: list[int] = []
    if not others and not examined:
        return chosen
    for gold in places:
        if gold is not None:
            tasks.append(gold)
        elif others:
            tasks.append(others.pop(0))
        elif not examined:
            break
    return chosen._replace(tasks=np.array(tasks, np.int32))


def _in_order(plan: Plan, worker: int, count: int) -> Picked:
    """Up to `count` tasks in their order, gold among them at its own place, where a task that is no
    gold follows. Gold that others have or hold as often as a task needs is passed by."""
    memory, enough, wanted = plan.memory, plan.memory.project.policy.enough, count + _BEHIND
    while True:
        chosen = _choose(plan, worker, wanted)
        golden = memory.gold.classes(chosen.tasks) >= 0
        others = np.flatnonzero(~golden)
        if len(others) or len(chosen.tasks) < wanted:
            break
        wanted *= _FURTHER
    end = int(others[-1]) + 1 if len(others) else 0
    tasks = chosen.tasks[:end]
    if worker not in memory.placeless:
        tasks = tasks[~golden[:end] | (memory.load[tasks] < enough)]
    return chosen._replace(tasks=tasks[:count])


def _untaken(plan: Plan) -> int:
    """Open tasks with a place left, gold aside."""
    memory, overlap = plan.memory, plan.memory.project.policy.overlap
    found = memory.queue.open_tasks(overlap)
    if memory.project.policy.keep_order:
        gold = memory.gold.tasks()
        found -= int(np.count_nonzero(memory.in_turn(gold) & (memory.load[gold] < overlap)))
    return found


def _choose(plan: Plan, worker: int, count: int) -> Picked:
    """Up to `count` tasks for the worker, best first."""
    plan.tell_loads()
    memory, book, policy = plan.memory, plan.memory.leases, plan.memory.project.policy
    mates = memory.voices.mates(worker)
    taken = [task for each in (worker, *mates) for task in plan.judged_by(each)]
    for mate in mates:
        taken += book.tasks_of(mate).tolist()
    taken += memory.passed.of(worker)

    def pick(most: int) -> Picked:
        return memory.queue.pick(
            worker,
            most,
            _MOST_LOAD if worker in memory.placeless else policy.overlap,
            book.tasks_of(worker, also=taken),
            mates,
            mode=_MODES[policy.routing],
            floor=policy.enough,
            in_order=policy.keep_order,
            demands=memory.eligibility.met_by(worker),
            barred=barred_labels(plan, worker),
            seed=int.from_bytes(plan.entropy(_SEED_BYTES), "big"),
        )

    return within_cohort(plan, worker, count, taken, worth_asking(plan, worker, pick))


def _grant(plan: Plan, worker: int, tasks: Int32s) -> list[OpenLease]:
    """Lease the tasks to the worker."""
    expires_at = plan.now + timedelta(seconds=plan.memory.project.policy.lease_seconds)
    granted, price = [], plan.memory.price_for(worker)
    for task in tasks.tolist():
        seq = plan.next_seq()
        lease_id = lease_uuid(plan.now, plan.entropy(_ENTROPY_BYTES))
        lease = OpenLease(lease_id, task, worker, expires_at.timestamp(), price)
        plan.grant(lease, seq, expires_at)
        granted.append(lease)
    return granted


def _nothing(plan: Plan, worker: int, picked: Picked | None = None) -> Refused:
    """Why there is no task, as far as it was looked for one."""
    lack, longest = _lack(plan, worker, picked), plan.limits.longest_retry
    if lack == Lack.LOOKING:
        return NoTasks(_SHORTEST_RETRY, lack)
    # A place gets free when a lease runs out, or earlier when somebody gives one back.
    expiry = plan.memory.leases.next_expiry()
    wait = longest if expiry is None else expiry - plan.now.timestamp()
    return NoTasks(min(max(wait, _SHORTEST_RETRY), longest), lack)


def _lack(plan: Plan, worker: int, picked: Picked | None) -> Lack:
    memory = plan.memory
    if not memory.sweeping and memory.standing.counts[OPEN] == 0:
        return Lack.FINISHED
    if _untaken(plan) == 0:
        return Lack.ALL_TAKEN
    if picked is not None and picked.cut:
        return Lack.COHORT_FULL
    if picked is not None and not picked.complete:
        return Lack.LOOKING
    met = memory.eligibility.met_by(worker)
    if met is not None and memory.queue.open_to(met) == 0:
        return Lack.NOT_ELIGIBLE
    return Lack.NONE_LEFT

"""How much of a project, of a label and of a task may come from one worker or one cohort."""

from collections.abc import Callable
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from api.codes import Code
from api.flush.plan import Plan
from engine.queue import Picked

FREE_ANSWERS: Final = 10  # with a label, before a share of it means anything
LOOKED: Final = 2_000  # tasks at one time, where a cohort has had its part of the first ones
FURTHER: Final = 4  # times as many are chosen each time
_UNCAPPED: Final = 1 << 30
_ROUNDED: Final = 0.001  # the model adds answers up from shares: ten may come to a little less


def share_left(plan: Plan, worker: int) -> int:
    """How many judgments the worker may still take on, by its share of the project."""
    memory, policy = plan.memory, plan.memory.project.policy
    if policy.worker_share >= 1:
        return _UNCAPPED
    most = max(ceil(policy.worker_share * len(memory.tasks) * policy.overlap), 1)
    judged = int(memory.model.workers(np.array([worker], np.int32)).judgments[0])
    return most - judged - len(plan.judged_by(worker)) - memory.leases.held(worker)


def beyond(plan: Plan, worker: int, task: int, label: int, *, paid: bool) -> str:
    """Why a judgment without a lease would go beyond a limit, or ''. `paid`: it costs nothing.

    The share of a label is that of the label given: what the task's own is a refusal must not tell.
    """
    memory, policy = plan.memory, plan.memory.project.policy
    if policy.budgeted and not paid and not plan.budget().affords(memory.price_for(worker)):
        return Code.BUDGET_SPENT
    if share_left(plan, worker) <= 0:
        return Code.SHARE_REACHED
    if policy.label_share < 1:
        own, all_new = plan.labelled(worker, label)
        answered = memory.model.answered(np.array([worker], np.int32))[0]
        if answered[label] + own >= _most_with(plan, all_new)[label]:
            return Code.SHARE_REACHED
    return Code.COHORT_FULL if cohort_full(plan, worker, task) else ""


def barred_labels(plan: Plan, worker: int) -> NDArray[np.bool_]:
    """Of which labels the worker has given its share; empty where the policy asks for nothing."""
    share, model = plan.memory.project.policy.label_share, plan.memory.model
    if share >= 1:
        return np.zeros(0, np.bool_)
    answered = model.answered(np.array([worker], np.int32))[0]
    return np.asarray(answered >= _most_with(plan))


def _most_with(plan: Plan, more: int = 0) -> NDArray[np.float64]:
    """How many answers with each label one worker may give, where there are so many more of it."""
    memory = plan.memory
    share = memory.project.policy.label_share
    return np.maximum(share * (memory.model.answered_by_all() + more), FREE_ANSWERS) - _ROUNDED


def within_cohort(
    plan: Plan, worker: int, count: int, taken: list[int], pick: Callable[[int], Picked]
) -> Picked:
    """Up to `count` of what `pick` chooses, but no tasks of which the worker's cohort has its part.

    Those are added to `taken`, which `pick` leaves out. About LOOKED are looked at, ever more at
    once; the next time it goes on from there.
    """
    memory, policy = plan.memory, plan.memory.project.policy
    attribute = policy.cohort_attribute
    if attribute is None:
        return pick(count)
    cohort = memory.eligibility.cohort(worker, attribute)
    if cohort is None:
        return pick(count)
    kind = repr(cohort)  # it may be any JSON value
    known = memory.full.of(kind)
    taken += known
    found: list[int] = []
    cut, wanted, looked = len(known) > 0, count, 0
    while True:
        picked = pick(wanted)
        for task in picked.tasks.tolist():
            if len(found) == count:
                break
            taken.append(task)
            if _of_cohort(plan, task, attribute, cohort) < policy.cohort_overlap:
                found.append(task)
            else:
                memory.full.note(kind, task)
                cut = True
        looked += len(picked.tasks)
        if len(found) == count or len(picked.tasks) < wanted or looked >= LOOKED:
            return Picked(np.array(found, np.int32), picked.complete and not cut, cut)
        wanted *= FURTHER


def cohort_full(plan: Plan, worker: int, task: int) -> bool:
    """Whether the worker's cohort has its part of the task."""
    policy = plan.memory.project.policy
    attribute = policy.cohort_attribute
    if attribute is None:
        return False
    cohort = plan.memory.eligibility.cohort(worker, attribute)
    return cohort is not None and (
        _of_cohort(plan, task, attribute, cohort) >= policy.cohort_overlap
    )


def _of_cohort(plan: Plan, task: int, attribute: str, cohort: object) -> int:
    """Judgments of the task, and open leases, by workers of a cohort."""
    memory = plan.memory
    workers = {*memory.model.judgments_of(task)[0].tolist(), *memory.leases.holders(task)}
    workers.update(plan.judges_of(task))
    return sum(memory.eligibility.cohort(each, attribute) == cohort for each in workers)

"""How much of a project, of a label and of a task may come from one worker or one cohort."""

from collections.abc import Callable
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from api.plan import Plan
from engine.queue import Picked

FREE_ANSWERS: Final = 10  # with a label, before a share of it means anything
ROUNDS: Final = 8  # of choosing anew where a cohort has had its part of what was chosen
_UNCAPPED: Final = 1 << 30


def share_left(plan: Plan, worker: int) -> int:
    """How many judgments the worker may still take on, by its share of the project."""
    memory, policy = plan.memory, plan.memory.project.policy
    if policy.worker_share >= 1:
        return _UNCAPPED
    most = max(ceil(policy.worker_share * len(memory.tasks) * policy.overlap), 1)
    judged = int(memory.model.workers(np.array([worker], np.int32)).judgments[0])
    return most - judged - len(plan.judged_by(worker)) - memory.leases.held(worker)


def barred_labels(plan: Plan, worker: int) -> NDArray[np.bool_]:
    """Of which labels the worker has given its share; empty where the policy asks for nothing."""
    share, model = plan.memory.project.policy.label_share, plan.memory.model
    if share >= 1:
        return np.zeros(0, np.bool_)
    answered = model.answered(np.array([worker], np.int32))[0]
    most = np.maximum(share * model.answered_by_all(), FREE_ANSWERS)
    return np.asarray(answered >= most)


def within_cohort(
    plan: Plan, worker: int, count: int, taken: list[int], pick: Callable[[int], Picked]
) -> Picked:
    """Up to `count` of what `pick` chooses, but no tasks of which the worker's cohort has its part.

    Those are added to `taken`, which `pick` leaves out. Only some rounds are made: where cohorts
    have had nearly everything the worker may get fewer than there are, or none.
    """
    policy = plan.memory.project.policy
    attribute = policy.cohort_attribute
    if attribute is None:
        return pick(count)
    cohort = plan.memory.eligibility.cohort(worker, attribute)
    if cohort is None:
        return pick(count)
    found: list[int] = []
    cut = False
    for _ in range(ROUNDS):
        picked = pick(count - len(found))
        for task in picked.tasks.tolist():
            if _of_cohort(plan, task, attribute, cohort) < policy.cohort_overlap:
                found.append(task)
            else:
                cut = True
            taken.append(task)
        if len(found) == count or len(picked.tasks) == 0:
            break
    return Picked(np.array(found, np.int32), picked.complete and not cut, cut)


def _of_cohort(plan: Plan, task: int, attribute: str, cohort: object) -> int:
    """Judgments of the task, and open leases, by workers of a cohort."""
    memory = plan.memory
    workers = {*memory.model.judgments_of(task)[0].tolist(), *memory.leases.holders(task)}
    workers.update(plan.judges_of(task))
    return sum(memory.eligibility.cohort(each, attribute) == cohort for each in workers)

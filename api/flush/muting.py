"""Judgments of a flush that do not count, because another one of their worker's group does."""

from api.acts import Row
from api.flush.plan import Plan
from api.state.leases import pair
from api.state.voices import Group


def spoken_for(plan: Plan, task: int, group: Group, worker: int) -> bool:
    """Whether a judgment of the task by another member counts, and none of this worker's.

    Whose judgment counts may revise it.
    """
    if _counts(plan, pair(task, worker)):
        return False
    return any(_counts(plan, pair(task, mate)) for mate in group.members)


def mute(plan: Plan, group: Group, row: Row, *, placed: bool) -> None:
    """Let a judgment of this flush not count. `placed`: it took a place, which is free then."""
    if not placed and row.worker not in plan.memory.placeless:
        plan.memory.load[row.task] += 1  # which is given back now
    plan.retract(group.decisions[-1], row, restores=False)
    plan.muted.add(pair(row.task, row.worker))


def _counts(plan: Plan, key: int) -> bool:
    return key not in plan.muted and (key in plan.judged or key in plan.known.counting)

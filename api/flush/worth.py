"""Whether a worker who costs more than usual is worth asking.

Among the tasks for one worker a price changes no order: each costs the same. It decides whether to
ask this worker at all. A task that is open is worth a judgment at the usual price; who costs more
gets those that are worth its own: with few judgments, or in more doubt than others may leave.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from api.flush.plan import Plan
from api.rows import Bools, Float64s, Int32s
from api.state.stopping import sure_enough
from engine.queue import Picked

LOOKED: Final = 2_000  # tasks at one time, at least, where none of the first ones is worth it
_FURTHER: Final = 4  # times as many are chosen each time


def worth_asking(plan: Plan, worker: int, pick: Callable[[int], Picked]) -> Callable[[int], Picked]:
    """The same `pick`, of tasks that are worth the worker's price."""
    memory, policy = plan.memory, plan.memory.project.policy
    price = memory.price_for(worker)
    if policy.label_value is None or price <= memory.standing.usual_price(policy):
        return pick
    sure = sure_enough(policy, memory.model, price)

    def pick_worthy(most: int) -> Picked:
        wanted = most
        while True:
            picked = pick(wanted)
            worthy = _worthy(plan, picked.tasks, sure)
            if worthy.sum() >= most or len(picked.tasks) < wanted or wanted >= LOOKED:
                looked = picked.complete or not worthy.all()
                return Picked(picked.tasks[worthy][:most], looked, picked.cut)
            wanted *= _FURTHER

    return pick_worthy


def _worthy(plan: Plan, tasks: Int32s, sure: Float64s) -> Bools:
    memory, policy = plan.memory, plan.memory.project.policy
    standing, now = memory.standing, memory.model.consensus(tasks)
    judgments = now.judgments - standing.beside(tasks, policy)
    needed = judgments < np.maximum(standing.required[tasks], policy.enough)
    worthy: Bools = needed | (now.confidence < sure[np.clip(judgments, 0, len(sure) - 1)])
    return worthy

"""The adjudication queue: contested tasks in the order in which an expert should decide them."""

import numpy as np

from api.memory import Memory
from api.rows import CONTESTED, Float64s, Int32s

Place = tuple[float, int]  # urgency of a task, and its id


def adjudication_queue(memory: Memory, after: Place | None, most: int) -> tuple[Int32s, Float64s]:
    """Up to `most` contested tasks that come after a place of the queue, and their urgencies.

    The highest priority goes first, then the greatest doubt, then the oldest. The urgency of a task
    is twice its priority, and its doubt. Cost: one look at the status of each task, some
    milliseconds for ten million.
    """
    standing = memory.standing
    tasks = np.flatnonzero(standing.status[: standing.tasks] == CONTESTED).astype(np.int32)
    doubt = 1.0 - standing.confidence[tasks].astype(np.float64)
    urgency = 2.0 * memory.queue.priorities(tasks) + doubt
    if after is not None:
        later = (urgency < after[0]) | ((urgency == after[0]) & (tasks > after[1]))
        tasks, urgency = tasks[later], urgency[later]
    if len(tasks) > most:
        least = np.partition(urgency, len(tasks) - most)[len(tasks) - most]
        tasks, urgency = tasks[urgency >= least], urgency[urgency >= least]
    order = np.lexsort((tasks, -urgency))[:most]
    return tasks[order], urgency[order]

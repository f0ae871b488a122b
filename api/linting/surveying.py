"""The facts of a project that its policy is held against."""

import asyncpg
import numpy as np

from api.linting.advice import Facts
from api.reading.views import Views
from api.rows import OPEN
from db import reads

MOST_WORKERS = 2_000  # that are looked at, drawn evenly by age


async def facts_of(pool: asyncpg.Pool, views: Views) -> Facts:
    """What is known of a project now. Cost: O(workers), and a look at its last judgments."""
    memory = views.memory
    everyone = np.arange(views.worker_count, dtype=np.int32)
    out = np.fromiter((*memory.voided, *memory.vetting.barred), np.int32)
    able = np.setdiff1d(everyone, out)
    models = memory.standing.is_model[able]
    some = everyone[:: -(-len(everyone) // MOST_WORKERS) or 1]
    looked = views.workers(some)
    weight = looked.judgments.astype(float)
    judged = weight[(weight > 0) & ~memory.standing.is_model[some]]
    times = await reads.recent_seconds(pool, views.project.project_id)
    standing = memory.standing
    unfinished = standing.status[: standing.tasks] == OPEN
    return Facts(
        labels=len(views.project.labels),
        open_tasks=views.quality().open_tasks,
        people=int((~models).sum()),
        models=int(models.sum()),
        accuracy=float(np.average(looked.accuracy.value, weights=weight)) if weight.any() else None,
        held_to=memory.vetting.tests.held_to,
        life=float(np.median(judged)) if len(judged) else 0.0,
        gold=tuple(memory.gold.active_counts()),
        seconds=times["median"],
        slow=times["slow"],
        calibration=memory.model.calibration,
        judged=int(standing.judgments[: standing.tasks][unfinished].sum()),
        paid=memory.ledger.total,
    )

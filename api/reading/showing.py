"""A memory as it stands: columns for lists and feeds, and the figures of the project."""

import math
from datetime import datetime

import numpy as np

from api.memory import Memory
from api.rows import CONTESTED, OPEN, SETTLED, Int32s, Quality, TaskViews, WorkerViews
from api.state.vetting import names
from engine.records import Records


def task_views(memory: Memory, ids: Int32s) -> TaskViews:
    """Return tasks as they stand."""
    standing = memory.standing
    now = memory.model.consensus(ids)
    return TaskViews(
        task=ids,
        status=memory.statuses(ids, now),
        judgments=now.judgments,
        open_leases=standing.leases[ids],
        label=now.label,
        confidence=now.confidence,
        gold=now.gold,
        seq=standing.seq[ids],
    )


def worker_views(memory: Memory, ids: Int32s) -> WorkerViews:
    """Return workers as they stand."""
    now, records = memory.model.workers(ids), Records.of(memory.model, ids)
    known = memory.background.look(memory.model, ids, records)
    held = (memory.leases.held(worker) for worker in ids.tolist())
    return WorkerViews(
        worker=ids,
        status=names(memory.vetting.tests.status(ids).tolist()),
        voided=np.fromiter((worker in memory.voided for worker in ids.tolist()), np.bool_),
        judgments=now.judgments,
        accuracy=known.accuracy,
        bits=known.bits,
        agreement=known.agreement,
        compared=records.support.sum(1, dtype=np.int32),
        gold=known.gold,
        gold_right=now.gold_right,
        gold_total=now.gold_total,
        open_leases=np.fromiter(held, np.int32, len(ids)),
        seq=memory.standing.worker_seq[ids],
    )


def quality(memory: Memory, at: datetime) -> Quality:
    """Return the project's figures at a moment."""
    totals = memory.model.totals()
    counts = memory.standing.counts.tolist()
    return Quality(
        seq=memory.seq,
        judgments=totals.judgments,
        judgments_per_second=memory.tempo.per_second(at.timestamp()),
        tasks=len(memory.tasks),
        open_tasks=counts[OPEN],
        settled_tasks=counts[SETTLED],
        contested_tasks=counts[CONTESTED],
        open_leases=len(memory.leases),
        workers=len(memory.workers),
        mean_confidence=memory.standing.mean_confidence,
        agreement=totals.agreement if totals.judgments else math.nan,
        gold_accuracy=(totals.gold_right / totals.gold_total if totals.gold_total else math.nan),
        calibrated=memory.calibrated,
        budget=memory.budget(at),
    )

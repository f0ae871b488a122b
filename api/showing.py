"""Tasks and workers of a memory as they stand, in the columns that lists and feeds are made of."""

import numpy as np

from api.memory import Memory
from api.rows import Int32s, TaskViews, WorkerViews
from api.vetting import names
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

"""Plain data that goes into a shard and comes out of it: columns of equal length."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from api.budget import Budget
from api.calibrated import Calibrated
from engine.reputation import Estimate

Bools = NDArray[np.bool_]
Int8s = NDArray[np.int8]
Int16s = NDArray[np.int16]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Float32s = NDArray[np.float32]
Float64s = NDArray[np.float64]


def distinct(*parts: Int32s) -> Int32s:
    """Return all ids, each once, in order. np.unique takes thirty times as long for a million."""
    ids = np.sort(np.concatenate(parts)) if parts else np.zeros(0, np.int32)
    first = np.empty(len(ids), np.bool_)
    first[:1] = True
    np.not_equal(ids[1:], ids[:-1], out=first[1:])
    return ids[first]


# Status of a task; the columns hold the index. -1: the row has no task.
STATUSES: Final = ("OPEN", "SETTLED", "CONTESTED")
OPEN: Final = 0
SETTLED: Final = 1
CONTESTED: Final = 2


@dataclass(slots=True)
class NewTasks:
    """Tasks to add, told apart by `external_id`; one that is there already stays as it is.

    `payload` is any JSON object, `priority` 0 to 9 (the highest is handed out first), `gold` the
    dense label id of the known answer or -1.
    """

    external_id: Sequence[str]
    payload: Sequence[Mapping[str, Any]]
    attributes: Sequence[Mapping[str, Any]]
    priority: Sequence[int]
    gold: Sequence[int]


@dataclass(slots=True)
class TasksAdded:
    """What became of `NewTasks`: `code` is '' or a refusal (then `task` is -1)."""

    code: list[str]
    task: Int32s
    created: Bools  # False: a task of this id was there already


@dataclass(slots=True)
class Submissions:
    """Judgments as they arrive.

    `task` -1 takes the task from the lease. `client_id` repeats safely: the same id with the same
    judgment gets its first answer again. `seconds` is NaN where unknown. `own`: the workers send
    them themselves; what others send for a worker is taken whatever its status is.
    """

    worker: Int32s
    task: Int32s
    label: Int16s
    lease_id: Sequence[UUID | None]
    client_id: Sequence[str | None]
    seconds: Float32s
    require_lease: bool
    own: bool


@dataclass(slots=True)
class Submitted:
    """What became of `Submissions`, row by row, and the consensus that follows.

    `code` is '' (stored), `DUPLICATE` (was there: `seq` is that of the first time) or a refusal
    (then `seq` is -1). The other columns tell the task's state after the row's flush, which may
    hold later rows too; -1 and NaN where a row has no task.
    """

    code: list[str]
    seq: Int64s
    task: Int32s
    label: Int16s
    confidence: Float64s
    status: Int8s


@dataclass(frozen=True, slots=True)
class Lease:
    """A task handed to a worker until `expires_at`."""

    lease_id: UUID
    task_id: int
    external_id: str
    payload: Mapping[str, Any]
    expires_at: datetime


@dataclass(slots=True)
class TaskViews:
    """Tasks as they stand. `label` and `gold` are -1 where there is none; `seq` is the log's
    sequence at the last change."""

    task: Int32s
    status: Int8s
    judgments: Int32s
    open_leases: Int32s
    label: Int16s
    confidence: Float64s
    gold: Int16s
    seq: Int64s


@dataclass(slots=True)
class WorkerViews:
    """Workers as they stand.

    accuracy, bits, agreement, gold: see `engine.reputation.Reputations`; agreement is with the
    others on `compared` tasks without gold. A voided worker gets no tasks, and its judgments do not
    count.
    """

    worker: Int32s
    status: list[str]
    voided: Bools
    judgments: Int32s
    accuracy: Estimate
    bits: Estimate
    agreement: Estimate
    compared: Int32s
    gold: Estimate
    gold_right: Int32s
    gold_total: Int32s
    open_leases: Int32s
    seq: Int64s


@dataclass(frozen=True, slots=True)
class Quality:
    """A project at one moment. NaN where nothing was judged yet."""

    seq: int
    judgments: int
    judgments_per_second: float  # over the last ten seconds
    tasks: int
    open_tasks: int
    settled_tasks: int
    contested_tasks: int
    open_leases: int
    workers: int
    mean_confidence: float  # over the tasks with a judgment or gold
    agreement: float  # share of live judgments equal to their task's consensus
    gold_accuracy: float  # share of live judgments of gold tasks that are right
    calibrated: Calibrated  # what confidence means
    budget: Budget

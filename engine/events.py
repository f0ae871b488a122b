"""What goes into a label model and what comes out: columns, one row each."""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from engine.kernels.stream import GOLD, JUDGE, RETRACT

__all__ = ["GOLD", "JUDGE", "RETRACT", "Consensus", "Events", "Outcome", "Totals", "WorkerStats"]

Ints = npt.NDArray[np.int32]
Labels = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Events:
    """n changes of the judgments, in the order of the log.

    kind uint8[n]: JUDGE (replaces the worker's earlier judgment of the task, if there is one),
    RETRACT (takes it back; label ignored) or GOLD (the task's truth is label, or -1: no longer
    known; worker ignored). task int32[n], worker int32[n]: dense ids from 0. label int16[n].
    """

    kind: npt.NDArray[np.uint8]
    task: Ints
    worker: Ints
    label: Labels

    @classmethod
    def judgments(cls, task: npt.ArrayLike, worker: npt.ArrayLike, label: npt.ArrayLike) -> Self:
        """Events that are all judgments."""
        tasks = np.asarray(task, np.int32)
        return cls(
            np.full(len(tasks), JUDGE, np.uint8),
            tasks,
            np.asarray(worker, np.int32),
            np.asarray(label, np.int16),
        )

    @classmethod
    def gold(cls, task: npt.ArrayLike, label: npt.ArrayLike) -> Self:
        """Events that all set (or with label -1 withdraw) gold."""
        tasks = np.asarray(task, np.int32)
        return cls(
            np.full(len(tasks), GOLD, np.uint8),
            tasks,
            np.zeros(len(tasks), np.int32),
            np.asarray(label, np.int16),
        )

    def __len__(self) -> int:
        return len(self.kind)


class Outcome(NamedTuple):
    """What a batch changed.

    tasks int32: tasks whose posterior was recomputed; workers int32: workers whose counts changed,
    each once, in no particular order. refitted: a refit ended: any task or worker may have moved.
    """

    tasks: Ints
    workers: Ints
    refitted: bool


@dataclass(frozen=True, slots=True)
class Consensus:
    """Of n tasks, columns.

    label: -1 where there are neither judgments nor gold. confidence: its probability, 0 to 1.
    judgments: live ones. gold: the known label, -1 none.
    """

    label: Labels
    confidence: Floats
    judgments: Ints
    gold: Labels


@dataclass(frozen=True, slots=True)
class WorkerStats:
    """Of n workers, columns.

    judgments: live ones. gold_right of gold_total: answers on gold.
    """

    judgments: Ints
    gold_right: Ints
    gold_total: Ints


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over a model.

    judgments: live ones. tasks: those with judgments; mean_confidence: over those, before
    it is calibrated. agreement: share of judgments equal to the consensus, over tasks with at least
    two judgments or gold. gold_right of gold_total: judgments on gold.
    """

    judgments: int
    tasks: int
    mean_confidence: float
    agreement: float
    gold_right: int
    gold_total: int

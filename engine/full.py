"""Full confusion matrices, seen from Python: memory for them and what is read from them."""

import numpy as np
import numpy.typing as npt

from engine.kernels.forms import (
    PEOPLE,
    TOTALS,
)
from engine.kernels.full import FullTables
from engine.kernels.full_sweep import FullSweep
from engine.kernels.lanes import WIDTH, padded
from engine.kernels.support import OCTAVES
from engine.kernels.votes import Votes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Labels = npt.NDArray[np.int16]

PER_TASK = ("posterior",)
PER_WORKER = ("counts", "rows", "people", "support", "table", "ability")


class Full:
    """The form for few labels: K^2 counts a worker."""

    per_task = PER_TASK
    per_worker = PER_WORKER
    per_row: tuple[str, ...] = ()

    @staticmethod
    def worker_cost(labels: int) -> int:
        """How many judgments' worth of work one worker is in a refit."""
        return 1 + labels * padded(labels) // WIDTH

    @staticmethod
    def tables(labels: int, digits: npt.DTypeLike) -> FullTables:
        """Empty tables."""
        width = padded(labels)
        units = np.eye(labels + 1, width)
        units[labels] = np.arange(width) < labels
        return FullTables(
            np.zeros((0, labels), digits),
            np.zeros((0, labels, width)),
            np.zeros((0, width)),
            np.zeros((0, PEOPLE)),
            np.zeros((0, OCTAVES), np.int32),
            np.zeros((labels, width)),
            np.zeros((2, width)),
            np.zeros(TOTALS),
            units,
            np.zeros((2, width)),
            np.zeros(width),
        )

    @staticmethod
    def sweep(labels: int, digits: npt.DTypeLike) -> FullSweep:
        """An empty pass."""
        width = padded(labels)
        profile = np.zeros((labels, 2, width))
        profile[:, 1] = np.eye(labels, width)
        return FullSweep(
            np.zeros((0, labels, 2, width), digits),
            np.zeros((0, 2), digits),
            np.zeros((labels, width)),
            np.zeros((2, width)),
            np.zeros(width),
            profile,
            np.zeros(1),
            np.zeros((2, width)),
        )

    @staticmethod
    def clear(sweep: FullSweep) -> None:
        """Forget the sums of a pass that was broken off."""
        sweep.table[:, :, 1] = 0

    @staticmethod
    def posterior(votes: Votes, tables: FullTables, tasks: Ints) -> Floats:
        """Posteriors [n, K] of tasks that have judgments or gold."""
        del votes
        return tables.posterior[tasks].astype(np.float64)

    @staticmethod
    def counts(tables: FullTables, worker: int) -> Floats:
        """Expected counts [K true, K answered] of one worker."""
        counts: Floats = np.maximum(tables.counts[worker, :, : len(tables.pooled)].T, 0)
        return counts

    @staticmethod
    def answered_by_all(tables: FullTables) -> Floats:
        """How often all workers together gave each label, [K]."""
        return np.maximum(tables.pooled.sum(1), 0)  # type: ignore[no-any-return]

    @staticmethod
    def answered(tables: FullTables, workers: Ints) -> Floats:
        """How often each of the workers gave each label, [n, K]."""
        answered: Floats = np.maximum(tables.counts[workers].sum(2), 0)
        return answered

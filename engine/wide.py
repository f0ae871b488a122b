"""The form for many labels, seen from Python: memory for it and what is read from it."""

import numpy as np
import numpy.typing as npt

from engine.kernels.forms import (
    PEOPLE,
    TOTALS,
)
from engine.kernels.support import OCTAVES
from engine.kernels.votes import Votes
from engine.kernels.wide import ERRORS, TRUTHS, WideTables, spread_out
from engine.kernels.wide_sweep import WideSweep

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Labels = npt.NDArray[np.int16]


class Wide:
    """The form for many labels: 2 K counts a worker."""

    per_task = ("rest",)
    per_worker = ("counts", "rows", "people", "support", "table", "ability", "answers")
    per_row = ("mass",)

    @staticmethod
    def worker_cost(labels: int) -> int:
        """How many judgments' worth of work one worker is in a refit."""
        return 1 + labels // 2

    @staticmethod
    def tables(labels: int, digits: npt.DTypeLike) -> WideTables:
        """Empty tables."""
        return WideTables(
            np.zeros(0, digits),
            np.zeros(0, digits),
            np.zeros((0, labels)),
            np.zeros((0, labels)),
            np.zeros((0, PEOPLE)),
            np.zeros((0, OCTAVES), np.int32),
            np.zeros((3, labels)),
            np.zeros((2, labels)),
            np.zeros(TOTALS),
        )

    @staticmethod
    def sweep(labels: int, digits: npt.DTypeLike) -> WideSweep:
        """An empty pass."""
        return WideSweep(
            np.zeros((0, labels, 3), digits),
            np.zeros(0, digits),
            np.zeros(0, digits),
            np.zeros((3, labels)),
            np.zeros((2, labels)),
            np.zeros(labels, digits),
            np.zeros(labels),
            np.zeros(1),
        )

    @staticmethod
    def clear(sweep: WideSweep) -> None:
        """Forget the sums of a pass that was broken off."""
        sweep.table[:, :, 1:] = 0
        sweep.answers[:] = 0

    @staticmethod
    def posterior(votes: Votes, tables: WideTables, tasks: Ints) -> Floats:
        """Posteriors [n, K]; what nobody gave shares the rest by the class prior."""
        posterior = np.empty((len(tasks), tables.classes.shape[1]))
        spread_out(votes, tables, tasks, posterior)
        return posterior

    @staticmethod
    def _profile(tables: WideTables) -> Floats:
        """Share [K] of each answer among wrong ones."""
        errors = tables.pooled[ERRORS] + 1
        profile: Floats = errors / errors.sum()
        return profile

    def counts(self, tables: WideTables, worker: int) -> Floats:
        """Expected counts [K true, K answered] of one worker; its errors by the common profile."""
        errors = np.maximum(tables.rows[worker] - tables.counts[worker], 0)
        profile = np.tile(self._profile(tables), (len(errors), 1))
        np.fill_diagonal(profile, 0)
        counts: Floats = errors[:, None] * profile / profile.sum(1, keepdims=True)
        np.fill_diagonal(counts, np.maximum(tables.counts[worker], 0))
        return counts

    @staticmethod
    def answered_by_all(tables: WideTables) -> Floats:
        """The same of all workers together, [K]."""
        return np.maximum(tables.pooled[TRUTHS], 0)  # type: ignore[no-any-return]

    @staticmethod
    def answered(tables: WideTables, workers: Ints) -> Floats:
        """How often each label was the truth of what each of the workers answered, [n, K].

        Answers are not kept by label; who is mostly right gives labels as often as they are true.
        """
        answered: Floats = np.maximum(tables.rows[workers], 0)
        return answered

"""How much is unknown of a worker, beside one of whom nothing is known."""

from typing import Final

import numpy as np

from api.state.reputations import Background, Commons
from engine import Categorical
from engine.kernels.forms import JUDGED
from engine.records import Records
from engine.reputation import reputations

GROWTH: Final = 0.125  # share of a worker's judgments that come before it is looked at anew


class Doubts:
    """The width of each worker's interval for accuracy, beside that of a new worker.

    A look takes a good part of a millisecond, so what was found is kept until the worker's record
    has grown by an eighth. For drawing lots only: nothing in the log follows from it.
    """

    def __init__(self) -> None:
        self._widths: dict[int, tuple[float, float]] = {}  # judgments from which on to look; width
        self._commons: Commons | None = None
        self._widest = 1.0

    def of(self, model: Categorical, background: Background, worker: int) -> float:
        """From 0, all is known of the worker, to 1: nothing is."""
        judged = model.tables.people[worker, JUDGED] if worker < model.worker_count else 0.0
        if judged < 1:
            return 1.0
        if background.commons is not self._commons:
            self._commons = background.commons
            self._widest = _widest(model, background)
        due, width = self._widths.get(worker, (0.0, 0.0))
        if judged >= due:
            ids = np.array([worker], np.int32)
            known = background.look(model, ids, Records.of(model, ids)).accuracy
            width = float(known.high[0] - known.low[0])
            self._widths[worker] = judged + max(1.0, judged * GROWTH), width
        return min(width / self._widest, 1.0)


def _widest(model: Categorical, background: Background) -> float:
    """The width of the interval of a worker without any record."""
    ids = np.zeros(1, np.int32)
    record = Records.of(model, ids)
    nothing = record._replace(
        support=np.zeros_like(record.support),
        right=np.zeros_like(record.right),
        wrong=np.zeros_like(record.wrong),
    )
    known = reputations(background.commons.population, nothing, model.prior()).accuracy
    return float(known.high[0] - known.low[0])

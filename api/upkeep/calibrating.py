"""What a project's confidence means, learned anew as its log grows, beside all else.

What was learned is a decision of the log, so that a replay need not learn it again.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from math import isnan
from typing import Any, Final

import asyncpg

from api.beside.aside import aside
from api.beside.pace import Pace
from api.errors import Refused
from api.flush.asking import Ask
from api.flush.calls import new_future
from api.flush.requests import Calibrate
from api.limits import Limits
from api.memory import Memory
from engine.calibrating import error, learn
from engine.trust import Sample

GROWTH: Final = 0.125  # of the judgments, before it is
GOLD_GROWTH: Final = 0.25  # of the judgments of gold
GOLD_SHARE: Final = 0.3  # of the fewest new judgments, that is enough of them if they are of gold
REST: Final = 20.0  # times as long as learning takes, before each
COST: Final = 1e-6  # seconds a judgment that it takes

logger = logging.getLogger(__name__)


class Calibrator:
    """Learns from copies, in a thread, and enters what it learned."""

    def __init__(self, memory: Callable[[], Memory], ask: Ask, limits: Limits) -> None:
        self._memory = memory
        self._ask = ask
        self._fewest = limits.calibration_rows
        self._pace = Pace(REST, COST)
        self._learning: asyncio.Task[None] | None = None
        self._stopped = False

    def consider(self) -> None:
        """Begin to learn in the background if enough is new; after each flush."""
        if self._learning is None and not self._stopped and self._due():
            self._learning = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Give up what is under way; nothing else begins."""
        self._stopped = True
        if self._learning is not None:
            self._learning.cancel()
            await asyncio.gather(self._learning, return_exceptions=True)

    async def _run(self) -> None:
        await self._pace.wait(lambda: self._memory().model.judgment_count)
        try:
            with self._pace.work(self._memory().model.judgment_count):
                await self._learn()
        except (Refused, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as failure:
            logger.warning("A calibration was broken off: %r", failure)
        except Exception:  # whatever it is, judgments go on, and so do later ones
            logger.exception("A calibration failed")
        self._learning = None
        self.consider()

    async def _learn(self) -> None:
        model = self._memory().model
        totals = model.totals()
        sample = Sample.of(model)
        learned = await aside(lambda: body_of(sample))
        body = {
            **learned,
            "judgments": totals.judgments,
            "gold_judgments": totals.gold_total,
            "gold_right": totals.gold_right,
        }
        future: asyncio.Future[int] = new_future()
        await self._ask(Calibrate(body, future), future)

    def _due(self) -> bool:
        """Whether so much is new that it should be learned anew. Cost: some 2 us."""
        last, totals = self._memory().calibrated, self._memory().model.totals()
        new = totals.judgments - last.judgments
        # Gold that is taken back or corrected is news as well.
        golden = max(
            abs(totals.gold_total - last.gold_judgments), abs(totals.gold_right - last.gold_right)
        )
        return new >= max(GROWTH * last.judgments, self._fewest) or (
            golden >= max(GOLD_GROWTH * last.gold_judgments, GOLD_SHARE * self._fewest)
        )


def body_of(sample: Sample) -> Mapping[str, Any]:
    """What is learned of a sample, as its decision tells it. Cost: some batch fits."""
    evidence = sample.examine()
    found, off = learn(evidence), error(evidence)
    return {
        "parameters": list(found),
        "gold": len(evidence.right),
        "held_out": len(evidence.met),
        "error": None if isnan(off.value) else list(off),
    }

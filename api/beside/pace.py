"""When long work beside the writer may begin again: so that it takes a small share of the time."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

MANY: Final = 50_000  # judgments; with fewer, most of the time is not for their sake


class Pace:
    """Lets work that grows with the log wait, before each time, as long as it deserves.

    Measured before, not after: what was quick may be long by the next time. While the log grows
    fast the wait grows with it, so that the work is left for when the rush is over.

    rest: how many times as long as the work. cost: seconds a judgment that the work takes at least.
    """

    def __init__(self, rest: float, cost: float) -> None:
        self._rest = rest
        self._least = self._cost = cost
        self._ended = time.monotonic()

    def left(self, judgments: int) -> float:
        """Seconds until work on so many judgments may begin; 0 or less: now."""
        return self._ended + self._rest * self._cost * judgments - time.monotonic()

    async def wait(self, judgments: Callable[[], int]) -> None:
        """Wait until the work may begin, on as many judgments as there are by then."""
        # Nothing can tell when it is time: judgments that come move it.
        while (left := self.left(judgments())) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left)

    @contextmanager
    def work(self, judgments: int) -> Iterator[None]:
        """Around the work: takes its time."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._ended = time.monotonic()
            self._cost = max((self._ended - began) / max(judgments, MANY), self._least)

"""A refit after what staff took back, so that nothing is left of it in what was learned.

An event's refit moves on with the events that follow, and a project may have none for a while. So
this one is asked for in parts, each a decision of the log, with the flushes of others in between.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import asyncpg

from api.flush.asking import Ask
from api.flush.calls import new_future
from api.flush.requests import Refit
from api.memory import Memory
from db import retractions

# Judgments of a pass that a part takes: as many as keep others waiting for no longer than LONGEST.
FEWEST: Final = 50_000
MOST: Final = 500_000
LONGEST: Final = 0.01  # seconds, the commit among them


class Refitting:
    """Asks for refits of one project, one at a time; raises what refuses them."""

    def __init__(self, pool: asyncpg.Pool, memory: Callable[[], Memory], ask: Ask) -> None:
        self._pool = pool
        self._memory = memory
        self._ask = ask
        self._busy = False
        self._size = FEWEST

    async def begin(self) -> None:
        """Begin to fit anew from what counts now, or once more. An act calls this when it is whole,
        and before any other act begins: what it is about is judged at this entry of the log."""
        await self._part(begin=True)

    async def go_on(self) -> None:
        """Carry what was begun to its end."""
        if self._busy:
            return
        self._busy = True
        try:
            while self._memory().model.refit_asked:
                await self._part(begin=False)
        finally:
            self._busy = False

    async def carry_on(self) -> None:
        """Begin the refit that is owed, or end one that was broken off; for a writer's start."""
        async with self._pool.acquire() as connection:
            owed = await retractions.refit_is_owed(connection, self._memory().project.project_id)
        if owed:
            await self.begin()
        await self.go_on()

    async def _part(self, *, begin: bool) -> bool:
        future: asyncio.Future[bool] = new_future()
        began = time.monotonic()
        complete = await self._ask(Refit(begin, self._size, future), future)
        fitting = self._size * LONGEST / (time.monotonic() - began)
        self._size = int(min(max(fitting, FEWEST), MOST))
        return complete

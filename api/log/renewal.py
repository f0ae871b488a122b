"""What reputations rest on, learned anew as the log grows: beside the writer, never in its way."""

import asyncio
import logging
from collections.abc import Callable

import asyncpg

from api.limits import Limits
from api.memory import Memory
from api.state.reputations import NOWHERE, elsewhere_of
from db.connect import AnyConnection
from engine.records import Elsewhere

logger = logging.getLogger(__name__)


class Renewal:
    """Keeps the background of one project's reputations current.

    It is learned in a thread from a copy, at once when much has changed, else in the next pause.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        memory: Callable[[], Memory],
        told: Callable[[], None],
        limits: Limits,
    ) -> None:
        self._pool = pool
        self._memory = memory
        self._told = told  # called when reputations may have moved without a judgment
        self._limits = limits
        self._running: asyncio.Task[None] | None = None

    def consider(self) -> None:
        """Begin if something has changed; after each flush."""
        if self._running is None and self._memory().background.stale:
            self._running = asyncio.create_task(self._run())

    async def renew(self, memory: Memory) -> None:
        """Learn from a memory as it is now, and let it adopt that."""
        background = memory.background
        asked = background.changes  # others are not asked for what changes meanwhile
        async with self._pool.acquire() as connection:
            elsewhere = await heard_of(connection, memory)
        material = background.take(memory.model, asked)
        background.adopt(await asyncio.to_thread(material.learn, elsewhere), elsewhere)

    async def stop(self) -> None:
        """Learn no more."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _greet(self, memory: Memory) -> None:
        """Ask for the records of workers who came since the others' were asked for."""
        background = memory.background
        known = background.elsewhere
        if len(known.standing) < len(memory.workers):
            async with self._pool.acquire() as connection:
                background.adopt(background.commons, await heard_of(connection, memory, known))

    async def _run(self) -> None:
        loop, limits = asyncio.get_running_loop(), self._limits
        try:
            while (background := self._memory().background).stale:
                seen = background.changes
                await asyncio.sleep(limits.renewal_pause)
                memory = self._memory()
                quiet = memory.background.changes == seen
                if not quiet and not memory.background.pressing(memory.model):
                    await self._greet(memory)
                    continue
                began = loop.time()
                await self.renew(memory)
                self._told()
                took = loop.time() - began
                await asyncio.sleep(took / limits.renewal_share - took)
        except Exception:  # reputations stay as they are; the next flush begins anew
            logger.warning("Reputations were not learned anew", exc_info=True)
        finally:
            self._running = None


async def heard_of(
    connection: AnyConnection, memory: Memory, known: Elsewhere = NOWHERE
) -> Elsewhere:
    """Read how a memory's workers stand in other projects, if its policy asks for that."""
    project = memory.project
    if not project.policy.use_other_projects:
        return NOWHERE
    return await elsewhere_of(connection, project.project_id, len(memory.workers), known)

"""When a project gets a new snapshot."""

import asyncio
import logging
import time

import asyncpg

from api.limits import Limits
from api.log import snapshots
from api.log.snapshot_process import take_snapshot
from api.memory import Memory

logger = logging.getLogger(__name__)


class SnapshotKeeper:
    """Has a snapshot made when the log has grown enough since the last."""

    def __init__(self, dsn: str, project_id: int, limits: Limits) -> None:
        self._dsn = dsn
        self._project_id = project_id
        self._limits = limits
        self._seq = 0
        self._not_before = 0.0
        self._taking: asyncio.Task[None] | None = None

    def begin(self, seq: int) -> None:
        """Count from the snapshot that a load began with."""
        self._seq = seq

    def consider(self, seq: int) -> None:
        """Have one made in the background, if the log that ends at `seq` has grown enough."""
        if (
            seq - self._seq >= self._limits.snapshot_rows
            and self._taking is None
            and time.monotonic() >= self._not_before
        ):
            self._taking = asyncio.create_task(self._take())

    async def stop(self) -> None:
        """Give up one that is being made."""
        if self._taking is not None:
            self._taking.cancel()
            await asyncio.gather(self._taking, return_exceptions=True)

    async def finish(self, connection: asyncpg.Connection, memory: Memory) -> None:
        """Make one at the end, if that spares the next start some work."""
        if memory.seq - self._seq >= self._limits.snapshot_rows_at_end:
            self._seq = await snapshots.save(connection, memory)

    async def _take(self) -> None:
        try:
            self._seq = await take_snapshot(self._dsn, self._project_id)
        except (OSError, RuntimeError, ValueError) as error:
            logger.warning("No snapshot of project %d: %s", self._project_id, error)
            self._not_before = time.monotonic() + self._limits.snapshot_pause
        finally:
            self._taking = None

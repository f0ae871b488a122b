"""The writer's seat of a project: one connection that holds the project's advisory lock.

The lock lives and dies with the connection, so there is never a second writer, in any process.
"""

import asyncio
import time
from typing import Final

import asyncpg

from db import log
from db.connect import connect

_TRIES: Final = 20
_PAUSE: Final = 0.05  # seconds for PostgreSQL to end our own earlier connection


class Seat:
    """The connection to the log, and whether it holds the lock."""

    def __init__(self, dsn: str, project_id: int) -> None:
        self._dsn = dsn
        self._project_id = project_id
        self._connection: asyncpg.Connection | None = None
        self._last_pid: int | None = None
        self.held = False

    @property
    def usable(self) -> bool:
        """Whether the connection is there, as far as this side knows."""
        return self._connection is not None and not self._connection.is_closed()

    @property
    def connection(self) -> asyncpg.Connection:
        """The connection; `take` must have been called."""
        if self._connection is None:
            raise ConnectionError("the writer has no connection")
        return self._connection

    async def take(self, patience: float = 0.0) -> bool:
        """Connect if need be and try to get the lock; return whether this is the writer now.

        `patience` (seconds) is for a holder that may be the rest of a process that has just died,
        still busy with its last statement. Nobody waits for one that is alive.
        """
        if not self.usable:
            self.drop()
            self._connection = await connect(self._dsn, application_name="basanite writer")
            await log.prepare_writer(self._connection)
        self.held = await log.lock_project(self.connection, self._project_id)
        if not self.held and self._last_pid is not None:
            # Our broken connection may live on at the other end and keep the lock from us.
            await log.end_writer(self.connection, self._project_id, self._last_pid)
            for _ in range(_TRIES):
                await asyncio.sleep(_PAUSE)
                self.held = await log.lock_project(self.connection, self._project_id)
                if self.held:
                    break
        end = time.monotonic() + patience
        while not self.held and time.monotonic() < end:
            if await log.writer_is_idle(self.connection, self._project_id):
                break
            await asyncio.sleep(_PAUSE)
            self.held = await log.lock_project(self.connection, self._project_id)
        if self.held:
            self._last_pid = self.connection.get_server_pid()
        return self.held

    def drop(self) -> None:
        """Give the connection up at once, whatever it is doing."""
        self.held = False
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def leave(self) -> None:
        """Close the connection in good order, and with it the lock."""
        self.held = False
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

"""A project as it was at some moment: its log replayed up to there, in a thread of its own."""

import asyncio
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

import asyncpg

from api.errors import NotYet, Overloaded, TooLongAgo
from api.limits import Limits
from api.log import recovery
from api.log.renewal import heard_of
from api.log.snapshots import FORMAT
from api.memory import Memory
from api.reading.views import Views
from api.state.tempo import RATE_SECONDS
from db import log, snapshots
from db.connect import AnyConnection, connect

KEPT: Final = 2  # moments whose memory is kept, of all projects together
MOST_WAITING: Final = 4  # calls; one replays, the others wait for it
_PAUSE: Final = 2.0  # seconds after which one more may find a place


class Past(Views):
    """A project as of a seq of its log. Nothing of it changes any more."""

    def __init__(self, memory: Memory, at: datetime, *, writable: bool) -> None:
        self._memory = memory
        self._writable = writable
        self._now = lambda: at

    @property
    def memory(self) -> Memory:
        """The project's memory as of then."""
        return self._memory

    @property
    def writable(self) -> bool:
        """Whether this process writes the project, now."""
        return self._writable

    @property
    def until(self) -> int:
        """The last seq that counts."""
        return self._memory.seq


class History:
    """Finds out how projects were. Bounded: one replay at a time, and few are kept."""

    def __init__(self, dsn: str, pool: asyncpg.Pool, limits: Limits) -> None:
        self._dsn = dsn
        self._pool = pool
        self._limits = limits
        self._kept: OrderedDict[tuple[int, int], Past] = OrderedDict()
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def at_time(self, views: Views, time: datetime) -> Past:
        """Return a project as of the last entry of its log up to a time, as `at` does."""
        if time > views.now():
            raise NotYet(views.seq)
        async with self._pool.acquire() as connection:
            seq = await _seq_at(connection, views, time)
        return await self.at(views, seq)

    async def at(self, views: Views, seq: int) -> Past:
        """Return a project as of a seq of its log.

        Raises `NotYet`, `TooLongAgo` where too many rows lie between it and the snapshot before
        it, or `Overloaded` where others wait already. Cost: some microseconds a row.
        """
        if seq > views.seq:
            raise NotYet(views.seq)
        key = views.project.project_id, seq
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if self._waiting >= MOST_WAITING:
            raise Overloaded(retry_after=_PAUSE)
        self._waiting += 1
        # If the caller is gone the thread goes on, and so must its turn.
        return await asyncio.shield(asyncio.create_task(self._replay(views, seq)))

    async def _replay(self, views: Views, seq: int) -> Past:
        project_id = views.project.project_id
        try:
            async with self._turn:
                if (project_id, seq) in self._kept:
                    return self._kept[project_id, seq]
                async with self._pool.acquire() as connection:
                    await self._check(connection, project_id, seq, views.seq)
                    at = await log.moment(connection, project_id, seq) or views.project.created_at
                    earlier = await _seq_at(connection, views, at - timedelta(seconds=RATE_SECONDS))
                    count = await log.count_judgments(connection, project_id, earlier, seq)
                memory = await asyncio.to_thread(asyncio.run, self._load(project_id, seq))
                memory.tempo.count(count, at.timestamp())
                past = Past(memory, at, writable=views.writable)
                self._kept[project_id, seq] = past
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
                return past
        finally:
            self._waiting -= 1

    async def _check(
        self, connection: AnyConnection, project_id: int, seq: int, latest: int
    ) -> None:
        found = await snapshots.snapshot_seqs(connection, project_id, FORMAT)
        rows = seq - max((known for known in found if known <= seq), default=0)
        if rows > self._limits.history_rows:
            nearest = min((known for known in found if known > seq), default=latest)
            raise TooLongAgo(rows, self._limits.history_rows, nearest)

    async def _load(self, project_id: int, seq: int) -> Memory:
        connection = await connect(self._dsn, application_name="basanite history")
        try:
            memory = await recovery.load(connection, project_id, seq)
            memory.background.learn(memory.model, await heard_of(connection, memory))
            return memory
        finally:
            await connection.close()


async def _seq_at(connection: AnyConnection, views: Views, time: datetime) -> int:
    """The last seq up to a time: the log bisected, some twenty look-ups by key."""
    project_id = views.project.project_id
    low, high = 1, views.seq + 1
    while low < high:
        middle = (low + high) // 2
        entry = await log.entry_from(connection, project_id, middle)
        if entry is None or entry["created_at"] > time:
            high = middle
        else:
            low = entry["seq"] + 1
    return low - 1

"""What a running service consists of, and how it comes up and goes down."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

from api.keys import Keys
from api.reading.readings import Readings
from api.settings import Settings
from api.shards import Shards
from db.connect import connect, create_pool, without_password
from db.embedded import EmbeddedPostgres
from db.errors import ServerNotRunning
from db.migrations import Migration, migrate
from db.projects import project_rows

logger = logging.getLogger(__name__)

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Service:
    """All that requests share. `closing` is set when the service goes down: feeds end then."""

    settings: Settings
    pool: asyncpg.Pool
    keys: Keys
    shards: Shards
    readings: Readings = field(default_factory=Readings)
    closing: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def open_database(settings: Settings, *, join_only: bool = False) -> AsyncIterator[str]:
    """The address of the database: the configured one, or that of our own server.

    Our own is started, or joined if another process has started it, and stopped by the last one
    to leave.
    """
    if settings.database_url:
        yield settings.database_url
        return
    folder = settings.data_dir / "postgres"
    async with EmbeddedPostgres(folder, join_only=join_only) as server:
        yield server.dsn


@asynccontextmanager
async def open_pool(
    settings: Settings, *, anew: bool = True
) -> AsyncIterator[tuple[str, asyncpg.Pool]]:
    """Address of the database and a small pool, for commands; the schema is up to date.

    Without `anew` no database of our own is made where there is none, in a folder that was perhaps
    misspelt: raises ServerNotRunning.
    """
    folder = settings.data_dir / "postgres"
    if not anew and not settings.database_url and not (folder / "cluster").exists():
        raise ServerNotRunning(folder=folder)
    async with open_database(settings) as dsn:
        await _migrate(dsn)
        pool = await create_pool(dsn, size=2)
        try:
            yield dsn, pool
        finally:
            await pool.close()


@asynccontextmanager
async def open_service(settings: Settings, report: Report = logger.info) -> AsyncIterator[Service]:
    """Bring everything up, in order, and down again. `report` gets a line for each step.

    A project that another process writes is opened too: reads follow its log, writes are refused.
    """
    async with AsyncExitStack() as stack:
        began = time.monotonic()
        dsn = await stack.enter_async_context(open_database(settings))
        where = without_password(dsn) if settings.database_url else str(settings.data_dir)
        report(f"PostgreSQL is up at {where} ({time.monotonic() - began:.1f} s)")
        ran = await _migrate(dsn)
        if ran:
            report("The schema was brought up to date")
        pool = await create_pool(dsn, size=settings.pool_size)
        stack.push_async_callback(pool.close)
        keys = Keys(pool)
        await keys.start()
        stack.push_async_callback(keys.close)
        shards = Shards(dsn, pool, limits=settings.limits)
        stack.push_async_callback(shards.close)
        async with pool.acquire() as reader:
            projects = await project_rows(reader)
        for row in projects:
            began = time.monotonic()
            shard = await shards.open(row["project_id"])
            report(
                f"Project {row['external_id']}: {shard.task_count:,} tasks, "
                f"{shard.judgment_count:,} judgments ({time.monotonic() - began:.1f} s)"
            )
            if not shard.writable:
                report(
                    f"Project {row['external_id']} is written by another process, or by the last "
                    "statement of one that died: read-only until it is free, which is tried again "
                    f"every {settings.limits.follow_pause:g} s"
                )
        service = Service(settings, pool, keys, shards)
        try:
            yield service
        finally:
            service.closing.set()


async def _migrate(dsn: str) -> Sequence[Migration]:
    connection = await connect(dsn)
    try:
        return await migrate(connection)
    finally:
        await connection.close()

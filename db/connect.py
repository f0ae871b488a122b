"""Connections to any PostgreSQL of version 15 or later, the embedded one or another."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from db.errors import ConnectionRefused, ServerTooOld, ServerUnreachable

OLDEST_VERSION = 15

# What differs from a server's defaults for us, where the server is not ours to configure.
SESSION = {"jit": "off", "timezone": "UTC"}

# Lists have conditions that may be left out. A plan made for any values would not know that, and
# scan whole tables; one for the values at hand takes 0.2 ms to make.
READERS = {"plan_cache_mode": "force_custom_plan"}

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0  # seconds between two tries

# The server is there, or will be, and does not take us now: worth another try.
_PASSING = (
    OSError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.ConnectionFailureError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)

# A connection of one's own, or one that a pool has lent.
AnyConnection: TypeAlias = asyncpg.Connection | PoolConnectionProxy

_T = TypeVar("_T")


async def connect(
    dsn: str, *, application_name: str = "basanite", deadline: float = 10.0
) -> asyncpg.Connection:
    """One connection, for a writer that keeps it: pool acquire and release cost 100 µs each time.

    jsonb goes in and out as Python values. Tries again for `deadline` seconds while the server
    starts, restarts or has no free connection; refuses at once what time will not heal. There is no
    command timeout: a writer must learn what became of its transaction.
    """

    async def open_one() -> asyncpg.Connection:
        settings = SESSION | {"application_name": application_name}
        connection = await asyncpg.connect(dsn, server_settings=settings, timeout=deadline)
        try:
            await prepare(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    connection = await _persist(open_one, dsn, deadline)
    version = connection.get_server_version()
    if version.major < OLDEST_VERSION:
        await connection.close()
        found = f"{version.major}.{version.minor}"
        raise ServerTooOld(dsn=without_password(dsn), found=found, wanted=OLDEST_VERSION)
    return connection


async def create_pool(
    dsn: str,
    *,
    application_name: str = "basanite",
    size: int = 8,
    command_timeout: float = 30.0,
    deadline: float = 10.0,
) -> asyncpg.Pool:
    """A pool for readers, prepared like `connect`, with a timeout for every command.

    It opens connections as they are needed, and the first one at once, so that what is wrong with
    the address or the server is known now.
    """
    first = await connect(dsn, application_name=application_name, deadline=deadline)
    await first.close()

    async def open_all() -> asyncpg.Pool:
        pool = asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size,
            command_timeout=command_timeout,
            server_settings=SESSION | READERS | {"application_name": application_name},
            init=prepare,
        )
        await pool
        return pool

    return await _persist(open_all, dsn, deadline)


async def prepare(connection: asyncpg.Connection) -> None:
    """Teach a new connection jsonb, in the binary form: its version byte, then UTF-8 text.

    Bytes are taken for JSON already encoded. In a jsonb[] they are the safe form: asyncpg takes a
    list inside it for another dimension of the array, and `unnest` would flatten the rows.
    """
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_to_jsonb, decoder=_from_jsonb, format="binary"
    )


def without_password(dsn: str) -> str:
    """The address as it may stand in a log."""
    parts = urlsplit(dsn)
    user, at, host = parts.netloc.rpartition("@")
    options = "&".join(
        option for option in parts.query.split("&") if not option.startswith("password=")
    )
    return urlunsplit(parts._replace(netloc=user.partition(":")[0] + at + host, query=options))


def _to_jsonb(value: object) -> bytes:
    return b"\x01" + (value if isinstance(value, bytes) else orjson.dumps(value))


def _from_jsonb(value: bytes) -> object:
    return orjson.loads(memoryview(value)[1:])


async def _persist(attempt: Callable[[], Awaitable[_T]], dsn: str, deadline: float) -> _T:
    loop = asyncio.get_running_loop()
    end = loop.time() + deadline
    pause = _FIRST_PAUSE
    while True:
        try:
            return await attempt()
        except (PermissionError, asyncpg.InterfaceError) as error:
            raise ConnectionRefused(dsn=without_password(dsn), reason=str(error)) from error
        except _PASSING as error:
            reason = str(error) or type(error).__name__
            if loop.time() + pause > end:
                raise ServerUnreachable(
                    dsn=without_password(dsn), seconds=deadline, reason=reason
                ) from error
        except asyncpg.PostgresError as error:
            raise ConnectionRefused(dsn=without_password(dsn), reason=str(error)) from error
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)

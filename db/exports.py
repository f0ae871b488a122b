"""The judgments of a project, read without holding them in memory."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from db.connect import AnyConnection
from db.queries import sql

ROWS_AT_ONCE: Final = 20_000


@asynccontextmanager
async def one_moment(connection: AnyConnection) -> AsyncIterator[None]:
    """Within it all reads see the database as it is now."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        yield


async def copy_judgments(
    connection: AnyConnection,
    project_id: int,
    write: Callable[[bytes], Coroutine[Any, Any, None]],
) -> int:
    """Hand over the live judgments as CSV, block by block, and return their number."""
    tag: str = await connection.copy_from_query(
        sql("export_judgments"), project_id, output=write, format="csv", header=True
    )
    return int(tag.removeprefix("COPY "))


async def judgments(
    connection: AnyConnection, project_id: int
) -> AsyncIterator[list[asyncpg.Record]]:
    """Give the live judgments, ROWS_AT_ONCE at a time."""
    cursor = await connection.cursor(sql("export_judgments"), project_id)
    while found := await cursor.fetch(ROWS_AT_ONCE):
        yield found

"""Whole tables of a project, read without holding them in memory."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from db.connect import AnyConnection
from db.queries import sql

CONSENSUS: Final = "export_consensus"
WORKERS: Final = "export_workers"
JUDGMENTS: Final = "export_judgments"

ROWS_AT_ONCE: Final = 20_000


@asynccontextmanager
async def one_moment(pool: asyncpg.Pool) -> AsyncIterator[AnyConnection]:
    """A connection on which all reads see the database as it is now."""
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield connection


async def copy_csv(
    connection: AnyConnection,
    statement: str,
    project_id: int,
    write: Callable[[bytes], Coroutine[Any, Any, None]],
) -> int:
    """Hand over the rows of a statement as CSV, block by block, and return their number."""
    tag: str = await connection.copy_from_query(
        sql(statement), project_id, output=write, format="csv", header=True
    )
    return int(tag.removeprefix("COPY "))


async def rows(
    connection: AnyConnection, statement: str, project_id: int
) -> AsyncIterator[list[asyncpg.Record]]:
    """Give the rows of a statement, ROWS_AT_ONCE at a time, and an empty list at their end."""
    cursor = await connection.cursor(sql(statement), project_id)
    found = None
    while found is None or found:
        found = await cursor.fetch(ROWS_AT_ONCE)
        yield found

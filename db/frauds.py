"""What the log knows of fraud, and of when answers were given."""

from collections.abc import Sequence

import asyncpg

from db.connect import AnyConnection
from db.queries import sql


async def found(connection: AnyConnection, project_id: int) -> list[asyncpg.Record]:
    """Return (seq, body) of all findings, first to last."""
    return await connection.fetch(sql("frauds_found"), project_id)


async def searched(connection: AnyConnection, project_id: int) -> int:
    """Return how many judgments a project had when it was searched last; 0 before."""
    count: int = await connection.fetchval(sql("searched"), project_id)
    return count


async def note_search(connection: AnyConnection, project_id: int, judgments: int) -> None:
    """Note that so many judgments were searched just now."""
    await connection.execute(sql("note_search"), project_id, judgments)


async def times(
    connection: AnyConnection,
    project_id: int,
    tasks: Sequence[int],
    labels: Sequence[int],
    workers: Sequence[int],
) -> list[asyncpg.Record]:
    """Return (place, worker_id, created_at) of the workers' answers labels[i] to tasks[i], where
    place is i + 1."""
    return await connection.fetch(sql("times_of_answers"), project_id, tasks, labels, workers)

"""What the log knows of judgments that were voided and restored."""

from collections.abc import Sequence

import asyncpg

from db.connect import AnyConnection
from db.queries import sql


async def decision(
    connection: AnyConnection, project_id: int, client_id: str
) -> asyncpg.Record | None:
    """Return (seq, kind, body) of what was decided under a client id."""
    return await connection.fetchrow(sql("decision_by_client_id"), project_id, client_id)


async def standing(
    connection: AnyConnection, project_id: int, seqs: Sequence[int]
) -> list[asyncpg.Record]:
    """Return (seq, task_id, worker_id, label_id, counts) of those judgments that there are."""
    return await connection.fetch(sql("standing_of_seqs"), project_id, seqs)


async def times(
    connection: AnyConnection, project_id: int, seqs: Sequence[int]
) -> list[asyncpg.Record]:
    """Return (seq, created_at) of judgments in their order."""
    return await connection.fetch(sql("judgment_times"), project_id, seqs)


async def voided_by(
    connection: AnyConnection, project_id: int, seq: int, most: int | None
) -> list[asyncpg.Record]:
    """Return (judgment, task_id, worker_id, label_id, seconds) of what a decision voided and is so
    still."""
    return await connection.fetch(sql("voided_by"), project_id, seq, most)


async def refit_is_owed(connection: AnyConnection, project_id: int) -> bool:
    """Return whether anything was taken back since the last refit that followed such an act."""
    return bool(await connection.fetchval(sql("refit_is_owed"), project_id))


async def retracted_tasks(connection: AnyConnection, project_id: int, until: int) -> list[int]:
    """Return the tasks of which a judgment was voided up to a seq."""
    rows = await connection.fetch(sql("retracted_tasks"), project_id, until)
    return [row["task_id"] for row in rows]

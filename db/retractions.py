"""What the log knows of judgments that decisions hold back, and give back."""

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
    connection: AnyConnection, project_id: int, seqs: Sequence[int], joins: Sequence[int]
) -> list[asyncpg.Record]:
    """Return (seq, task_id, worker_id, label_id, last, voided, counts) of those that there are.

    `last` of its task and worker; `voided`: held back by a decision that is none of `joins`;
    `counts`: held back by none, if it is the last.
    """
    return await connection.fetch(sql("standing_of_seqs"), project_id, seqs, joins)


async def times(
    connection: AnyConnection, project_id: int, seqs: Sequence[int]
) -> list[asyncpg.Record]:
    """Return (seq, created_at) of judgments in their order."""
    return await connection.fetch(sql("judgment_times"), project_id, seqs)


async def held_by(
    connection: AnyConnection,
    project_id: int,
    decisions: Sequence[int],
    judgments: Sequence[int] | None = None,
    most: int | None = None,
) -> list[asyncpg.Record]:
    """Return (decision, judgment, task_id, worker_id, label_id, seconds, alone) of what they hold
    back.

    `alone`: no other decision holds it back. Only of these `judgments` if given.
    """
    return await connection.fetch(sql("held_by"), project_id, decisions, judgments, most)


async def refit_is_owed(connection: AnyConnection, project_id: int) -> bool:
    """Return whether anything was taken back since the last refit that followed such an act."""
    return bool(await connection.fetchval(sql("refit_is_owed"), project_id))


async def retracted_tasks(connection: AnyConnection, project_id: int, until: int) -> list[int]:
    """Return the tasks of which a judgment was held back up to a seq."""
    rows = await connection.fetch(sql("retracted_tasks"), project_id, until)
    return [row["task_id"] for row in rows]

"""What the log says of the status of workers."""

from collections.abc import Sequence

import asyncpg

from db.connect import AnyConnection
from db.queries import sql


async def verdicts(
    connection: AnyConnection, project_id: int, after: int, until: int
) -> list[asyncpg.Record]:
    """Return (seq, kind, worker_id, event, of) of what the engine decided between two seqs."""
    return await connection.fetch(sql("verdicts_between"), project_id, after, until)


async def histories(
    pool: asyncpg.Pool, project_id: int, workers: Sequence[int], until: int | None, most: int
) -> list[asyncpg.Record]:
    """Return (worker_id, seq, kind, body, actor, created_at): the last decisions about the status
    of each worker, up to a seq, the latest first."""
    return await pool.fetch(sql("standing_decisions"), project_id, workers, until, most)


async def decisions(
    pool: asyncpg.Pool, project_id: int, seqs: Sequence[int]
) -> list[asyncpg.Record]:
    """Return (seq, kind, worker_id, body, actor, created_at) of decisions, in their order."""
    return await pool.fetch(sql("decisions_of_seqs"), project_id, seqs)

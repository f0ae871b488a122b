"""What the log says of alerts."""

import asyncpg

from db.connect import AnyConnection
from db.queries import sql


async def decisions(
    connection: AnyConnection, project_id: int, after: int, until: int
) -> list[asyncpg.Record]:
    """Return (seq, kind, worker_id, body, actor, created_at) of what concerns alerts, in order."""
    return await connection.fetch(sql("alert_decisions"), project_id, after, until)

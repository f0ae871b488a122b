"""Making a snapshot in a short-lived process of low priority, so that the writer does not pause.

The log is the truth and learning from it is deterministic, so this process comes to the same state
by itself: previous snapshot, then the log.
"""

import asyncio
from typing import Final

from api.beside.apart import apart
from api.log import recovery, snapshots
from db.connect import connect

_NICENESS: Final = 5  # at 10 it gets so little of a busy machine that the log outruns it


async def take_snapshot(dsn: str, project_id: int) -> int:
    """Make a snapshot in a process of its own; return its seq. Raises RuntimeError if it fails."""
    return await apart(make_snapshot, dsn, project_id, niceness=_NICENESS)


def make_snapshot(dsn: str, project_id: int) -> int:
    """Make a snapshot in this process; return its seq."""
    return asyncio.run(_make(dsn, project_id))


async def _make(dsn: str, project_id: int) -> int:
    connection = await connect(dsn, application_name="basanite snapshot")
    try:
        memory = await recovery.load(connection, project_id)
        return await snapshots.save(connection, memory)
    finally:
        await connection.close()

"""The derived tables: what SQL tools and sorted lists read of tasks and workers."""

from typing import Any

import asyncpg

from db.connect import AnyConnection
from db.queries import sql


async def write_task_states(
    connection: AnyConnection, project_id: int, *columns: list[Any]
) -> None:
    """Write task_id, status, judgments, label_id, confidence, gold and seq."""
    await connection.execute(sql("write_task_states"), project_id, *columns)


async def write_worker_states(
    connection: AnyConnection, project_id: int, *columns: list[Any]
) -> None:
    """Write worker_id, status, judgments, accuracy, its bounds, bits, gold right and total, voided,
    standing, its variance (None where nothing can be said) and seq."""
    await connection.execute(sql("write_worker_states"), project_id, *columns)


async def task_state_seqs(connection: AnyConnection, project_id: int) -> list[asyncpg.Record]:
    """Return (task_id, seq) of the rows there are."""
    return await connection.fetch(sql("task_state_seqs"), project_id)


async def worker_state_seqs(connection: AnyConnection, project_id: int) -> list[asyncpg.Record]:
    """Return (worker_id, seq, accuracy) of the rows there are."""
    return await connection.fetch(sql("worker_state_seqs"), project_id)


async def standings_elsewhere(
    connection: AnyConnection, project_id: int, first: int, end: int
) -> list[asyncpg.Record]:
    """Return (worker_id, standing, standing_variance) of workers from `first` until `end`, a row
    for each other project that says something of one, in a fixed order."""
    return await connection.fetch(sql("standings_elsewhere"), project_id, first, end)

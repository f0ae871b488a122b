"""What admins list, read page by page: thin functions over the statements of the same names."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import asyncpg

from db.log import LOCK_CLASS
from db.queries import sql

Way = Literal["asc", "desc"]
Key = tuple[Any, ...] | None  # the sort key that a page begins after


async def tasks_page(
    pool: asyncpg.Pool,
    project_id: int,
    order: Literal["confidence", "priority", "age"],
    way: Way,
    after: Key,
    limit: int,
    *,
    statuses: Sequence[str] | None = None,
    label_id: int | None = None,
    confidence_below: float | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> list[asyncpg.Record]:
    """Tasks in an order, as of at most a second ago."""
    first, second = _key(after)
    return await pool.fetch(
        sql(f"tasks_by_{order}_{way}"),
        project_id,
        statuses,
        label_id,
        confidence_below,
        attributes,
        first,
        second,
        limit,
    )


async def workers_page(
    pool: asyncpg.Pool,
    project_id: int,
    order: Literal["accuracy", "judgments", "status", "age"],
    way: Way,
    after: Key,
    limit: int,
    *,
    statuses: Sequence[str] | None = None,
    accuracy_below: float | None = None,
    accuracy_at_least: float | None = None,
    judgments_at_least: int | None = None,
    attributes: Mapping[str, Any] | None = None,
    kinds: Sequence[str] | None = None,
    voided: bool | None = None,
) -> list[asyncpg.Record]:
    """Workers in an order, as of at most a second ago."""
    first, second = _key(after)
    return await pool.fetch(
        sql(f"workers_by_{order}_{way}"),
        project_id,
        statuses,
        accuracy_below,
        accuracy_at_least,
        judgments_at_least,
        attributes,
        kinds,
        voided,
        first,
        second,
        limit,
    )


async def tasks_by_ids(
    pool: asyncpg.Pool, project_id: int, ids: Sequence[int]
) -> list[asyncpg.Record]:
    """Tasks in the order of their ids; unknown ids are left out."""
    return await pool.fetch(sql("tasks_by_ids"), project_id, ids)


async def task_by_external_id(
    pool: asyncpg.Pool, project_id: int, external_id: str
) -> asyncpg.Record | None:
    """One task."""
    return await pool.fetchrow(sql("task_by_external_id"), project_id, external_id)


async def judgments_of_tasks(
    pool: asyncpg.Pool, project_id: int, ids: Sequence[int], until: int | None = None
) -> list[asyncpg.Record]:
    """The live judgments of tasks, the oldest first; those that were live at seq `until`."""
    return await pool.fetch(sql("judgments_of_tasks"), project_id, ids, until)


async def workers_by_ids(
    pool: asyncpg.Pool, project_id: int, ids: Sequence[int]
) -> list[asyncpg.Record]:
    """Workers in the order of their ids; unknown ids are left out."""
    return await pool.fetch(sql("workers_by_ids"), project_id, ids)


async def worker_by_external_id(
    pool: asyncpg.Pool, project_id: int, external_id: str
) -> asyncpg.Record | None:
    """One worker."""
    return await pool.fetchrow(sql("worker_by_external_id"), project_id, external_id)


async def standing_answers(
    pool: asyncpg.Pool, project_id: int, tasks: Sequence[int], workers: Sequence[int], until: int
) -> list[asyncpg.Record]:
    """(task_id, worker_id, seq, seconds) of the judgments that stood at seq `until`."""
    return await pool.fetch(sql("standing_answers"), project_id, tasks, workers, until)


async def open_leases_of_worker(
    pool: asyncpg.Pool, project_id: int, worker_id: int
) -> list[asyncpg.Record]:
    """What a worker holds: (lease_id, task_id, external_id, payload, expires_at)."""
    return await pool.fetch(sql("open_leases_of_worker"), project_id, worker_id)


async def policy_changes(
    pool: asyncpg.Pool, project_id: int, before: int | None, most: int
) -> list[asyncpg.Record]:
    """Return (seq, body, actor, created_at) of changes of the policy, the latest first."""
    return await pool.fetch(sql("policy_changes"), project_id, before, most)


async def recent_seconds(pool: asyncpg.Pool, project_id: int) -> asyncpg.Record:
    """Return (median, slow): seconds of the last judgments, None where no time is known."""
    (found,) = await pool.fetch(sql("recent_seconds"), project_id)
    return found


async def ping(pool: asyncpg.Pool) -> None:
    """Return if the database answers."""
    await pool.execute(sql("ping"))


async def writers(connection: asyncpg.Connection) -> list[asyncpg.Record]:
    """Every project and who writes it: (external_id, pid, client_addr, backend_start)."""
    return await connection.fetch(sql("writers"), LOCK_CLASS)


async def keys_page(
    pool: asyncpg.Pool,
    project_id: int | None,
    after: str | None,
    limit: int,
    *,
    key_id: str | None = None,
) -> list[asyncpg.Record]:
    """API keys by id, of one project or of all."""
    return await pool.fetch(sql("keys_page"), project_id, after, key_id, limit)


def _key(after: Key) -> tuple[Any, Any]:
    if after is None:
        return None, None
    return after[0], after[1] if len(after) > 1 else None

"""Projects with their labels, tasks and workers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from db.connect import AnyConnection
from db.queries import sql


async def project_rows(
    connection: AnyConnection, project_id: int | None = None
) -> list[asyncpg.Record]:
    """Return (project_id, external_id, name, policy, policy_version, attributes, created_at)."""
    return await connection.fetch(sql("project_rows"), project_id)


async def project_by_name(connection: AnyConnection, external_id: str) -> asyncpg.Record | None:
    """Return the same columns of the project with this outside id."""
    return await connection.fetchrow(sql("project_by_name"), external_id)


async def label_rows(connection: AnyConnection, project_id: int) -> list[asyncpg.Record]:
    """Return (external_id, name) in the order of the dense ids."""
    return await connection.fetch(sql("label_rows"), project_id)


async def insert_project(
    connection: AnyConnection,
    external_id: str,
    name: str,
    labels: Sequence[tuple[str, str]],
    policy: Mapping[str, Any],
    attributes: Mapping[str, Any],
    at: datetime,
) -> asyncpg.Record | None:
    """Make a project with labels (external_id, name); None if its id is taken."""
    async with connection.transaction():
        row = await connection.fetchrow(
            sql("insert_project"), external_id, name, policy, attributes, at
        )
        if row is not None:
            await connection.execute(
                sql("insert_labels"),
                row["project_id"],
                list(range(len(labels))),
                [external_id for external_id, _ in labels],
                [name for _, name in labels],
            )
    return row


async def insert_tasks(
    connection: AnyConnection,
    project_id: int,
    at: datetime,
    first: int,
    external_ids: Sequence[str],
    payloads: Sequence[Mapping[str, Any]],
    attributes: Sequence[Mapping[str, Any]],
    priorities: Sequence[int],
) -> None:
    """Add tasks with the dense ids from `first` on."""
    ids = list(range(first, first + len(external_ids)))
    await connection.execute(
        sql("insert_tasks"), project_id, at, ids, external_ids, payloads, attributes, priorities
    )


async def insert_workers(
    connection: AnyConnection,
    project_id: int,
    at: datetime,
    first: int,
    external_ids: Sequence[str],
    kinds: Sequence[str],
    attributes: Sequence[Mapping[str, Any]],
) -> None:
    """Add workers with the dense ids from `first` on."""
    ids = list(range(first, first + len(external_ids)))
    await connection.execute(
        sql("insert_workers"), project_id, at, ids, external_ids, kinds, attributes
    )


async def declare_worker(
    connection: AnyConnection, project_id: int, worker: int, attributes: Mapping[str, Any]
) -> None:
    """Store a worker's attributes."""
    await connection.execute(sql("declare_worker"), project_id, worker, attributes)


async def update_policy(
    connection: AnyConnection, project_id: int, policy: Mapping[str, Any], version: int
) -> None:
    """Store a project's policy."""
    await connection.execute(sql("update_policy"), project_id, policy, version)


async def task_names(
    connection: AnyConnection, project_id: int, first: int, end: int
) -> tuple[list[str], list[int]]:
    """Return outside ids and priorities of the tasks first <= task_id < end."""
    row = await connection.fetchrow(sql("task_names"), project_id, first, end)
    return (row[0] or [], row[1] or []) if row else ([], [])


async def worker_names(
    connection: AnyConnection, project_id: int, first: int, end: int
) -> tuple[list[str], list[str]]:
    """Return outside ids and kinds of the workers first <= worker_id < end."""
    row = await connection.fetchrow(sql("worker_names"), project_id, first, end)
    return (row[0] or [], row[1] or []) if row else ([], [])


async def asking_tasks(
    connection: AnyConnection, project_id: int, first: int, end: int
) -> dict[int, Mapping[str, Any]]:
    """Return the attributes, by id, of those tasks first <= task_id < end that ask something of
    workers."""
    rows = await connection.fetch(sql("asking_tasks"), project_id, first, end)
    return {row["task_id"]: row["attributes"] for row in rows}


async def worker_attributes(
    connection: AnyConnection, project_id: int, first: int, end: int
) -> dict[int, Mapping[str, Any]]:
    """Return the attributes, by id, of those workers first <= worker_id < end who have some."""
    rows = await connection.fetch(sql("worker_attributes"), project_id, first, end)
    return {row["worker_id"]: row["attributes"] for row in rows}

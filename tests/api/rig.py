"""What tests of the shard need: a clock to set, rows in short, shards on a fresh database."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np

from api.limits import Limits
from api.policy import Policy
from api.projects import Label
from api.rows import Int32s, NewTasks, Submissions
from api.shard import Shard
from api.shards import Shards
from db import states
from db.connect import connect, create_pool
from tests.waiting import eventually


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@asynccontextmanager
async def open_shards(
    url: str,
    clock: Callable[[], datetime] | None = None,
    limits: Limits | None = None,
    *,
    calibrates: bool = False,
) -> AsyncIterator[Shards]:
    """Shards of a test's own. What confidence means is learned at times that no test can know, so
    only those learn it that say so."""
    limits = limits or Limits()
    if not calibrates:
        limits = replace(limits, calibration_rows=10**9)
    pool = await create_pool(url, size=4)
    try:
        shards = Shards(url, pool, limits=limits, now=clock or Clock())
        await shards.start()
        try:
            yield shards
        finally:
            await shards.close()
    finally:
        await pool.close()


async def make_project(
    shards: Shards,
    name: str = "p",
    *,
    labels: int = 3,
    tasks: int = 0,
    workers: int = 0,
    policy: Policy | None = None,
) -> Shard:
    shard = await shards.create_project(
        name, name, [Label(f"l{k}", f"Label {k}") for k in range(labels)], policy or Policy(), {}
    )
    if tasks:
        await shard.add_tasks(new_tasks([f"t{i}" for i in range(tasks)]), "test")
    if workers:
        await shard.add_workers([f"w{j}" for j in range(workers)])
    return shard


def new_tasks(
    names: Sequence[str], priority: int = 0, gold: Sequence[int] | None = None
) -> NewTasks:
    return NewTasks(
        external_id=names,
        payload=[{"name": name} for name in names],
        attributes=[{}] * len(names),
        priority=[priority] * len(names),
        gold=[-1] * len(names) if gold is None else gold,
    )


def submissions(
    worker: Sequence[int] | int,
    label: Sequence[int],
    *,
    task: Sequence[int] | None = None,
    lease: Sequence[UUID | None] | None = None,
    client: Sequence[str | None] | None = None,
    seconds: Sequence[float] | None = None,
    require_lease: bool = False,
    own: bool = False,
) -> Submissions:
    n = len(label)
    return Submissions(
        worker=np.array([worker] * n if isinstance(worker, int) else worker, np.int32),
        task=np.array([-1] * n if task is None else task, np.int32),
        label=np.array(label, np.int16),
        lease_id=[None] * n if lease is None else lease,
        client_id=[None] * n if client is None else client,
        seconds=np.array([np.nan] * n if seconds is None else seconds, np.float32),
        require_lease=require_lease,
        own=own,
    )


async def derived_written(shard: Shard) -> None:
    """Wait until the derived tables say what the memory says.

    After a start rows may bear a later seq than memory: that of the end of the flush they came in.
    """
    project_id = shard.project.project_id
    connection = await connect(shard._dsn)
    await learned(shard)
    await eventually(lambda: shard._derived._writing is None)

    async def written() -> bool:
        tasks, workers = shard.memory.seqs()
        rows = await states.task_state_seqs(connection, project_id)
        people = await states.worker_state_seqs(connection, project_id)
        if len(rows) < len(tasks) or len(people) < len(workers):
            return False
        return all(row["seq"] >= tasks[row["task_id"]] for row in rows) and all(
            row["seq"] >= workers[row["worker_id"]] for row in people
        )

    await eventually(written)
    await connection.close()


async def recorded(shard: Shard) -> None:
    """Wait until the log has all that the status tests have come to."""
    await eventually(lambda: not shard.memory.vetting.due)


async def learned(shard: Shard) -> None:
    """Wait until reputations rest on all that the memory knows."""
    await eventually(lambda: shard._renewal._running is None and not shard.memory.background.stale)


def all_tasks(shard: Shard) -> Int32s:
    return np.arange(shard.task_count, dtype=np.int32)


def all_workers(shard: Shard) -> Int32s:
    return np.arange(shard.worker_count, dtype=np.int32)

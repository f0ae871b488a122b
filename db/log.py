"""The log of a project: append a flush, read it back, look up what memory does not keep."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import numpy as np
import numpy.typing as npt

from db.connect import AnyConnection
from db.queries import sql

LOCK_CLASS = 0x62617361  # "basa": ours among the advisory locks of a database

# One row of a binary COPY of (bigint, smallint, integer, integer, smallint, real): the number of
# columns, then for each its length and its value, most significant byte first.
_EVENT = np.dtype(
    [
        ("columns", ">i2"),
        ("seq_size", ">i4"),
        ("seq", ">i8"),
        ("kind_size", ">i4"),
        ("kind", ">i2"),
        ("task_size", ">i4"),
        ("task", ">i4"),
        ("worker_size", ">i4"),
        ("worker", ">i4"),
        ("label_size", ">i4"),
        ("label", ">i2"),
        ("seconds_size", ">i4"),
        ("seconds", ">f4"),
    ]
)
_COPY_HEADER = 19  # signature, flags and the length of no extension
_COPY_TRAILER = 2

EventRows = npt.NDArray[np.void]
PART = 4  # what is added to the kind of an event that is part of an act


@dataclass(slots=True)
class Judgments:
    """Columns of new judgments. All from `supersedes` on may be None; without a price one costs
    nothing."""

    seq: list[int] = field(default_factory=list)
    task: list[int] = field(default_factory=list)
    worker: list[int] = field(default_factory=list)
    label: list[int] = field(default_factory=list)
    supersedes: list[int | None] = field(default_factory=list)
    lease_id: list[UUID | None] = field(default_factory=list)
    client_id: list[str | None] = field(default_factory=list)
    seconds: list[float | None] = field(default_factory=list)
    price: list[int | None] = field(default_factory=list)


@dataclass(slots=True)
class Decisions:
    """Columns of new decisions; `task`, `worker` and `client_id` may be None."""

    seq: list[int] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)
    task: list[int | None] = field(default_factory=list)
    body: list[Mapping[str, Any]] = field(default_factory=list)
    actor: list[str] = field(default_factory=list)
    worker: list[int | None] = field(default_factory=list)
    client_id: list[str | None] = field(default_factory=list)


@dataclass(slots=True)
class Retractions:
    """Columns of judgments that a decision holds back or gives back, of which `label` and `seconds`
    are.

    `seconds` may be None. They are not stored twice: a reader finds them with the judgment.
    `turns`: whether the judgment counts no more, or counts again, by this.
    """

    seq: list[int] = field(default_factory=list)
    decision: list[int] = field(default_factory=list)
    judgment: list[int] = field(default_factory=list)
    task: list[int] = field(default_factory=list)
    worker: list[int] = field(default_factory=list)
    label: list[int] = field(default_factory=list)
    seconds: list[float | None] = field(default_factory=list)
    restores: list[bool] = field(default_factory=list)
    turns: list[bool] = field(default_factory=list)


@dataclass(slots=True)
class Grants:
    """Columns of new leases; `outcome` is set where one ended in the flush that made it."""

    lease_id: list[UUID] = field(default_factory=list)
    seq: list[int] = field(default_factory=list)
    task: list[int] = field(default_factory=list)
    worker: list[int] = field(default_factory=list)
    expires_at: list[datetime] = field(default_factory=list)
    outcome: list[str | None] = field(default_factory=list)
    price: list[int | None] = field(default_factory=list)


@dataclass(slots=True)
class Closings:
    """Columns of leases that end."""

    lease_id: list[UUID] = field(default_factory=list)
    outcome: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Entries:
    """All that one flush appends to the log."""

    judgments: Judgments = field(default_factory=Judgments)
    decisions: Decisions = field(default_factory=Decisions)
    grants: Grants = field(default_factory=Grants)
    closings: Closings = field(default_factory=Closings)
    retractions: Retractions = field(default_factory=Retractions)

    def __bool__(self) -> bool:
        return bool(
            self.judgments.seq
            or self.decisions.seq
            or self.grants.seq
            or self.closings.lease_id
            or self.retractions.seq
        )


async def append(
    connection: AnyConnection, project_id: int, at: datetime, entries: Entries
) -> list[asyncpg.Record]:
    """Append a flush in one statement, which is one transaction if none is open.

    One with retractions takes a second statement, so a transaction must be open then. Returns
    (task_id, external_id, payload) of the tasks in `entries.grants`. COPY would spare us 1 µs a
    judgment in large flushes and PostgreSQL nothing, for three more round trips.
    """
    judgments, decisions = entries.judgments, entries.decisions
    grants, closings = entries.grants, entries.closings
    common = (
        project_id,
        at,
        closings.lease_id,
        closings.outcome,
        judgments.seq,
        judgments.task,
        judgments.worker,
        judgments.label,
        _if_any(judgments.supersedes),
        _if_any(judgments.lease_id),
        _if_any(judgments.client_id),
        _if_any(judgments.seconds),
        _if_any(judgments.price),
    )
    retractions = entries.retractions
    if retractions.seq:
        await connection.execute(
            sql("insert_retractions"),
            project_id,
            retractions.seq,
            retractions.decision,
            retractions.judgment,
            retractions.task,
            retractions.worker,
            retractions.label,
            retractions.restores,
            retractions.turns,
        )
    if not decisions.seq and not grants.seq:
        await connection.execute(sql("append_judgments"), *common)
        return []
    return await connection.fetch(
        sql("append"),
        *common,
        decisions.seq,
        decisions.kind,
        decisions.task,
        decisions.body,
        decisions.actor,
        _if_any(decisions.worker),
        _if_any(decisions.client_id),
        grants.lease_id,
        grants.seq,
        grants.task,
        grants.worker,
        grants.expires_at,
        grants.outcome,
        list(set(grants.task)),
        _if_any(grants.price),
    )


def _if_any(column: list[Any]) -> list[Any]:
    # unnest fills short columns with nulls, and asyncpg looks at every element.
    return [] if column.count(None) == len(column) else column


async def by_client_id(
    connection: AnyConnection, project_id: int, workers: list[int], client_ids: list[str]
) -> list[asyncpg.Record]:
    """Return (row, seq, task_id, label_id) for the rows asked about that are in the log."""
    rows = list(range(len(workers)))
    return await connection.fetch(
        sql("judgments_by_client_id"), project_id, rows, workers, client_ids
    )


async def live_judgments(
    connection: AnyConnection, project_id: int, tasks: Sequence[int], workers: Sequence[int]
) -> list[asyncpg.Record]:
    """Return (task_id, worker_id, seq, created_at) of standing judgments."""
    return await connection.fetch(sql("live_judgments"), project_id, tasks, workers)


async def ended_leases(
    connection: AnyConnection, project_id: int, lease_ids: list[UUID]
) -> list[asyncpg.Record]:
    """Return (lease_id, task_id, worker_id, outcome) of those that have ended."""
    return await connection.fetch(sql("ended_leases"), project_id, lease_ids)


async def open_leases(
    connection: AnyConnection, project_id: int, until: int | None = None
) -> list[asyncpg.Record]:
    """Return (lease_id, task_id, worker_id, expires_at, price) of what is open now, or at a seq."""
    if until is None:
        return await connection.fetch(sql("open_leases"), project_id)
    at = await moment(connection, project_id, until)
    return await connection.fetch(sql("open_leases_at"), project_id, until, at)


async def passed_tasks(
    connection: AnyConnection, project_id: int, most: int
) -> list[asyncpg.Record]:
    """Return (worker_id, task_id) of each worker's last leases that ended without a judgment, at
    most so many of each, the earliest first."""
    return await connection.fetch(sql("passed_tasks"), project_id, most)


async def moment(connection: AnyConnection, project_id: int, seq: int) -> datetime | None:
    """Return when the last entry up to a seq came, None before the first."""
    found: datetime | None = await connection.fetchval(sql("moment_of_seq"), project_id, seq)
    return found


async def entry_from(connection: AnyConnection, project_id: int, seq: int) -> asyncpg.Record | None:
    """Return (seq, created_at) of the first judgment, decision or lease from a seq on."""
    return await connection.fetchrow(sql("entry_from"), project_id, seq)


async def count_judgments(
    connection: AnyConnection, project_id: int, after: int, until: int
) -> int:
    """Count the judgments with after < seq <= until."""
    return int(await connection.fetchval(sql("judgments_between"), project_id, after, until))


async def paid_between(
    connection: AnyConnection, project_id: int, after: int, until: int
) -> list[asyncpg.Record]:
    """Return (day, judgments, money): what was paid for judgments with after < seq <= until."""
    return await connection.fetch(sql("paid_between"), project_id, after, until)


async def last_seq(connection: AnyConnection, project_id: int) -> int:
    """Return the last seq of the log, 0 where it is empty."""
    return int(await connection.fetchval(sql("last_seq"), project_id))


async def additions(
    connection: AnyConnection, project_id: int, after: int, kind: str
) -> list[asyncpg.Record]:
    """Return (seq, first, count): which were added after a seq, by the decision's kind."""
    return await connection.fetch(sql("additions"), project_id, after, kind)


async def acts_between(
    connection: AnyConnection, project_id: int, after: int, until: int
) -> list[asyncpg.Record]:
    """Return (seq, kind, task_id, worker_id, body, actor, created_at) of decisions beyond gold."""
    return await connection.fetch(sql("acts_between"), project_id, after, until)


async def gold_decisions(
    connection: AnyConnection, project_id: int, after: int, until: int
) -> list[asyncpg.Record]:
    """Return (seq, kind, task_id, body) of what was decided about gold."""
    return await connection.fetch(sql("gold_decisions"), project_id, after, until)


async def prepare_writer(connection: AnyConnection) -> None:
    """Let the server end this connection's statements when its process is gone, or after minutes.

    Otherwise a statement that takes long keeps the project's lock from the next process.
    """
    await connection.execute(sql("limit_statements"))
    with suppress(asyncpg.InvalidParameterValueError):  # some systems cannot tell
        await connection.execute(sql("notice_lost_writer"))


async def unlimit_statements(connection: AnyConnection) -> None:
    """Let statements take as long as they take, until the end of the transaction."""
    await connection.execute(sql("unlimit_statements"))


async def writer_is_idle(connection: AnyConnection, project_id: int) -> bool:
    """Return whether another connection has the project's lock and waits for its process."""
    return bool(await connection.fetchval(sql("writer_is_idle"), LOCK_CLASS, project_id))


async def lock_project(connection: AnyConnection, project_id: int) -> bool:
    """Try to become the project's writer while this connection lives."""
    return bool(await connection.fetchval(sql("lock_project"), LOCK_CLASS, project_id))


async def end_writer(connection: AnyConnection, project_id: int, pid: int) -> None:
    """End our own earlier backend `pid`, if it still holds the project's lock."""
    await connection.execute(sql("end_writer"), LOCK_CLASS, project_id, pid)


async def read_events(
    connection: AnyConnection,
    project_id: int,
    after: int,
    until: int,
    take: Callable[[EventRows], Awaitable[None]],
    rows: int = 100_000,
) -> None:
    """Hand the events with after < seq <= until to `take`, in order, about `rows` at a time.

    Each has the fields seq, kind, task, worker, label and seconds (NaN where unknown); kinds from
    PART on are parts of an act of staff. Binary COPY into numpy: ten million rows would be
    gigabytes of Python objects otherwise.
    """
    waiting = bytearray()
    skipped = 0

    async def receive(data: bytes) -> None:
        nonlocal skipped
        waiting.extend(data)
        if skipped == 0:
            if len(waiting) < _COPY_HEADER:
                return
            del waiting[:_COPY_HEADER]
            skipped = _COPY_HEADER
        if len(waiting) >= rows * _EVENT.itemsize:
            await hand_over()

    async def hand_over() -> None:
        count = len(waiting) // _EVENT.itemsize
        whole = count * _EVENT.itemsize
        events = np.frombuffer(bytes(waiting[:whole]), _EVENT)
        del waiting[:whole]
        if count:
            await take(events)

    await connection.copy_from_query(
        sql("events_after"), project_id, after, until, output=receive, format="binary"
    )
    await hand_over()
    if len(waiting) != _COPY_TRAILER:
        raise ValueError(f"the COPY of project {project_id} ended with {len(waiting)} stray bytes")

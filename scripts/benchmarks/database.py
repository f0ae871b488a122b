"""A temporary database, and projects filled in bulk, by ways that only a benchmark may take."""

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import asyncpg
import numpy as np

from api.policy import Policy
from api.projects import Label
from db import log, projects
from db.connect import connect
from db.embedded import EmbeddedPostgres
from db.migrations import migrate
from scripts.benchmarks.synthetic import Crowd

ROWS_AT_ONCE: Final = 20_000
COPY_ROWS: Final = 200_000

Advance = Callable[[int], object]

# One row of a binary COPY: the number of columns, then for each its length and its value.
_COLUMNS: Final = ("project_id", "seq", "task_id", "worker_id", "label_id", "created_at")
_ROW: Final = np.dtype(
    [
        ("columns", ">i2"),
        ("project_size", ">i4"),
        ("project", ">i4"),
        ("seq_size", ">i4"),
        ("seq", ">i8"),
        ("task_size", ">i4"),
        ("task", ">i4"),
        ("worker_size", ">i4"),
        ("worker", ">i4"),
        ("label_size", ">i4"),
        ("label", ">i2"),
        ("at_size", ">i4"),
        ("at", ">i8"),
    ]
)
_HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_FIRST_SEQ: Final = 2  # of the judgments: the tasks have the one before
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Database:
    """A running server of our own. data_dir is what `basanite serve --data-dir` takes."""

    data_dir: Path
    dsn: str
    pid: int


@contextmanager
def temporary_folder(parent: Path | None) -> Iterator[Path]:
    """A folder for a database that nobody needs afterwards."""
    with tempfile.TemporaryDirectory(prefix="basanite-bench-", dir=parent) as name:
        # The account that PostgreSQL runs as under root must be able to enter.
        Path(name).chmod(0o711)
        yield Path(name)


@asynccontextmanager
async def running(data_dir: Path) -> AsyncIterator[Database]:
    """The embedded PostgreSQL of a data folder, with the schema, as the server sets it up."""
    async with EmbeddedPostgres(data_dir / "postgres") as server:
        connection = await connect(server.dsn)
        try:
            await migrate(connection)
        finally:
            await connection.close()
        yield Database(data_dir, server.dsn, server.pid)


def task_name(task: int) -> str:
    """The external id of a filled project's task."""
    return f"task-{task}"


def worker_name(worker: int) -> str:
    """The external id of a filled project's worker."""
    return f"worker-{worker}"


def label_name(label: int) -> str:
    """The external id of a filled project's label."""
    return f"label-{label}"


async def fill(
    connection: asyncpg.Connection,
    name: str,
    tasks: int,
    workers: int,
    labels: int,
    policy: Policy,
    advance: Advance = lambda _: None,
) -> int:
    """Make a project with tasks and workers; return its dense id. advance(tasks written)."""
    at = datetime.now(UTC)
    named = [Label(label_name(label), label_name(label)) for label in range(labels)]
    pairs = [(label.external_id, label.name) for label in named]
    row = await projects.insert_project(connection, name, name, pairs, policy.to_json(), {}, at)
    if row is None:
        raise ValueError(f"there is a project {name}")
    project = int(row["project_id"])
    for first in range(0, tasks, ROWS_AT_ONCE):
        ids = range(first, min(first + ROWS_AT_ONCE, tasks))
        count = len(ids)
        await projects.insert_tasks(
            connection,
            project,
            at,
            first,
            [task_name(task) for task in ids],
            [{"text": task_name(task)} for task in ids],
            [{}] * count,
            [0] * count,
        )
        advance(count)
    await projects.insert_workers(
        connection,
        project,
        at,
        0,
        [worker_name(worker) for worker in range(workers)],
        ["HUMAN"] * workers,
        [{}] * workers,
    )
    entries = log.Entries()
    entries.decisions = log.Decisions(
        [_FIRST_SEQ - 1], ["TASKS_ADDED"], [None], [{"first": 0, "count": tasks}], ["benchmark"]
    )
    await log.append(connection, project, at, entries)
    return project


async def copy_judgments(
    connection: asyncpg.Connection,
    project: int,
    data: Crowd,
    rows: range,
    advance: Advance = lambda _: None,
) -> None:
    """Write these rows of the judgments to the log of a filled project, behind those before them.

    No server may have the project open. advance(rows written).
    """
    stamp = (datetime.now(UTC) - _EPOCH).total_seconds() * 1e6

    async def parts() -> AsyncIterator[bytes]:
        yield _HEADER
        for first in rows[::COPY_ROWS]:
            some = slice(first, min(first + COPY_ROWS, rows.stop))
            task = data.task[some]
            out = np.zeros(len(task), _ROW)
            out["columns"] = len(_COLUMNS)
            for column in ("project", "seq", "task", "worker", "label", "at"):
                out[f"{column}_size"] = out.dtype[column].itemsize
            out["project"] = project
            out["seq"] = np.arange(first, first + len(task)) + _FIRST_SEQ
            out["task"], out["worker"] = task, data.worker[some]
            out["label"], out["at"] = data.label[some], int(stamp)
            yield out.tobytes()
            advance(len(task))
        yield _TRAILER

    await connection.copy_to_table(
        "judgment", source=parts(), columns=list(_COLUMNS), format="binary"
    )
    await connection.execute("analyze judgment")

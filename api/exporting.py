"""The results of a project as files, while a server writes it or not."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import asyncpg
import pyarrow as pa
import pyarrow.parquet as pq

from api.errors import UnknownProject
from api.seat import Seat
from api.settings import Settings
from api.shards import Shards
from api.tables.folder import OutFile, OutFolder
from db import exports
from db.connect import AnyConnection
from db.projects import project_by_name


class Format(StrEnum):
    """What kind of files."""

    CSV = "csv"
    PARQUET = "parquet"


_COUNT, _SHARE, _TEXT = pa.int32(), pa.float32(), pa.string()


@dataclass(frozen=True)
class _Table:
    """A file, the statement that makes it and, for Parquet, the types of its columns."""

    name: str
    statement: str
    schema: pa.Schema


TABLES: Final = (
    _Table(
        "consensus",
        exports.CONSENSUS,
        pa.schema(
            {
                "task": _TEXT,
                "label": _TEXT,
                "confidence": _SHARE,
                "status": _TEXT,
                "judgments": _COUNT,
                "gold": _TEXT,
            }
        ),
    ),
    _Table(
        "workers",
        exports.WORKERS,
        pa.schema(
            {
                "worker": _TEXT,
                "judgments": _COUNT,
                "accuracy": _SHARE,
                "accuracy_low": _SHARE,
                "accuracy_high": _SHARE,
                "bits": _SHARE,
                "gold_right": _COUNT,
                "gold_total": _COUNT,
            }
        ),
    ),
    _Table(
        "judgments",
        exports.JUDGMENTS,
        pa.schema(
            {
                "task": _TEXT,
                "worker": _TEXT,
                "label": _TEXT,
                "seconds": _SHARE,
                "created_at": pa.timestamp("us", "UTC"),
            }
        ),
    ),
)


def files(kind: Format) -> tuple[str, ...]:
    """The names of the files."""
    return tuple(f"{table.name}.{kind}" for table in TABLES)


async def export(
    dsn: str,
    pool: asyncpg.Pool,
    settings: Settings,
    project: str,
    folder: OutFolder,
    kind: Format,
) -> dict[str, int]:
    """Write the files, all as of one moment, and return their numbers of rows.

    Where a server writes the project, consensus and workers are those of a second ago at most.
    Raises UnknownProject.
    """
    async with pool.acquire() as connection:
        found = await project_by_name(connection, project)
    if found is None:
        raise UnknownProject
    project_id = found["project_id"]
    await _bring_up_to_date(dsn, pool, settings, project_id)
    counts: dict[str, int] = {}
    async with exports.one_moment(pool) as connection:
        for table in TABLES:
            file = folder.create(f"{table.name}.{kind}")
            write = _csv if kind is Format.CSV else _parquet
            counts[file.name] = await write(connection, table, project_id, file)
    return counts


async def _bring_up_to_date(
    dsn: str, pool: asyncpg.Pool, settings: Settings, project_id: int
) -> None:
    """Write what a server that was killed had not written yet; one that runs does it itself."""
    seat = Seat(dsn, project_id)
    free = await seat.take()
    await seat.leave()
    if not free:
        return
    shards = Shards(dsn, pool, limits=settings.limits)
    try:
        await shards.open(project_id)
    finally:
        await shards.close()


async def _csv(connection: AnyConnection, table: _Table, project_id: int, file: OutFile) -> int:
    async def write(data: bytes) -> None:
        file.write(data)

    return await exports.copy_csv(connection, table.statement, project_id, write)


async def _parquet(connection: AnyConnection, table: _Table, project_id: int, file: OutFile) -> int:
    count = 0
    with pq.ParquetWriter(pa.PythonFile(_Sink(file.write), "w"), table.schema) as writer:
        async for part in exports.rows(connection, table.statement, project_id):
            columns: list[Any] = list(zip(*part, strict=True)) or [()] * len(table.schema)
            arrays = [
                pa.array(column, field.type)
                for column, field in zip(columns, table.schema, strict=True)
            ]
            writer.write_table(pa.table(arrays, schema=table.schema))
            count += len(part)
    return count


class _Sink:
    """What pyarrow takes for a file that is only written to."""

    closed = False

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._at = 0

    def write(self, data: Any) -> int:
        data = bytes(data)
        self._write(data)
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        """Nothing is held back here."""

    def close(self) -> None:
        """The file is closed by who opened it."""

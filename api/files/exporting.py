"""The results of a project as files, while a server writes it or not.

What is known of tasks and workers comes from a memory of the log that this process makes for
itself, so it is never late, and needs nothing of a server: neither its life nor its permission.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any, Final, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from api.errors import UnknownProject
from api.log import recovery
from api.log.renewal import heard_of
from api.memory import Memory
from api.reading.showing import task_views, worker_views
from api.rows import STATUSES, Int32s
from api.tables.folder import OutFile, OutFolder
from api.tables.writing import write_header, write_rows
from db import exports
from db.connect import AnyConnection, connect
from db.projects import project_by_name


class Format(StrEnum):
    """What kind of files."""

    CSV = "csv"
    PARQUET = "parquet"


CONSENSUS, WORKERS, JUDGMENTS = "consensus", "workers", "judgments"
_CELLS: Final = 2_000_000  # of probabilities at a time
_WORKER_CELLS: Final = 200  # what a worker takes of them
_COUNT, _SHARE, _TEXT = pa.int32(), pa.float32(), pa.string()
_WORKERS: Final = pa.schema(
    {
        "worker": _TEXT,
        "judgments": _COUNT,
        "accuracy": _SHARE,
        "accuracy_low": _SHARE,
        "accuracy_high": _SHARE,
        "bits": _SHARE,
        "bits_low": _SHARE,
        "bits_high": _SHARE,
        "agreement": _SHARE,
        "agreement_low": _SHARE,
        "agreement_high": _SHARE,
        "gold_right": _COUNT,
        "gold_total": _COUNT,
    }
)
_JUDGMENTS: Final = pa.schema(
    {
        "task": _TEXT,
        "worker": _TEXT,
        "label": _TEXT,
        "seconds": _SHARE,
        "created_at": pa.timestamp("us", "UTC"),
    }
)

# Some rows of a table, column by column.
Block: TypeAlias = Sequence[Any]


def files(kind: Format) -> tuple[str, ...]:
    """The names of the files."""
    return tuple(f"{name}.{kind}" for name in (CONSENSUS, WORKERS, JUDGMENTS))


async def export(dsn: str, project: str, folder: OutFolder, kind: Format) -> dict[str, int]:
    """Write the files, all as of one moment, and return their numbers of rows.

    Raises UnknownProject.
    """
    connection = await connect(dsn)
    try:
        found = await project_by_name(connection, project)
        if found is None:
            raise UnknownProject
        project_id = found["project_id"]
        async with exports.one_moment(connection):
            memory = await recovery.load(connection, project_id)
            memory.background.learn(memory.model, await heard_of(connection, memory))
            consensus, workers, judgments = (folder.create(name) for name in files(kind))
            return {
                consensus.name: _write(consensus, kind, _schema(memory), _tasks(memory)),
                workers.name: _write(workers, kind, _WORKERS, _workers(memory)),
                judgments.name: await _write_judgments(judgments, kind, connection, project_id),
            }
    finally:
        await connection.close()


def _write(file: OutFile, kind: Format, schema: pa.Schema, blocks: Iterable[Block]) -> int:
    if kind is Format.PARQUET:
        with _ParquetFile(file, schema) as table:
            for block in blocks:
                table.append(block)
        return table.count
    write_header(file, schema.names)
    count = 0
    for block in blocks:
        write_rows(file, block)
        count += len(block[0])
    return count


async def _write_judgments(
    file: OutFile, kind: Format, connection: AnyConnection, project_id: int
) -> int:
    if kind is Format.PARQUET:
        with _ParquetFile(file, _JUDGMENTS) as table:
            async for rows in exports.judgments(connection, project_id):
                table.append([*zip(*rows, strict=True)])
        return table.count

    async def write(data: bytes) -> None:
        file.write(data)

    return await exports.copy_judgments(connection, project_id, write)


def _schema(memory: Memory) -> pa.Schema:
    fields = {"task": _TEXT, "label": _TEXT, "confidence": _SHARE}
    fields |= {f"p_{label.external_id}": _SHARE for label in memory.project.labels}
    return pa.schema(fields | {"status": _TEXT, "judgments": _COUNT, "gold": _TEXT})


def _tasks(memory: Memory) -> Iterator[Block]:
    """Every judged or gold task, the oldest first."""
    labels = pa.array([label.external_id for label in memory.project.labels], _TEXT)
    for ids in _parts(len(memory.tasks), len(labels)):
        views = task_views(memory, ids)
        kept = views.label >= 0
        gold = views.gold[kept]
        yield [
            pa.array(memory.tasks.names(ids[kept]), _TEXT),
            labels.take(pa.array(views.label[kept])),
            views.confidence[kept],
            *memory.model.probabilities(ids[kept]).T,
            pa.array([STATUSES[status] for status in views.status[kept]], _TEXT),
            views.judgments[kept],
            labels.take(pa.array(gold, mask=gold < 0)),
        ]


def _workers(memory: Memory) -> Iterator[Block]:
    """Every worker with a judgment, the earliest first."""
    for ids in _parts(len(memory.workers), _WORKER_CELLS):
        views = worker_views(memory, ids)
        kept = views.judgments > 0
        estimates = (views.accuracy, views.bits, views.agreement)
        ends = [end for each in estimates for end in (each.value, each.low, each.high)]
        facts: list[npt.NDArray[Any]] = [views.judgments, *ends, views.gold_right, views.gold_total]
        names = pa.array(memory.workers.names(ids[kept]), _TEXT)
        yield [names, *(column[kept] for column in facts)]


def _parts(count: int, cells: int) -> Iterator[Int32s]:
    step = _CELLS // cells
    for start in range(0, count, step):
        yield np.arange(start, min(start + step, count), dtype=np.int32)


class _ParquetFile:
    """A table in the making."""

    def __init__(self, file: OutFile, schema: pa.Schema) -> None:
        self.count = 0
        self._schema = schema
        self._writer = pq.ParquetWriter(pa.PythonFile(_Sink(file.write), "w"), schema)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def append(self, block: Block) -> None:
        columns = [
            pa.array(column).cast(field.type)
            for column, field in zip(block, self._schema, strict=True)
        ]
        self._writer.write_table(pa.table(columns, schema=self._schema))
        self.count += len(block[0])


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

"""The judgments of a file, as columns of numbers."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from api.tables.columns import GOLD, LABEL, SECONDS, TASK, WORKER, Column, given
from api.tables.delimited import Chunk, Refuse, read_delimited
from api.tables.errors import LabelsTooMany, RowsMissing, RowsUnusable
from api.tables.interning import Interned, intern
from api.tables.json_lines import read_json_lines
from api.tables.labels import natural
from api.tables.parquet import read_parquet
from api.tables.quarantine import common_reasons
from api.tables.sources import Progress, Source, open_source

LABEL_LIMIT = 1000
LONGEST = 604_800.0  # seconds: nobody takes more than a week for a judgment


@dataclass(frozen=True)
class Reading:
    """How to read a file. Everything that is None is found out.

    timed: read also how long the judgments took, where the file says so.
    """

    task_column: str | None = None
    worker_column: str | None = None
    label_column: str | None = None
    gold_column: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    timed: bool = False
    seconds_column: str | None = None

    @property
    def judgment_columns(self) -> tuple[Column, ...]:
        """The columns of a file of judgments."""
        return (
            given(TASK, self.task_column),
            given(WORKER, self.worker_column),
            given(LABEL, self.label_column),
            *((given(SECONDS, self.seconds_column),) if self.timed else ()),
        )

    @property
    def gold_columns(self) -> tuple[Column, ...]:
        """The columns of a file of gold."""
        return (given(TASK, self.task_column), given(GOLD, self.gold_column))


@dataclass(frozen=True)
class Judgments:
    """Judgments in the order of their rows, each (task, worker) once, or as often as it came.

    name: of the file, as messages call it.
    task, worker: int32[n], rows of `tasks` and `workers`, which are in order of appearance.
    label: int16[n], an index into `labels`, which are in natural order.
    seconds: float32[n], how long each took; NaN where nothing usable says so, or was read.
    rows: usable rows that were read; refused: rows that were not usable.
    duplicates: rows that repeated the worker's answer; revised: rows that changed it.
    """

    name: str
    task: npt.NDArray[np.int32]
    worker: npt.NDArray[np.int32]
    label: npt.NDArray[np.int16]
    seconds: npt.NDArray[np.float32]
    tasks: pa.StringArray
    workers: pa.StringArray
    labels: list[str]
    rows: int
    refused: int
    duplicates: int
    revised: int


@dataclass
class Refusals:
    """Counts what is refused on its way to the quarantine."""

    refuse: Refuse
    count: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def __call__(self, line: int, reason: str, raw: bytes) -> None:
        """Refuse a row."""
        self.count += 1
        self.reasons[reason] += 1
        self.refuse(line, reason, raw)


def read_judgments(
    path: str,
    reading: Reading,
    refuse: Refuse,
    progress: Progress | None = None,
    *,
    every_row: bool = False,
) -> Judgments:
    """Read a file of judgments, or standard input for "-"; bad rows go to `refuse`.

    With `every_row`, rows that a later one repeats or changes are kept too.
    Cost: about 60 bytes and 0.6 µs a row for clean CSV, 2.5 µs for rows that must be looked at one
    by one. Raises a TableError if nothing can be used.
    """
    columns = reading.judgment_columns
    name, (task, worker, label, *times), refusals = read_columns(
        path, columns, reading, refuse, progress
    )
    values = label.values.to_pylist()
    check_labels(name, values, reading)
    labels = sorted(values, key=natural)
    order = {value: index for index, value in enumerate(labels)}
    recoded = np.array([order[value] for value in values], np.int16)[label.codes]
    pairs = task.codes.astype(np.int64) * len(worker.values) + worker.codes
    kept, duplicates, revised = last_of_each(pairs, recoded)
    if every_row:
        kept = np.arange(len(pairs))
    return Judgments(
        name=name,
        task=task.codes[kept],
        worker=worker.codes[kept],
        label=recoded[kept],
        seconds=_seconds(times[0])[kept] if times else np.full(len(kept), np.nan, np.float32),
        tasks=task.values,
        workers=worker.values,
        labels=labels,
        rows=len(pairs),
        refused=refusals.count,
        duplicates=duplicates,
        revised=revised,
    )


def read_columns(
    path: str,
    columns: Sequence[Column],
    reading: Reading,
    refuse: Refuse,
    progress: Progress | None = None,
) -> tuple[str, list[Interned], Refusals]:
    """Read the columns of a file of any known format: its name, the columns, what was refused."""
    refusals = Refusals(refuse)
    with open_source(path, encoding=reading.encoding, progress=progress) as source:
        interned = intern(_chunks(source, columns, reading, refusals), len(columns))
        name = source.name
    if len(interned[0].codes) == 0:
        if not refusals.count:
            raise RowsMissing(name=name)
        reasons = common_reasons(refusals.reasons)
        raise RowsUnusable(name=name, count=refusals.count, reasons=reasons)
    return name, interned, refusals


def _chunks(
    source: Source, columns: Sequence[Column], reading: Reading, refuse: Refuse
) -> Iterator[Chunk]:
    if source.kind == "parquet":
        return read_parquet(source, columns, refuse)
    if source.kind == "json":
        return read_json_lines(source, columns, refuse)
    return read_delimited(source, columns, refuse, delimiter=reading.delimiter)


def check_labels(name: str, labels: Sequence[str], reading: Reading) -> None:
    """Raise LabelsTooMany if the labels are more than a project can have."""
    if len(labels) > LABEL_LIMIT:
        raise LabelsTooMany(
            name=name,
            count=len(labels),
            limit=LABEL_LIMIT,
            column=reading.label_column or "that holds them",
            examples=", ".join(repr(label[:30]) for label in labels[:3]),
        )


def some(seconds: npt.NDArray[np.float32]) -> list[float | None]:
    """Times as they are sent: None where there is none."""
    return [None if np.isnan(each) else round(float(each), 3) for each in seconds]


def _seconds(column: Interned) -> npt.NDArray[np.float32]:
    values = np.full(len(column.values), np.nan, np.float32)
    for place, text in enumerate(column.values.to_pylist()):
        with suppress(ValueError):
            number = float(text)
            if 0 <= number <= LONGEST:
                values[place] = number
    return values[column.codes]


def last_of_each(
    keys: npt.NDArray[np.int64], values: npt.NDArray[np.int16]
) -> tuple[npt.NDArray[np.int64], int, int]:
    """Keep the last row of each key: their places, ascending; rows dropped that repeated the value
    before them; rows dropped because another value came later.
    """
    ordered = np.sort(keys)
    repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if len(repeated) == 0:
        return np.arange(len(keys)), 0, 0
    # A stable sort costs ten times a plain one: only rows of keys that come again need it.
    place = np.minimum(np.searchsorted(repeated, keys), len(repeated) - 1)
    rows = np.flatnonzero(repeated[place] == keys)
    rows = rows[np.argsort(keys[rows], kind="stable")]
    earlier = keys[rows[1:]] == keys[rows[:-1]]
    same = int((earlier & (values[rows[1:]] == values[rows[:-1]])).sum())
    kept = np.ones(len(keys), np.bool_)
    kept[rows[:-1][earlier]] = False
    return np.flatnonzero(kept), same, int(earlier.sum()) - same

"""Real data sets, as columns of numbers in the order of their files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from api.tables.errors import TableError
from api.tables.gold import read_gold
from api.tables.judgments import Reading, read_columns, read_judgments


@dataclass(frozen=True)
class DataSet:
    """task, worker int32[n] and label int16[n], dense; gold int16[tasks], -1 where there is none.

    Rows that repeat a judgment exactly are dropped; a worker's changed answer is a row of its own.
    """

    name: str
    labels: int
    task: npt.NDArray[np.int32]
    worker: npt.NDArray[np.int32]
    label: npt.NDArray[np.int16]
    gold: npt.NDArray[np.int16]

    def prefix(self, rows: int) -> "DataSet":
        """The data set as it was when so many judgments had come."""
        first = slice(rows)
        return DataSet(
            self.name,
            self.labels,
            self.task[first],
            self.worker[first],
            self.label[first],
            self.gold,
        )

    @property
    def known(self) -> npt.NDArray[np.int32]:
        """The tasks that can be scored: with gold and at least one judgment."""
        judged = np.bincount(self.task, minlength=len(self.gold)) > 0
        return np.flatnonzero(judged & (self.gold >= 0)).astype(np.int32)


def folders(root: Path) -> Iterator[Path]:
    """The folders in `root` that hold a data set."""
    for folder in sorted(root.iterdir()):
        if all((folder / name).is_file() for name in ("judgments.csv", "gold.csv")):
            yield folder


def read(folder: Path) -> DataSet:
    """Read a data set. Raises TableError if it cannot be used or a row of it is bad."""
    path, reading = str(folder / "judgments.csv"), Reading()
    judgments = read_judgments(path, reading, _refuse)
    judgments, gold = read_gold(str(folder / "gold.csv"), judgments, reading, _refuse)
    _, (task, worker, label), _ = read_columns(path, reading.judgment_columns, reading, _refuse)
    place = {name: index for index, name in enumerate(judgments.labels)}
    recoded = np.array([place[name] for name in label.values.to_pylist()], np.int16)[label.codes]
    pairs = task.codes.astype(np.int64) * len(worker.values) + worker.codes
    _, first = np.unique(pairs * len(place) + recoded, return_index=True)
    kept = np.sort(first)
    return DataSet(
        folder.name,
        len(place),
        task.codes[kept].astype(np.int32),
        worker.codes[kept].astype(np.int32),
        recoded[kept],
        gold.label,
    )


class RowBad(TableError):  # noqa: N818 - the name says what happened
    """A row of a data set cannot be read: {reason}, in line {line}."""


def _refuse(line: int, reason: str, raw: bytes) -> None:
    del raw
    raise RowBad(line=line, reason=reason)

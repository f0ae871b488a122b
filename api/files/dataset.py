"""A data set as a stream: judgments in the order in which they came, and gold to check with."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from api.tables.errors import FileMissing, LabelsMissing
from api.tables.gold import read_gold
from api.tables.judgments import Judgments, Reading, read_judgments
from engine.agreement import score_against_gold

JUDGMENTS: Final = ("judgments.csv", "judgments.jsonl", "judgments.parquet")
GOLD: Final = ("gold.csv", "gold.jsonl", "gold.parquet")


@dataclass(frozen=True)
class Dataset:
    """Judgments, every row of the file in its order, and gold.

    gold: int16[tasks], -1 where there is none. unusable: why rows were left out, with their lines.
    """

    name: str
    judgments: Judgments
    gold: npt.NDArray[np.int16]
    unusable: list[str]

    def __len__(self) -> int:
        return len(self.judgments.task)

    @property
    def overlap(self) -> int:
        """The most workers that judged one task."""
        tasks = np.unique(self.pairs()) // len(self.judgments.workers)
        return int(np.bincount(tasks).max())

    @property
    def digest(self) -> str:
        """What tells this stream of judgments from another."""
        judgments = self.judgments
        digest = hashlib.sha256()
        for names in (judgments.tasks, judgments.workers, judgments.labels):
            digest.update("\0".join(map(str, names)).encode())
        for column in (judgments.task, judgments.worker, judgments.label):
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()[:16]

    def pairs(self, rows: int | None = None) -> npt.NDArray[np.int64]:
        """The (task, worker) pair of each of the first rows, as one number."""
        judgments = self.judgments
        task = judgments.task[:rows].astype(np.int64)
        return task * len(judgments.workers) + judgments.worker[:rows]

    def origins(self) -> npt.NDArray[np.int64]:
        """For each row the one that it repeats: the first of the worker's latest answer, int64[n].

        A row that says something new is its own origin.
        """
        pairs, label = self.pairs(), self.judgments.label
        order = np.argsort(pairs, kind="stable")
        new = np.ones(len(order), np.bool_)
        new[1:] = (np.diff(pairs[order]) != 0) | (np.diff(label[order]) != 0)
        latest = np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))
        origins = np.empty(len(order), np.int64)
        origins[order] = order[latest]
        return origins

    def live(self, rows: int) -> npt.NDArray[np.int64]:
        """Those of the first rows that no later one of them replaces, int64[n]."""
        backwards = self.pairs(rows)[::-1]
        _, last = np.unique(backwards, return_index=True)
        return np.sort(rows - 1 - last)

    def majority(self, rows: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Tasks with gold and a judgment in the first rows, and the points of their majority vote:
        1 if it is right, 1/n where n labels tie."""
        judgments, live = self.judgments, self.live(rows)
        votes = np.zeros((len(self.gold), len(judgments.labels)))
        np.add.at(votes, (judgments.task[live], judgments.label[live]), 1.0)
        tasks = np.flatnonzero((self.gold >= 0) & (votes.sum(axis=1) > 0))
        if not len(tasks):
            return tasks, np.zeros(0)
        return tasks, score_against_gold(votes[tasks], self.gold[tasks])


def read_dataset(path: Path, gold: Path | None, reading: Reading) -> Dataset:
    """Read a folder with judgments.csv and perhaps gold.csv, or a file of judgments.

    JSON Lines and Parquet are read too. Raises a TableError if nothing can be used.
    """
    file = path
    if path.is_dir():
        file = _only(path, JUDGMENTS)
        gold = gold or next(_present(path, GOLD), None)
    unusable: list[str] = []

    def refuse(line: int, reason: str, raw: bytes) -> None:  # noqa: ARG001 - the reader's signature
        unusable.append(f"line {line}: {reason}")

    judgments = read_judgments(str(file), reading, refuse, every_row=True)
    known = np.full(len(judgments.tasks), -1, np.int16)
    if gold is not None:
        judgments, found = read_gold(str(gold), judgments, reading, refuse)
        known = found.label
    if len(judgments.labels) < 2:
        raise LabelsMissing(
            name=file,
            count=len(judgments.task),
            label=judgments.labels[0],
            column=reading.label_column or "the one with the labels",
        )
    name = path.resolve().name if path.is_dir() else path.name.partition(".")[0]
    return Dataset(name, judgments, known, unusable)


def _present(folder: Path, names: tuple[str, ...]) -> Iterator[Path]:
    return (folder / name for name in names if (folder / name).exists())


def _only(folder: Path, names: tuple[str, ...]) -> Path:
    found = next(_present(folder, names), None)
    if found is None:
        raise FileMissing(name=folder / names[0], folder=Path.cwd())
    return found

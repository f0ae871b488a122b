"""Known answers, matched to the judgments they check."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from api.tables.delimited import Refuse
from api.tables.errors import GoldLabelsUnknown, GoldTasksUnknown
from api.tables.judgments import Judgments, Reading, check_labels, last_of_each, read_columns
from api.tables.labels import natural
from api.tables.sources import Progress


@dataclass(frozen=True)
class Gold:
    """Gold of judged tasks.

    label: int16[tasks], -1 where there is none.
    refused: rows that were not usable; revised: rows that a later row for the same task changed.
    unjudged: tasks with gold and without a judgment, which say nothing.
    unseen: labels that nobody ever answered; they are labels all the same, because a worker who
        missed one was wrong.
    """

    label: npt.NDArray[np.int16]
    refused: int
    revised: int
    unjudged: list[str]
    unseen: list[str]


def read_gold(
    path: str,
    judgments: Judgments,
    reading: Reading,
    refuse: Refuse,
    progress: Progress | None = None,
) -> tuple[Judgments, Gold]:
    """Read a file of gold; gives the judgments again, since gold can bring new labels.

    Raises a TableError if nothing can be used, and so if no task or no label is a judged one.
    """
    columns = reading.gold_columns
    name, (task, label), refusals = read_columns(path, columns, reading, refuse, progress)
    rows = pc.index_in(task.values, value_set=judgments.tasks).fill_null(-1).to_numpy()
    judged = rows[task.codes] >= 0
    if not judged.any():
        raise GoldTasksUnknown(
            name=name,
            count=len(task.values),
            gold=_examples(task.values.slice(0, 3).to_pylist()),
            judged=_examples(judgments.tasks.slice(0, 3).to_pylist()),
        )
    values = label.values.to_pylist()
    codes = label.codes[judged]
    said = [values[code] for code in np.unique(codes)]
    unseen = sorted(set(said) - set(judgments.labels), key=natural)
    if len(unseen) == len(said):
        raise GoldLabelsUnknown(
            name=name, gold=_examples(unseen[:5]), judged=_examples(judgments.labels[:5])
        )
    judgments = _with_labels(judgments, unseen, name, reading)
    order = {value: index for index, value in enumerate(judgments.labels)}
    index = np.array([order.get(value, -1) for value in values], np.int16)[codes]
    places = rows[task.codes[judged]]
    kept, _, revised = last_of_each(places.astype(np.int64), index)
    gold = np.full(len(judgments.tasks), -1, np.int16)
    gold[places[kept]] = index[kept]
    unjudged = [task.values[int(row)].as_py() for row in np.flatnonzero(rows < 0)]
    return judgments, Gold(gold, refusals.count, revised, unjudged, unseen)


def _with_labels(judgments: Judgments, more: list[str], name: str, reading: Reading) -> Judgments:
    if not more:
        return judgments
    check_labels(name, [*judgments.labels, *more], reading)
    labels = sorted([*judgments.labels, *more], key=natural)
    order = {value: index for index, value in enumerate(labels)}
    moved = np.array([order[value] for value in judgments.labels], np.int16)
    return replace(judgments, labels=labels, label=moved[judgments.label])


def _examples(values: list[str]) -> str:
    return ", ".join(value[:40] for value in values)

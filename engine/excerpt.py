"""Some tasks of a model as a model of its own: to try on it what would change.

A batch of events changes its tasks, the counts of those who judged them and the population's, and
it reads nothing else. So a model that has only these tasks, and all counts, changes by the same
bits, while copying it costs what is touched and not what is there.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.categorical import Categorical
from engine.kernels import stream
from engine.kernels.votes import FREE_LISTS
from engine.store import WORD, Columns

NEVER = 1 << 60  # events


def excerpt(model: Categorical, tasks: npt.NDArray[np.int32]) -> Columns:
    """The state of a model that has these tasks only, each once: task i of it is tasks[i].

    `Categorical.from_state` makes the model. It begins no refit. Tasks that the model has not seen
    are as new ones. Cost: O(judgments of the tasks + workers x labels^2), copied.
    """
    form, live, votes = model.store.form, model.tables, model.votes
    known = tasks < model.task_count
    seen = tasks[known]
    count, workers = len(tasks), model.worker_count
    length = votes.length[seen].astype(np.int64)
    total = int(length.sum())
    # Row after row of each task's block, the blocks one after the other.
    starts = np.cumsum(length) - length
    rows = np.repeat(votes.start[seen] - starts, length) + np.arange(total)

    def of_tasks(column: npt.NDArray[Any], absent: int) -> npt.NDArray[Any]:
        chosen = np.full((count, *column.shape[1:]), absent, column.dtype)
        chosen[known] = column[seen]
        return chosen

    columns: Columns = {
        "labels": np.array(model.labels),
        "digits": np.zeros(0, model.store.sweep.table.dtype),
        "progress": model.store.progress.copy(),
        "calibration": np.array(model.calibration),
        "usual": np.array(model.usual),
        "votes.length": of_tasks(votes.length, 0),
        "votes.gold": of_tasks(votes.gold, -1),
        "votes.worker": votes.worker[rows],
        "votes.label": votes.label[rows],
        "votes.pool": np.array([-1] * FREE_LISTS + [total], np.int64),
    }
    columns["votes.capacity"] = columns["votes.length"].copy()
    begin = np.zeros(count, np.int64)
    begin[known] = starts
    columns["votes.start"] = begin
    judged = (columns["votes.length"] > 0) | (columns["votes.gold"] >= 0)
    bits = np.zeros((count // WORD + 1) * WORD if count else 0, np.bool_)
    bits[:count] = judged
    columns["votes.judged"] = np.packbits(bits, bitorder="little").view(np.uint64)
    progress = columns["progress"]
    progress[stream.TASKS_SEEN] = count
    progress[stream.STAGE] = stream.IDLE
    progress[stream.BEGUN_AT] = NEVER
    for name, column in live._asdict().items():
        if name in form.per_task:
            columns[f"live.{name}"] = of_tasks(column, 0)
        elif name in form.per_row:
            columns[f"live.{name}"] = column[rows]
        elif name in form.per_worker:
            columns[f"live.{name}"] = column[:workers].copy()
        else:
            columns[f"live.{name}"] = column.copy()
    return columns

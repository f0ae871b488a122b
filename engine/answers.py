"""Which tasks some workers have judged: the model keeps judgments by task."""

import numpy as np
import numpy.typing as npt

from engine.categorical import Categorical

Ints = npt.NDArray[np.int32]
Labels = npt.NDArray[np.int16]


def answers_to(model: Categorical, tasks: Ints) -> tuple[Ints, Ints]:
    """Who has judged some tasks: places in `tasks` int32[n] and workers int32[n], by place.

    Cost: some 10 ns a judgment.
    """
    place, worker, _ = answers_with_labels(model, tasks)
    return place, worker


def answers_with_labels(model: Categorical, tasks: Ints) -> tuple[Ints, Ints, Labels]:
    """The same with the answers, int16[n]."""
    votes = model.votes
    known = np.flatnonzero(tasks < model.task_count)
    length = votes.length[tasks[known]].astype(np.int64)
    before = np.cumsum(length) - length
    rows = np.repeat(votes.start[tasks[known]] - before, length) + np.arange(int(length.sum()))
    return np.repeat(known.astype(np.int32), length), votes.worker[rows], votes.label[rows]


def answers_between(model: Categorical, workers: Ints, first: int, end: int) -> tuple[Ints, Ints]:
    """The live judgments of some workers among the tasks from `first` until `end`.

    workers: ids, each once. Returns places in `workers` int32[n] and tasks int32[n], by task. Cost:
    some 10 ns for each judgment of these tasks, by whomever.
    """
    tasks = np.arange(first, max(min(end, model.task_count), first), dtype=np.int32)
    at, worker = answers_to(model, tasks)
    place = np.full(max(model.worker_count, int(workers.max(initial=-1)) + 1), -1, np.int32)
    place[workers] = np.arange(len(workers), dtype=np.int32)
    found = place[worker]
    ours = found >= 0
    return found[ours], tasks[at[ours]]

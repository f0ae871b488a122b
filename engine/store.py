"""The arrays of a label model: how they grow, and what a snapshot holds of them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.arrays import FIRST_ROWS, grown, grown_fields
from engine.full import Full
from engine.kernels import stream
from engine.kernels.memory import bind
from engine.kernels.votes import FREE_LISTS, USED, Votes
from engine.wide import Wide

Columns = dict[str, npt.NDArray[Any]]

WORD = 64  # tasks to a word of the bitmap

_VOTES_PER_TASK = ("start", "length", "capacity", "gold")
_VOTES_PER_ROW = ("worker", "label")


class Store:
    """Votes, tables and progress of one model, and the handle by which kernels reach them.

    votes: the live judgments. live, shadow: the form's tables that are read, and those that a refit
    fills. sweep: what a pass of a refit adds up. progress: see `engine.kernels.stream`.
    touched_tasks, touched_workers int32: what the last batch of events touched, each once, as many
    as `progress` says. Arrays move when they grow, and `handle` is another then: nobody may keep
    either over a call that makes room. What is new is zero; gold is -1.
    """

    def __init__(self, form: Full | Wide, labels: int, digits: npt.DTypeLike) -> None:
        self.form = form
        self.votes = Votes(
            np.zeros(0, np.int64),
            np.zeros(0, np.int32),
            np.zeros(0, np.int32),
            np.zeros(0, np.int16),
            np.zeros(0, np.uint64),
            np.zeros(0, np.int32),
            np.zeros(0, np.int16),
            np.array([-1] * FREE_LISTS + [0], np.int64),
        )
        self.live: Any = form.tables(labels, digits)
        self.shadow: Any = form.tables(labels, digits)
        self.sweep: Any = form.sweep(labels, digits)
        self.progress = np.zeros(stream.PROGRESS, np.int64)
        self.progress[stream.LABELS] = labels
        self.progress[stream.WORKER_COST] = form.worker_cost(labels)
        self._task_stamps = np.zeros(0, np.int64)
        self._worker_stamps = np.zeros(0, np.int64)
        self.touched_workers = np.zeros(0, np.int32)
        self.touched_tasks = np.zeros(FIRST_ROWS, np.int32)
        self._bind()

    @property
    def tasks(self) -> int:
        """One more than the highest task id seen."""
        return int(self.progress[stream.TASKS_SEEN])

    @property
    def workers(self) -> int:
        """One more than the highest worker id seen."""
        return int(self.progress[stream.WORKERS_SEEN])

    @property
    def refitting(self) -> bool:
        """Whether a refit is under way."""
        return bool(self.progress[stream.STAGE] != stream.IDLE)

    def reserve(self, tasks: int, workers: int) -> None:
        """Make room for ids below `tasks` and `workers`."""
        if tasks <= len(self.votes.start) and workers <= len(self._worker_stamps):
            return
        if tasks > len(self.votes.start):
            filled = len(self.votes.gold)
            self.votes = grown_fields(self.votes, _VOTES_PER_TASK, tasks)
            self.votes.gold[filled:] = -1
            words = len(self.votes.gold) // WORD + 1
            self.votes = grown_fields(self.votes, ("judged",), words)
            self._task_stamps = grown(self._task_stamps, tasks)
            self.live = grown_fields(self.live, self.form.per_task, tasks)
            self.shadow = grown_fields(self.shadow, self.form.per_task, tasks)
        if workers > len(self._worker_stamps):
            self._worker_stamps = grown(self._worker_stamps, workers)
            self.touched_workers = grown(self.touched_workers, workers)
            self.live = grown_fields(self.live, self.form.per_worker, workers)
            self.shadow = grown_fields(self.shadow, self.form.per_worker, workers)
            self.sweep = grown_fields(self.sweep, self.form.per_worker, workers)
        self._bind()

    def reserve_rows(self, rows: int) -> None:
        """Make room for `rows` rows in the pool of judgments."""
        self.votes = grown_fields(self.votes, _VOTES_PER_ROW, rows)
        self.live = grown_fields(self.live, self.form.per_row, rows)
        self.shadow = grown_fields(self.shadow, self.form.per_row, rows)
        self._bind()

    def reserve_more(self, events: int) -> None:
        """Make room in the pool for so many events more."""
        self.reserve_rows(int(self.votes.pool[USED]) + 4 * events + 64)

    def reserve_batch(self, events: int) -> None:
        """Make room for the tasks that a batch of so many events can touch."""
        self.touched_tasks = grown(self.touched_tasks, events)
        self._bind()

    def swap(self) -> None:
        """Make the tables of a complete refit the live ones."""
        self.live, self.shadow = self.shadow, self.live
        self._bind()

    def columns(self) -> Columns:
        """What a snapshot holds, copied."""
        columns: Columns = {"progress": self.progress.copy()}
        for name, array, rows in self._kept():
            columns[name] = (array if rows is None else array[:rows]).copy()
        return columns

    def fill(self, columns: Columns) -> None:
        """Take what `columns` of another gave. Raises KeyError or ValueError if it is not that."""
        self.progress[:] = columns["progress"]
        self.reserve(self.tasks, self.workers)
        self.reserve_rows(len(columns["votes.worker"]))
        self.votes.pool[:] = columns["votes.pool"]
        for name, array, rows in self._kept():
            target = array if rows is None else array[:rows]
            if target.shape != columns[name].shape:
                raise ValueError(f"{name} has shape {columns[name].shape}, not {target.shape}")
            target[:] = columns[name]

    def _bind(self) -> None:
        """Show the kernels where the arrays are now."""
        self.handle = bind(
            self.votes,
            self.live,
            self.shadow,
            self.sweep,
            self.progress,
            self._task_stamps,
            self._worker_stamps,
            self.touched_workers,
            self.touched_tasks,
        )

    def _kept(self) -> list[tuple[str, npt.NDArray[Any], int | None]]:
        """What a snapshot holds: (name, array, rows in use or None for all).

        The tables of a refit matter only while one runs.
        """
        rows = {
            "judged": self.tasks // WORD + 1,
            **dict.fromkeys((*_VOTES_PER_TASK, *self.form.per_task), self.tasks),
            **dict.fromkeys(self.form.per_worker, self.workers),
            **dict.fromkeys((*_VOTES_PER_ROW, *self.form.per_row), int(self.votes.pool[USED])),
        }
        groups = {"votes": self.votes, "live": self.live}
        if self.refitting:
            groups |= {"shadow": self.shadow, "sweep": self.sweep}
        return [
            (f"{group_name}.{name}", array, rows.get(name))
            for group_name, tables in groups.items()
            for name, array in tables._asdict().items()
        ]

"""What can be read of a project, from memory and at once."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np

from api.memory import Memory
from api.projects import Project
from api.reading.adjudication import Place, adjudication_queue
from api.reading.showing import quality, task_views, worker_views
from api.rows import (
    Float64s,
    Int16s,
    Int32s,
    Quality,
    TaskViews,
    WorkerViews,
)
from api.state.alerts import AlertBook
from engine.reputation import Estimate


class Views(ABC):
    """Reads of committed state. Dense ids must be of this project: `task_ids` gives them."""

    _now: Callable[[], datetime]

    @property
    @abstractmethod
    def memory(self) -> Memory:
        """The project's memory."""

    @property
    @abstractmethod
    def writable(self) -> bool:
        """Whether this process writes the project."""

    @property
    def until(self) -> int | None:
        """The last seq that counts, None where all do."""
        return None

    def now(self) -> datetime:
        """Return the time that counts as now."""
        return self._now()

    @property
    def project(self) -> Project:
        """The project as of its last change."""
        return self.memory.project

    @property
    def seq(self) -> int:
        """The last committed seq of the log."""
        return self.memory.seq

    @property
    def alerts(self) -> AlertBook:
        """What the engine found that staff should look at; for reading only."""
        return self.memory.alerts

    @property
    def task_count(self) -> int:
        """All tasks; their dense ids lie below."""
        return len(self.memory.tasks)

    @property
    def worker_count(self) -> int:
        """All workers; their dense ids lie below."""
        return len(self.memory.workers)

    @property
    def judgment_count(self) -> int:
        """Live judgments."""
        return self.memory.model.judgment_count

    def task_ids(self, external_ids: Sequence[str | None]) -> Int32s:
        """Return the dense ids of tasks, -1 where unknown."""
        return self.memory.tasks.find(external_ids)

    def worker_ids(self, external_ids: Sequence[str]) -> Int32s:
        """Return the dense ids of workers, -1 where unknown."""
        return self.memory.workers.find(external_ids)

    def task_names(self, ids: Int32s) -> list[str]:
        """Return the outside ids of tasks."""
        return self.memory.tasks.names(ids)

    def worker_names(self, ids: Int32s) -> list[str]:
        """Return the outside ids of workers."""
        return self.memory.workers.names(ids)

    def tasks(self, ids: Int32s) -> TaskViews:
        """Return tasks as they stand."""
        return task_views(self.memory, ids)

    def adjudication_queue(self, after: Place | None, most: int) -> tuple[Int32s, Float64s]:
        """Return contested tasks after a place of the queue, most urgent first, and urgencies."""
        return adjudication_queue(self.memory, after, most)

    def posterior(self, ids: Int32s) -> Float64s:
        """Return the probability of each label for each task."""
        return self.memory.model.probabilities(ids)

    def judgments_of(self, task: int) -> tuple[Int32s, Int16s]:
        """Return the task's live judgments: workers, and their labels."""
        return self.memory.model.judgments_of(task)

    def workers(self, ids: Int32s) -> WorkerViews:
        """Return workers as they stand."""
        return worker_views(self.memory, ids)

    def joined_with(self, worker: int) -> list[str]:
        """Return the outside ids of those with whom a worker counts as one."""
        return self.worker_names(np.array(self.memory.voices.mates(worker), np.int32))

    def confusion(self, worker: int) -> Float64s:
        """Return expected counts [true label, answered label] of a worker."""
        return self.memory.model.confusion(worker)

    def biases(self, ids: Int32s) -> Estimate | None:
        """Return biases [n, labels] for and against each label; None above 32 labels."""
        return self.memory.background.biases(self.memory.model, ids)

    def quality(self) -> Quality:
        """Return the project's figures at this moment."""
        return quality(self.memory, self._now())

    def budget_wait(self, worker: int) -> float | None:
        """Return in how many seconds the worker's judgment may be paid that is not now; None: not
        by waiting."""
        memory, now = self.memory, self._now()
        return memory.budget(now).retry_after(memory.price_for(worker), now)

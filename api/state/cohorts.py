"""Tasks that a cohort has judged as often as it may, as far as somebody came across them.

Tasks for a worker are looked for from the best one on; without this it would meet the same ones,
full for its cohort, each time it asks, and never get to the others.
"""

from collections.abc import Collection
from typing import Final

MOST_FULL: Final = 20_000  # tasks of a cohort that are remembered, the latest


class Full:
    """Tasks by cohort. It is no part of the log: a restart forgets it."""

    def __init__(self) -> None:
        self._tasks: dict[str, dict[int, None]] = {}

    def note(self, cohort: str, task: int) -> None:
        """Take note that a task is full for a cohort."""
        tasks = self._tasks.setdefault(cohort, {})
        tasks[task] = None
        if len(tasks) > MOST_FULL:
            del tasks[next(iter(tasks))]

    def of(self, cohort: str) -> Collection[int]:
        """Tasks that are full for a cohort."""
        return self._tasks.get(cohort, {}).keys()

    def free(self, task: int) -> None:
        """Take note that a lease or a judgment of a task is gone."""
        for tasks in self._tasks.values():
            tasks.pop(task, None)

    def forget(self) -> None:
        """Begin anew: cohorts, or what they may, are others."""
        self._tasks.clear()

"""What workers gave back, or let run out: they are offered it again when there is nothing else.

Else whoever gives tasks back and asks again would see which of them come back. Gold is drawn anew
each time, and others are chosen for a reason that still holds: that would tell one from the other.
"""

from collections.abc import Collection
from typing import Final

MOST_PASSED: Final = 500  # tasks of a worker that are remembered, the latest


class Passed:
    """Tasks by the worker who passed them over. After a restart they are those of the leases that
    ended without a judgment: what was forgotten meanwhile comes last once more."""

    def __init__(self) -> None:
        self._tasks: dict[int, dict[int, None]] = {}

    def note(self, worker: int, task: int) -> None:
        """Take note that a worker passed a task over."""
        tasks = self._tasks.setdefault(worker, {})
        tasks.pop(task, None)
        tasks[task] = None
        if len(tasks) > MOST_PASSED:
            del tasks[next(iter(tasks))]

    def of(self, worker: int) -> Collection[int]:
        """The tasks that a worker passed over."""
        return self._tasks.get(worker, {}).keys()

    def forget(self, worker: int) -> None:
        """Let a worker begin anew."""
        self._tasks.pop(worker, None)

"""What changed, told to any number of subscribers without a queue for any of them.

A flush marks what it changed. A tick later, whoever is up to date gets one shared set; whoever is
late or comes back gets all that changed after its cursor, each thing once. Cursors are sequences of
the log, so they outlive the process.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from api.rows import Int32s, Int64s, Quality, distinct
from api.state.standing import changed_since

_NO_IDS: Final = np.zeros(0, np.int32)
_NO_SEQS: Final = np.zeros(0, np.int64)
SHARED: Final = 32  # cursors for which is kept what has changed since; between two ticks


@dataclass(frozen=True, slots=True)
class Changes:
    """Tasks or workers (dense ids, each once) that changed up to `cursor`."""

    cursor: int
    ids: Int32s


class Topic:
    """Changes of one kind of thing: tasks, or workers."""

    def __init__(self) -> None:
        self._marked: list[Int32s] = []
        self._marked_seq = 0
        self._seqs = np.zeros(0, np.int64)
        self._cursor = 0  # of what was told last
        self._since: dict[int, Changes] = {}  # what has changed up to it, by the cursor after which
        self._changed = asyncio.Event()

    def start(self, seqs: Int64s, seq: int) -> None:
        """Begin, or begin anew after a reload, from the seq of each thing's last change."""
        self._marked.clear()
        self._seqs = seqs
        self._cursor = seq
        self._since.clear()
        self._wake()

    def mark(self, ids: Int32s, seqs: Int64s, seq: int) -> bool:
        """Note changes of a flush that ends at `seq`; return whether there are any."""
        self._seqs = seqs
        if len(ids) == 0:
            return False
        self._marked.append(ids)
        self._marked_seq = seq
        return True

    def tick(self) -> None:
        """Let subscribers see what was marked since the last tick."""
        if not self._marked:
            return
        ids = distinct(*self._marked)
        self._marked.clear()
        self._since = {self._cursor: Changes(self._marked_seq, ids)}
        self._cursor = self._marked_seq
        self._wake()

    async def follow(self, after: int | None) -> AsyncIterator[Changes]:
        """Yield what changed after a cursor, conflated; from now on where it is None."""
        # A cursor from the future is one of a log that was restored from an older copy.
        cursor = self._cursor if after is None else min(after, self._cursor)
        while True:
            if cursor < self._cursor:
                changes = self._changes(cursor)
                cursor = changes.cursor
                if len(changes.ids):
                    yield changes
                continue
            await self._changed.wait()

    def _changes(self, after: int) -> Changes:
        """What changed after a cursor: one object for all who are as late, for they share what is
        read of it. If each late one read for itself, it would be later still the next time."""
        changes = self._since.get(after)
        if changes is None:
            changes = Changes(self._cursor, changed_since(self._seqs, after))
            if len(self._since) < SHARED:
                self._since[after] = changes
        return changes

    def _wake(self) -> None:
        """Wake those who wait; to shield one future for n of them would take n^2 steps."""
        self._changed.set()
        self._changed.clear()


class Feed:
    """The live feed of one project.

    While it is `held`, more is to change at a seq that is marked already: nobody may have seen that
    seq before, so all is told together.
    """

    def __init__(
        self, quality: Callable[[], Quality], held: Callable[[], bool], tick: float
    ) -> None:
        self._tasks = Topic()
        self._workers = Topic()
        self._alerts = Topic()
        self._quality = quality
        self._held = held
        self._tick = tick
        self._timer: asyncio.TimerHandle | None = None
        self._told = -math.inf

    def start(
        self, task_seqs: Int64s, worker_seqs: Int64s, seq: int, alert_seqs: Int64s = _NO_SEQS
    ) -> None:
        """Begin, or begin anew after a reload."""
        self._alerts.start(alert_seqs, seq)
        self._tasks.start(task_seqs, seq)
        self._workers.start(worker_seqs, seq)

    def mark(
        self,
        tasks: Int32s,
        workers: Int32s,
        task_seqs: Int64s,
        worker_seqs: Int64s,
        seq: int,
        alerts: Int32s = _NO_IDS,
        alert_seqs: Int64s = _NO_SEQS,
    ) -> None:
        """Note what a flush changed; subscribers hear of it at once, or a tick after the last."""
        marked = self._tasks.mark(tasks, task_seqs, seq)
        marked = self._workers.mark(workers, worker_seqs, seq) or marked
        marked = self._alerts.mark(alerts, alert_seqs, seq) or marked
        if marked and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(self._told + self._tick, loop.time()), self._tell)

    def stop(self) -> None:
        """Tell what is marked now, and no more; it must not be held."""
        if self._timer is not None:
            self._timer.cancel()
            self._tell()

    def tasks(self, after: int | None = None) -> AsyncIterator[Changes]:
        """Tasks whose consensus, judgments, gold or status changed after a cursor."""
        return self._tasks.follow(after)

    def workers(self, after: int | None = None) -> AsyncIterator[Changes]:
        """Workers whose record changed after a cursor."""
        return self._workers.follow(after)

    def alerts(self, after: int | None = None) -> AsyncIterator[Changes]:
        """Alerts, by their numbers, that were raised or handled after a cursor."""
        return self._alerts.follow(after)

    async def quality(self, interval: float = 1.0) -> AsyncIterator[Quality]:
        """The project's figures at once, and then when they change, at most every interval."""
        last = None
        while True:
            now = self._quality()
            if now != last:
                yield now
                last = now
            await asyncio.sleep(interval)

    def _tell(self) -> None:
        loop = asyncio.get_running_loop()
        if self._held():
            self._timer = loop.call_later(self._tick, self._tell)
            return
        self._timer, self._told = None, loop.time()
        self._tasks.tick()
        self._workers.tick()
        self._alerts.tick()

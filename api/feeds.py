"""What changed, told to any number of subscribers without a queue for any of them.

A flush marks what it changed. A tick later, whoever is up to date gets one shared set; whoever is
late or comes back gets all that changed after its cursor, each thing once. Cursors are sequences of
the log, so they outlive the process.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import numpy as np

from api.rows import Int32s, Int64s, Quality
from api.standing import changed_since


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
        self._previous = 0
        self._latest = Changes(0, np.zeros(0, np.int32))
        self._next: asyncio.Future[None] | None = None

    def start(self, seqs: Int64s, seq: int) -> None:
        """Begin, or begin anew after a reload, from the seq of each thing's last change."""
        self._marked.clear()
        self._seqs = seqs
        self._previous = self._latest.cursor
        self._latest = Changes(seq, changed_since(seqs, self._previous))
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
        ids = self._marked[0] if len(self._marked) == 1 else np.unique(np.concatenate(self._marked))
        self._marked.clear()
        self._previous = self._latest.cursor
        self._latest = Changes(self._marked_seq, ids)
        self._wake()

    async def follow(self, after: int | None) -> AsyncIterator[Changes]:
        """Yield what changed after a cursor, conflated; from now on where it is None."""
        # A cursor from the future is one of a log that was restored from an older copy.
        cursor = self._latest.cursor if after is None else min(after, self._latest.cursor)
        while True:
            latest = self._latest
            if cursor < latest.cursor:
                if cursor == self._previous:
                    changes = latest
                else:
                    found = changed_since(self._seqs, cursor)
                    changes = Changes(latest.cursor, found)
                cursor = latest.cursor
                if len(changes.ids):
                    yield changes
                continue
            if self._next is None:
                self._next = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._next)

    def _wake(self) -> None:
        if self._next is not None:
            self._next.set_result(None)
            self._next = None


class Feed:
    """The live feed of one project."""

    def __init__(self, quality: Callable[[], Quality], tick: float) -> None:
        self._tasks = Topic()
        self._workers = Topic()
        self._quality = quality
        self._tick = tick
        self._timer: asyncio.TimerHandle | None = None

    def start(self, task_seqs: Int64s, worker_seqs: Int64s, seq: int) -> None:
        """Begin, or begin anew after a reload."""
        self._tasks.start(task_seqs, seq)
        self._workers.start(worker_seqs, seq)

    def mark(
        self, tasks: Int32s, workers: Int32s, task_seqs: Int64s, worker_seqs: Int64s, seq: int
    ) -> None:
        """Note what a flush changed; subscribers hear of it within a tick."""
        marked = self._tasks.mark(tasks, task_seqs, seq)
        marked = self._workers.mark(workers, worker_seqs, seq) or marked
        if marked and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._tick, self._tell)

    def stop(self) -> None:
        """Tell what is marked now, and no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._tell()

    def tasks(self, after: int | None = None) -> AsyncIterator[Changes]:
        """Tasks whose consensus, judgments, gold or status changed after a cursor."""
        return self._tasks.follow(after)

    def workers(self, after: int | None = None) -> AsyncIterator[Changes]:
        """Workers whose record changed after a cursor."""
        return self._workers.follow(after)

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
        self._timer = None
        self._tasks.tick()
        self._workers.tick()

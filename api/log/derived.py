"""The derived tables, written behind the commits: a second late, or as the writer leaves room."""

import asyncio
import logging
from collections.abc import Callable

import asyncpg
import numpy as np

from api.limits import Limits
from api.memory import Memory
from api.reading.showing import worker_views
from api.rows import STATUSES, Float64s, Int32s, Int64s, distinct
from api.state.standing import NOTICEABLE
from db import states
from db.connect import AnyConnection

ROWS_AT_ONCE = 500  # tasks; the event loop makes them ready for PostgreSQL, in 3 ms
WORKERS_AT_ONCE = 100  # the same of workers, whose reputations take longer

logger = logging.getLogger(__name__)


class Behind:
    """Tasks or workers whose derived row lags; each is written once however often it changed.

    They are taken by id, and new ids are the highest, so that those which have no row yet are
    those after the last row: the list of tasks counts on it.
    """

    def __init__(self) -> None:
        self._marked: list[Int32s] = []
        self._round = np.zeros(0, np.int32)

    def mark(self, ids: Int32s) -> None:
        """Note that rows lag."""
        if len(ids):
            self._marked.append(ids)

    def take(self, rows: int) -> Int32s:
        """Take up to so many of them, in rounds, so that the busy ones starve no other."""
        if len(self._round) == 0 and self._marked:
            self._round = distinct(*self._marked)
            self._marked.clear()
        taken, self._round = self._round[:rows], self._round[rows:]
        return taken

    def put_back(self, ids: Int32s) -> None:
        """Return what was taken last and not written: it comes next, before any higher id."""
        self._round = np.concatenate((ids, self._round))

    def begin_anew(self, ids: Int32s) -> None:
        """Note rows that lag or are missing, in a new round with all that lagged before."""
        self.mark(self._round)
        self.mark(ids)
        self._round = self._round[:0]

    @property
    def left(self) -> bool:
        """Whether the round goes on: there were more rows than could be taken at once."""
        return len(self._round) > 0

    def __bool__(self) -> bool:
        return bool(self._marked) or self.left


class WriteBehind:
    """Brings `task_state` and `worker_state` of one project after the memory."""

    def __init__(self, pool: asyncpg.Pool, memory: Callable[[], Memory], limits: Limits) -> None:
        self._pool = pool
        self._memory = memory
        self._limits = limits
        self._tasks = Behind()
        self._workers = Behind()
        self._compared = range(0)  # workers whose rows are still to be compared with the memory
        self._accuracy = np.zeros(0)  # by worker, as its row tells it; NaN where there is none
        self._writing: asyncio.Task[None] | None = None

    def mark(self, tasks: Int32s, workers: Int32s) -> None:
        """Note what a flush changed; it is written soon."""
        self._tasks.mark(tasks)
        self._workers.mark(workers)
        self._begin()

    def compare(self) -> None:
        """Look which reputations have moved without a judgment; their rows are written soon."""
        self._compared = range(len(self._memory().workers))
        self._begin()

    @property
    def _any(self) -> bool:
        return bool(self._tasks or self._workers or self._compared)

    def _begin(self) -> None:
        if self._writing is None and self._any:
            self._writing = asyncio.create_task(self._write_all())

    async def reconcile(self) -> None:
        """Mark the rows that are missing or lag, after a start; a crash empties these tables."""
        memory = self._memory()
        project_id = memory.project.project_id
        async with self._pool.acquire() as connection:
            task_rows = await states.task_state_seqs(connection, project_id)
            worker_rows = await states.worker_state_seqs(connection, project_id)
        task_seqs, worker_seqs = memory.seqs()
        self._tasks.begin_anew(_lagging(task_rows, task_seqs))
        self._workers.begin_anew(_lagging(worker_rows, worker_seqs))
        self._accuracy = np.full(len(worker_seqs), np.nan)
        for worker, _, accuracy in worker_rows:
            self._accuracy[worker] = accuracy
        self.compare()

    async def drain(self) -> None:
        """Write everything that lags now; for the end."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        while self._any:
            await self._write()

    def stop(self) -> None:
        """Write no more: another process does, or the next start will."""
        if self._writing is not None:
            self._writing.cancel()

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await asyncio.sleep(self._limits.derived_pause)
            while self._any:
                began, left = loop.time(), False
                try:
                    await self._write()
                    left = self._tasks.left or self._workers.left or bool(self._compared)
                except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                    logger.warning("Derived rows are written later: %s", error)
                # Leave the database to the write path for the rest of the time. What changes many
                # times in a pause is written once.
                took = loop.time() - began
                rest = took / self._limits.derived_share - took
                await asyncio.sleep(rest if left else max(rest, self._limits.derived_pause))
        finally:
            self._writing = None

    async def _write(self) -> None:
        self._compare_some()
        tasks, workers = self._tasks.take(ROWS_AT_ONCE), self._workers.take(WORKERS_AT_ONCE)
        try:
            async with self._pool.acquire() as connection:
                if len(tasks):
                    await self._write_tasks(connection, tasks)
                    tasks = tasks[:0]
                if len(workers):
                    await self._write_workers(connection, workers)
                    workers = workers[:0]
        finally:
            self._tasks.put_back(tasks)
            self._workers.put_back(workers)

    def _compare_some(self) -> None:
        some, self._compared = self._compared[:WORKERS_AT_ONCE], self._compared[WORKERS_AT_ONCE:]
        if some:
            ids = np.arange(some.start, some.stop, dtype=np.int32)
            memory = self._memory()
            now = worker_views(memory, ids).accuracy.value
            self._accuracy = _longer(self._accuracy, some.stop)
            still = np.abs(now - self._accuracy[ids]) <= NOTICEABLE
            self._workers.mark(ids[~still])

    async def _write_tasks(self, connection: AnyConnection, ids: Int32s) -> None:
        memory = self._memory()
        standing = memory.standing
        await states.write_task_states(
            connection,
            memory.project.project_id,
            ids.tolist(),
            [STATUSES[status] for status in standing.status[ids].tolist()],
            standing.judgments[ids].tolist(),
            [label if label >= 0 else None for label in standing.label[ids].tolist()],
            standing.confidence[ids].tolist(),
            (standing.gold[ids] >= 0).tolist(),
            standing.seq[ids].tolist(),
        )

    async def _write_workers(self, connection: AnyConnection, ids: Int32s) -> None:
        memory = self._memory()
        views = worker_views(memory, ids)
        standing, variance = memory.background.standings(memory.model, ids)
        told = np.isfinite(variance).tolist()
        await states.write_worker_states(
            connection,
            memory.project.project_id,
            ids.tolist(),
            views.status,
            views.judgments.tolist(),
            views.accuracy.value.tolist(),
            views.accuracy.low.tolist(),
            views.accuracy.high.tolist(),
            views.bits.value.tolist(),
            views.gold_right.tolist(),
            views.gold_total.tolist(),
            views.voided.tolist(),
            _where(told, standing),
            _where(told, variance),
            views.seq.tolist(),
        )
        self._accuracy = _longer(self._accuracy, int(ids.max()) + 1)
        self._accuracy[ids] = views.accuracy.value


def _where(told: list[bool], column: Float64s) -> list[float | None]:
    return [value if known else None for value, known in zip(column.tolist(), told, strict=True)]


def _longer(column: Float64s, length: int) -> Float64s:
    missing = max(length - len(column), 0)
    return np.concatenate((column, np.full(missing, np.nan))) if missing else column


def _lagging(rows: list[asyncpg.Record], seqs: Int64s) -> Int32s:
    written = np.full(len(seqs), -1, np.int64)
    ids = np.fromiter((row[0] for row in rows), np.int64, len(rows))
    written[ids] = np.fromiter((row[1] for row in rows), np.int64, len(rows))
    return np.flatnonzero(written < seqs).astype(np.int32)

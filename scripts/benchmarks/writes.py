"""The write path without HTTP: judgments through a shard, beside a bare insert loop."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Annotated, Final

import asyncpg
import numpy as np
import typer
from rich.progress import Progress, TaskID

from api.policy import Policy
from api.rows import Submissions
from api.shard import Shard
from api.shards import Shards
from db.connect import connect, create_pool
from db.queries import load
from engine import warm_up
from scripts.benchmarks.database import fill, running, temporary_folder
from scripts.benchmarks.options import Folder, JsonFile, Repeats
from scripts.benchmarks.report import Figure, Report
from scripts.benchmarks.synthetic import Crowd, crowd

EPILOG: Final = "Example: scripts/bench writes --judgments 20000 --singles 5000"

LABELS: Final = 5
REDUNDANCY: Final = 10
WORKERS: Final = 500
BARE_PROJECT: Final = 0  # no project has this id: identities begin with 1

# Rows of a call, callers at a time, and what one turn of both sends at once.
SHAPES: Final = ((100, 1), (100, 8), (1_000, 1), (1_000, 4), (1, 64))
SHARE_GOAL: Final = 0.6  # of what the bare loop reaches

SQL: Final = Path(__file__).parent / "sql"

Measure = Callable[[Crowd], Awaitable[None]]


def writes(
    judgments: Annotated[
        int, typer.Option(min=1000, help="Judgments of a run in batches.")
    ] = 200_000,
    singles: Annotated[int, typer.Option(min=64, help="Judgments of a run one by one.")] = 20_000,
    repeats: Repeats = 3,
    folder: Folder = None,
    json_file: JsonFile = None,
) -> None:
    """Judgments a second through the write path, durable, beside a bare `unnest` insert loop."""
    options = {"judgments": judgments, "singles": singles, "repeats": repeats}
    report = Report("writes", options)
    warm_up()
    with report.progress() as progress:
        doing = progress.add_task("Preparing", total=len(SHAPES) * repeats * 2)
        with temporary_folder(folder) as data_dir:
            run = _writes(report, data_dir, judgments, singles, repeats, progress, doing)
            with asyncio.Runner(loop_factory=_loop) as runner:
                runner.run(run)
    report.note(
        "Beside: the same rows through one connection, as many in a statement as all callers "
        "send together. The best run counts."
    )
    report.finish(json_file)


def _loop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()


async def _writes(
    report: Report,
    data_dir: Path,
    judgments: int,
    singles: int,
    repeats: int,
    progress: Progress,
    doing: TaskID,
) -> None:
    sizes = [judgments if size > 1 else singles for size, _ in SHAPES]
    data = crowd(sum(sizes) * repeats, REDUNDANCY, WORKERS, LABELS, shuffled=True)
    tasks = int(data.task.max()) + 1
    async with running(data_dir) as database:
        connection = await connect(database.dsn)
        policy = Policy(overlap=REDUNDANCY, require_lease=False)
        await fill(connection, "bench", tasks, WORKERS, LABELS, policy)
        pool = await create_pool(database.dsn)
        shards = Shards(database.dsn, pool)
        await shards.start()
        bare = _Bare(connection)
        start = 0
        for (size, callers), count in zip(SHAPES, sizes, strict=True):
            what = _name(size, callers)
            ours, theirs = [], []
            for _ in range(repeats):  # in turns, so that what else the machine does hits both
                part = _part(data, start, count)
                start += count
                progress.update(doing, description=f"{what}: write path")
                ours.append(await _rate(part, _through(shards.get("bench"), size, callers)))
                progress.update(doing, description=f"{what}: bare loop", advance=1)
                theirs.append(await _rate(part, bare.inserting(size * callers)))
                progress.advance(doing)
            beside = f"bare loop, {size * callers:,} rows a statement"
            report.add(Figure(what, max(ours), "/s", beside, max(theirs), ratio_goal=SHARE_GOAL))
            report.add(Figure(f"{what}, median run", median(ours), "/s", beside, median(theirs)))
        await shards.close()
        await pool.close()
        await connection.close()


def _name(size: int, callers: int) -> str:
    by = "1 caller" if callers == 1 else f"{callers} callers"
    return f"singles, {by}" if size == 1 else f"batches of {size:,}, {by}"


def _part(data: Crowd, start: int, count: int) -> Crowd:
    rows = slice(start, start + count)
    return Crowd(data.labels, data.task[rows], data.worker[rows], data.label[rows])


async def _rate(data: Crowd, measure: Measure) -> float:
    """Judgments a second."""
    began = time.perf_counter()
    await measure(data)
    return len(data) / (time.perf_counter() - began)


def _through(shard: Shard, size: int, callers: int) -> Measure:
    async def submit_all(data: Crowd) -> None:
        starts = iter(range(0, len(data), size))

        async def caller() -> None:
            for start in starts:
                rows = _submissions(_part(data, start, size))
                refused = set((await shard.submit(rows)).code) - {""}
                if refused:
                    raise RuntimeError(f"judgments were refused: {', '.join(refused)}")

        await asyncio.gather(*(caller() for _ in range(callers)))

    return submit_all


def _submissions(part: Crowd) -> Submissions:
    count = len(part)
    return Submissions(
        worker=part.worker,
        task=part.task,
        label=part.label,
        lease_id=[None] * count,
        client_id=[None] * count,
        seconds=np.full(count, np.nan, np.float32),
        require_lease=False,
        own=False,
    )


class _Bare:
    """Inserts into the same table, for no project."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._sql = load(SQL)["bare_insert"].sql
        self._seq = 0

    def inserting(self, size: int) -> Measure:
        async def insert_all(data: Crowd) -> None:
            for start in range(0, len(data), size):
                part = _part(data, start, size)
                count = len(part)
                nothing = [None] * count
                await self._connection.execute(
                    self._sql,
                    BARE_PROJECT,
                    datetime.now(UTC),
                    range(self._seq, self._seq + count),
                    part.task.tolist(),
                    part.worker.tolist(),
                    part.label.tolist(),
                    nothing,
                    nothing,
                    nothing,
                    nothing,
                )
                self._seq += count

        return insert_all

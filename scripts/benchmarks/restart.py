"""How long a start takes when there is a log to read, and what memory it needs."""

import asyncio
import time
from pathlib import Path
from typing import Annotated, Final

import psutil
import typer
from rich.progress import Progress, TaskID

from api.policy import Policy
from api.snapshot_process import take_snapshot
from db.connect import connect
from scripts.benchmarks.database import fill, running, temporary_folder
from scripts.benchmarks.options import Folder, JsonFile, Repeats
from scripts.benchmarks.report import Figure, Report
from scripts.benchmarks.server import serving
from scripts.benchmarks.synthetic import crowd

EPILOG: Final = "Example: scripts/bench restart --judgments 1000000 --repeats 1"

LABELS: Final = 5
REDUNDANCY: Final = 10
JUDGMENTS: Final = (1_000_000, 10_000_000)
JUDGMENTS_A_WORKER: Final = 1_000

SECONDS_GOAL: Final = 20.0  # with ten million judgments
MEMORY_GOAL: Final = 64.0  # bytes a judgment
LARGE: Final = 10_000_000

MB: Final = 1e6


def restart(
    judgments: Annotated[
        list[int] | None,
        typer.Option(
            min=1000, help="Judgments in the log; repeatable: 1 and 10 million.", metavar="N"
        ),
    ] = None,
    repeats: Repeats = 3,
    folder: Folder = None,
    json_file: JsonFile = None,
) -> None:
    """Seconds from the start of the process until the server is ready, and its memory.

    PostgreSQL is started by it too. An empty server is the measure of what the log adds.
    """
    counts = judgments or list(JUDGMENTS)
    report = Report("restart", {"judgments": counts, "repeats": repeats})
    with report.progress() as progress:
        doing = progress.add_task("Filling", total=sum(_rows(count) for count in counts))
        for count in counts:
            with temporary_folder(folder) as data_dir:
                asyncio.run(_measure(report, data_dir, count, repeats, progress, doing))
    report.note("The log is in the operating system's cache. The best run counts.")
    report.finish(json_file)


def _rows(judgments: int) -> int:
    return judgments + judgments // REDUNDANCY


async def _measure(
    report: Report,
    data_dir: Path,
    judgments: int,
    repeats: int,
    progress: Progress,
    doing: TaskID,
) -> None:
    async with running(data_dir):
        pass  # makes the cluster, which is no part of a restart
    progress.update(doing, description="Starting empty")
    empty = await _start(data_dir, repeats)
    progress.update(doing, description=f"Filling in {judgments:,} judgments")
    filling = time.perf_counter()
    async with running(data_dir) as database:
        workers = max(judgments // JUDGMENTS_A_WORKER, 2 * REDUNDANCY)
        data = crowd(judgments, REDUNDANCY, workers, LABELS, shuffled=True)
        tasks = int(data.task.max()) + 1
        policy = Policy(overlap=REDUNDANCY, require_lease=False)
        connection = await connect(database.dsn)
        project = await fill(
            connection,
            "restart",
            tasks,
            workers,
            LABELS,
            policy,
            data,
            lambda rows: progress.advance(doing, rows),
        )
        await connection.close()
    filling = time.perf_counter() - filling
    del data
    goal = SECONDS_GOAL if judgments >= LARGE else None
    what = f"{judgments:,} judgments"
    progress.update(doing, description=f"Starting with {what}")
    cold = await _start(data_dir, repeats)
    progress.update(doing, description=f"Making a snapshot of {what}")
    async with running(data_dir) as database:
        snapshot = time.perf_counter()
        await take_snapshot(database.dsn, project)
        snapshot = time.perf_counter() - snapshot
    progress.update(doing, description=f"Starting with {what} and a snapshot")
    warm = await _start(data_dir, repeats)
    add = report.add
    add(Figure(f"{what}, no snapshot", cold.seconds, "s", "empty", empty.seconds, goal=goal))
    add(Figure(f"{what}, with a snapshot", warm.seconds, "s", "none", cold.seconds, goal=goal))
    for name, start in (("no snapshot", cold), ("with a snapshot", warm)):
        add(Figure(f"{what}, {name}: memory", start.memory / MB, "MB", "empty", empty.memory / MB))
        added = (start.memory - empty.memory) / judgments
        add(Figure(f"{what}, {name}: memory a judgment", added, "bytes", goal=MEMORY_GOAL))
        add(Figure(f"{what}, {name}: peak memory", start.peak / MB, "MB", "empty", empty.peak / MB))
    add(Figure(f"{what}: making the snapshot", snapshot, "s", "start without", cold.seconds))
    add(Figure(f"{what}: filling the log by COPY", filling, "s"))


class _Start:
    """The best of some starts: seconds, and bytes of memory in use when ready and at the peak."""

    def __init__(self) -> None:
        self.seconds = float("inf")
        self.memory = float("inf")
        self.peak = float("inf")


async def _start(data_dir: Path, repeats: int) -> _Start:
    best = _Start()
    for _ in range(repeats):
        # A clean stop would write a snapshot.
        async with serving(data_dir, kill=True) as server:
            best.seconds = min(best.seconds, server.seconds)
            best.memory = min(best.memory, float(server.process.memory_info().rss))
            best.peak = min(best.peak, _peak(server.process))
        async with running(data_dir):
            pass  # the last one to leave stops PostgreSQL
    return best


def _peak(process: psutil.Process) -> float:
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:  # not Linux
        return float(process.memory_info().rss)
    return float(status.split("VmHWM:")[1].split()[0]) * 1024

"""How long a start takes when there is a log to read, and what memory it needs."""

import asyncio
import time
from pathlib import Path
from typing import Annotated, Final

import psutil
import typer
from rich.progress import Progress, TaskID

from api.limits import Limits
from api.log.snapshot_process import take_snapshot
from api.policy import Policy
from db.connect import connect
from db.queries import sql
from scripts.benchmarks.database import copy_judgments, fill, running, temporary_folder
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

MOST_BEHIND: Final = 2 * Limits().snapshot_rows  # rows after the newest snapshot

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
    report.note(
        f"The oldest snapshot is as old as a killed server may leave it, {MOST_BEHIND:,} judgments "
        "behind: the next was being made. The log is in the operating system's cache. The best run "
        "counts."
    )
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

        def advance(rows: int) -> None:
            progress.advance(doing, rows)

        connection = await connect(database.dsn)
        project = await fill(connection, "restart", tasks, workers, LABELS, policy, advance)
        early = max(judgments - MOST_BEHIND, 0)
        await copy_judgments(connection, project, data, range(early), advance)
        filling = time.perf_counter() - filling
        await take_snapshot(database.dsn, project)
        await copy_judgments(connection, project, data, range(early, len(data)), advance)
        await connection.close()
    del data
    what = f"{judgments:,} judgments"
    progress.update(doing, description=f"{what}: starting from an old snapshot")
    old = await _start(data_dir, repeats)
    progress.update(doing, description=f"{what}: making a snapshot")
    async with running(data_dir) as database:
        making = time.perf_counter()
        await take_snapshot(database.dsn, project)
        making = time.perf_counter() - making
    progress.update(doing, description=f"{what}: starting from a new snapshot")
    new = await _start(data_dir, repeats)
    async with running(data_dir) as database:
        connection = await connect(database.dsn)
        await connection.execute(sql("delete_old_snapshots"), project, 0)
        await connection.close()
    progress.update(doing, description=f"{what}: starting without a snapshot")
    none = await _start(data_dir, repeats)
    goal = SECONDS_GOAL if judgments >= LARGE else None
    add = report.add
    for name, start in (("new", new), ("oldest", old), ("no", none)):
        beside = ("empty", empty.seconds)
        within = goal if name != "no" else None  # that is no kill, but a loss
        add(Figure(f"{what}, {name} snapshot", start.seconds, "s", *beside, goal=within))
    for name, start in (("new", new), ("oldest", old), ("no", none)):
        which = f"{what}, {name} snapshot"
        added = (start.memory - empty.memory) / judgments
        add(Figure(f"{which}: memory", start.memory / MB, "MB", "empty", empty.memory / MB))
        add(Figure(f"{which}: memory a judgment", added, "bytes", goal=MEMORY_GOAL))
        add(Figure(f"{which}: peak memory", start.peak / MB, "MB", "empty", empty.peak / MB))
    add(Figure(f"{what}: making a snapshot", making, "s", "start from the new one", new.seconds))
    add(Figure(f"{what}: filling most of the log by COPY", filling, "s"))


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

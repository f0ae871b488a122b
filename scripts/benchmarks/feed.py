"""From a judgment that is sent to the subscribers who see what it changed."""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import Progress, TaskID

from api.policy import Policy
from db.connect import connect
from scripts.benchmarks.database import fill, running, temporary_folder
from scripts.benchmarks.options import Folder, JsonFile
from scripts.benchmarks.report import Cell, Figure, Report
from scripts.benchmarks.server import admin_token, serving
from scripts.benchmarks.subscribers import QUALITY, TASKS, Watch, watch_feed

EPILOG: Final = "Example: scripts/bench feed --subscribers 1 --subscribers 100"

LABELS: Final = 2
WORKERS: Final = 2
SUBSCRIBERS: Final = (1, 100, 1000)
LATENCY_GOAL: Final = 250.0  # ms, p99


def feed(
    subscribers: Annotated[
        list[int] | None,
        typer.Option(min=1, help="How many at a time; repeatable: 1, 100 and 1,000.", metavar="N"),
    ] = None,
    judgments: Annotated[int, typer.Option(min=2, help="Judgments of each run.")] = 200,
    rate: Annotated[float, typer.Option(min=0.1, help="Judgments a second.")] = 20.0,
    folder: Folder = None,
    json_file: JsonFile = None,
) -> None:
    """Milliseconds from submitting a judgment until subscribers see it."""
    counts = subscribers or list(SUBSCRIBERS)
    options = {"subscribers": counts, "judgments": judgments, "rate": rate}
    report = Report("feed", options)
    with report.progress() as progress, temporary_folder(folder) as data_dir:
        doing = progress.add_task("Preparing", total=2 * len(counts))
        asyncio.run(_measure(report, data_dir, counts, judgments, rate, progress, doing))
    report.note(
        "From sending a judgment over HTTP to the arrival of an event at a WebSocket, over all "
        "judgments and subscribers; these and the submitter are one process."
    )
    report.finish(json_file)


async def _measure(
    report: Report,
    data_dir: Path,
    counts: list[int],
    judgments: int,
    rate: float,
    progress: Progress,
    doing: TaskID,
) -> None:
    tasks = judgments * 2 * len(counts)
    async with running(data_dir) as database:
        connection = await connect(database.dsn)
        policy = Policy(require_lease=False)
        await fill(connection, "feed", tasks, WORKERS, LABELS, policy)
        await connection.close()
        token = await admin_token(database.dsn)
        async with serving(data_dir) as server:
            first = 0
            shares: list[list[Cell]] = []
            for kind in (TASKS, QUALITY):
                alone: tuple[float, float] | None = None
                for count in counts:
                    what = f"{kind}, {count:,} subscriber{'s' if count > 1 else ''}"
                    progress.update(doing, description=what)
                    watch = Watch(
                        server.port,
                        server.process.pid,
                        token,
                        "feed",
                        kind,
                        count,
                        first,
                        judgments,
                        rate,
                    )
                    seen = await watch_feed(watch)
                    first += judgments
                    if seen.missing:
                        raise RuntimeError(f"{seen.missing} events never came ({what})")
                    alone = alone or (seen.p50, seen.p99)
                    beside = f"{counts[0]:,} subscriber{'s' if counts[0] > 1 else ''}"
                    add = report.add
                    add(Figure(f"{what}, p50", seen.p50, "ms", beside, alone[0]))
                    add(Figure(f"{what}, p99", seen.p99, "ms", beside, alone[1], LATENCY_GOAL))
                    add(Figure(f"{what}, longest", seen.most, "ms", "its p50", seen.p50))
                    shares.append([what, 100 * seen.server, 100 * seen.busy])
                    progress.advance(doing)
    title = f"Who took the cores at {rate:g} judgments a second, in % of one core"
    report.table(title, ["", "server", "subscribers"], list(shares))

"""How long it takes to void a worker of a large project, and what others notice of it."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import Progress, TaskID

from api.frontend.client import Client
from api.frontend.documents import JOIN_WORKERS, SPLIT_WORKERS, UNVOID_WORKER, VOID_WORKER
from api.policy import Policy
from db.connect import connect
from db.states import task_state_seqs
from scripts.benchmarks.database import copy_judgments, fill, running, temporary_folder, worker_name
from scripts.benchmarks.load import SINGLE, Order, generate
from scripts.benchmarks.options import Folder, JsonFile
from scripts.benchmarks.report import Figure, Report
from scripts.benchmarks.server import HOST, admin_token, serving
from scripts.benchmarks.synthetic import crowd

EPILOG: Final = "Example: scripts/bench retraction --judgments 100000"

LABELS: Final = 5
REDUNDANCY: Final = 10
JUDGMENTS_A_WORKER: Final = 1_000
CONNECTIONS: Final = 64

WARM_UP: Final = 2.0  # seconds

PROJECT: Final = "retraction"
JOINED: Final = 5  # workers of a group
ACTS: Final = ("foresee", "void", "restore", f"join {JOINED} with", f"split {JOINED} with")
SECONDS_GOAL: Final = 1.0
LATENCY_GOAL: Final = 50.0  # ms, p99 of submits meanwhile

AS_OF: Final = """
query ($project: ID!, $sequence: Sequence!) {
  project(externalId: $project, asOf: { sequence: $sequence }) { quality { judgments } }
}"""


def retraction(
    judgments: Annotated[int, typer.Option(min=1000, help="In the project.")] = 1_000_000,
    seconds: Annotated[float, typer.Option(min=0.2, help="Length of each run.")] = 10.0,
    rate: Annotated[float, typer.Option(min=1.0, help="Submits offered a second.")] = 500.0,
    folder: Folder = None,
    json_file: JsonFile = None,
) -> None:
    """Void and restore workers, join and split them, while judgments come at a given rate."""
    report = Report("retraction", {"judgments": judgments, "seconds": seconds, "rate": rate})
    with report.progress() as progress, temporary_folder(folder) as data_dir:
        doing = progress.add_task("Filling", total=judgments)
        asyncio.run(_measure(report, data_dir, judgments, seconds, rate, progress, doing))
    report.note(
        "Each worker is foreseen (dry run), voided and restored, joined with four others and split "
        "from them, and then the next one, as long as the run lasts. Latency counts from the time "
        "a request was meant for."
    )
    report.finish(json_file)


async def _measure(
    report: Report,
    data_dir: Path,
    judgments: int,
    seconds: float,
    rate: float,
    progress: Progress,
    doing: TaskID,
) -> None:
    workers = max(judgments // JUDGMENTS_A_WORKER, 2 * REDUNDANCY)
    sent = int((2 * seconds + WARM_UP + 1) * rate) + 1
    data = crowd(judgments + sent, REDUNDANCY, workers, LABELS, shuffled=True)
    data.save(data_dir)
    tasks = int(data.task.max()) + 1
    policy = Policy(overlap=REDUNDANCY, require_lease=False)
    async with running(data_dir) as database:
        connection = await connect(database.dsn)
        project = await fill(connection, PROJECT, tasks, workers, LABELS, policy)
        await copy_judgments(
            connection, project, data, range(judgments), lambda rows: progress.advance(doing, rows)
        )
        await connection.close()
        token = await admin_token(database.dsn)
        async with serving(data_dir) as server:
            order = Order(
                port=server.port,
                token=token,
                kind=SINGLE,
                project=PROJECT,
                rows=str(data_dir),
                labels=LABELS,
                first=judgments,
                size=1,
                connections=CONNECTIONS,
                rate=rate,
                seconds=seconds,
            )
            # A log that came by COPY has no derived rows yet, and first calls are slow.
            progress.update(doing, description="Waiting for the derived tables")
            await _derived(database.dsn, project, tasks)
            warm = await generate(replace(order, seconds=min(WARM_UP, seconds)))
            order = replace(order, first=judgments + warm.rows)
            progress.update(doing, description="Submits alone")
            alone = await generate(order)
            progress.update(doing, description="Submits while workers are voided")
            async with Client(f"http://{HOST}:{server.port}/graphql", token) as client:
                voiding = _Voiding(client, workers)
                order = replace(order, first=order.first + alone.rows)
                run = asyncio.create_task(generate(order))
                while not run.done():
                    await voiding.one()
                meanwhile = await run
                progress.update(doing, description="As of the middle of the log")
                began = time.perf_counter()
                given = {"project": PROJECT, "sequence": judgments // 2}
                await client.execute(AS_OF, given)
                looking = time.perf_counter() - began
    add = report.add
    what = f"a worker of {workers:,}, of {judgments:,} judgments"
    for name, taken in voiding.taken.items():
        middle, most = sorted(taken)[len(taken) // 2], max(taken)
        add(Figure(f"{name} {what}, median", middle, "s", goal=SECONDS_GOAL))
        add(Figure(f"{name} {what}, longest", most, "s"))
    beside = f"submits at {rate:,.0f}/s meanwhile"
    add(Figure(f"{beside}, p50", meanwhile.p50, "ms", "alone", alone.p50))
    add(Figure(f"{beside}, p99", meanwhile.p99, "ms", "alone", alone.p99, goal=LATENCY_GOAL))
    add(Figure(f"{beside}, longest", meanwhile.most, "ms", "alone", alone.most))
    add(Figure(f"as of {judgments // 2:,} of {judgments:,} entries", looking, "s"))


async def _derived(dsn: str, project: int, tasks: int) -> None:
    connection = await connect(dsn)
    try:
        # Another process writes them.
        while len(await task_state_seqs(connection, project)) < tasks:  # noqa: ASYNC110
            await asyncio.sleep(1)
    finally:
        await connection.close()


class _Voiding:
    """Voids one worker after the other, and keeps the seconds that each call took."""

    def __init__(self, client: Client, workers: int) -> None:
        self._client = client
        self._workers = workers
        self._next = 0
        self.taken: dict[str, list[float]] = {name: [] for name in ACTS}

    async def one(self) -> None:
        """The next worker; it is restored, so that the project stays as it was."""
        number, self._next = self._next, self._next + 1
        common: dict[str, Any] = {"project": PROJECT, "reason": "to measure it"}
        names = [worker_name((number + other) % self._workers) for other in range(JOINED)]
        one: dict[str, Any] = {"worker": names[0]}
        several: dict[str, Any] = {"workers": names}
        for name, document, given in zip(
            ACTS,
            (VOID_WORKER, VOID_WORKER, UNVOID_WORKER, JOIN_WORKERS, SPLIT_WORKERS),
            (one | {"dryRun": True}, one, one, several, several),
            strict=True,
        ):
            began = time.perf_counter()
            await self._client.mutate(document, common | given | {"clientId": f"{name}-{number}"})
            self.taken[name].append(time.perf_counter() - began)

"""The API over HTTP: durable judgments and leases a second, and how long one call takes."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import psutil
import typer
from rich.progress import Progress, TaskID

from api.policy import Policy
from db.connect import connect
from scripts.benchmarks.database import fill, running, temporary_folder
from scripts.benchmarks.load import BATCH, EMPTY, LEASE, SINGLE, Found, Order, generate
from scripts.benchmarks.options import Folder, JsonFile, Repeats
from scripts.benchmarks.report import Cell, Figure, Report
from scripts.benchmarks.server import Server, admin_token, cpu_seconds, serving
from scripts.benchmarks.synthetic import crowd

EPILOG: Final = "Example: scripts/bench api --seconds 3 --repeats 1"

LABELS: Final = 5
REDUNDANCY: Final = 10
WORKERS: Final = 500
ROWS_A_BATCH: Final = 100
BATCH_CONNECTIONS: Final = 16
MOST_SINGLES: Final = 10_000  # a second; judgments are made for so many
MOST_BATCHED: Final = 150_000
LEASES_A_WORKER: Final = 1000

SINGLE_GOAL: Final = 1_500.0  # /s
BATCHED_GOAL: Final = 40_000.0  # judgments/s
LATENCY_GOAL: Final = 25.0  # ms, p99 at 500/s
RATES: Final = (500.0, 1_000.0)  # requests offered a second


def api(
    seconds: Annotated[float, typer.Option(min=0.2, help="Length of each run.")] = 10.0,
    connections: Annotated[int, typer.Option(min=1, help="Of single calls.")] = 64,
    repeats: Repeats = 3,
    folder: Folder = None,
    json_file: JsonFile = None,
) -> None:
    """Judgments and leases a second over HTTP, each durable, and the latency at a given rate.

    `basanite serve`, PostgreSQL and the load generator share the cores.
    """
    options = {"seconds": seconds, "connections": connections, "repeats": repeats}
    report = Report("api", options)
    with report.progress() as progress, temporary_folder(folder) as data_dir:
        doing = progress.add_task("Preparing", total=repeats * (3 + 2 * len(RATES)))
        asyncio.run(_Run(report, data_dir, seconds, connections, progress, doing).all(repeats))
    report.note(
        "Latency at a rate counts from the time a request was meant for, not from when it could be "
        "sent. An empty query waits for no writer and no database: it shows what machine and web "
        "server take by themselves. Shares are of one core. The best run counts."
    )
    report.finish(json_file)


class _Run:
    def __init__(
        self,
        report: Report,
        data_dir: Path,
        seconds: float,
        connections: int,
        progress: Progress,
        doing: TaskID,
    ) -> None:
        self._report = report
        self._data_dir = data_dir
        self._seconds = seconds
        self._connections = connections
        self._progress = progress
        self._doing = doing
        self._used = 0  # rows of judgments that have been sent
        self._shares: list[list[Cell]] = []
        self._server_cost = 0.0  # µs of the server's processor time a row, best of the last runs

    async def all(self, repeats: int) -> None:
        """Measure everything against one server."""
        a_repeat = MOST_SINGLES + MOST_BATCHED + int(sum(RATES))
        rows = int(a_repeat * self._seconds * repeats) + ROWS_A_BATCH
        data = crowd(rows, REDUNDANCY, WORKERS, LABELS, shuffled=True)
        data.save(self._data_dir)
        tasks = int(data.task.max()) + 1
        policy = Policy(
            overlap=REDUNDANCY,
            require_lease=False,
            leases_per_worker=LEASES_A_WORKER,
            act_on_status=False,
        )
        async with running(self._data_dir) as database:
            connection = await connect(database.dsn)
            await fill(connection, "judgments", tasks, WORKERS, LABELS, policy)
            await fill(connection, "leases", tasks // 10 + 1, WORKERS, LABELS, policy)
            await connection.close()
            token = await admin_token(database.dsn)
            self._postgres = psutil.Process(database.pid)
            async with serving(self._data_dir) as server:
                self._server = server
                self._order = Order(
                    port=server.port,
                    token=token,
                    kind=SINGLE,
                    project="judgments",
                    rows=str(self._data_dir),
                    labels=LABELS,
                    first=0,
                    size=1,
                    connections=self._connections,
                    rate=0.0,
                    seconds=self._seconds,
                )
                await self._measure(repeats)
        self._report.table(
            "Who took the cores, in % of one core",
            ["", "server", "PostgreSQL", "load generator", "server, µs a row"],
            list(self._shares),
        )

    async def _measure(self, repeats: int) -> None:
        add = self._report.add
        # The first calls of a server are slow: they are no part of any figure.
        await self._take(replace(self._order, seconds=min(1.0, self._seconds)))
        singles = await self._times("single submits", self._order, repeats)
        single, single_cost = max(_rate(found) for found in singles), self._server_cost
        batch = replace(self._order, kind=BATCH, size=ROWS_A_BATCH, connections=BATCH_CONNECTIONS)
        batched = await self._times(f"batches of {ROWS_A_BATCH}", batch, repeats)
        most = max(found.rows / found.seconds for found in batched)
        batch_cost = self._server_cost
        lease = replace(self._order, kind=LEASE, project="leases")
        leases = await self._times("leases", lease, repeats)
        lease_cost = self._server_cost
        add(Figure("single submits", single, "/s", goal=SINGLE_GOAL))
        p99 = min(found.p99 for found in singles)
        add(Figure(f"single submits, {self._connections} connections, p99", p99, "ms"))
        beside = ("single submits", single)
        add(Figure(f"judgments, batches of {ROWS_A_BATCH}", most, "/s", *beside, goal=BATCHED_GOAL))
        add(Figure("leases", max(_rate(found) for found in leases), "/s", *beside))
        add(Figure("leases, p99", min(found.p99 for found in leases), "ms"))
        cost = "processor time of the server"
        add(Figure(f"{cost}, a single submit", single_cost, "µs"))
        beside = ("a single submit", single_cost)
        add(Figure(f"{cost}, a judgment in a batch", batch_cost, "µs", *beside))
        add(Figure(f"{cost}, a lease", lease_cost, "µs", *beside))
        for rate in RATES:
            order = replace(self._order, rate=rate)
            empty = replace(order, kind=EMPTY)
            floor = await self._times(f"empty queries, {rate:,.0f}/s offered", empty, repeats)
            found = await self._times(f"{rate:,.0f}/s offered", order, repeats)
            what = f"single submit at {rate:,.0f}/s offered"
            goal = LATENCY_GOAL if rate == RATES[0] else None
            for name, of, aim in (("p50", 0, None), ("p99", 1, goal), ("longest", 2, None)):
                value, other = (
                    min((each.p50, each.p99, each.most)[of] for each in runs)
                    for runs in (found, floor)
                )
                add(Figure(f"{what}, {name}", value, "ms", "an empty query", other, goal=aim))

    async def _times(self, what: str, order: Order, repeats: int) -> list[Found]:
        found: list[Found] = []
        shares: list[list[Cell]] = []
        costs: list[float] = []
        for _ in range(repeats):
            self._progress.update(self._doing, description=what)
            before = self._cpu(self._server)
            found.append(await self._take(order))
            after = self._cpu(self._server)
            took = found[-1].seconds
            server, postgres = (
                (then - now) / took for now, then in zip(before, after, strict=True)
            )
            costs.append((after[0] - before[0]) / found[-1].rows * 1e6)
            shares.append([what, 100 * server, 100 * postgres, 100 * found[-1].busy, costs[-1]])
            self._progress.advance(self._doing)
        self._shares.append(shares[len(shares) // 2])
        self._server_cost = min(costs)
        return found

    async def _take(self, order: Order) -> Found:
        found = await generate(replace(order, first=self._used))
        if order.kind in {SINGLE, BATCH}:
            self._used += found.rows
        if found.refused:
            raise RuntimeError(f"{found.refused} calls were refused, such as {found.example}")
        return found

    def _cpu(self, server: Server) -> tuple[float, float]:
        return cpu_seconds(server.process), cpu_seconds(self._postgres)


def _rate(found: Found) -> float:
    return found.requests / found.seconds

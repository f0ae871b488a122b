"""`basanite demo`: everything at work, with a simulated crowd whose truth is known."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.cli.options import fail, run, settings_of

if TYPE_CHECKING:
    from rich.console import Console

    from api.cli.demo_screen import View
    from api.cli.own_server import Reachable
    from api.frontend.simulation import Simulation
    from api.settings import Settings

EPILOG = """
Example: basanite demo --seconds 20

The data is thrown away at the end, unless --data-dir names a folder for it.
"""

FRAME: Final = 0.25  # seconds between two pictures on a terminal
LINE: Final = 2.0  # seconds between two lines elsewhere
OPEN_PER_WORKER: Final = 2  # more tasks are added when fewer are open


@dataclass(frozen=True)
class _Crowd:
    workers: int
    tasks: int
    labels: int
    overlap: int
    rate: float
    seed: int


def demo(
    seconds: Annotated[
        float | None,
        typer.Option(min=1.0, help="End after so many seconds of labeling; else with Ctrl-C."),
    ] = None,
    workers: Annotated[int, typer.Option(min=6, max=2000, help="Size of the crowd.")] = 200,
    tasks: Annotated[
        int,
        typer.Option(min=10, max=100_000, help="Tasks at first; as many again when they run out."),
    ] = 600,
    labels: Annotated[int, typer.Option(min=2, max=26, help="Labels to choose from.")] = 4,
    overlap: Annotated[int, typer.Option(min=1, max=50, help="Judgments for each task.")] = 5,
    rate: Annotated[
        float, typer.Option(min=1.0, help="Judgments a second that the crowd makes if it can.")
    ] = 500.0,
    seed: Annotated[int, typer.Option(min=0, help="Another number is another crowd.")] = 1,
    port: Annotated[
        int | None, typer.Option(help="Port of the server; a free one if it is taken.")
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="New folder for the data, which is then kept."),
    ] = None,
) -> None:
    """Watch a simulated crowd label over the API, and what Basanite makes of it."""
    from rich.console import Console

    from api.cli.interrupts import INTERRUPTED
    from api.cli.own_server import temporary_folder
    from api.frontend.client import CallFailed

    if data_dir is not None and data_dir.exists() and any(data_dir.iterdir()):
        fail(f"{data_dir} is not empty. The demo takes a new folder only, to mix with nothing.")
    screen = Console(highlight=False)
    crowd = _Crowd(workers, tasks, labels, overlap, rate, seed)
    with ExitStack() as stack:
        folder = data_dir or stack.enter_context(temporary_folder())
        settings = settings_of(data_dir=folder, port=port, database_url="")
        kept = "kept" if data_dir else "deleted at the end"
        screen.print(f"Data in {folder}, {kept}", style="dim", soft_wrap=True)
        try:
            run(_demo(settings, crowd, seconds, screen))
        except CallFailed as error:
            fail(str(error))
        except asyncio.CancelledError:
            screen.print("Stopped.")
            sys.exit(INTERRUPTED)


async def _demo(
    settings: "Settings", crowd: _Crowd, seconds: float | None, screen: "Console"
) -> None:
    from api.cli.interrupts import interrupts
    from api.cli.own_server import own_server, starting

    async with AsyncExitStack() as stack:
        interrupted = stack.enter_context(interrupts())
        with starting(screen) as report:
            server = await stack.enter_async_context(own_server(settings, report, "basanite demo"))
            from api.cli.demo_screen import View, show_summary
            from api.cli.demo_watch import everyone

            report("Creating the project, its tasks, and a key for each worker")
            simulation = await _prepare(crowd, server, stack)
        view = View(server.url, server.token, seconds)
        with interrupted.graceful():
            await _label(simulation, view, screen, interrupted.asked)
        view.score = await simulation.settle()
        workers = await everyone(simulation.client, simulation.plan.project)
        show_summary(screen, view, simulation, workers)


async def _prepare(crowd: _Crowd, server: "Reachable", stack: AsyncExitStack) -> "Simulation":
    import numpy as np

    from api.frontend.client import Client
    from api.frontend.simulation import Plan, Simulation
    from engine.crowd import draw_items, draw_workers

    rng = np.random.default_rng([crowd.seed, 0])
    simulation = Simulation(
        await stack.enter_async_context(Client(server.url, server.token)),
        Plan("demo", crowd.labels, crowd.overlap, crowd.tasks, crowd.rate, crowd.seed),
        draw_workers(rng, crowd.workers, crowd.labels),
        draw_items(rng, crowd.tasks, crowd.labels),
    )
    await simulation.prepare()
    return simulation


async def _label(
    simulation: "Simulation", view: "View", screen: "Console", asked: asyncio.Event
) -> None:
    """Let the crowd work and show it, until the time is over or somebody asks to stop."""
    from api.cli.demo_watch import watch_quality, watch_workers

    client, project = simulation.client, simulation.plan.project
    chores = [
        asyncio.ensure_future(chore)
        for chore in (
            simulation.follow(),
            watch_quality(client, project, view),
            watch_workers(client, project, view),
            _supply(simulation, view),
            *(simulation.work(worker) for worker in range(len(simulation.workers))),
        )
    ]
    stop = asyncio.ensure_future(asked.wait())
    began = time.monotonic()
    pause = FRAME if screen.is_terminal else LINE
    try:
        with _display(simulation, view, screen) as show:
            while not stop.done() and (view.seconds is None or view.elapsed < view.seconds):
                left = pause if view.seconds is None else view.seconds - view.elapsed
                ended, _ = await asyncio.wait(
                    [*chores, stop],
                    timeout=min(pause, left),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for chore in ended:
                    await chore  # no chore ends but by an error
                view.elapsed = time.monotonic() - began
                view.score = simulation.score()
                show()
    finally:
        stop.cancel()
        for chore in chores:
            chore.cancel()
        await asyncio.gather(stop, *chores, return_exceptions=True)


async def _supply(simulation: "Simulation", view: "View") -> None:
    """Add tasks before they run out, for ever."""
    enough = OPEN_PER_WORKER * len(simulation.workers)
    while True:
        await asyncio.sleep(FRAME)
        tasks = view.quality.get("tasks")
        # The feed knows all that were added, or what is open is not known yet.
        if tasks and tasks["total"] == len(simulation.items) and tasks["open"] < enough:
            await simulation.add_wave()


@contextmanager
def _display(
    simulation: "Simulation", view: "View", screen: "Console"
) -> Iterator[Callable[[], None]]:
    from rich.live import Live

    from api.cli.demo_screen import line, page

    if not screen.is_terminal:
        where = f"GraphQL {view.url}/graphql  key {view.token}"
        screen.print(where, soft_wrap=True)
        yield lambda: screen.print(line(view), soft_wrap=True)
        return
    with Live(console=screen, auto_refresh=False, vertical_overflow="crop") as live:
        yield lambda: live.update(page(view, simulation, *screen.size), refresh=True)

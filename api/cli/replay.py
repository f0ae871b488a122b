"""`basanite replay`: a real data set through a running server, as its workers would send it."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.bundles import bundled
from api.cli.options import (
    Delimiter,
    Encoding,
    GoldColumn,
    LabelColumn,
    SecondsColumn,
    TaskColumn,
    WorkerColumn,
    fail,
    run,
)
from api.cli.reaching import Server, reach

if TYPE_CHECKING:
    from rich.console import Console

    from api.files.dataset import Dataset

FINE, LEFT_OUT = 0, 3

EPILOG = """
Example: basanite replay data/dog

The same command again goes on where a break was: nothing is counted twice. Without --url the data
stays in a folder apart from that of `basanite serve`.

Exit status: 0 every row was taken; 3 some were refused or could not be read; 1 it failed.
"""


@bundled
def replay(
    *,
    dataset: Annotated[
        Path,
        typer.Argument(
            help="Folder with judgments.csv and, to check with, gold.csv; or a file of judgments. "
            "Also .jsonl and .parquet."
        ),
    ],
    gold: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Tasks whose answer is known: columns task and label."),
    ] = None,
    server: Server,
    project: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Project to make; named after the data set if left out."),
    ] = None,
    concurrency: Annotated[
        int,
        typer.Option(
            min=1,
            max=500,
            help="Judgments under way at a time. Those of a task, or of a worker, wait for each "
            "other.",
        ),
    ] = 128,
    batch: Annotated[
        int, typer.Option(min=1, max=20_000, help="Judgments a call, with submitJudgments.")
    ] = 1,
    task_column: TaskColumn = None,
    worker_column: WorkerColumn = None,
    label_column: LabelColumn = None,
    gold_column: GoldColumn = None,
    seconds_column: SecondsColumn = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
) -> None:
    """Send a data set, judgment by judgment in file order, and compare consensus with gold.

    Shows, after each quarter, the accuracy of the consensus beside that of the majority vote on
    the same judgments. The gold stays here: the server does not see it.
    """
    from platformdirs import user_data_path
    from rich.console import Console

    from api.cli.interrupts import INTERRUPTED
    from api.files.dataset import read_dataset
    from api.frontend.client import CallFailed
    from api.settings import Settings
    from api.tables.errors import TableError
    from api.tables.judgments import Reading

    server.check()
    screen = Console(highlight=False)
    if server.settings.data_dir == Settings().data_dir:
        server = replace(server, data_dir=user_data_path("basanite-replay"))
    reading = Reading(
        task_column,
        worker_column,
        label_column,
        gold_column,
        delimiter,
        encoding,
        timed=True,
        seconds_column=seconds_column,
    )
    try:
        data = read_dataset(dataset, gold, reading)
        complete = run(_replay(data, project or data.name, server, concurrency, batch, screen))
    except (CallFailed, TableError) as error:
        fail(str(error))
    except asyncio.CancelledError:
        screen.print("Stopped. The same command goes on from here.")
        sys.exit(INTERRUPTED)
    sys.exit(FINE if complete else LEFT_OUT)


async def _replay(
    data: "Dataset",
    project: str,
    server: Server,
    concurrency: int,
    batch: int,
    screen: "Console",
) -> bool:
    from api.cli.interrupts import interrupts
    from api.cli.replay_screen import ReplayScreen
    from api.frontend.replaying import Replay

    with interrupts():
        async with reach(server, screen, "basanite replay") as client:
            replaying = Replay(client, data, project, concurrency, batch)
            with screen.status("Creating the project and its tasks"):
                await replaying.prepare()
            where = "" if server.url else f", data in {server.settings.data_dir}"
            screen.print(f"Project {project} at {client.url}{where}", style="dim", soft_wrap=True)
            shown = ReplayScreen(screen, replaying)
            with shown.shown():
                await replaying.run(shown.reached)
            shown.show_end()
            return not replaying.refused and not data.unusable

"""`basanite import-judgments`: a file of judgments into a project."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.bundles import bundled
from api.cli.options import (
    Delimiter,
    Encoding,
    LabelColumn,
    SecondsColumn,
    TaskColumn,
    WorkerColumn,
    fail,
    run,
)
from api.cli.reaching import Server, reach, told

if TYPE_CHECKING:
    from rich.console import Console

    from api.frontend.importing import Import
    from api.tables.folder import OutFolder
    from api.tables.judgments import Judgments

FINE, LEFT_OUT = 0, 3

EPILOG = """
Example: basanite import-judgments judgments.csv --project animals --create

A break is no harm: the same command again adds what is missing, and nothing twice. A row for a
worker and task that are there with another label is that worker's revision.

Exit status: 0 every row is in the project; 3 some are not, and quarantine.csv (unreadable) or
refused.csv (not accepted) in the folder --out say which and why; 1 it failed.
"""


@bundled
def import_judgments(
    *,
    file: Annotated[
        str,
        typer.Argument(
            help="CSV, JSON Lines or Parquet, also gzipped, with the columns task, worker and "
            "label; - for standard input."
        ),
    ],
    project: Annotated[str, typer.Option(metavar="ID", help="Project that they go to.")],
    create: Annotated[
        bool,
        typer.Option("--create", help="Make the project and the tasks where they are missing."),
    ] = False,
    server: Server,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the rows that were left out.")
    ] = Path("basanite-import"),
    batch: Annotated[int, typer.Option(min=1, max=20_000, help="Judgments a call.")] = 5_000,
    task_column: TaskColumn = None,
    worker_column: WorkerColumn = None,
    label_column: LabelColumn = None,
    seconds_column: SecondsColumn = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
) -> None:
    """Store the judgments of a file in a project. Workers that are new are added.

    A column `seconds` says how long they took; what is no time up to a week is left out.

    Goes through the server at --url or, without one, through a server started for this over the
    same database as `basanite serve`, which must not be running then.
    """
    from rich.console import Console

    from api.cli.interrupts import INTERRUPTED
    from api.frontend.client import CallFailed
    from api.frontend.importing import REFUSED
    from api.tables.errors import TableError
    from api.tables.folder import OutFolder
    from api.tables.judgments import Reading, read_judgments
    from api.tables.quarantine import QUARANTINE, Quarantine

    server.check()
    screen = Console(highlight=False)
    reading = Reading(
        task_column,
        worker_column,
        label_column,
        delimiter=delimiter,
        encoding=encoding,
        timed=True,
        seconds_column=seconds_column,
    )
    try:
        with OutFolder(out, (QUARANTINE, REFUSED)) as folder:
            quarantine = Quarantine(folder)
            with screen.status(f"Reading {file}"):
                judgments = read_judgments(file, reading, quarantine.of(file))
            done = run(_import(judgments, project, create, server, batch, folder, screen))
            folder.commit(
                {
                    "judgments_file": file,
                    "project": project,
                    "accepted": done.accepted,
                    "duplicates": done.duplicates,
                    "refused": done.refused,
                    "quarantined": quarantine.count,
                }
            )
            _show(screen, done, quarantine.count, folder)
    except CallFailed as error:
        fail(told(error))
    except TableError as error:
        fail(str(error))
    except asyncio.CancelledError:
        screen.print("Stopped. The same command adds what is missing.")
        sys.exit(INTERRUPTED)
    sys.exit(LEFT_OUT if done.refused or quarantine.count else FINE)


async def _import(
    judgments: "Judgments",
    project: str,
    create: bool,
    server: Server,
    batch: int,
    folder: "OutFolder",
    screen: "Console",
) -> "Import":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from api.cli.interrupts import interrupts
    from api.frontend.importing import Import

    with interrupts():
        async with reach(server, screen, "basanite import-judgments") as client:
            importing = Import(client, judgments, project, batch)
            with screen.status("Looking up the project and its tasks"):
                await importing.prepare(create=create)
            columns = (TextColumn("Storing"), BarColumn(), MofNCompleteColumn())
            with Progress(*columns, console=screen, disable=not screen.is_terminal) as bars:
                bar = bars.add_task("", total=len(judgments.task))
                await importing.run(folder, lambda sent: bars.update(bar, completed=sent))
            return importing


def _show(screen: "Console", done: "Import", quarantined: int, folder: "OutFolder") -> None:
    from rich.text import Text

    judgments = done.judgments
    screen.print(
        f"Judgments stored in project {done.project}: {done.accepted:,}; there already: "
        f"{done.duplicates:,}."
    )
    if judgments.duplicates or judgments.revised:
        screen.print(
            f"Rows of the file that repeated an answer: {judgments.duplicates:,}; that changed "
            f"one: {judgments.revised:,}. The last one counts."
        )
    for why, count in sorted(done.reasons.items(), key=lambda reason: -reason[1]):
        screen.print(Text(f"Refused: {count:,}. {why}", "yellow"), soft_wrap=True)
    if quarantined:
        screen.print(Text(f"Rows that could not be read: {quarantined:,}", "yellow"))
    if done.refused or quarantined:
        written = ", ".join(sorted(folder.written))
        screen.print(Text(f"Written to {folder.path}: {written}"), soft_wrap=True)

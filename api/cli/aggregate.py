"""`basanite aggregate`: a file of judgments in, consensus and reputations out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import Delimiter, Encoding, GoldColumn, LabelColumn, TaskColumn, WorkerColumn

if TYPE_CHECKING:
    from rich.console import Console

FINE, UNUSABLE, QUARANTINED = 0, 2, 3

EPILOG = (
    "Example: basanite aggregate judgments.csv --gold gold.csv --out results\n\n"
    "Exit status: 0 all rows were used; 3 some rows could not be used and are in quarantine.csv "
    "with their line and the reason; 2 nothing could be made of the input."
)


def aggregate(
    judgments: Annotated[
        str,
        typer.Argument(
            help="CSV, JSON Lines or Parquet, also gzipped, with the columns task, worker and "
            "label; - for standard input."
        ),
    ],
    gold: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Tasks whose answer is known: columns task and label."),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the results; made if need be.")
    ] = Path("basanite-out"),
    task_column: TaskColumn = None,
    worker_column: WorkerColumn = None,
    label_column: LabelColumn = None,
    gold_column: GoldColumn = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    target_confidence: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="A task is settled from this confidence on.")
    ] = 0.95,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Replace files in the folder even if they were not written by this command.",
        ),
    ] = False,
) -> None:
    """Turn a file of judgments into consensus labels and worker reputations, without a server."""
    from rich.console import Console
    from rich.markup import escape

    from api.tables.errors import RowsUnusable, TableError

    if judgments == gold == "-":
        raise typer.BadParameter("only one of the two files can be standard input")
    screen, notices = Console(highlight=False), Console(stderr=True, highlight=False)
    try:
        from api.cli.aggregate_summary import show
        from api.files.aggregation import FILES
        from api.files.aggregation import aggregate as run
        from api.tables.folder import OutFolder
        from api.tables.judgments import Reading

        reading = Reading(
            task_column, worker_column, label_column, gold_column, delimiter, encoding
        )
        with OutFolder(out, FILES, overwrite=overwrite) as folder:
            with _progress(notices) as report:
                result = run(judgments, gold, folder, reading, target_confidence, report)
            show(screen, result, folder, target_confidence)
    except TableError as error:
        message = str(error)
        if isinstance(error, RowsUnusable):
            from api.tables.quarantine import QUARANTINE

            message += f" Each row is in {out / QUARANTINE}."
        for note in getattr(error, "__notes__", []):
            notices.print(f"[yellow]![/] {escape(note)}", soft_wrap=True)
        notices.print(f"[red]Error:[/] {escape(message)}", soft_wrap=True)
        raise typer.Exit(UNUSABLE) from None
    raise typer.Exit(QUARANTINED if result.quarantined else FINE)


@contextmanager
def _progress(console: "Console") -> Iterator[Callable[[str, float, float | None], None]]:
    """Show a bar for what is going on, on a terminal only and gone when it is done."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bars:
        bar = bars.add_task("", total=None)
        now = ""

        def report(doing: str, done: float, total: float | None) -> None:
            nonlocal now
            if doing != now:
                now = doing
                bars.reset(bar, description=doing)
            bars.update(bar, completed=done, total=total)

        yield report

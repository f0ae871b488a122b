"""`basanite doctor`: what Basanite needs, checked one by one."""

from typing import Annotated

import typer

from api.cli.options import DatabaseUrl, DataDir, settings_of

EPILOG = "Example: basanite doctor --port 9000. Exit status 1 if anything is wrong."

MARKS = {True: "[green]ok  [/green]", False: "[red]BAD [/red]", None: "[yellow]note[/yellow]"}


def doctor(
    port: Annotated[int | None, typer.Option(help="Port that a server would listen at.")] = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Check Python, packages, compiler cache, disk, port, database and who writes the projects."""
    from rich.console import Console

    from api.examination import examine

    settings = settings_of(port=port, database_url=database_url, data_dir=data_dir)
    console = Console(highlight=False, soft_wrap=True)
    fine = True
    for finding in examine(settings):
        console.print(f"{MARKS[finding.good]} {finding.what}: ", end="")
        console.print(finding.verdict, markup=False)
        fine = fine and finding.good is not False
    raise typer.Exit(0 if fine else 1)

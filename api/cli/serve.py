"""`basanite serve`: database, engine and GraphQL API in one process."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import DatabaseUrl, DataDir, fail, settings_of

if TYPE_CHECKING:
    from rich.console import Console

    from api.settings import Settings

EPILOG = "Example: basanite serve --port 9000 --data-dir /srv/basanite"


def serve(
    host: Annotated[
        str | None,
        typer.Option(help="Address to listen at: 127.0.0.1, or 0.0.0.0 for all networks."),
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen at: 8000; 0 takes a free one.")
    ] = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Start the server. Ctrl-C stops it when everything accepted is stored."""
    from rich.console import Console

    from api.server import PortTaken, run_server
    from db.errors import DatabaseError

    settings = settings_of(host=host, port=port, database_url=database_url, data_dir=data_dir)
    console = Console(highlight=False)
    try:
        run_server(
            settings,
            report=lambda line: console.print(line, style="dim"),
            announce=lambda address: _announce(console, settings, address),
        )
    except (DatabaseError, PortTaken) as error:
        fail(str(error))


def _announce(console: "Console", settings: "Settings", address: str) -> None:
    from rich.panel import Panel

    from db.connect import without_password

    where = (
        without_password(settings.database_url) if settings.database_url else str(settings.data_dir)
    )
    lines = [
        f"GraphQL   [bold]{address}/graphql[/bold]",
        f"Data      {where}",
        "Key       basanite keys create",
        "Stop      Ctrl-C",
    ]
    console.print(Panel("\n".join(lines), title="Basanite", expand=False, padding=(0, 1)))

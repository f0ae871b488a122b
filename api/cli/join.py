"""`basanite join`: count workers as one voice, and one by one again."""

from typing import Annotated

import typer

from api.cli.bundles import bundled
from api.cli.deciding import Act, decide
from api.cli.reaching import Server

PURPOSE = "basanite join"  # what the key of a server of our own is listed under

app = typer.Typer(
    name="join",
    help="Count workers who copy, or are one person, as one voice; see beforehand what changes.",
    no_args_is_help=True,
    epilog="Example: basanite join workers ann bob --project animals --reason 'copies' --dry-run",
)

Names = Annotated[list[str], typer.Argument(metavar="WORKER...", help="External ids of workers.")]


@app.command(
    epilog="Example: basanite join workers ann bob eve --project animals --reason 'same mistakes'"
)
@bundled
def workers(
    names: Names,
    act: Act,
    server: Server,
) -> None:
    """Of each task that several of them judged, let one judgment count; give none of them a task
    that another one has. The others stay in the log."""
    from api.frontend.documents import JOIN_WORKERS

    given = act.given | {"workers": names}
    decide(JOIN_WORKERS, given, act, server, PURPOSE)


@app.command(epilog="Example: basanite join split ann --project animals --reason 'two persons'")
@bundled
def split(
    names: Names,
    act: Act,
    server: Server,
) -> None:
    """End the groups of these workers: each counts by itself again, with all it has judged."""
    from api.frontend.documents import SPLIT_WORKERS

    given = act.given | {"workers": names}
    decide(SPLIT_WORKERS, given, act, server, PURPOSE)

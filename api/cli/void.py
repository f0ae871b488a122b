"""`basanite void`: take a worker's judgments back, or some, and give a worker's back."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from api.cli.bundles import bundled
from api.cli.deciding import Act, decide
from api.cli.reaching import Server

PURPOSE = "basanite void"  # what the key of a server of our own is listed under

app = typer.Typer(
    name="void",
    help="Take judgments back, and see beforehand what that changes.",
    no_args_is_help=True,
    epilog="Example: basanite void worker ann --project animals --reason 'a bot' --dry-run",
)

Moment = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], help="In UTC.", metavar="TIME"
    ),
]


@app.command(
    epilog="Example: basanite void worker ann --project animals --reason 'answers at random'"
)
@bundled
def worker(
    name: Annotated[str, typer.Argument(metavar="WORKER", help="External id of the worker.")],
    act: Act,
    server: Server,
) -> None:
    """Let no judgment of a worker count, and give it no tasks. They stay in the log."""
    from api.frontend.documents import VOID_WORKER

    given = act.given | {"worker": name}
    decide(VOID_WORKER, given, act, server, PURPOSE)


@app.command(epilog="Example: basanite void restore ann --project animals --reason 'no bot at all'")
@bundled
def restore(
    name: Annotated[str, typer.Argument(metavar="WORKER", help="External id of the worker.")],
    act: Act,
    server: Server,
) -> None:
    """Let a voided worker take part again, with all judgments that were voided with it."""
    from api.frontend.documents import UNVOID_WORKER

    given = act.given | {"worker": name}
    decide(UNVOID_WORKER, given, act, server, PURPOSE)


@app.command(
    epilog="Example: basanite void judgments --worker ann --since 2026-03-01 --project animals "
    "--reason 'another person used the account'"
)
@bundled
def judgments(
    *,
    act: Act,
    worker: Annotated[str | None, typer.Option(metavar="ID", help="Those of this worker.")] = None,
    task: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Those of this task; repeatable.")
    ] = None,
    since: Moment = None,
    until: Moment = None,
    sequence: Annotated[
        list[int] | None,
        typer.Option(help="This one, and no other conditions; repeatable.", metavar="N"),
    ] = None,
    server: Server,
) -> None:
    """Let some judgments count no more: all that match, 5,000 at most."""
    from api.frontend.documents import VOID_JUDGMENTS

    given = act.given | {
        "worker": worker,
        "tasks": task or None,
        "since": _moment(since),
        "until": _moment(until),
        "sequences": sequence or None,
    }
    decide(VOID_JUDGMENTS, given, act, server, PURPOSE)


def _moment(time: datetime | None) -> str | None:
    return None if time is None else time.replace(tzinfo=UTC).isoformat()

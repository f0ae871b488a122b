"""`basanite alerts`: what the engine found, and what staff say of it."""

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from api.cli.bundles import bundled
from api.cli.deciding import ClientId, Json, Project, sent
from api.cli.options import fail
from api.cli.reaching import Server, asked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rich.console import Console

    from api.frontend.client import Client

PURPOSE = "basanite alerts"  # what the key of a server of our own is listed under
STATES = ("OPEN", "ACKNOWLEDGED", "RESOLVED")

app = typer.Typer(
    name="alerts",
    help="See what the engine found that staff should look at, and say what came of it.",
    no_args_is_help=True,
    epilog="Example: basanite alerts list --project animals",
)

Alert = Annotated[int, typer.Argument(metavar="N", help="Number of the alert, as listed.")]
Note = Annotated[str, typer.Option(help="Why; it stays in the log of decisions.")]


@app.command(name="list", epilog="Example: basanite alerts list --project animals --state OPEN")
@bundled
def list_(
    *,
    project: Project,
    state: Annotated[
        list[str] | None,
        typer.Option(metavar="STATE", help=f"Only these: {', '.join(STATES)}; repeatable."),
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="COPYING, say; repeatable.")
    ] = None,
    worker: Annotated[str | None, typer.Option(metavar="ID", help="About this worker.")] = None,
    json: Json = False,
    server: Server,
) -> None:
    """List alerts, the newest first; without --state those that are not resolved."""
    from rich.table import Column, Table
    from rich.text import Text

    from api.frontend.documents import ALERTS
    from api.state.alerts import AlertKind

    states = [each.upper() for each in state or STATES[:2]]
    if not set(states) <= set(STATES):
        fail(f"--state is one of {', '.join(STATES)}.")
    kinds = [each.upper() for each in kind] if kind else None
    if not set(kinds or ()) <= set(AlertKind):
        fail(f"--kind is one of {', '.join(AlertKind)}.")
    given = {"project": project, "state": states, "kind": kinds, "worker": worker}

    async def work(client: "Client", screen: "Console") -> None:
        if json:
            screen.print_json(data=[each async for each in client.nodes(ALERTS, given)])
            return
        table = Table(
            *(Column(name, overflow="fold") for name in ("alert", "raised", "state", "severity")),
            Column("what was found", overflow="fold"),
            box=None,
        )
        async for each in client.nodes(ALERTS, given):
            row = (_when(each["raisedAt"]), each["state"].lower(), each["severity"].lower())
            text = f"{each['kind']}: {each['explanation']}"
            table.add_row(*map(Text, (str(each["sequence"]), *row, text)))
        screen.print(table if table.row_count else "There are no such alerts.")

    _run(work, server)


@app.command(epilog="Example: basanite alerts show 1234 --project animals")
@bundled
def show(
    *,
    alert: Alert,
    project: Project,
    json: Json = False,
    server: Server,
) -> None:
    """Show all of one alert: what was found, the numbers behind it, and what to do about it."""
    from api.frontend.documents import ALERT

    async def work(client: "Client", screen: "Console") -> None:
        given = {"project": project, "sequence": alert}
        found = (await client.execute(ALERT, given))["alert"]
        if found is None:
            fail(f"The project has no alert {alert}: basanite alerts list shows them.")
        if json:
            screen.print_json(data=found)
        else:
            _show(screen, found)

    _run(work, server)


@app.command(
    epilog="Example: basanite alerts watch --project animals --url http://host:8000 --key K"
)
@bundled
def watch(
    *,
    project: Project,
    after: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Begin with what came after this cursor, of an earlier run."
        ),
    ] = None,
    server: Server,
) -> None:
    """Print alerts as they are raised and handled, until you stop it."""
    from contextlib import aclosing

    from api.frontend.documents import ALERT_FEED

    async def work(client: "Client", screen: "Console") -> None:
        given = {"project": project, "after": after}
        async with aclosing(client.subscribe(ALERT_FEED, given)) as events:
            async for event in events:
                told = event["alertFeed"]
                for each in told["alerts"]:
                    _line(
                        screen,
                        f"{each['sequence']} {each['state'].lower()} {each['kind']}: "
                        f"{each['explanation']}",
                    )
                _line(screen, f"cursor {told['cursor']}")

    _run(work, server)


@app.command(
    epilog="Example: basanite alerts acknowledge 1234 --project animals --note 'I ask the vendor'"
)
@bundled
def acknowledge(
    *,
    alert: Alert,
    project: Project,
    note: Note,
    client_id: ClientId = None,
    server: Server,
) -> None:
    """Say that you know of an alert."""
    from api.frontend.documents import ACKNOWLEDGE_ALERT

    given = {"project": project, "alert": alert, "note": note, "clientId": client_id}
    _handle(ACKNOWLEDGE_ALERT, given, server)


@app.command(epilog="Example: basanite alerts resolve 1234 --project animals --note 'joined them'")
@bundled
def resolve(
    *,
    alert: Alert,
    project: Project,
    note: Note,
    client_id: ClientId = None,
    server: Server,
) -> None:
    """Say that an alert was dealt with, or was none."""
    from api.frontend.documents import RESOLVE_ALERT

    given = {"project": project, "alert": alert, "note": note, "clientId": client_id}
    _handle(RESOLVE_ALERT, given, server)


def _handle(document: str, given: dict[str, Any], server: Server) -> None:
    from rich.console import Console

    screen = Console(highlight=False)
    given |= {"clientId": given["clientId"] or uuid4().hex}
    done = sent(document, given, server, screen, PURPOSE)
    was = " It was taken before." if done["duplicate"] else ""
    state = done["alert"]["state"].lower()
    words = f"Decision {done['sequence']}, with the id {given['clientId']}: "
    _line(screen, f"{words}alert {given['alert']} is {state}.{was}")


def _run(
    work: "Callable[[Client, Console], Awaitable[None]]",
    server: Server,
) -> None:
    from rich.console import Console

    screen = Console(highlight=False)
    with suppress(KeyboardInterrupt):
        asked(lambda client: work(client, screen), server, screen, PURPOSE)


def _show(screen: "Console", found: dict[str, Any]) -> None:
    import json

    _line(screen, f"Alert {found['sequence']}, {found['kind']}, severity {found['severity']}")
    _line(screen, f"Raised at {_when(found['raisedAt'])}; {found['state'].lower()}")
    for how in ("acknowledged", "resolved"):
        if found[how] is not None:
            said = found[how]
            when = f"{_when(said['at'])} by {said['actor']}"
            _line(screen, f"{how.capitalize()} {when}, decision {said['sequence']}: {said['note']}")
    _line(screen, "")
    _line(screen, found["explanation"])
    _line(screen, f"What to do: {found['suggestion']['words']}")
    for name in ("workers", "tasks"):
        if found[name]:
            _line(screen, f"{name.capitalize()}: {', '.join(found[name])}")
    _line(screen, f"Evidence: {json.dumps(found['evidence'], ensure_ascii=False)}")


def _line(screen: "Console", text: str) -> None:
    screen.print(text, markup=False, soft_wrap=True)


def _when(moment: str) -> str:
    return moment[:16].replace("T", " ")

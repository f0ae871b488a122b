"""`basanite status`: say how workers stand, and answer their appeals."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from api.cli.bundles import bundled
from api.cli.deciding import ClientId, Json, Project, Reason, sent
from api.cli.options import fail
from api.cli.reaching import Server, asked

if TYPE_CHECKING:
    from rich.console import Console

    from api.frontend.client import Client

PURPOSE = "basanite status"  # what the key of a server of our own is listed under

app = typer.Typer(
    name="status",
    help="Say how workers stand: hold a status, lift a pause, answer an appeal.",
    no_args_is_help=True,
    epilog="Example: basanite status lift ann --project animals --reason 'the gold was wrong'",
)

Worker = Annotated[str, typer.Argument(metavar="WORKER", help="External id of the worker.")]


class Status(StrEnum):
    """What a worker's status can be."""

    QUIZ = "quiz"
    ACTIVE = "active"
    TRUSTED = "trusted"
    WATCH = "watch"
    PAUSED = "paused"
    BANNED = "banned"


@app.command(
    name="set",
    epilog="Example: basanite status set ann banned --project animals --reason 'sold the account'",
)
@bundled
def set_(
    *,
    worker: Worker,
    status: Annotated[Status, typer.Argument(help="The status that it is to have.")],
    project: Project,
    reason: Reason,
    client_id: ClientId = None,
    server: Server,
) -> None:
    """Hold a worker's status, whatever the tests of its judgments say."""
    from api.frontend.documents import SET_WORKER_STATUS

    given = _given(worker, project, reason, client_id) | {"status": status.name}
    _decide(SET_WORKER_STATUS, given, server)


@app.command(epilog="Example: basanite status free ann --project animals --reason 'back to normal'")
@bundled
def free(
    *,
    worker: Worker,
    project: Project,
    reason: Reason,
    client_id: ClientId = None,
    server: Server,
) -> None:
    """Give a status that staff holds back to the tests."""
    from api.frontend.documents import FREE_WORKER_STATUS

    given = _given(worker, project, reason, client_id)
    _decide(FREE_WORKER_STATUS, given, server)


@app.command(
    epilog="Example: basanite status lift ann --project animals --reason 'the gold was wrong'"
)
@bundled
def lift(
    *,
    worker: Worker,
    project: Project,
    reason: Reason,
    client_id: ClientId = None,
    server: Server,
) -> None:
    """Lift a worker's pause or ban. Nothing is forgotten: it takes more to pause it again."""
    from api.frontend.documents import LIFT_PAUSE

    given = _given(worker, project, reason, client_id)
    _decide(LIFT_PAUSE, given, server)


@app.command(
    epilog="Example: basanite status answer ann --grant --project animals --reason 'you are right'"
)
@bundled
def answer(
    *,
    worker: Worker,
    project: Project,
    reason: Annotated[str, typer.Option(help="What the worker reads; it stays in the log.")],
    grant: Annotated[
        bool,
        typer.Option(
            "--grant/--refuse", help="Lift the pause or ban, restore a voided worker; or not."
        ),
    ],
    client_id: ClientId = None,
    server: Server,
) -> None:
    """Answer a worker's open appeal."""
    from api.frontend.documents import ANSWER_APPEAL

    given = _given(worker, project, reason, client_id) | {"granted": grant}
    _decide(ANSWER_APPEAL, given, server)


@app.command(epilog="Example: basanite status appeals --project animals")
@bundled
def appeals(
    project: Project,
    server: Server,
) -> None:
    """List the appeals that wait for an answer, the oldest first."""
    from rich.console import Console
    from rich.markup import escape

    from api.frontend.documents import APPEALS

    screen = Console(highlight=False)

    async def work(client: "Client") -> list[dict[str, Any]]:
        waiting: list[dict[str, Any]] = (await client.execute(APPEALS, {"project": project}))[
            "appeals"
        ]
        return waiting

    found = asked(work, server, screen, PURPOSE)
    for each in found:
        line = f"{each['worker']}, {each['createdAt']}: {each['message']}"
        screen.print(escape(line), soft_wrap=True)
    if not found:
        screen.print("No appeal is open.")


@app.command(epilog="Example: basanite status history ann --project animals")
@bundled
def history(
    *,
    worker: Worker,
    project: Project,
    json: Json = False,
    server: Server,
) -> None:
    """Show what was decided about a worker, the latest first, and what it rested on."""
    from rich.console import Console
    from rich.markup import escape

    from api.frontend.documents import STATUS_HISTORY
    from api.reading.reasons import reasons

    out, screen = Console(highlight=False), Console(highlight=False, stderr=True)

    async def work(client: "Client") -> dict[str, Any] | None:
        found = await client.execute(STATUS_HISTORY, {"project": project, "worker": worker})
        return found["worker"] and dict(found["worker"])

    found = asked(work, server, screen, PURPOSE)
    if found is None:
        fail(f"There is no worker {worker} in {project}.")
    decided = found["standing"]["history"]
    if json:
        out.print_json(data=decided)
        return
    out.print(escape(f"{worker} is {found['status'].lower()}."), soft_wrap=True)
    for each in decided:
        out.print(escape(_decision(each)), soft_wrap=True)
        if each["evidence"] is not None:
            for reason in reasons(each["evidence"], worse=False, hurried=False):
                out.print(f"    {reason}", soft_wrap=True)


def _decision(each: dict[str, Any]) -> str:
    """A decision in a line."""
    turn = " → ".join(each[name].lower() for name in ("before", "status") if each[name])
    verdict = {True: "granted", False: "refused", None: ""}[each["granted"]]
    words = (each["kind"].replace("_", " ").lower(), turn, verdict, each["reason"] or "")
    told = ", ".join(word for word in words if word)
    return f"{each['createdAt'][:19]}  decision {each['sequence']}, {each['actor']}: {told}"


def _given(worker: str, project: str, reason: str, client_id: str | None) -> dict[str, Any]:
    return {
        "project": project,
        "worker": worker,
        "reason": reason,
        "clientId": client_id or uuid4().hex,
    }


def _decide(document: str, given: dict[str, Any], server: Server) -> None:
    from rich.console import Console

    screen = Console(highlight=False)
    _show(screen, sent(document, given, server, screen, PURPOSE), given)


def _show(screen: "Console", done: dict[str, Any], given: dict[str, Any]) -> None:
    from rich.markup import escape

    stands = f"{given['worker']} is {done['worker']['status'].lower()}"
    if done["duplicate"]:
        screen.print(escape(f"{stands}. Decision {done['sequence']} was taken before."))
        return
    words = f"{stands}. Decision {done['sequence']}, with the id {given['clientId']}."
    screen.print(escape(words), soft_wrap=True)

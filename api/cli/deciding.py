"""What the commands have in common by which staff decide: options, the call, what it changed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from api.cli.options import fail, run
from api.cli.reaching import Server, reach, told

if TYPE_CHECKING:
    from rich.console import Console


Project = Annotated[str, typer.Option(metavar="ID", help="External id of the project.")]
Reason = Annotated[str, typer.Option(help="Why; it stays in the log of decisions.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
ClientId = Annotated[
    str | None,
    typer.Option(
        "--id",
        metavar="ID",
        help="Your id of the decision: the same one decides only once. Without it a new one.",
    ),
]


@dataclass(frozen=True, slots=True)
class Act:
    """The options that all acts of staff have."""

    project: Project
    reason: Reason
    dry_run: DryRun = False
    client_id: ClientId = None
    json: Json = False

    @property
    def given(self) -> dict[str, Any]:
        """The part of the input that all acts have."""
        return {
            "project": self.project,
            "reason": self.reason,
            "dryRun": self.dry_run,
            "clientId": self.client_id or uuid4().hex,
        }


def decide(document: str, given: dict[str, Any], act: Act, server: Server, purpose: str) -> None:
    """Send an act of staff, and show what it changed."""
    from rich.console import Console

    screen = Console(highlight=False)
    notices = Console(highlight=False, stderr=True) if act.json else screen
    done = sent(document, given, server, notices, purpose)
    if act.json:
        screen.print_json(data={"clientId": given["clientId"], **done})
    else:
        _show(screen, done, given["clientId"])


def sent(
    document: str,
    given: dict[str, Any],
    server: Server,
    screen: "Console",
    purpose: str,
) -> dict[str, Any]:
    """What a decision of staff is answered; one that is refused ends the command."""
    from api.frontend.client import CallFailed, CallRefused

    server.check()

    async def work() -> dict[str, Any]:
        async with reach(server, screen, purpose) as client:
            return await client.mutate(document, given)

    try:
        return run(work())
    except CallRefused as error:
        fail(told(error))
    except CallFailed as error:
        fail(f"{error} To try again, add --id {given['clientId']}: it is decided once.")


def _show(screen: "Console", done: dict[str, Any], client_id: str) -> None:
    from rich.markup import escape

    effect = done["effect"]
    if done["sequence"] is None:
        screen.print("A dry run: nothing was stored. It would change", soft_wrap=True)
    elif done["duplicate"]:
        screen.print(f"Decision {done['sequence']} was taken before. It changed", soft_wrap=True)
    else:
        screen.print(
            f"Decision {done['sequence']}, with the id {escape(client_id)}. It changed",
            soft_wrap=True,
        )
    for count, what in (
        (effect["judgments"], "judgments"),
        (effect["leases"], "leases, released"),
        (effect["posteriors"], "tasks' probabilities"),
        (effect["labels"], "tasks' labels"),
        (effect["statuses"], "tasks' statuses"),
        (effect["reputations"], "workers' reputations"),
    ):
        screen.print(f"  {count:>9,}  {what}")
    _table(
        screen,
        "Tasks that change most",
        ("task", "label", "confidence", "status"),
        [
            (
                each["task"],
                _turn(*(each[when]["label"] or "none" for when in ("before", "after"))),
                _turn(*(f"{each[when]['confidence']:.3f}" for when in ("before", "after"))),
                _turn(*(each[when]["status"].lower() for when in ("before", "after"))),
            )
            for each in effect["tasks"]
        ],
    )
    _table(
        screen,
        "Workers that change most",
        ("worker", "expected accuracy"),
        [
            (
                each["worker"],
                _turn(f"{each['accuracyBefore']:.3f}", f"{each['accuracyAfter']:.3f}"),
            )
            for each in effect["workers"]
        ],
    )


def _turn(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


def _table(
    screen: "Console", title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]
) -> None:
    from rich.table import Column, Table
    from rich.text import Text

    if not rows:
        return
    table = Table(*(Column(name, overflow="fold") for name in columns), title=title, box=None)
    table.title_justify = "left"
    for row in rows:
        table.add_row(*map(Text, row))
    screen.print()
    screen.print(table)

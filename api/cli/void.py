"""`basanite void`: take a worker's judgments back, or some, and give a worker's back."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from api.cli.options import DatabaseUrl, DataDir, fail, run, settings_of
from api.cli.reaching import Key, Url, check, reach

if TYPE_CHECKING:
    from rich.console import Console

    from api.settings import Settings

TAKEN = " Is that `basanite serve`? Then give its address with --url, and a key with --key."

app = typer.Typer(
    name="void",
    help="Take judgments back, and see beforehand what that changes.",
    no_args_is_help=True,
    epilog="Example: basanite void worker ann --project animals --reason 'a bot' --dry-run",
)

Project = Annotated[str, typer.Option(metavar="ID", help="External id of the project.")]
Reason = Annotated[str, typer.Option(help="Why; it stays in the log of decisions.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")]
ClientId = Annotated[
    str | None,
    typer.Option(
        "--id",
        metavar="ID",
        help="Your id of the decision: the same one decides only once. Without it a new one.",
    ),
]
Moment = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], help="In UTC.", metavar="TIME"
    ),
]


@app.command(
    epilog="Example: basanite void worker ann --project animals --reason 'answers at random'"
)
def worker(
    name: Annotated[str, typer.Argument(metavar="WORKER", help="External id of the worker.")],
    project: Project,
    reason: Reason,
    dry_run: DryRun = False,
    client_id: ClientId = None,
    url: Url = None,
    key: Key = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Let no judgment of a worker count, and give it no tasks. They stay in the log."""
    from api.documents import VOID_WORKER

    settings = settings_of(database_url=database_url, data_dir=data_dir)
    given = _given(project, reason, dry_run, client_id) | {"worker": name}
    _decide(VOID_WORKER, given, url, key, settings)


@app.command(epilog="Example: basanite void restore ann --project animals --reason 'no bot at all'")
def restore(
    name: Annotated[str, typer.Argument(metavar="WORKER", help="External id of the worker.")],
    project: Project,
    reason: Reason,
    dry_run: DryRun = False,
    client_id: ClientId = None,
    url: Url = None,
    key: Key = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Let a voided worker take part again, with all judgments that were voided with it."""
    from api.documents import UNVOID_WORKER

    settings = settings_of(database_url=database_url, data_dir=data_dir)
    given = _given(project, reason, dry_run, client_id) | {"worker": name}
    _decide(UNVOID_WORKER, given, url, key, settings)


@app.command(
    epilog="Example: basanite void judgments --worker ann --since 2026-03-01 --project animals "
    "--reason 'another person used the account'"
)
def judgments(
    project: Project,
    reason: Reason,
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
    dry_run: DryRun = False,
    client_id: ClientId = None,
    url: Url = None,
    key: Key = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Let some judgments count no more: all that match, 5,000 at most."""
    from api.documents import VOID_JUDGMENTS

    settings = settings_of(database_url=database_url, data_dir=data_dir)
    given = _given(project, reason, dry_run, client_id) | {
        "worker": worker,
        "tasks": task or None,
        "since": _moment(since),
        "until": _moment(until),
        "sequences": sequence or None,
    }
    _decide(VOID_JUDGMENTS, given, url, key, settings)


def _moment(time: datetime | None) -> str | None:
    return None if time is None else time.replace(tzinfo=UTC).isoformat()


def _given(project: str, reason: str, dry_run: bool, client_id: str | None) -> dict[str, Any]:
    return {
        "project": project,
        "reason": reason,
        "dryRun": dry_run,
        "clientId": client_id or uuid4().hex,
    }


def _decide(
    document: str, given: dict[str, Any], url: str | None, key: str | None, settings: "Settings"
) -> None:
    from rich.console import Console

    from api.client import CallFailed, CallRefused

    check(url, key)
    screen = Console(highlight=False)

    async def work() -> dict[str, Any]:
        async with reach(url, key, settings, screen, "basanite void") as client:
            return await client.mutate(document, given)

    try:
        done = run(work())
    except CallRefused as error:
        fail(f"{error}{TAKEN if error.code == 'PROJECT_TAKEN' else ''}")
    except CallFailed as error:
        fail(f"{error} To try again, add --id {given['clientId']}: it is decided once.")
    _show(screen, done, given["clientId"])


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

"""`basanite void`: take a worker's judgments back, or some, and give a worker's back."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from api.cli.deciding import ClientId, DryRun, Json, Project, Reason, decide, given_of
from api.cli.options import DatabaseUrl, DataDir, settings_of
from api.cli.reaching import Key, Url

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
def worker(
    name: Annotated[str, typer.Argument(metavar="WORKER", help="External id of the worker.")],
    project: Project,
    reason: Reason,
    dry_run: DryRun = False,
    client_id: ClientId = None,
    json: Json = False,
    url: Url = None,
    key: Key = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Let no judgment of a worker count, and give it no tasks. They stay in the log."""
    from api.documents import VOID_WORKER

    settings = settings_of(database_url=database_url, data_dir=data_dir)
    given = given_of(project, reason, dry_run, client_id) | {"worker": name}
    decide(VOID_WORKER, given, url, key, settings, PURPOSE, json=json)


@app.command(epilog="Example: basanite void restore ann --project animals --reason 'no bot at all'")
def restore(
    name: Annotated[str, typer.Argument(metavar="WORKER", help="External id of the worker.")],
    project: Project,
    reason: Reason,
    dry_run: DryRun = False,
    client_id: ClientId = None,
    json: Json = False,
    url: Url = None,
    key: Key = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Let a voided worker take part again, with all judgments that were voided with it."""
    from api.documents import UNVOID_WORKER

    settings = settings_of(database_url=database_url, data_dir=data_dir)
    given = given_of(project, reason, dry_run, client_id) | {"worker": name}
    decide(UNVOID_WORKER, given, url, key, settings, PURPOSE, json=json)


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
    json: Json = False,
    url: Url = None,
    key: Key = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Let some judgments count no more: all that match, 5,000 at most."""
    from api.documents import VOID_JUDGMENTS

    settings = settings_of(database_url=database_url, data_dir=data_dir)
    given = given_of(project, reason, dry_run, client_id) | {
        "worker": worker,
        "tasks": task or None,
        "since": _moment(since),
        "until": _moment(until),
        "sequences": sequence or None,
    }
    decide(VOID_JUDGMENTS, given, url, key, settings, PURPOSE, json=json)


def _moment(time: datetime | None) -> str | None:
    return None if time is None else time.replace(tzinfo=UTC).isoformat()

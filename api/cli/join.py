"""`basanite join`: count workers as one voice, and one by one again."""

from typing import Annotated

import typer

from api.cli.deciding import ClientId, DryRun, Json, Project, Reason, decide, given_of
from api.cli.options import DatabaseUrl, DataDir, settings_of
from api.cli.reaching import Key, Url

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
def workers(
    names: Names,
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
    """Of each task that several of them judged, let one judgment count; give none of them a task
    that another one has. The others stay in the log."""
    from api.documents import JOIN_WORKERS

    settings = settings_of(database_url=database_url, data_dir=data_dir)
    given = given_of(project, reason, dry_run, client_id) | {"workers": names}
    decide(JOIN_WORKERS, given, url, key, settings, PURPOSE, json=json)


@app.command(epilog="Example: basanite join split ann --project animals --reason 'two persons'")
def split(
    names: Names,
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
    """End the groups of these workers: each counts by itself again, with all it has judged."""
    from api.documents import SPLIT_WORKERS

    settings = settings_of(database_url=database_url, data_dir=data_dir)
    given = given_of(project, reason, dry_run, client_id) | {"workers": names}
    decide(SPLIT_WORKERS, given, url, key, settings, PURPOSE, json=json)

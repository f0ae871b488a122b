"""`basanite tasks`: decide contested tasks, correct or withdraw gold, ask for further judgments."""

from typing import Annotated

import typer

from api.cli.adjudicating import adjudicate, queue
from api.cli.deciding import ClientId, DryRun, Json, Project, Reason, decide, given_of
from api.cli.options import DatabaseUrl, DataDir, settings_of
from api.cli.reaching import Key, Url

PURPOSE = "basanite tasks"  # what the key of a server of our own is listed under

app = typer.Typer(
    name="tasks",
    help="Decide what is contested, correct or withdraw gold, or reopen tasks; see beforehand what "
    "changes.",
    no_args_is_help=True,
    epilog="Example: basanite tasks correct img-1 dog --project animals --reason 'it barks'",
)

Names = Annotated[list[str], typer.Argument(metavar="TASK...", help="External ids of tasks.")]


@app.command(
    epilog="Example: basanite tasks correct img-1 dog --project animals --reason 'it barks'"
)
def correct(
    name: Annotated[str, typer.Argument(metavar="TASK", help="External id of a gold task.")],
    label: Annotated[str, typer.Argument(metavar="LABEL", help="External id of its answer.")],
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
    """Give a gold task another answer, because the declared one was wrong."""
    from api.documents import CORRECT_GOLD

    settings = settings_of(database_url=database_url, data_dir=data_dir)
    given = given_of(project, reason, dry_run, client_id) | {"tasks": [name], "labels": [label]}
    decide(CORRECT_GOLD, given, url, key, settings, PURPOSE, json=json)


app.command(epilog="Example: basanite tasks queue --project animals")(queue)
app.command(
    epilog="Example: basanite tasks adjudicate --project animals --reason 'I looked it up'"
)(adjudicate)


@app.command(
    epilog="Example: basanite tasks withdraw img-1 img-2 --project animals --reason 'too blurred'"
)
def withdraw(
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
    """Let tasks be gold no more, because their answers are in doubt."""
    from api.documents import WITHDRAW_GOLD

    settings = settings_of(database_url=database_url, data_dir=data_dir)
    given = given_of(project, reason, dry_run, client_id) | {"tasks": names}
    decide(WITHDRAW_GOLD, given, url, key, settings, PURPOSE, json=json)


@app.command(
    epilog="Example: basanite tasks reopen img-1 --judgments 2 --project animals "
    "--reason 'a customer complained'"
)
def reopen(
    names: Names,
    project: Project,
    reason: Reason,
    judgments: Annotated[
        int, typer.Option(metavar="N", min=1, max=1000, help="Of each, beyond those it has.")
    ] = 1,
    dry_run: DryRun = False,
    client_id: ClientId = None,
    json: Json = False,
    url: Url = None,
    key: Key = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Ask for further judgments of tasks: until these have come nothing settles them."""
    from api.documents import REOPEN_TASK

    settings = settings_of(database_url=database_url, data_dir=data_dir)
    given = given_of(project, reason, dry_run, client_id) | {
        "tasks": names,
        "judgments": judgments,
    }
    decide(REOPEN_TASK, given, url, key, settings, PURPOSE, json=json)

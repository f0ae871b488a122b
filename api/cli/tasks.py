"""`basanite tasks`: decide contested tasks, correct or withdraw gold, ask for further judgments."""

from typing import Annotated

import typer

from api.cli.adjudicating import adjudicate, queue
from api.cli.bundles import bundled
from api.cli.deciding import Act, decide
from api.cli.reaching import Server

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
@bundled
def correct(
    name: Annotated[str, typer.Argument(metavar="TASK", help="External id of a gold task.")],
    label: Annotated[str, typer.Argument(metavar="LABEL", help="External id of its answer.")],
    act: Act,
    server: Server,
) -> None:
    """Give a gold task another answer, because the declared one was wrong."""
    from api.frontend.documents import CORRECT_GOLD

    given = act.given | {"tasks": [name], "labels": [label]}
    decide(CORRECT_GOLD, given, act, server, PURPOSE)


app.command(epilog="Example: basanite tasks queue --project animals")(queue)
app.command(
    epilog="Example: basanite tasks adjudicate --project animals --reason 'I looked it up'"
)(adjudicate)


@app.command(
    epilog="Example: basanite tasks withdraw img-1 img-2 --project animals --reason 'too blurred'"
)
@bundled
def withdraw(
    names: Names,
    act: Act,
    server: Server,
) -> None:
    """Let tasks be gold no more, because their answers are in doubt."""
    from api.frontend.documents import WITHDRAW_GOLD

    given = act.given | {"tasks": names}
    decide(WITHDRAW_GOLD, given, act, server, PURPOSE)


@app.command(
    epilog="Example: basanite tasks reopen img-1 --judgments 2 --project animals "
    "--reason 'a customer complained'"
)
@bundled
def reopen(
    *,
    names: Names,
    act: Act,
    judgments: Annotated[
        int, typer.Option(metavar="N", min=1, max=1000, help="Of each, beyond those it has.")
    ] = 1,
    server: Server,
) -> None:
    """Ask for further judgments of tasks: until these have come nothing settles them."""
    from api.frontend.documents import REOPEN_TASK

    given = act.given | {
        "tasks": names,
        "judgments": judgments,
    }
    decide(REOPEN_TASK, given, act, server, PURPOSE)

"""Options that several commands have, and how commands fail."""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from api.settings import Settings

T = TypeVar("T")

DatabaseUrl = Annotated[
    str | None,
    typer.Option(metavar="URL", help="PostgreSQL 15 or later to use. Also BASANITE_DATABASE_URL."),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Folder of our own PostgreSQL, without a URL. Also BASANITE_DATA_DIR."
    ),
]
TaskColumn = Annotated[
    str | None, typer.Option(metavar="NAME", help="Column of tasks, if it is not recognised.")
]
WorkerColumn = Annotated[str | None, typer.Option(metavar="NAME", help="Column of workers.")]
LabelColumn = Annotated[str | None, typer.Option(metavar="NAME", help="Column of labels.")]
GoldColumn = Annotated[
    str | None, typer.Option(metavar="NAME", help="Column of labels in the gold file.")
]
SecondsColumn = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Column of the seconds that a judgment took, if any."),
]
Delimiter = Annotated[
    str | None,
    typer.Option(metavar="CHAR", help="What parts the values, if it is none of , ; | or tab."),
]
Encoding = Annotated[
    str | None, typer.Option(metavar="NAME", help="Encoding of the text, if not UTF-8.")
]


def settings_of(**given: Any) -> "Settings":
    """The settings from environment and options, or the end of the command."""
    from api.settings import SettingInvalid, read

    try:
        return read(**given)
    except SettingInvalid as error:
        fail(str(error))


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work; what is wrong with the database ends the command in one line."""
    from api.errors import Refused
    from db.errors import DatabaseError

    try:
        return asyncio.run(work)
    except (DatabaseError, Refused) as error:
        fail(str(error))


def fail(message: str) -> NoReturn:
    """Say what is wrong, and end with status 1."""
    typer.secho(message, err=True, fg=typer.colors.RED)
    sys.exit(1)

"""`basanite keys`: API keys made, listed and revoked, while a server runs or not."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import DatabaseUrl, DataDir, fail, run, settings_of

if TYPE_CHECKING:
    import asyncpg

app = typer.Typer(
    name="keys",
    help="Create, list and revoke API keys.",
    no_args_is_help=True,
    epilog="Example: basanite keys create --role admin --name dashboards",
)


PIPED = 10_000  # characters of a line that nobody reads on a screen


class RoleOption(StrEnum):
    """The roles as they are typed."""

    ADMIN = "admin"
    WORKER = "worker"


Project = Annotated[
    str | None, typer.Option(metavar="ID", help="External id of the project to bind it to.")
]


@app.command(epilog="Example: basanite keys create --role worker --project animals --worker ann")
def create(
    role: Annotated[RoleOption, typer.Option(help="What the key may do.")] = RoleOption.ADMIN,
    project: Project = None,
    worker: Annotated[
        str | None, typer.Option(metavar="ID", help="External id of the worker it speaks for.")
    ] = None,
    model: Annotated[
        bool, typer.Option("--model", help="That worker, if it is new, is a model, not a person.")
    ] = False,
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    port: Annotated[
        int | None, typer.Option(help="Port of the running server, if it is not the usual one.")
    ] = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Create a key and print its token. It is shown this once."""
    from api.cli.minting import ServerUnreachable, mint
    from api.keys import Role

    if role is RoleOption.WORKER and (project is None or worker is None):
        fail("A worker's key needs --project and --worker.")
    if role is RoleOption.ADMIN and worker is not None:
        fail("An admin's key may act for every worker: leave --worker out.")
    settings = settings_of(database_url=database_url, data_dir=data_dir, port=port)
    try:
        kind = "MODEL" if model else "HUMAN"
        typer.echo(run(mint(settings, Role(role.value.upper()), project, worker, name, kind)))
    except ServerUnreachable as error:
        fail(str(error))


@app.command("list", epilog="Example: basanite keys list --project animals")
def list_(
    project: Project = None,
    revoked: Annotated[bool, typer.Option("--all", help="Show revoked keys too.")] = False,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """List the keys that work, without their secrets."""
    from rich.console import Console
    from rich.table import Column, Table

    from api.errors import UnknownProject
    from api.service import open_pool
    from db.projects import project_by_name
    from db.reads import keys_page

    settings = settings_of(database_url=database_url, data_dir=data_dir)

    async def work() -> "list[asyncpg.Record]":
        async with open_pool(settings, anew=False) as (_, pool):
            project_id = None
            if project is not None:
                async with pool.acquire() as connection:
                    found = await project_by_name(connection, project)
                if found is None:
                    raise UnknownProject
                project_id = found["project_id"]
            return await keys_page(pool, project_id, None, 10_000)

    found = run(work())
    rows = [row for row in found if revoked or row["revoked_at"] is None]
    if not found:
        typer.echo("There is no key yet: basanite keys create makes one.", err=True)
        return
    # Ids are there to be copied. They stay whole on a narrow terminal, and in a pipe all does.
    longest = max((len(row["key_id"]) for row in rows), default=0)
    names = ["role", "project", "worker", "name", "created", *(["revoked"] if revoked else [])]
    columns = (Column(name, overflow="fold") for name in names)
    table = Table(Column("id", no_wrap=True, min_width=longest), *columns, box=None)
    for row in rows:
        ended = f"{row['revoked_at']:%Y-%m-%d %H:%M}" if row["revoked_at"] else ""
        table.add_row(
            row["key_id"],
            row["role"].lower(),
            row["project"] or "all",
            row["worker"] or "",
            row["name"],
            f"{row['created_at']:%Y-%m-%d %H:%M}",
            *([ended] if revoked else []),
        )
    console = Console()
    console.print(table, width=None if console.is_terminal else PIPED)
    if len(rows) < len(found):
        typer.echo(f"Revoked and not shown: {len(found) - len(rows)}. --all shows them.", err=True)


@app.command(epilog="Example: basanite keys revoke 3f9c0a51b7e2d486")
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.")],
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Revoke a key. Servers that run refuse it within a second."""
    from api.keys import Keys
    from api.service import open_pool

    settings = settings_of(database_url=database_url, data_dir=data_dir)

    async def work() -> None:
        async with open_pool(settings, anew=False) as (_, pool):
            await Keys(pool).revoke(key_id)

    run(work())
    typer.echo(f"{key_id} is revoked.")

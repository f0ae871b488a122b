"""`basanite migrate`: a database brought to this version's schema."""

import typer

from api.cli.options import DatabaseUrl, DataDir, run, settings_of

EPILOG = "Example: basanite migrate --database-url postgresql://user@host/basanite"


def migrate(database_url: DatabaseUrl = None, data_dir: DataDir = None) -> None:
    """Bring the database to this version's schema. `serve` does it too; here nothing is served."""
    from api.service import open_database
    from db.connect import connect
    from db.migrations import migrate as run_migrations

    settings = settings_of(database_url=database_url, data_dir=data_dir)

    async def work() -> list[str]:
        async with open_database(settings) as dsn:
            connection = await connect(dsn)
            try:
                return [one.file for one in await run_migrations(connection)]
            finally:
                await connection.close()

    ran = run(work())
    for file in ran:
        typer.echo(f"ran {file}")
    if not ran:
        typer.echo("The schema is up to date.")

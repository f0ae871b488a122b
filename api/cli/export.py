"""`basanite export`: consensus, workers and judgments of a project as files."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from api.cli.options import DatabaseUrl, DataDir, fail, run, settings_of

EPILOG = """
Example: basanite export --project animals --out results

It reads the database, whether `basanite serve` runs or not.
"""


def export(
    project: Annotated[str, typer.Option(metavar="ID", help="Project to export.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder; made if need be.")] = Path(
        "basanite-export"
    ),
    format_: Annotated[
        Literal["csv", "parquet"], typer.Option("--format", help="Kind of the files.")
    ] = "csv",
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Replace files in the folder even if Basanite did not write them."
        ),
    ] = False,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Write consensus, workers and live judgments, all as of one moment.

    The columns have the names that `aggregate` gives them; judgments.csv can go to `aggregate`,
    `replay` and `import-judgments`.
    """
    from rich.console import Console

    from api.errors import UnknownProject
    from api.files.exporting import Format, files
    from api.files.exporting import export as write
    from api.service import open_pool
    from api.tables.errors import TableError
    from api.tables.folder import OutFolder
    from db.projects import project_rows

    screen = Console(highlight=False)
    settings = settings_of(database_url=database_url, data_dir=data_dir)
    kind = Format(format_)

    async def work(folder: OutFolder) -> dict[str, int]:
        async with open_pool(settings, anew=False) as (dsn, pool):
            try:
                return await write(dsn, project, folder, kind)
            except UnknownProject:
                async with pool.acquire() as connection:
                    found = [row["external_id"] for row in await project_rows(connection)]
                fail(f"There is no such project. There are: {', '.join(found) or 'none'}.")

    try:
        with OutFolder(out, files(kind), overwrite=overwrite) as folder:
            with screen.status(f"Writing to {out}"):
                counts = run(work(folder))
            folder.commit({"project": project, "rows": counts})
    except TableError as error:
        fail(str(error))
    for name, count in counts.items():
        screen.print(f"{out / name}: {count:,} rows", markup=False, soft_wrap=True)

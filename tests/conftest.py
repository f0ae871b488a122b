"""Fresh databases for tests, from one embedded server that the whole run shares.

With BASANITE_TEST_DATABASE_URL set to a server where databases may be created, every test that asks
for a database runs on that server too.
"""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from db.connect import connect
from db.embedded import EmbeddedPostgres
from db.migrations import migrate

URL = os.environ.get("BASANITE_TEST_DATABASE_URL", "")
TEMPLATE = f"basanite_test_{os.getpid()}"

# What a test writes need not survive a power cut.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

_numbers = count(1)


@pytest.fixture(scope="session")
def embedded_url() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="basanite-test-") as folder:
        # Not pytest's own folders: the account that PostgreSQL runs as under root may not enter.
        Path(folder).chmod(0o711)
        server = EmbeddedPostgres(Path(folder) / "data", settings=FAST)
        yield server.start()
        server.stop()


@pytest.fixture(scope="session", params=["embedded", "url"] if URL else ["embedded"])
def template_url(request: pytest.FixtureRequest) -> Iterator[str]:
    server = URL if request.param == "url" else request.getfixturevalue("embedded_url")
    asyncio.run(_execute(server, f"create database {TEMPLATE}"))
    template = _address(server, TEMPLATE)
    try:
        asyncio.run(_migrate(template))
        yield template
    finally:
        asyncio.run(_execute(server, f"drop database {TEMPLATE} with (force)"))


@pytest.fixture
def database_url(template_url: str) -> Iterator[str]:
    """The address of a database that only this test has, with the schema and no rows."""
    name = f"{TEMPLATE}_{next(_numbers)}"
    server = _address(template_url, "postgres")
    # Copying files takes a fifth of the time of writing them through the log.
    copy = f"create database {name} template {TEMPLATE} strategy file_copy"
    asyncio.run(_execute(server, copy))
    yield _address(template_url, name)
    asyncio.run(_execute(server, f"drop database {name} with (force)"))


def _address(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


async def _execute(url: str, sql: str) -> None:
    connection = await connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def _migrate(url: str) -> None:
    connection = await connect(url)
    try:
        await migrate(connection)
    finally:
        await connection.close()

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import orjson
import pytest

from db import connect as module
from db.connect import connect, create_pool, without_password
from db.embedded import EmbeddedPostgres
from db.errors import ConnectionRefused, ServerTooOld, ServerUnreachable
from tests.conftest import URL
from tests.waiting import PATIENCE

VALUES = [True, 1, 2**53 + 1, 1.5, "ü\\u0041\n", [], {"a": [{"b": None}]}]


async def test_jsonb_goes_both_ways_alone_and_in_arrays(database_url: str) -> None:
    connection = await connect(database_url)
    for value in VALUES:
        assert await connection.fetchval("select $1::jsonb", value) == value
        assert await connection.fetchval("select $1::jsonb", orjson.dumps(value)) == value
    assert await connection.fetchval("select 'null'::jsonb") is None
    encoded = [orjson.dumps(value) for value in VALUES]
    back = await connection.fetch("select * from unnest($1::jsonb[]) as t (v)", encoded)
    assert [row["v"] for row in back] == VALUES
    assert await connection.fetchval("select $1::jsonb ->> 'a'", {"a": "x"}) == "x"
    with pytest.raises(asyncpg.DataError):
        await connection.fetchval("select $1::jsonb", {1, 2})
    await connection.close()


async def test_a_session_says_who_it_is(database_url: str) -> None:
    writer = await connect(database_url, application_name="basanite writer")
    pool = await create_pool(database_url, application_name="basanite reader", size=2)
    names = "select application_name from pg_stat_activity where datname = current_database()"
    assert {row[0] for row in await pool.fetch(names)} >= {"basanite writer", "basanite reader"}
    for connection in (writer, pool):
        assert await connection.fetchval("select current_setting('jit')") == "off"
        assert await connection.fetchval("select current_setting('timezone')") == "UTC"
        assert await connection.fetchval("select $1::jsonb", {"a": 1}) == {"a": 1}
    await pool.close()
    await writer.close()


async def test_an_address_where_nothing_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dsn = f"postgresql://me:secret@127.0.0.1:{taken.getsockname()[1]}/x"
        with pytest.raises(ServerUnreachable, match="Is the server running") as caught:
            await connect(dsn, deadline=0.3)
    assert "secret" not in str(caught.value)
    assert "me@127.0.0.1" in str(caught.value)


async def test_a_server_that_never_answers() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        dsn = f"postgresql://me@127.0.0.1:{silent.getsockname()[1]}/x?sslmode=disable"
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(ServerUnreachable, match=r"within 0\.3 s: TimeoutError"):
                await connect(dsn, deadline=0.3)


@pytest.mark.parametrize("opener", [connect, create_pool])
async def test_what_time_does_not_heal_is_refused_at_once(
    database_url: str, opener: Callable[..., Awaitable[object]]
) -> None:
    missing = urlunsplit(urlsplit(database_url)._replace(path="/no_such_database"))
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(ConnectionRefused, match='"no_such_database" does not exist'):
            await opener(missing, deadline=10 * PATIENCE)
        with pytest.raises(ConnectionRefused):
            await opener("http://nowhere", deadline=10 * PATIENCE)


async def test_it_waits_for_a_server_that_starts(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    dsn = await asyncio.to_thread(server.start)
    await asyncio.to_thread(server.stop)
    waiting = asyncio.ensure_future(connect(dsn, deadline=PATIENCE))
    await asyncio.sleep(0.3)
    await asyncio.to_thread(server.start)
    connection = await waiting
    assert await connection.fetchval("select 1") == 1
    await connection.close()
    await asyncio.to_thread(server.stop)


async def test_it_waits_for_a_free_connection(folder: Path) -> None:
    settings = {"max_connections": "3", "superuser_reserved_connections": "0"}
    async with EmbeddedPostgres(folder, settings=settings | {"max_wal_senders": "0"}) as server:
        all_of_them = [await connect(server.dsn) for _ in range(3)]
        for deadline in (0.2, 2.0, 20.0, PATIENCE):
            with pytest.raises(ServerUnreachable) as caught:
                await connect(server.dsn, deadline=deadline)
            if "TimeoutError" not in str(caught.value):  # this machine is faster than that
                break
        assert "too many clients" in str(caught.value)
        waiting = asyncio.ensure_future(connect(server.dsn, deadline=PATIENCE))
        await asyncio.sleep(0.2)
        await all_of_them[0].close()
        for connection in [*all_of_them[1:], await waiting]:
            await connection.close()


async def test_an_old_server_is_refused(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OLDEST_VERSION", 99)
    for opener in (connect, create_pool):
        with pytest.raises(ServerTooOld, match="at least PostgreSQL 99 is needed"):
            await opener(database_url)


async def test_another_server_than_the_embedded_one() -> None:
    if not URL:
        pytest.skip("BASANITE_TEST_DATABASE_URL is not set")
    connection = await connect(URL)
    assert connection.get_server_version().major >= 15
    await connection.close()


@pytest.mark.parametrize(
    ("dsn", "shown"),
    [
        ("postgresql://u:p@h:1/d?x=y", "postgresql://u@h:1/d?x=y"),
        ("postgresql://u:p%40@/d?host=/run", "postgresql://u@/d?host=/run"),
        ("postgresql://h/d", "postgresql://h/d"),
        ("postgresql://u@h/d?password=p&a=b", "postgresql://u@h/d?a=b"),
    ],
)
def test_passwords_are_not_shown(dsn: str, shown: str) -> None:
    assert without_password(dsn) == shown

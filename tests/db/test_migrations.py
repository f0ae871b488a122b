import asyncio
from pathlib import Path

import asyncpg
import pytest

from db.connect import connect
from db.errors import (
    DatabaseNewer,
    MigrationChanged,
    MigrationFailed,
    MigrationLeftTransaction,
    MigrationsMisnumbered,
)
from db.migrations import FOLDER, load, migrate, pending


@pytest.fixture
async def empty_database(database_url: str) -> str:
    """A database without our schema, so that numbers begin at 0001 again."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("drop schema public cascade; create schema public")
    await connection.close()
    return database_url


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name.removeprefix('m')}.sql").write_text(text)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(
        tmp_path,
        m0001_first="create table one (n integer);\ninsert into one values (1);\n",
        m0002_second="create table two (n integer);",
    )


async def run(url: str, folder: Path) -> list[str]:
    connection = await connect(url)
    try:
        return [migration.file for migration in await migrate(connection, folder)]
    finally:
        await connection.close()


async def value(url: str, sql: str) -> object:
    connection = await connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_each_runs_once_and_in_order(empty_database: str, folder: Path) -> None:
    assert await run(empty_database, folder) == ["0001_first.sql", "0002_second.sql"]
    assert await run(empty_database, folder) == []
    write(folder, m0003_third="insert into two select n + 1 from one")
    assert await run(empty_database, folder) == ["0003_third.sql"]
    assert await value(empty_database, "select n from two") == 2


async def test_ours_run_and_stay_applied(database_url: str) -> None:
    assert await run(database_url, FOLDER) == []


async def test_ten_at_once_run_each_once(empty_database: str, folder: Path) -> None:
    write(folder, m0003_slow="select pg_sleep(0.1); insert into one values (2);")
    ran = await asyncio.gather(*(run(empty_database, folder) for _ in range(10)))
    assert sorted(file for files in ran for file in files) == [
        "0001_first.sql",
        "0002_second.sql",
        "0003_slow.sql",
    ]
    assert await value(empty_database, "select count(*) from one") == 2


async def test_a_failing_one_leaves_the_ones_before_it(empty_database: str, folder: Path) -> None:
    write(folder, m0003_bad="create table three (n integer);\n\ninsert into thre values (1);")
    with pytest.raises(MigrationFailed, match=r"0003_bad\.sql failed at line 3: .*thre") as caught:
        await run(empty_database, folder)
    assert caught.value.line == 3
    assert await value(empty_database, "select max(number) from basanite_migration") == 2
    assert await value(empty_database, "select to_regclass('three')") is None
    write(folder, m0003_bad="create table three (n integer);")
    assert await run(empty_database, folder) == ["0003_bad.sql"]


async def test_a_killed_one_leaves_nothing(empty_database: str, folder: Path) -> None:
    await run(empty_database, folder)
    write(folder, m0003_long="create table three (n integer); select pg_sleep(60);")
    running = asyncio.ensure_future(run(empty_database, folder))
    killer = await connect(empty_database)
    while not await killer.fetchval(  # noqa: ASYNC110 - what it waits for happens in the server
        "select count(pg_terminate_backend(pid)) from pg_stat_activity"
        " where query like '%pg_sleep(60)%' and pid <> pg_backend_pid()"
    ):
        await asyncio.sleep(0.01)
    with pytest.raises((MigrationFailed, asyncpg.PostgresError)):
        await running
    assert await killer.fetchval("select to_regclass('three')") is None
    await killer.close()
    write(folder, m0003_long="create table three (n integer)")
    assert await run(empty_database, folder) == ["0003_long.sql"]


async def test_a_cancelled_one_leaves_nothing(empty_database: str, folder: Path) -> None:
    write(folder, m0003_long="create table three (n integer); select pg_sleep(60);")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(run(empty_database, folder), 0.3)
    write(folder, m0003_long="create table three (n integer)")
    assert await run(empty_database, folder) == ["0003_long.sql"]


async def test_a_changed_file_is_refused(empty_database: str, folder: Path) -> None:
    await run(empty_database, folder)
    write(folder, m0001_first="create table one (n bigint);", m0003_third="select 1")
    with pytest.raises(MigrationChanged, match=r"0001_first\.sql was changed after it ran"):
        await run(empty_database, folder)
    assert await value(empty_database, "select max(number) from basanite_migration") == 2


async def test_a_name_or_line_ends_may_change(empty_database: str, folder: Path) -> None:
    await run(empty_database, folder)
    text = (folder / "0001_first.sql").read_bytes().replace(b"\n", b"\r\n")
    (folder / "0001_first.sql").unlink()
    (folder / "0001_renamed.sql").write_bytes(text)
    assert await run(empty_database, folder) == []


async def test_a_newer_database_is_refused(empty_database: str, folder: Path) -> None:
    await run(empty_database, folder)
    (folder / "0002_second.sql").unlink()
    with pytest.raises(DatabaseNewer, match=r"has migration 2, and .* up to 1") as caught:
        await run(empty_database, folder)
    assert (caught.value.found, caught.value.known) == (2, 1)


async def test_a_commit_inside_is_refused(empty_database: str, folder: Path) -> None:
    write(folder, m0003_commit="create table three (n integer); commit; select 1;")
    with pytest.raises(MigrationLeftTransaction, match=r"0003_commit\.sql ended its own"):
        await run(empty_database, folder)
    assert await value(empty_database, "select max(number) from basanite_migration") == 2


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("0004_gap", "0003 was expected here"),
        ("0002_twice", "0003 was expected here"),
        ("3_short", "does not fit"),
        ("0003", "does not fit"),
        ("0003_Upper", "does not fit"),
    ],
)
def test_misnumbered_files_are_refused(folder: Path, name: str, reason: str) -> None:
    write(folder, **{name: "select 1"})
    with pytest.raises(MigrationsMisnumbered, match=reason):
        load(folder)


async def test_pending_changes_nothing(empty_database: str, folder: Path) -> None:
    connection = await connect(empty_database)
    assert len(await pending(connection, load(folder))) == 2
    assert await connection.fetchval("select to_regclass('basanite_migration')") is None
    await connection.close()

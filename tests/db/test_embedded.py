"""The embedded server in its ordinary life. Nothing here is simulated."""

import asyncio
import os
from pathlib import Path

import asyncpg
import pytest

from db import errors
from db.accounts import server_account
from db.embedded import LOG_LIMIT, EmbeddedPostgres
from tests.db.conftest import is_running, query, running


async def test_it_starts_and_stops_without_blocking(new_folder: Path) -> None:
    async with EmbeddedPostgres(new_folder) as server:
        connection = await asyncpg.connect(server.dsn)
        assert await connection.fetchval("select 1") == 1
        await connection.close()
    assert not await asyncio.to_thread(is_running, new_folder)
    with pytest.raises(errors.ServerNotRunning):
        _ = server.dsn


def test_it_is_durable_and_private(folder: Path) -> None:
    with running(folder) as server:
        shown = {
            name: query(server.dsn, f"show {name}")
            for name in (
                *("fsync", "synchronous_commit", "full_page_writes", "data_checksums"),
                *("listen_addresses", "server_encoding", "unix_socket_directories"),
            )
        }
        assert shown["fsync"] == shown["synchronous_commit"] == shown["full_page_writes"] == "on"
        assert shown["data_checksums"] == "on"
        assert shown["listen_addresses"] == ""
        assert shown["server_encoding"] == "UTF8"
        account = server_account(folder / "cluster")
        assert account.uid != 0
        socket_dir = Path(str(shown["unix_socket_directories"])).stat()
        assert (socket_dir.st_uid, socket_dir.st_mode & 0o777) == (account.uid, 0o700)
        assert os.getsid(server.pid) != os.getsid(0)  # Ctrl-C in our terminal is not for it


def test_data_stays_and_settings_are_passed(folder: Path) -> None:
    with running(folder) as server:
        query(server.dsn, "create table kept as select 7 as n")
    again = EmbeddedPostgres(folder, settings={"work_mem": "7MB"})
    again.start()
    assert again.start() == again.dsn
    assert query(again.dsn, "select n from kept") == 7
    assert query(again.dsn, "show work_mem") == "7MB"
    again.stop()
    again.stop()


def test_the_environment_changes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGDATA", "PGPORT", "PGHOST", "PGOPTIONS", "PG_GRANDPARENT_PID", "TMPDIR"):
        monkeypatch.setenv(name, "1")
    with running(folder) as server:
        monkeypatch.delenv("PGOPTIONS")
        assert query(server.dsn, "select 1") == 1


@pytest.mark.parametrize("name", ["long" * 40, "a, b", 'it\'s "ü" & ?', "-D x"])
def test_any_folder_name_will_do(new_folder: Path, name: str) -> None:
    with running(new_folder.parent / name) as server:
        assert query(server.dsn, "select 1") == 1
        assert query(server.dsn_of("template1"), "select current_database()") == "template1"
        with running(new_folder.parent / name) as other:
            assert (other.pid, other.dsn) == (server.pid, server.dsn)
        socket_dir = str(query(server.dsn, "show unix_socket_directories"))
    assert not Path(socket_dir).exists()


def test_a_long_log_is_put_aside(folder: Path) -> None:
    (folder / "postgres.log").write_bytes(b"." * (LOG_LIMIT + 1))
    with running(folder):
        assert (folder / "postgres.log").stat().st_size < LOG_LIMIT
    assert (folder / "postgres.log.old").stat().st_size > LOG_LIMIT

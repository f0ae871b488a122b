"""The embedded server and its users, killed at any moment. Nothing here is simulated."""

import asyncio
import fcntl
import os
import signal
import time
from pathlib import Path

import pytest

from db.embedded import START_LOCK, EmbeddedPostgres
from tests.db.conftest import OWNER, is_running, python, query, running, sleeper


def test_a_killed_postmaster_is_replaced(folder: Path) -> None:
    first = EmbeddedPostgres(folder)
    first.start()
    query(first.dsn, "create table kept as select 7 as n")
    dead = first.pid
    os.kill(dead, signal.SIGKILL)
    with running(folder) as second:
        assert second.pid != dead
        assert query(second.dsn, "select n from kept") == 7
        first.stop()
        assert query(second.dsn, "select n from kept") == 7
    assert not is_running(folder)


def test_leaving_a_killed_postmaster_is_quiet(folder: Path) -> None:
    with running(folder) as server:
        os.kill(server.pid, signal.SIGKILL)
    assert not is_running(folder)


def test_a_killed_owner_leaves_a_server_to_join(folder: Path) -> None:
    owner = python(OWNER, folder)
    assert owner.stdout
    pid = int(owner.stdout.readline())
    owner.kill()
    owner.communicate()
    with running(folder) as server:
        assert server.pid == pid
    assert not is_running(folder)


def test_owner_and_postmaster_killed_together(folder: Path) -> None:
    owner = python(OWNER, folder)
    assert owner.stdout
    os.kill(int(owner.stdout.readline()), signal.SIGKILL)
    owner.kill()
    owner.communicate()
    with running(folder) as server:
        assert query(server.dsn, "select 1") == 1


@pytest.mark.parametrize("after", [0.1, 0.4, 0.6, 0.8])
def test_a_first_start_killed_at_any_time_recovers(new_folder: Path, after: float) -> None:
    owner = python(OWNER, new_folder)
    time.sleep(after)
    owner.kill()
    owner.communicate()
    with running(new_folder) as server:
        assert query(server.dsn, "select 1") == 1


def test_ctrl_c_ends_the_owner_and_then_the_server(folder: Path) -> None:
    owner = python(OWNER, folder)
    assert owner.stdout
    owner.stdout.readline()
    os.killpg(owner.pid, signal.SIGINT)
    owner.communicate()
    assert not is_running(folder)
    assert "database system is shut down" in (folder / "postgres.log").read_text()


async def test_a_cancelled_start_leaves_nothing(folder: Path) -> None:
    async def use() -> None:
        async with EmbeddedPostgres(folder):
            pytest.fail("not reached")

    with (folder / START_LOCK).open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # the start cannot end before it is cancelled
        task = asyncio.create_task(use())
        await asyncio.sleep(0)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not await asyncio.to_thread(is_running, folder)


@pytest.mark.parametrize("socket_too", [False, True])
def test_a_reused_process_id_does_not_block(folder: Path, *, socket_too: bool) -> None:
    with running(folder) as server:
        record = (folder / "cluster/postmaster.pid").read_text()
        dead = server.pid
    other = sleeper(folder)
    try:
        stale = record.replace(f"{dead}\n", f"{other.pid}\n", 1)
        (folder / "cluster/postmaster.pid").write_text(stale)
        if socket_too:
            (folder / "run").mkdir()
            (folder / "run/.s.PGSQL.5432.lock").write_text(stale)
        with running(folder) as again:
            assert again.pid != other.pid
            assert query(again.dsn, "select 1") == 1
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("text", ["", "garbage\n", "\n\n\n\n\n\n\nready\n"])
def test_a_torn_pid_file_does_not_block(folder: Path, text: str) -> None:
    (folder / "cluster/postmaster.pid").write_text(text)
    with running(folder) as server:
        assert query(server.dsn, "select 1") == 1

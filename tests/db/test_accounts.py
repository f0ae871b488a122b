"""Folders for the account of the server, made while others make them too."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from db.accounts import Account, server_account

ROUNDS, MAKERS = 100, 8


def make(account: Account, folder: Path, together: Barrier) -> set[int]:
    """Make it with the others; the owners of the folder and of what must be in it by then."""
    together.wait()
    account.make_new_folder(folder, holding="lock")
    return owners(folder)


def look(folder: Path, together: Barrier) -> set[int]:
    together.wait()
    while not folder.exists():
        pass
    return owners(folder)


def owners(folder: Path) -> set[int]:
    return {folder.stat().st_uid, (folder / "lock").stat().st_uid}


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_new_folder_is_seen_whole_or_not_at_all(open_folder: Path) -> None:
    parent = open_folder / "racing"
    account = server_account(parent / "none")
    with ThreadPoolExecutor(MAKERS + 1) as threads:
        for number in range(ROUNDS):
            folder, together = parent / str(number) / "data", Barrier(MAKERS + 1)
            seen = [threads.submit(make, account, folder, together) for _ in range(MAKERS)]
            seen.append(threads.submit(look, folder, together))
            assert set.union(*(each.result() for each in seen)) == {account.uid}
            assert names_in(folder.parent) == ["data"]
            assert folder.stat().st_mode & 0o777 == 0o700


def test_what_is_there_already_stays(open_folder: Path) -> None:
    folder = open_folder / "kept"
    folder.mkdir()
    (folder / "letter").write_text("dear")
    server_account(folder).make_new_folder(folder, holding="lock")
    assert names_in(folder) == ["letter"]
    with pytest.raises(NotADirectoryError):
        server_account(folder).make_new_folder(folder / "letter", holding="lock")
    assert names_in(folder) == ["letter"]

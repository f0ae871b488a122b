"""The database folder itself: made once, checked at every start, and what its errors mean."""

import errno
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from db import errors
from db.accounts import Account

USER = "basanite"
PORT = 5432  # part of the socket's file name; nothing listens on it
SOCKET_PATH_LIMIT = 103  # bytes on macOS; Linux has 107


def ensure(cluster: Path, bin_dir: Path, major: int, account: Account, lock: int) -> None:
    """Make the database folder, or check that these programs can use it. Making takes 0.5 s.

    The lock goes to initdb too: it survives us when we are killed, and must keep the next one out
    of the folder as long as it lives.
    """
    version = cluster / "PG_VERSION"
    if version.exists():
        found = int(version.read_text())
        if found != major:
            raise errors.OtherMajorVersion(folder=cluster, found=found, wanted=major)
        return
    if cluster.exists() and any(cluster.iterdir()):
        raise errors.FolderNotOurs(folder=cluster)
    # Made aside and renamed, so that a first start that is killed leaves nothing half made.
    unfinished = cluster.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    account.make_folder(unfinished)
    command = [str(bin_dir / "initdb"), "-D", str(unfinished), "-U", USER, "--auth=trust"]
    command += ["--encoding=UTF8", "--locale=C", "--no-instructions"]
    # The built-in C.UTF-8 sorts alike everywhere: no index breaks when the system is upgraded.
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    made = account.run(command, output=subprocess.PIPE, keep=[lock])
    if made.returncode:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise explain(made.stdout, cluster.parent)
    unfinished.rename(cluster)


def stale_pid(cluster: Path) -> Mapping[str, str]:
    """What keeps a dead postmaster's process id, reused by another process, from blocking a start.

    Only for a caller who knows that the recorded postmaster is dead. PostgreSQL would still refuse
    to start if any process has its id, except for the id in this variable; and it still checks, by
    the shared memory, that no server uses the folder, one started by hand say.
    """
    record = cluster / "postmaster.pid"
    try:
        return {"PG_GRANDPARENT_PID": str(int(record.read_text().split("\n")[0]))}
    except FileNotFoundError:
        return {}
    except ValueError:
        record.unlink()  # torn by a crash or a full disk
        return {}


def new_socket_folder(folder: Path, account: Account) -> Path:
    """An empty folder for the server's socket that only `account` may enter: `folder`, or one with
    a short name where its path is too long or has characters with a meaning in an address."""
    longest = len(os.fsencode(folder)) + len(f"/.s.PGSQL.{PORT}")
    if longest > SOCKET_PATH_LIMIT or not re.fullmatch(r"[\w./+-]+", str(folder), re.ASCII):
        # Always /tmp: TMPDIR can be long, or private to root. The name cannot be guessed, so nobody
        # else can have made it; who joins reads it from postmaster.pid.
        folder = Path(tempfile.mkdtemp(prefix="basanite-", dir="/tmp"))
    else:
        shutil.rmtree(folder, ignore_errors=True)
    account.make_folder(folder)
    return folder


def explain(output: str, folder: Path) -> errors.DatabaseError:
    """The error that PostgreSQL's own words amount to."""
    if os.strerror(errno.ENOSPC) in output:
        return errors.DiskFull(folder=folder)
    if "could not look up effective user ID" in output:
        return errors.AccountMissing(uid=os.geteuid())
    return errors.ServerDidNotStart(folder=folder, output=output.strip())

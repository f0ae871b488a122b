"""Data folders that the embedded server's account can reach, and processes under other accounts."""

import asyncio
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from db.accounts import server_account
from db.embedded import EmbeddedPostgres
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
IS_ROOT = os.geteuid() == 0
NOBODY = 65534

needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root can arrange this")

# Uses the server of a folder until it reads a line. Waits for its turn as long as it takes.
OWNER = """
import sys
from db.embedded import EmbeddedPostgres
from tests.waiting import PATIENCE
server = EmbeddedPostgres(sys.argv[1], start_timeout=600, stop_timeout=600)
server.start()
try:
    print(server.pid, flush=True)
    sys.stdin.readline()
finally:
    server.stop()
"""


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that every account may enter; pytest's own are closed to all but one."""
    folder = Path(tempfile.mkdtemp(prefix="basanite-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def new_folder(open_folder: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A data folder that does not exist yet; whatever server is left in it is stopped."""
    folder = open_folder / f"{abs(hash(request.node.nodeid)):x}" / "data"
    folder.parent.mkdir()
    yield folder
    if is_running(folder):
        server = EmbeddedPostgres(folder)
        server.start()
        server.stop()
    shutil.rmtree(folder.parent)


@pytest.fixture(scope="session")
def made_folder(open_folder: Path) -> Path:
    folder = open_folder / "made"
    server = EmbeddedPostgres(folder)
    server.start()
    server.stop()
    return folder


@pytest.fixture
def folder(new_folder: Path, made_folder: Path) -> Path:
    """A data folder whose database was made before, and with no server running."""
    subprocess.run(["cp", "-a", made_folder, new_folder], check=True)
    return new_folder


@contextmanager
def running(folder: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(folder, start_timeout=PATIENCE, stop_timeout=PATIENCE)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def query(dsn: str, sql: str) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(ask())


def is_running(folder: Path) -> bool:
    """Whether any process of this folder's server lives; what users do about it is not touched."""
    if not (folder / "server.lock").exists():
        return False
    with (folder / "server.lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Another Python process, in a process group of its own, with what it prints; pytest shows its
    errors where the test fails."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def as_account(uid: int, function: Callable[[], None]) -> None:
    """Run a function in a forked process of another user, who need not have a Python of its own."""
    if not IS_ROOT:
        function()
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # fork with threads, since 3.12
        child = os.fork()
    if child == 0:
        try:
            os.chdir("/")
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            function()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def sleeper(folder: Path) -> subprocess.Popen[bytes]:
    """A harmless process of the account that runs the server of this folder."""
    account = server_account(folder / "cluster")
    return subprocess.Popen(["sleep", "60"], user=account.uid if account.switch else None)

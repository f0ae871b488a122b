"""A real `basanite serve` in a process of its own."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

import psutil

from api.keys import Keys, Role
from api.settings import PREFIX
from db.connect import create_pool

HOST: Final = "127.0.0.1"
START_SECONDS: Final = 600.0
STOP_SECONDS: Final = 120.0
LOOK_PAUSE: Final = 0.01

_COMMAND: Final = "from api.cli import main; main()"
_ROOT: Final = Path(__file__).resolve().parents[2]


class ServerEnded(Exception):  # noqa: N818 - the name says what happened
    """The server ended before it was ready."""


@dataclass(frozen=True)
class Server:
    """A server that is ready. seconds: from the start of its process until then."""

    port: int
    process: psutil.Process
    seconds: float


@asynccontextmanager
async def serving(data_dir: Path, *, kill: bool = False) -> AsyncIterator[Server]:
    """Start `basanite serve` over a data folder, wait until it is ready, and stop it after use.

    Stopped by `kill` it leaves no snapshot behind, but PostgreSQL running.
    """
    port = _free_port()
    # Nothing of the caller's settings may change what is measured.
    environment = {name: text for name, text in os.environ.items() if not name.startswith(PREFIX)}
    environment |= {"BASANITE_LOG_LEVEL": "error", "PYTHONPATH": str(_ROOT)}
    began = time.perf_counter()
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _COMMAND, "serve"),
        *("--host", HOST, "--port", str(port), "--data-dir", str(data_dir)),
        stdout=asyncio.subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await asyncio.to_thread(_ready, port):
                if child.returncode is not None:
                    raise ServerEnded(f"it ended with status {child.returncode}")
                await asyncio.sleep(LOOK_PAUSE)
        yield Server(port, psutil.Process(child.pid), time.perf_counter() - began)
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            try:
                await asyncio.wait_for(child.wait(), STOP_SECONDS)
            except TimeoutError:
                child.kill()
                await child.wait()


async def admin_token(dsn: str) -> str:
    """A key for everything."""
    pool = await create_pool(dsn, size=1)
    try:
        return await Keys(pool).create(Role.ADMIN, name="benchmark")
    finally:
        await pool.close()


def cpu_seconds(process: psutil.Process) -> float:
    """Processor time of a process and of all its descendants, those that have ended too."""
    total = 0.0
    for each in [process, *process.children(recursive=True)]:
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
        # Only Linux tells what children took that have ended, such as one that made a snapshot.
        total += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return total


def _ready(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])

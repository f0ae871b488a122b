"""A server that a command runs for itself, in a process of its own, and takes down with it.

The child reads its settings as a line of JSON from standard input, which then stays open: when it
is closed, by intent or because the parent died in whatever way, the child stops as after Ctrl-C.
It writes a line of JSON for each step, its address when it serves, and what went wrong.
"""

import asyncio
import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from api.frontend.client import CallFailed
from api.settings import Settings, read

if TYPE_CHECKING:
    from rich.console import Console

START_SECONDS: Final = 300.0  # between two steps: compiling all kernels on a slow machine
STOP_SECONDS: Final = 60.0

PACKAGES: Final = str(Path(__file__).parents[2])  # where the child finds this module

Report = Callable[[str], None]


@dataclass(frozen=True)
class Reachable:
    """A server and an ADMIN key for all its projects."""

    url: str
    token: str


@asynccontextmanager
async def own_server(settings: Settings, report: Report, purpose: str) -> AsyncIterator[Reachable]:
    """A server over the database of these settings, at their port or, if that is taken, a free one.

    `report` gets a line for each step of the start; `purpose` is what the key is listed under,
    which works no longer than this. Raises CallFailed if the server does not come up.
    """
    given = {
        "host": settings.host,
        "port": settings.port,
        "database_url": settings.database_url,
        "data_dir": str(settings.data_dir),
        "log_level": "warning",
    }
    path = os.pathsep.join(filter(None, [PACKAGES, os.environ.get("PYTHONPATH")]))
    # In a session of its own the child does not get our terminal's Ctrl-C: we say when it stops.
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # or a folder called api, where the command is run, would be taken for ours
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    coming = asyncio.ensure_future(_address(child, report))
    try:
        _stdin(child).write(json.dumps(given).encode() + b"\n")
        from api.keys import Keys, Role
        from api.service import open_pool

        # The database comes up here while the child compiles or loads its kernels.
        async with open_pool(settings) as (_, pool):
            keys = Keys(pool)
            token = await keys.create(Role.ADMIN, name=purpose)
            try:
                yield Reachable(await coming, token)
            finally:
                await keys.revoke(token.split("_")[1])
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
        await _stop(child)


@contextmanager
def starting(screen: "Console") -> Iterator[Report]:
    """Show the steps of a start: the present one on a terminal, all of them in a log."""
    from rich.text import Text

    with screen.status("Starting") as status:

        def report(step: str) -> None:
            compiles = step.startswith("Engine")
            hint = (
                "  The first start compiles it, which can take a minute or two" if compiles else ""
            )
            status.update(Text(step).append(hint, "dim"))
            if not screen.is_terminal:
                screen.print(step, markup=False)

        yield report


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for a database that nobody needs afterwards."""
    with tempfile.TemporaryDirectory(prefix="basanite-", ignore_cleanup_errors=True) as folder:
        # The account that PostgreSQL runs as under root must be able to enter.
        Path(folder).chmod(0o711)
        yield Path(folder)


async def _address(child: asyncio.subprocess.Process, report: Report) -> str:
    while True:
        try:
            line = await asyncio.wait_for(_stdout(child).readline(), START_SECONDS)
        except TimeoutError:
            raise CallFailed(f"The server did not start within {START_SECONDS:g} s.") from None
        if not line:
            raise CallFailed("The server ended before it was ready; its messages are above.")
        message = json.loads(line)
        if "address" in message:
            return str(message["address"])
        if "failed" in message:
            raise CallFailed(message["failed"])
        report(message["step"])


async def _stop(child: asyncio.subprocess.Process) -> None:
    _stdin(child).close()
    try:
        # Read to the end: a child whose pipe is full would not end.
        await asyncio.wait_for(asyncio.gather(_stdout(child).read(), child.wait()), STOP_SECONDS)
    except TimeoutError:
        child.kill()
        await child.wait()


def _stdin(child: asyncio.subprocess.Process) -> asyncio.StreamWriter:
    return cast("asyncio.StreamWriter", child.stdin)  # there is one, for it was asked for


def _stdout(child: asyncio.subprocess.Process) -> asyncio.StreamReader:
    return cast("asyncio.StreamReader", child.stdout)


def _serve_for_parent() -> None:
    from api.server import PortTaken, run_server
    from db.errors import DatabaseError

    given: dict[str, Any] = json.loads(sys.stdin.readline())
    given["data_dir"] = Path(given["data_dir"])
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def serve(settings: Settings) -> None:
        run_server(
            settings,
            report=lambda step: _tell(step=step),
            announce=lambda address: _tell(address=address),
        )

    try:
        try:
            serve(read(**given))
        except PortTaken:
            serve(read(**{**given, "port": 0}))
    except (DatabaseError, PortTaken) as error:
        _tell(failed=str(error))


def _tell(**message: str) -> None:
    try:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # the parent died: the end of standard input says the same


def _end_with_parent() -> None:
    # Not through sys.stdin: a thread that waits there would hold up the interpreter's end.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    _serve_for_parent()

"""Long work in a process of its own, of low priority, so that nobody waits for a core or for the
interpreter's lock because of it.

What the work is given goes through a file without a name: pickled, but the contents of arrays as
they are, which the process maps. So a million judgments are handed over in some milliseconds, and
nothing is left of them however either side ends. Started as `python -m api.apart`, with that file
as its standard input.
"""

import asyncio
import contextlib
import mmap
import os
import pickle
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

from api.beside.aside import aside

LOWEST: Final = 19  # niceness of work that is in no hurry
WORTH_IT: Final = 50_000  # judgments, above which work takes longer than a process needs to start

_HOME: Final = str(Path(__file__).resolve().parents[2])  # where the process finds our packages
_LOOK: Final = 0.2  # seconds between two looks at whether anybody waits still
_ALIGNMENT: Final = 64
_COMPLAINT: Final = 2_000  # last characters of what a process says that failed

T = TypeVar("T")


class Chores:
    """Long work that nobody waits for, of all projects: in a process one piece at a time."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def do(self, judgments: int, work: Callable[..., T], *given: Any) -> T:
        """What the work, a function of a module, returns for what it is given.

        judgments: how many it is about; with few it is done in a thread. Cancelled, it is given up.
        Raises what the work raises, or RuntimeError where that is in a process, or it is ended.
        """
        if judgments < WORTH_IT:
            return await aside(lambda: work(*given))
        async with self._turn:
            return await apart(work, *given, niceness=LOWEST)


async def apart(work: Callable[..., T], *given: Any, niceness: int) -> T:
    """What the work, a function of a module, returns for what it is given.

    Cancelled, it ends the process. Raises RuntimeError if the work fails or its process is ended.
    """
    with tempfile.TemporaryFile() as order:
        await aside(lambda: _write(order, (os.getpid(), niceness, work, given)))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "api.beside.apart"),
            stdin=order,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": _HOME},
        )
    try:
        result, complaint = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        said = complaint.decode(errors="replace").strip()[-_COMPLAINT:]
        raise RuntimeError(said or f"the process ended with status {process.returncode}")
    returned: T = pickle.loads(result)  # noqa: S301 - of our own process
    return returned


def _write(file: BinaryIO, order: Any) -> None:
    """Write sizes of the parts, then the parts: what is pickled, and the contents of each array."""
    buffers: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(order, protocol=5, buffer_callback=buffers.append)
    parts = [memoryview(pickled), *(buffer.raw() for buffer in buffers)]
    pickle.dump([part.nbytes for part in parts], file)
    for part in parts:
        file.write(bytes(-file.tell() % _ALIGNMENT))
        file.write(part)
    file.flush()


def _read(file: BinaryIO) -> Any:
    """The order that was written. Its arrays may be changed; the file does not follow."""
    file.seek(0)
    sizes = pickle.load(file)  # noqa: S301 - of our own process
    place = file.tell()
    # Not read-only: kernels would be compiled once more for arrays that are.
    content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
    parts = []
    for size in sizes:
        place += -place % _ALIGNMENT
        parts.append(content[place : place + size])
        place += size
    return pickle.loads(parts[0], buffers=parts[1:])  # noqa: S301 - of our own process


def _end_with(parent: int) -> None:
    """End this process as soon as the one that waits for it is gone."""
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os._exit(1)


def _main() -> None:
    # A key stroke that stops the server reaches this process too; the server will end it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whatever the work prints is no part of what it returns.
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as result:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        parent, niceness, work, given = _read(sys.stdin.buffer)
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
        if hasattr(os, "nice"):
            os.nice(niceness)
        pickle.dump(work(*given), result)


if __name__ == "__main__":
    _main()

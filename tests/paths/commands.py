"""Commands as a user runs them, and what they leave behind."""

import asyncio
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.paths.serving import MAIN
from tests.waiting import PATIENCE, eventually


@dataclass(frozen=True)
class Ran:
    """What came of a command; `text` is what it printed on both streams."""

    status: int
    text: str


def environment(home: Path, **more: str) -> Mapping[str, str]:
    """An environment in which everything that is kept lies under a folder of the test."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("BASANITE_")}
    # One line for what is one line: how wide the test's own terminal is does not matter.
    return {**kept, "XDG_DATA_HOME": str(home), "COLUMNS": "200", **more}


async def start(
    home: Path, *arguments: str, typed: bool = False, **more: str
) -> asyncio.subprocess.Process:
    """Start `basanite` without a terminal; `typed`: something will be written to it.

    `more` are variables of its environment.
    """
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        MAIN,
        *arguments,
        stdin=asyncio.subprocess.PIPE if typed else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment(home, **more),
    )


async def finish(process: asyncio.subprocess.Process, before: str = "") -> Ran:
    """Wait for the end of a command."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        text = (await process.stdout.read()).decode()
        return Ran(await process.wait(), before + text)


async def basanite(home: Path, *arguments: str, typed: str | None = None, **more: str) -> Ran:
    """Run a command to its end; `typed` is what the user answers, if it asks."""
    process = await start(home, *arguments, typed=typed is not None, **more)
    if typed is not None:
        assert process.stdin is not None
        process.stdin.write(typed.encode())
        process.stdin.write_eof()
    return await finish(process)


async def until(process: asyncio.subprocess.Process, pattern: str) -> str:
    """Read what a command prints until something in it matches."""
    assert process.stdout is not None
    text = ""
    async with asyncio.timeout(PATIENCE):
        while not re.search(pattern, text):
            line = await process.stdout.readline()
            assert line, f"{pattern!r} did not come:\n{text}"
            text += line.decode()
    return text


def running(mark: str) -> list[str]:
    """Command lines of processes, other than this one, that name a folder or a setting."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it ended meanwhile
        if mark in line:
            found.append(line)
    return found


def children_of(parent: int) -> list[int]:
    """Processes whose parent this is."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            status = (entry / "stat").read_text() if entry.name.isdigit() else ""
        except OSError:
            continue
        if status and int(status.rpartition(")")[2].split()[1]) == parent:
            found.append(int(entry.name))
    return found


def alive(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


def exists(path: str) -> bool:
    return Path(path).exists()


async def gone(processes: list[int], mark: str) -> None:
    """Wait until these processes, and all that name the mark, have ended."""
    await eventually(lambda: not running(mark) and not any(map(alive, processes)))

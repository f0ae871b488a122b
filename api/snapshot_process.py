"""Making a snapshot in a short-lived process of low priority, so that the writer does not pause.

The log is the truth and learning from it is deterministic, so this process comes to the same state
by itself: previous snapshot, then the log. Started as `python -m api.snapshot_process`, with the
project and the database's address as JSON on its standard input, where no process list shows them.
"""

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Final

from api import recovery, snapshots
from db.connect import connect

_NICENESS: Final = 5  # at 10 it gets so little of a busy machine that the log outruns it
_HOME: Final = str(Path(__file__).resolve().parents[1])  # where the process finds our packages


async def take_snapshot(dsn: str, project_id: int) -> int:
    """Make a snapshot in a process of its own; return its seq. Raises RuntimeError if it fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "api.snapshot_process",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": _HOME},
    )
    try:
        order = json.dumps({"dsn": dsn, "project_id": project_id}).encode()
        output, complaint = await process.communicate(order)
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise RuntimeError(complaint.decode(errors="replace").strip()[-2000:])
    return int(output)


async def _main() -> None:
    order = json.load(sys.stdin)
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    connection = await connect(order["dsn"], application_name="basanite snapshot")
    try:
        memory = await recovery.load(connection, order["project_id"])
        seq = await snapshots.save(connection, memory)
    finally:
        await connection.close()
    sys.stdout.write(str(seq))


if __name__ == "__main__":
    asyncio.run(_main())

"""Snapshots: a project's learned state as bytes, stored beside the log and read at a start.

A snapshot is a shortcut, never the truth: one that is damaged or of another format is passed over.
"""

import json
import logging
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from api.memory import Memory
from api.projects import Project
from api.rows import Int64s
from api.state.vetting import Verdict, Vetting
from db import snapshots as stored
from db.connect import AnyConnection
from engine import Categorical, StatusTests

FORMAT: Final = 12  # counts up when the bytes, or the meaning of the arrays, change
KEPT: Final = 2

_MAGIC: Final = b"BASANITE"
_HEADER: Final = struct.Struct("<8sIIQ")  # magic, checksum of the rest, bytes of the index, of all
_CHECKSUM: Final = struct.Struct("<I")
_ALIGNMENT: Final = 64
_MODEL: Final = "model."
_TESTS: Final = "tests."
_GOLD: Final = "gold."
_PAID: Final = "paid."

Columns = Mapping[str, NDArray[Any]]

logger = logging.getLogger(__name__)


class Damaged(ValueError):  # noqa: N818 - it says what the bytes are
    """The bytes are not a whole snapshot."""


def pack(columns: Columns) -> bytearray:
    """Return arrays as bytes: header, index (JSON: name, dtype, shape, offset), contents."""
    index: list[tuple[str, str, tuple[int, ...], int]] = []
    offset = 0
    for name, column in columns.items():
        index.append((name, column.dtype.str, column.shape, offset))
        offset += -(-column.nbytes // _ALIGNMENT) * _ALIGNMENT
    text = json.dumps(index).encode()
    start = -(-(_HEADER.size + len(text)) // _ALIGNMENT) * _ALIGNMENT
    body = bytearray(start + offset)
    body[_HEADER.size : _HEADER.size + len(text)] = text
    for (_, _, _, at), column in zip(index, columns.values(), strict=True):
        place = np.frombuffer(body, np.uint8, column.nbytes, start + at)
        place[:] = np.ascontiguousarray(column).reshape(-1).view(np.uint8)
    _HEADER.pack_into(body, 0, _MAGIC, 0, len(text), len(body))
    _CHECKSUM.pack_into(body, len(_MAGIC), _checksum(body))
    return body


def unpack(body: bytes) -> Columns:
    """Return the arrays that were packed; raises `Damaged`."""
    if len(body) < _HEADER.size:
        raise Damaged("it is cut off")
    magic, checksum, text_bytes, whole = _HEADER.unpack_from(body)
    if magic != _MAGIC or whole != len(body):
        raise Damaged("it is cut off, or no snapshot")
    if _checksum(body) != checksum:
        raise Damaged("its checksum is wrong")
    start = -(-(_HEADER.size + text_bytes) // _ALIGNMENT) * _ALIGNMENT
    index = json.loads(body[_HEADER.size : _HEADER.size + text_bytes])
    return {
        name: np.frombuffer(
            body, np.dtype(dtype), int(np.prod(shape, dtype=np.int64)), start + offset
        ).reshape(shape)
        for name, dtype, shape, offset in index
    }


def _checksum(body: bytes | bytearray) -> int:
    return zlib.crc32(memoryview(body)[len(_MAGIC) + _CHECKSUM.size :])


async def save(connection: AnyConnection, memory: Memory) -> int:
    """Store a snapshot of the memory as of its seq, which it returns."""
    tasks, workers = memory.seqs()
    columns = {_MODEL + name: column for name, column in memory.model.state().items()}
    columns |= {_TESTS + name: column for name, column in memory.vetting.tests.state().items()}
    columns |= {_GOLD + name: column for name, column in memory.gold.columns().items()}
    columns |= {_PAID + name: column for name, column in memory.ledger.columns().items()}
    waiting = [(each.kind, each.worker, each.body) for each in memory.vetting.unrecorded]
    unrecorded = np.frombuffer(json.dumps(waiting).encode(), np.uint8)
    columns |= {"task_seq": tasks, "worker_seq": workers, "unrecorded": unrecorded}
    body = memoryview(pack(columns))
    project_id = memory.project.project_id
    await stored.write_snapshot(connection, project_id, memory.seq, FORMAT, body, KEPT)
    return memory.seq


@dataclass(frozen=True, slots=True)
class Restored:
    """What a snapshot holds: model, tests, the columns of the book of gold and of what was paid as
    of `seq`, the seq of each thing's last change."""

    seq: int
    model: Categorical
    vetting: Vetting
    gold: Columns
    paid: Columns
    task_seq: Int64s
    worker_seq: Int64s


async def restore(
    connection: AnyConnection, project: Project, until: int | None = None
) -> Restored | None:
    """Return the newest whole snapshot of a project up to a seq, None if there is none."""
    for seq in await stored.snapshot_seqs(connection, project.project_id, FORMAT):
        if until is not None and seq > until:
            continue
        try:
            columns = unpack(await stored.read_snapshot(connection, project.project_id, seq))
            model = Categorical.from_state(_part(columns, _MODEL))
            vetting = Vetting(StatusTests.from_state(_part(columns, _TESTS)))
            waiting = json.loads(columns["unrecorded"].tobytes())
            vetting.unrecorded += (Verdict(*each) for each in waiting)
            gold = _part(columns, _GOLD)
            paid, task_seq = _part(columns, _PAID), columns["task_seq"]
            return Restored(seq, model, vetting, gold, paid, task_seq, columns["worker_seq"])
        except (ValueError, KeyError, TypeError) as error:
            logger.warning(
                "Snapshot %d of project %s is passed over: %s. The log is replayed instead.",
                seq,
                project.external_id,
                error,
            )
    return None


def _part(columns: Columns, prefix: str) -> dict[str, NDArray[Any]]:
    return {
        name.removeprefix(prefix): column
        for name, column in columns.items()
        if name.startswith(prefix)
    }

"""Snapshots of a model's state: bytes under a seq, cut into parts."""

from db.connect import AnyConnection
from db.queries import sql

PART_BYTES = 8 << 20


async def snapshot_seqs(
    connection: AnyConnection, project_id: int, snapshot_format: int
) -> list[int]:
    """Return the seqs of the snapshots of this format, the newest first."""
    rows = await connection.fetch(sql("snapshots"), project_id)
    return [row["seq"] for row in rows if row["format"] == snapshot_format]


async def read_snapshot(connection: AnyConnection, project_id: int, seq: int) -> bytes:
    """Return the bytes of one snapshot."""
    parts = []
    async with connection.transaction():
        async for row in connection.cursor(sql("snapshot_parts"), project_id, seq, prefetch=4):
            parts.append(row["body"])  # noqa: PERF401 - a generator cannot be joined from here
    return b"".join(parts)


async def write_snapshot(
    connection: AnyConnection,
    project_id: int,
    seq: int,
    snapshot_format: int,
    body: memoryview,
    keep: int,
) -> None:
    """Store a snapshot and keep only the newest `keep`, in one transaction."""
    async with connection.transaction():
        await connection.execute(sql("delete_snapshot"), project_id, seq)
        for part, start in enumerate(range(0, max(len(body), 1), PART_BYTES)):
            await connection.execute(
                sql("insert_snapshot_part"),
                project_id,
                seq,
                part,
                snapshot_format,
                bytes(body[start : start + PART_BYTES]),
            )
        await connection.execute(sql("delete_old_snapshots"), project_id, keep)

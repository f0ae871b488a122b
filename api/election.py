"""Which judgment of a task counts for a group of workers who are one voice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Final

import numpy as np

from api.acts import Row
from api.leases import pair
from api.memory import Memory
from api.rows import Int16s, Int32s
from db import log
from db.connect import AnyConnection

SCANNED: Final = 20_000  # tasks that are looked through at a time
_ASKED: Final = 10_000  # judgments whose seqs are asked for at a time


async def outvoted(
    connection: AnyConnection, memory: Memory, groups: Sequence[tuple[int, ...]]
) -> list[Row]:
    """All but one of the judgments of each task that several members of a group have judged.

    Task by task. One stays: of the answer that most of them gave, the earliest. No worker is in two
    groups. Cost: O(judgments of the project); others get their turn in between.
    """
    rows: list[Row] = []
    async for task, worker, label in _judged_together(memory, groups):
        found = zip(task.tolist(), worker.tolist(), label.tolist(), strict=True)
        rows += [Row(-1, *judgment) for judgment in found]
    number = {member: index for index, group in enumerate(groups) for member in group}
    voices: dict[tuple[int, int], list[Row]] = {}
    for row in await with_seqs(connection, memory, rows):
        voices.setdefault((row.task, number[row.worker]), []).append(row)
    return [row for some in voices.values() for row in some if row is not _elected(some)]


def _elected(rows: Sequence[Row]) -> Row:
    """Of the answer that most gave the earliest; of several such answers that which came first."""
    given = Counter(row.label for row in rows)
    return min(rows, key=lambda row: (-given[row.label], row.seq))


async def _judged_together(
    memory: Memory, groups: Sequence[tuple[int, ...]]
) -> AsyncIterator[tuple[Int32s, Int32s, Int16s]]:
    """Tasks, workers and labels of live judgments, where two or more of a group judged the task."""
    for start in range(0, memory.model.task_count, SCANNED):
        tasks = np.arange(start, min(start + SCANNED, memory.model.task_count), dtype=np.int32)
        number = np.full(len(memory.workers), -1, np.int64)
        for index, group in enumerate(groups):
            number[list(group)] = index
        votes = memory.model.votes
        length = votes.length[tasks].astype(np.int64)
        rows = np.repeat(votes.start[tasks] - (np.cumsum(length) - length), length)
        rows += np.arange(len(rows))
        of = number[votes.worker[rows]]
        rows, task, of = rows[of >= 0], np.repeat(tasks, length)[of >= 0], of[of >= 0]
        _, places, counts = np.unique(
            task.astype(np.int64) * len(groups) + of, return_inverse=True, return_counts=True
        )
        several = counts[places] > 1
        rows = rows[several]
        yield task[several], votes.worker[rows], votes.label[rows]
        await asyncio.sleep(0)


async def with_seqs(connection: AnyConnection, memory: Memory, rows: list[Row]) -> list[Row]:
    """The same rows; those of live judgments with their seqs."""
    project_id = memory.project.project_id
    seqs: dict[int, int] = {}
    for start in range(0, len(rows), _ASKED):
        some = [row for row in rows[start : start + _ASKED] if row.turns]
        tasks, workers = [row.task for row in some], [row.worker for row in some]
        for found in await log.live_judgments(connection, project_id, tasks, workers):
            seqs[pair(found["task_id"], found["worker_id"])] = found["seq"]
    return [
        row._replace(seq=seqs[pair(row.task, row.worker)]) if row.turns else row for row in rows
    ]

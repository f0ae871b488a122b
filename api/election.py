"""Which judgment of a task counts for a group of workers who are one voice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from api.acts import Row
from api.leases import pair
from api.memory import Memory
from api.rows import Int32s
from db import log
from db.connect import AnyConnection

SCANNED: Final = 20_000  # tasks that are looked through at a time
_ASKED: Final = 10_000  # judgments whose seqs are asked for at a time


async def outvoted(connection: AnyConnection, memory: Memory, workers: Sequence[int]) -> list[Row]:
    """All but one of the judgments of each task that several of some workers have judged.

    Task by task. One stays: of the answer that most of them gave, the earliest. Cost: O(judgments
    of the project); others get their turn in between.
    """
    members = memory.voices.all_of(workers)
    rows: list[Row] = []
    async for task, worker, label in _judged_together(memory, np.array(members, np.int32)):
        found = zip(task.tolist(), worker.tolist(), label.tolist(), strict=True)
        rows += [Row(-1, *judgment) for judgment in found]
    rows = await with_seqs(connection, memory, rows)
    by_task: dict[int, list[Row]] = {}
    for row in rows:
        by_task.setdefault(row.task, []).append(row)
    return [row for some in by_task.values() for row in some if row is not _elected(some)]


def _elected(rows: Sequence[Row]) -> Row:
    """Of the answer that most gave the earliest; of several such answers that which came first."""
    given = Counter(row.label for row in rows)
    return min(rows, key=lambda row: (-given[row.label], row.seq))


async def _judged_together(
    memory: Memory, members: Int32s
) -> AsyncIterator[tuple[Int32s, Int32s, NDArray[np.int16]]]:
    """Tasks, workers and labels of members' live judgments, where at least two judged the task."""
    for start in range(0, memory.model.task_count, SCANNED):
        tasks = np.arange(start, min(start + SCANNED, memory.model.task_count), dtype=np.int32)
        votes = memory.model.votes
        length = votes.length[tasks].astype(np.int64)
        rows = np.repeat(votes.start[tasks] - (np.cumsum(length) - length), length)
        rows += np.arange(len(rows))
        task, worker = np.repeat(tasks, length), votes.worker[rows]
        theirs = np.isin(worker, members)
        several = np.bincount(task[theirs] - start, minlength=len(tasks)) > 1
        theirs &= several[task - start]
        yield task[theirs], worker[theirs], votes.label[rows][theirs]
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

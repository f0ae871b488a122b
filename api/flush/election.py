"""Which judgment of a task counts for a group of workers who are one voice."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from api.acts import Row
from api.memory import Memory
from api.state.leases import pair
from db import log
from db.connect import AnyConnection

_ASKED: Final = 10_000  # judgments whose seqs are asked for at a time


async def outvoted(
    connection: AnyConnection, memory: Memory, groups: Sequence[tuple[int, ...]]
) -> list[Row]:
    """All but one of the judgments of each task that several members of a group have judged.

    Task by task. One stays: of the answer that most of them gave, the earliest. No worker is in two
    groups. Cost: O(judgments of the members), and others get their turn in between.
    """
    rows: list[Row] = []
    for group in groups:
        rows += _judged_together(memory, group)
        await asyncio.sleep(0)
    number = {member: index for index, group in enumerate(groups) for member in group}
    voices: dict[tuple[int, int], list[Row]] = {}
    for row in await with_seqs(connection, memory, rows):
        voices.setdefault((row.task, number[row.worker]), []).append(row)
    return [row for some in voices.values() for row in some if row is not _elected(some)]


def _elected(rows: Sequence[Row]) -> Row:
    """Of the answer that most gave the earliest; of several such answers that which came first."""
    given = Counter(row.label for row in rows)
    return min(rows, key=lambda row: (-given[row.label], row.seq))


def _judged_together(memory: Memory, group: Sequence[int]) -> list[Row]:
    """Live judgments of the tasks that two or more of a group judged, task by task."""
    judged = [memory.vetting.tests.judged_by(member) for member in group]
    task = np.concatenate(judged)
    worker = np.repeat(np.array(group, np.int32), [len(tasks) for tasks in judged])
    _, places, counts = np.unique(task, return_inverse=True, return_counts=True)
    several = np.flatnonzero(counts[places] > 1)
    several = several[np.lexsort((worker[several], task[several]))]
    task, worker = task[several], worker[several]
    columns = (task.tolist(), worker.tolist(), memory.labels_of(task, worker).tolist())
    return [Row(-1, *judgment) for judgment in zip(*columns, strict=True)]


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

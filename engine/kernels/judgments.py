"""The judgments of a project as scans for fraud read them: by task, by worker, and by voice.

Workers who were found to copy from each other are one voice: what they answer alike to a task
counts once.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.jit import kernel, part

ALONE = -1  # voice of a worker who is nobody else's copy


class Judgments(NamedTuple):
    """n judgments of T tasks by W workers, in rows grouped by task, in order of worker."""

    start: npt.NDArray[np.int64]  # [T] first row of the task
    length: npt.NDArray[np.int32]  # [T] its judgments
    worker: npt.NDArray[np.int32]  # [rows]
    label: npt.NDArray[np.int16]  # [rows]
    gold: npt.NDArray[np.int16]  # [T] known label, -1 none
    first: npt.NDArray[np.int64]  # [W + 1] first place of the worker in `row` and `task`
    row: npt.NDArray[np.int64]  # [n] the worker's rows, in order of task
    task: npt.NDArray[np.int32]  # [n] their tasks
    voice: npt.NDArray[np.int32]  # [W] number of the voice, or ALONE


@kernel
def index(
    start: npt.NDArray[np.int64],
    length: npt.NDArray[np.int32],
    worker: npt.NDArray[np.int32],
    first: npt.NDArray[np.int64],
    row: npt.NDArray[np.int64],
    task: npt.NDArray[np.int32],
) -> None:
    """Fill `first`, `row` and `task`. Cost: O(judgments + workers + tasks)."""
    first.fill(0)
    for t in range(start.shape[0]):
        for i in range(start[t], start[t] + length[t]):
            first[worker[i] + 1] += 1
    for w in range(first.shape[0] - 1):
        first[w + 1] += first[w]
    for t in range(start.shape[0]):
        for i in range(start[t], start[t] + length[t]):
            place = first[worker[i]]
            row[place] = i
            task[place] = t
            first[worker[i]] += 1
    for w in range(first.shape[0] - 1, 0, -1):
        first[w] = first[w - 1]
    first[0] = 0


@part
def set_aside(other: int, x: int, y: int, member: npt.NDArray[np.int32], group: int) -> bool:
    """Whether the worker is x, y, or one of the group: member[w] == group. -1 for none."""
    if other == x:
        return True
    if other == y:
        return True
    return group >= 0 and member[other] == group


@part
def fellows(voice: npt.NDArray[np.int32], x: int, y: int) -> bool:
    """Whether workers x and y are of one voice."""
    return voice[x] != ALONE and voice[x] == voice[y]  # type: ignore[no-any-return]


@part
def repeats(
    judgments: Judgments,
    begin: int,
    row: int,
    x: int,
    y: int,
    member: npt.NDArray[np.int32],
    group: int,
) -> bool:
    """Whether the row's voice gave the same answer in an earlier row of the task (from `begin`).

    Rows of workers that are `set_aside` do not count.
    """
    worker, label, voice = judgments.worker, judgments.label, judgments.voice
    if voice[worker[row]] == ALONE:
        return False
    for i in range(begin, row):
        if (
            label[i] == label[row]
            and fellows(voice, worker[i], worker[row])
            and not set_aside(worker[i], x, y, member, group)
        ):
            return True
    return False

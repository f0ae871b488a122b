"""What workers answered, in order of time, and how long it took them: from memory and the log."""

import asyncio
from dataclasses import dataclass
from typing import Final

import asyncpg
import numpy as np

from api.reading.views import Views
from api.rows import Float64s, Int32s
from db import reads
from engine.answers import answers_between
from engine.reputation import Estimate
from engine.trend import backing, trend

MOST_ANSWERS: Final = 500  # of a worker, drawn evenly from all by the age of their tasks
_SCANNED: Final = 20_000  # tasks that are looked through at a time, some 2 ms
_ASKED_AT_ONCE: Final = 2_000  # judgments


@dataclass(frozen=True, slots=True)
class Answers:
    """Live judgments of one worker, the earliest first. seconds: NaN where unknown."""

    worker: int
    task: Int32s
    seconds: Float64s


@dataclass(frozen=True, slots=True)
class Speed:
    """Of answers whose time is known: how many, the median, and the share under a floor (NaN
    without one)."""

    timed: int
    median: float
    under_floor: float


async def answers_of(pool: asyncpg.Pool, views: Views, ids: Int32s) -> list[Answers]:
    """Return some answers of each of the workers, at most MOST_ANSWERS of each.

    Cost: one look at each judgment there is, with others' turns in between, and a look-up by key
    for each answer.
    """
    model, distinct = views.memory.model, np.unique(ids)
    parts: list[tuple[Int32s, Int32s]] = []
    for first in range(0, model.task_count, _SCANNED):
        parts.append(answers_between(model, distinct, first, first + _SCANNED))
        await asyncio.sleep(0)
    place, task = (
        (np.concatenate(column) for column in zip(*parts, strict=True))
        if parts
        else (
            np.zeros(0, np.int32),
            np.zeros(0, np.int32),
        )
    )
    of = [_some(task[place == at]) for at in range(len(distinct))]
    workers = [worker for worker, tasks in zip(distinct.tolist(), of, strict=True) for _ in tasks]
    tasks = [number for some in of for number in some.tolist()]
    project_id = views.project.project_id
    found = [
        row
        for at in range(0, len(tasks), _ASKED_AT_ONCE)
        for row in await reads.standing_answers(
            pool,
            project_id,
            tasks[at : at + _ASKED_AT_ONCE],
            workers[at : at + _ASKED_AT_ONCE],
            views.seq,
        )
    ]
    by_worker: dict[int, list[tuple[int, int, float]]] = {}
    for row in found:
        seconds = np.nan if row["seconds"] is None else row["seconds"]
        entry = (row["seq"], row["task_id"], seconds)
        by_worker.setdefault(row["worker_id"], []).append(entry)
    return [_answers(worker, by_worker.get(worker, [])) for worker in ids.tolist()]


def _some(tasks: Int32s) -> Int32s:
    return tasks[:: -(-len(tasks) // MOST_ANSWERS) or 1]


def _answers(worker: int, entries: list[tuple[int, int, float]]) -> Answers:
    entries.sort()
    return Answers(
        worker,
        np.array([task for _, task, _ in entries], np.int32),
        np.array([seconds for _, _, seconds in entries], np.float64),
    )


async def trends_of(views: Views, answers: list[Answers]) -> Estimate:
    """Return how each worker's accuracy changes from its first answer to its last; in a thread."""
    model, found = views.memory.model, []
    for each in answers:
        who = np.full(len(each.task), each.worker, np.int32)
        still = each.task[model.labels_of(each.task, who) >= 0]
        found.append(backing(model, each.worker, still))
    trends = await asyncio.to_thread(lambda: [trend(each) for each in found])
    return Estimate(
        np.array([each.value for each in trends]),
        np.array([each.low for each in trends]),
        np.array([each.high for each in trends]),
    )


def speed_of(answers: Answers, floor: float | None) -> Speed | None:
    """Return how fast a worker answers; None where no time is known."""
    seconds = answers.seconds[~np.isnan(answers.seconds)]
    if len(seconds) == 0:
        return None
    under = np.nan if floor is None else float((seconds < floor).mean())
    return Speed(len(seconds), float(np.median(seconds)), under)

"""The search for fraud of all kinds, on a copy of a project's live judgments.

Three families of hypotheses are tested: which groups copy, who answers by a pattern, who is too
fast. In each the expected share of false findings is at most the rate: all evidence is e-values,
which e-BH takes however they depend on each other (`engine.fraud.discovery_rates`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from engine.categorical import Categorical
from engine.collusion import copying_rings
from engine.fraud import Finding, Fraud, Ints
from engine.independence import gather, learn
from engine.kernels.independence import Independence
from engine.kernels.judgments import Judgments
from engine.kernels.rows import USED, Rows
from engine.kernels.rows import gather as gather_rows
from engine.kernels.votes import Votes
from engine.pace import patterned, too_fast, usual_floor
from engine.sequential import StatusTests
from engine.steps import seconds_of

Room = dict[str, npt.NDArray[Any]]
NO_ROOM: Room = {}
SLACK = 1.1  # of room: the log goes on growing


@dataclass(frozen=True, slots=True)
class Material:
    """Copies of what is searched, so that it may change meanwhile.

    course: each worker's tasks in the order in which it judged them, with paces. It may be a little
    older or newer than the votes. voices: groups of workers who count as one already. models:
    workers who are programs; nobody minds how fast these are.
    """

    labels: int
    workers: int
    votes: Votes
    course: Rows
    voices: tuple[tuple[int, ...], ...] = ()
    models: tuple[int, ...] = ()

    @classmethod
    def of(cls, model: Categorical, tests: StatusTests) -> Self:
        """Of the live judgments, which both must have been told."""
        workers = model.worker_count
        return cls(model.labels, workers, copy_votes(model), copy_course(tests, workers))


def room_for(model: Categorical, tests: StatusTests) -> Room:
    """Memory that the copies will need. To get it from the system takes longer than to copy, so
    another thread may do that before, while the model changes: it reads nothing but sizes."""
    columns = _of_votes(model) + _of_course(tests, model.worker_count)
    return {name: np.ones(int(SLACK * rows) + 1, column.dtype) for name, column, rows in columns}


def copy_votes(model: Categorical, room: Room = NO_ROOM) -> Votes:
    """A copy of a model's live judgments. room: of `room_for`; without, it takes several times as
    long. Cost: a copy of 6 bytes a row of the pool."""
    return model.votes._replace(**_copies(_of_votes(model), room))


def copy_course(tests: StatusTests, workers: int, room: Room = NO_ROOM) -> Rows:
    """A copy of what so many workers did. Cost: a copy of 5 bytes a row of the pool."""
    return tests.work._replace(**_copies(_of_course(tests, workers), room))


Columns = list[tuple[str, npt.NDArray[Any], int]]  # name, column, rows that are used


def _of_votes(model: Categorical) -> Columns:
    votes, tasks = model.votes, model.task_count
    used = int(votes.pool[USED])
    return [
        ("start", votes.start, tasks),
        ("length", votes.length, tasks),
        ("gold", votes.gold, tasks),
        ("worker", votes.worker, used),
        ("label", votes.label, used),
    ]


def _of_course(tests: StatusTests, workers: int) -> Columns:
    work = tests.work
    some, used = min(workers, len(work.start)), int(work.free[USED])
    return [
        ("work.start", work.start, some),
        ("work.length", work.length, some),
        ("work.member", work.member, used),
        ("work.note", work.note, used),
    ]


def _copies(columns: Columns, room: Room) -> dict[str, npt.NDArray[Any]]:
    copies = {}
    for name, column, rows in columns:
        place = room.get(name)
        if place is None or len(place) < rows:  # the log has outgrown it
            place = np.empty(rows, column.dtype)
        np.copyto(place[:rows], column[:rows])
        copies[name.removeprefix("work.")] = place[:rows]
    return copies


class Watched(NamedTuple):
    """A finding about a single worker of which is asked whether it still holds: of the worker's
    judgments those of index `since` on are new."""

    kind: Fraud
    worker: int
    since: int


def search(material: Material, rate: float, floor: float | None = None) -> list[Finding]:
    """All that is found, by kind, the surest first. Releases the GIL most of the time.

    rate: the share of findings of each family that may be wrong. floor: seconds that a judgment
    takes at least; None, then a third of what is usual, for those only who do not look anyway.
    Cost: O(judgments x (redundancy + labels) x labels) and a bounded number of comparisons.
    """
    return search_on(material, rate, floor, ())[0]


def search_on(
    material: Material, rate: float, floor: float | None, watched: Sequence[Watched]
) -> tuple[list[Finding], list[bool]]:
    """The same; and of earlier findings whether they are made in the new judgments alone. At most
    one of a worker about its answers, and one about its speed."""
    votes, workers, labels = material.votes, material.workers, material.labels
    judgments, answers = gather(votes, workers, labels)
    if material.voices:
        rings, null = _beside(material, judgments, rate)
    else:
        rings, null = copying_rings(judgments, answers, labels, rate)
    course = material.course
    patterns, blind = patterned(judgments, null, course, rate)
    worker, seconds = _times(material, course)
    found = rings + patterns + too_fast(worker, seconds, rate, floor, blind)
    if not watched:
        return found, []
    usual = usual_floor(worker, seconds)
    again: set[Watched] = set()
    for kinds in ((Fraud.CONSTANT, Fraud.PERIODIC), (Fraud.TOO_FAST,)):
        some = [each for each in watched if each.kind in kinds]
        new = _since(course, some)
        patterns, blind = patterned(judgments, null, new, rate, len(some))
        fast = too_fast(*_times(material, new), rate, floor, blind, usual)
        caught = {int(each.workers[0]) for each in patterns + fast if each.kind in kinds}
        again |= {each for each in some if each.worker in caught}
    return found, [each in again for each in watched]


def _since(course: Rows, watched: Sequence[Watched]) -> Rows:
    """Of those who are watched what is new, of others nothing."""
    start, length = course.start.copy(), np.zeros_like(course.length)
    for each in watched:
        start[each.worker] = course.start[each.worker] + each.since
        length[each.worker] = course.length[each.worker] - each.since
    return course._replace(start=start, length=length)


def _times(material: Material, course: Rows) -> tuple[Ints, npt.NDArray[np.float32]]:
    """Of each judgment its worker, and the seconds it took, nan where that does not matter."""
    length = course.length.astype(np.int64)
    worker = np.repeat(np.arange(len(length), dtype=np.int32), length)
    tasks, paces = np.zeros(len(worker), np.int32), np.zeros(len(worker), np.uint8)
    gather_rows(course, len(length), tasks, paces)
    seconds = seconds_of(paces)
    seconds[np.isin(worker, material.models)] = np.nan
    return worker, seconds


def _beside(
    material: Material, judgments: Judgments, rate: float
) -> tuple[list[Finding], Independence]:
    """Rings where there are voices already, which are taken for one worker: of their judgments of a
    task only one is live, so that who copies them shares few with any one of them. A ring that one
    of them belongs to has them all."""
    votes, workers, labels = material.votes, material.workers, material.labels
    speaker = np.arange(workers, dtype=np.int32)
    judged = [[x for x in voice if x < workers] for voice in material.voices]
    for members in judged:
        speaker[members] = members[:1]
    known = np.clip(votes.worker, 0, workers - 1)  # rows that are free may hold anything
    joined, answers = gather(votes._replace(worker=speaker[known]), workers, labels)
    found, _ = copying_rings(joined, answers, labels, rate)
    rings = [
        replace(ring, workers=np.flatnonzero(np.isin(speaker, ring.workers)).astype(np.int32))
        for ring in found
    ]
    for number, members in enumerate([*judged, *(ring.workers.tolist() for ring in rings)]):
        judgments.voice[members] = number
    return rings, learn(judgments, labels, votes_only=False)

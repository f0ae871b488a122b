"""The search for fraud of all kinds, on a copy of a project's live judgments.

Three families of hypotheses are tested: which groups copy, who answers by a pattern, who is too
fast. In each the expected share of false findings is at most the rate: all evidence is e-values,
which e-BH takes however they depend on each other (`engine.fraud.discovery_rates`).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from engine.categorical import Categorical
from engine.collusion import copying_rings
from engine.fraud import Finding
from engine.independence import copied, gather
from engine.kernels.rows import USED, Rows
from engine.kernels.rows import gather as gather_rows
from engine.kernels.votes import Votes
from engine.pace import patterned, too_fast
from engine.sequential import StatusTests, seconds_of


@dataclass(frozen=True, slots=True)
class Material:
    """Copies of what is searched, so that it may change meanwhile.

    course: each worker's tasks in the order in which it judged them, with paces.
    """

    labels: int
    workers: int
    votes: Votes
    course: Rows

    @classmethod
    def of(cls, model: Categorical, tests: StatusTests) -> Self:
        """Of the live judgments, which both must have been told. Cost: about a copy of 16 bytes a
        judgment."""
        work = tests.work
        workers, rows = model.worker_count, int(work.free[USED])
        course = work._replace(
            start=work.start[:workers].copy(),
            length=work.length[:workers].copy(),
            member=work.member[:rows].copy(),
            note=work.note[:rows].copy(),
        )
        return cls(model.labels, workers, copied(model), course)


def search(material: Material, rate: float, floor: float | None = None) -> list[Finding]:
    """All that is found, by kind, the surest first. Releases the GIL most of the time.

    rate: the share of findings of each family that may be wrong. floor: seconds that a judgment
    takes at least; None, then a third of what is usual, for those only who do not look anyway.
    Cost: O(judgments x (redundancy + labels) x labels) and a bounded number of comparisons.
    """
    judgments, answers = gather(material.votes, material.workers, material.labels)
    rings, null = copying_rings(judgments, answers, material.labels, rate)
    course = material.course
    patterns, blind = patterned(judgments, null, course, rate)
    length = course.length.astype(np.int64)
    worker = np.repeat(np.arange(len(length), dtype=np.int32), length)
    tasks, paces = np.zeros(len(worker), np.int32), np.zeros(len(worker), np.uint8)
    gather_rows(course, len(length), tasks, paces)
    return rings + patterns + too_fast(worker, seconds_of(paces), rate, floor, blind)

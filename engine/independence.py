"""Judgments gathered for scans for fraud, and what honest workers would have answered to them."""

import numpy as np
import numpy.typing as npt

from engine.kernels import independence
from engine.kernels.independence import Independence
from engine.kernels.judgments import ALONE, Judgments, index
from engine.kernels.votes import Votes

Labels = npt.NDArray[np.int16]

MOST_CLASSES = 16  # more labels are folded into so many: a matrix for each worker must fit
SWEEPS = 4  # passes from the votes to the workers' matrices
SAMPLE = 20_000  # tasks from which it is learned how much tasks differ
STRENGTHS = np.array([0.5, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64])


def gather(votes: Votes, workers: int, labels: int) -> tuple[Judgments, Labels]:
    """The live judgments as scans read them, every worker alone, and the label int16 of each row.

    votes: a copy of `Categorical.votes`, of the tasks that there are. workers: one more than the
    highest id. With more than MOST_CLASSES labels the judgments bear them modulo MOST_CLASSES.
    """
    live = int(votes.length.sum())
    fold = labels > MOST_CLASSES
    judgments = Judgments(
        votes.start,
        votes.length,
        votes.worker,
        votes.label % MOST_CLASSES if fold else votes.label,
        np.where(votes.gold >= 0, votes.gold % MOST_CLASSES, -1).astype(np.int16),
        np.zeros(workers + 1, np.int64),
        np.zeros(live, np.int64),
        np.zeros(live, np.int32),
        np.full(workers, ALONE, np.int32),
    )
    index(votes.start, votes.length, votes.worker, judgments.first, judgments.row, judgments.task)
    return judgments, votes.label


def learn(judgments: Judgments, labels: int, *, votes_only: bool) -> Independence:
    """Fit the null hypothesis to the judgments, each voice speaking once.

    votes_only: a label is as true as its share of the others' votes; else that is where
    expectation and maximisation start. Cost: O(judgments x redundancy) and SWEEPS passes.
    """
    classes = min(labels, MOST_CLASSES)
    workers = len(judgments.voice)
    sums = np.zeros((workers, classes, classes), np.float32)
    null = Independence(
        np.zeros_like(sums),
        np.zeros(workers, np.float32),
        np.zeros((classes, classes)),
        np.zeros(classes),
        np.zeros((classes, classes)),
        np.array([STRENGTHS[len(STRENGTHS) // 2]]),
    )
    shares, soft = np.zeros(classes), np.zeros(classes)
    independence.vote(judgments, sums, shares)
    for _ in range(0 if votes_only else SWEEPS):
        _settle(null, sums, shares, soft)
        sums.fill(0)
        shares, soft = np.zeros(classes), np.zeros(classes)
        independence.expect(judgments, null, sums, shares, soft)
    _settle(null, sums, shares, soft)
    stride = max(1, len(judgments.start) // SAMPLE)
    for _ in range(2):  # the strength of the profile that the first one fits
        independence.fit_strength(judgments, null, stride, STRENGTHS, np.zeros(len(STRENGTHS)))
    return null


def _settle(
    null: Independence,
    sums: npt.NDArray[np.float32],
    shares: npt.NDArray[np.float64],
    soft: npt.NDArray[np.float64],
) -> None:
    independence.settle(sums, null)
    prior = shares + soft + 1
    null.prior[:] = prior / prior.sum()

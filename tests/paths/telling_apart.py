"""Whether two kinds of things can be told apart by what was seen of them: three small classifiers.

All are linear in the labels of what they learned from, so that what they would come to with any
shuffled labels is one product of matrices: the interval of chance costs next to nothing.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FOLDS = 5
NEIGHBOURS = 12
SHRINKAGE = 10.0
SHUFFLES = 1_000


def distances_from_chance(
    seen: Floats, kind: Bools, groups: NDArray[np.int64], rng: np.random.Generator
) -> list[float]:
    """How far above chance each classifier tells the kinds of rows, in standard deviations of what
    it comes to when kinds are shuffled within groups. Two tell rows that they have not seen, from
    all columns; the third is the best of the single columns.

    seen [n, features]; groups [n]: rows among which a kind is as likely for all, as for a worker.
    """
    columns = _standardized(seen)
    fold = rng.permutation(len(kind)) % FOLDS
    truth = kind.astype(float)
    shuffled = np.repeat(truth[:, None], SHUFFLES, axis=1)
    for group in np.unique(groups):
        rows = groups == group
        shuffled[rows] = rng.permuted(shuffled[rows], axis=0)
    labels = np.column_stack([truth, shuffled])
    found = []
    for smoother in (_linear(columns, fold), _nearest(columns, fold)):
        ranked = _concordance(smoother @ labels, labels)
        found.append(float((ranked[0] - ranked[1:].mean()) / ranked[1:].std()))
    alone = columns.T @ labels
    apart = alone[:, 0] - alone[:, 1:].mean(axis=1)
    found.append(float(np.abs(apart / (alone[:, 1:].std(axis=1) + 1e-9)).max()))
    return found


def _standardized(seen: Floats) -> Floats:
    """Ranks instead of values, ties alike: a heavy tail of times must not hide a shift of them."""
    columns = np.empty_like(seen)
    for number, column in enumerate(seen.T):
        _, place, count = np.unique(column, return_inverse=True, return_counts=True)
        rank = np.cumsum(count) - (count - 1) / 2
        columns[:, number] = rank[place]
    spread = columns.std(axis=0)
    varied = columns[:, spread > 0]
    standardized: Floats = (varied - varied.mean(axis=0)) / spread[spread > 0]
    return standardized


def _linear(columns: Floats, fold: NDArray[np.int64]) -> Floats:
    """Ridge regression on all other folds: [n, n], what each label adds to each prediction."""
    smoother = np.zeros((len(columns), len(columns)))
    for number in range(FOLDS):
        out, into = fold == number, fold != number
        known = columns[into] - columns[into].mean(axis=0)
        normal = known.T @ known + SHRINKAGE * np.eye(known.shape[1])
        asked = columns[out] - columns[into].mean(axis=0)
        smoother[np.ix_(out, into)] = asked @ np.linalg.solve(normal, known.T) + 1 / into.sum()
    return smoother


def _nearest(columns: Floats, fold: NDArray[np.int64]) -> Floats:
    """The share among the nearest rows of all other folds."""
    square = (columns**2).sum(axis=1)
    apart: Floats = square[:, None] + square[None, :] - 2 * columns @ columns.T
    apart[fold[:, None] == fold[None, :]] = np.inf
    nearest = np.argpartition(apart, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    smoother: Floats = np.zeros_like(apart)
    np.put_along_axis(smoother, nearest, 1 / NEIGHBOURS, axis=1)
    return smoother


def _concordance(scores: Floats, labels: Floats) -> Floats:
    """By column: how often a row of the kind is ranked above one that is not."""
    order = np.argsort(scores, axis=0, kind="stable")
    rank = np.empty_like(scores)
    np.put_along_axis(rank, order, np.arange(1.0, len(scores) + 1)[:, None], axis=0)
    ours = labels.sum(axis=0)
    above = (rank * labels).sum(axis=0) - ours * (ours + 1) / 2
    result: Floats = above / (ours * (len(scores) - ours))
    return result

"""How far the judgments of a task agree with each other, and a consensus with gold."""

import numpy as np
import numpy.typing as npt


def krippendorff_alpha(
    task: npt.NDArray[np.int32], label: npt.NDArray[np.int16], labels: int
) -> float:
    """Krippendorff's alpha for nominal labels: 1 is perfect agreement, 0 is chance, below is worse.

    task, label: one row a judgment. Tasks with a single judgment are left out. nan where it is
    not defined: no task has two judgments, or all judgments that count are the same.
    Cost: one sort of the judgments.

    Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C:
    alpha = 1 - (n - 1) * sum of o_ck (c != k) / sum of n_c * n_k (c != k), from the coincidences
    o_ck = sum over tasks of pairs (c, k) / (judgments of the task - 1).
    """
    judgments = np.bincount(task)
    cells, counts = np.unique(task.astype(np.int64) * labels + label, return_counts=True)
    of_task = judgments[cells // labels]
    paired = of_task > 1
    cells, counts, of_task = cells[paired], counts[paired], of_task[paired]
    total = float(counts.sum())
    by_label = np.bincount(cells % labels, weights=counts, minlength=labels)
    expected = total**2 - float((by_label**2).sum())
    if expected == 0.0:
        return float("nan")
    agreeing = float((counts * (counts - 1) / (of_task - 1)).sum())
    return 1.0 - (total - 1.0) * (total - agreeing) / expected


def score_against_gold(
    scores: npt.NDArray[np.float64], gold: npt.NDArray[np.integer]
) -> npt.NDArray[np.float64]:
    """Score choosing the highest: 1 if it is the gold, 0 if not, 1/n if n are the highest.

    scores: votes or probabilities, float64[n, labels]; gold: [n], each a label.
    """
    # A millionth is what single precision may make of two equal posteriors.
    highest = scores >= scores.max(axis=1, keepdims=True) - 1e-6
    hit = highest[np.arange(len(gold)), gold]
    points: npt.NDArray[np.float64] = hit / highest.sum(axis=1)
    return points

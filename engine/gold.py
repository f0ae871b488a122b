"""Which known answers teach most about a worker: of what class, and how often to ask."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Labels = npt.NDArray[np.integer]

PRIOR = 1.0  # answers of each kind, right and wrong, that stand for what is known of any worker


def row_counts(truth: Labels, answer: Labels, labels: int) -> tuple[Ints, Ints]:
    """Right answers and all answers int32[labels] by true label, of n answers to gold."""
    total = np.bincount(truth, minlength=labels).astype(np.int32)
    right = np.bincount(truth[answer == truth], minlength=labels).astype(np.int32)
    return right, total


def row_gains(right: Ints, total: Ints) -> Floats:
    """By how much one more answer narrows the interval of each row of a confusion matrix [labels].

    The share of right answers of a row with n answers has the standard deviation
    sqrt(a (1 - a) / (n + 1)); this is what it loses by one more, a being the expected share.
    """
    n = total + 2 * PRIOR
    share = (right + PRIOR) / n
    deviation = np.sqrt(share * (1 - share))
    gains: Floats = deviation / np.sqrt(n + 1) - deviation / np.sqrt(n + 2)
    return gains

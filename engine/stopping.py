"""When one more judgment is not worth its price: the confidence from which that is so.

A further judgment is worth the rise of the probability that the label is right. Looking one ahead
would stop too early: after one answer no second one of an equally good worker can change the label,
and two or three can. So what counts is the best number of further judgments, and the rise
for each of them (the KG(*) policy: Frazier & Powell, Decision Analysis 7(4), 2010).

    rise(n) = sum over outcomes of max(0, (1 - c) P(outcome | rival) - c P(outcome | label))

for the confidence c, with the rest on one rival label, where another answer helps most. Outcomes:
how many of n workers, right with probability a and else evenly wrong, say the label and the rival.
It falls with c, so there is one confidence from which on nothing is worth the price.
"""

from functools import lru_cache
from math import lgamma
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

AHEAD: Final = 8  # further judgments that are looked at, at most
HALVINGS: Final = 40  # of the interval in which the confidence lies
NEVER: Final = 2.0  # a confidence that nothing reaches


@lru_cache(maxsize=64)
def enough(accuracy: float, labels: int, overlap: int, least: float) -> Floats:
    """The confidence from which a task is not worth a further judgment, by its judgments so far.

    float64[overlap + 1], for reading only. accuracy: of a typical worker, from 0 to 1. labels: 2 or
    more. least: the price of a judgment by the value of a right label, from 0 on. From the last
    judgment on it is looked one ahead, as if one more was allowed.
    """
    horizons = range(1, min(overlap, AHEAD) + 1)
    by_horizon = [NEVER, *(_from(accuracy, labels, ahead, least) for ahead in horizons)]
    left = np.clip(overlap - np.arange(overlap + 1), 1, AHEAD)
    found = np.array(by_horizon)[left]
    found.flags.writeable = False
    return found


def rise(confidence: float, accuracy: float, labels: int, judgments: int) -> float:
    """By how much so many further judgments raise the probability that the label is right."""
    given_label, given_rival = _outcomes(accuracy, labels, judgments)
    gains = (1 - confidence) * given_rival - confidence * given_label
    return float(np.maximum(gains, 0.0).sum())


def _from(accuracy: float, labels: int, ahead: int, least: float) -> float:
    """The confidence from which no number of judgments up to `ahead` is worth the price."""

    def worth(confidence: float) -> bool:
        numbers = range(1, ahead + 1)
        return any(rise(confidence, accuracy, labels, n) >= least * n for n in numbers)

    if least <= 0 or worth(1.0):
        return NEVER
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if worth(middle) else (low, middle)
    return high


@lru_cache(maxsize=256)
def _outcomes(accuracy: float, labels: int, judgments: int) -> tuple[Floats, Floats]:
    """The probabilities of each outcome, if the label is right and if its rival is."""
    wrong = (1 - accuracy) / (labels - 1)
    other = max(1 - accuracy - wrong, 0.0)  # that it says neither of the two
    for_label, for_rival = np.divmod(np.arange((judgments + 1) ** 2), judgments + 1)
    possible = for_label + for_rival <= judgments
    x, y = for_label[possible], for_rival[possible]
    rest = judgments - x - y
    ways = np.array(
        [
            np.exp(lgamma(judgments + 1) - lgamma(i + 1) - lgamma(j + 1) - lgamma(k + 1))
            for i, j, k in zip(x.tolist(), y.tolist(), rest.tolist(), strict=True)
        ]
    )
    ways = ways * other**rest  # 0 to the power of 0 is 1
    return ways * accuracy**x * wrong**y, ways * wrong**x * accuracy**y

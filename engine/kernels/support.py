"""How strongly a posterior backs an answer, counted in octaves of odds.

The posterior q of a task holds the worker's own answer l. Where its factor was that of an accuracy
a (one-coin), the other answers alone give, up to a constant,

    y = log q[l] / (1 - q[l]) - log a / (1 - a)

the log-likelihood ratio of "l is right" to "l is wrong" (Bayes' rule, a divided out). So a count of
the worker's answers by octave of q[l] / (1 - q[l]) is all that its accuracy can be learned from,
whatever a is taken to be later. Counts are whole numbers: what is taken back leaves no trace.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.jit import kernel

Floats = npt.NDArray[np.float64]

OCTAVES = 32  # from odds of 2^-16 on; what is beyond counts in the first and the last
LEAST = -16  # the exponent of the first octave
_BIAS, _FRACTION = 1023, 52  # of an IEEE double


@kernel
def octave(probability: float) -> int:
    """The class of odds to which an answer of this probability belongs, 0 to OCTAVES - 1."""
    odds: Any = np.float64(probability) / (1.0 - np.float64(probability))
    power: Any = (np.float64(odds).view(np.int64) >> _FRACTION) - _BIAS
    place: int = min(max(power - LEAST, 0), OCTAVES - 1)
    return place


def middles() -> Floats:
    """The logarithm of the odds in the middle of each octave, [OCTAVES]."""
    inside: Floats = (np.arange(OCTAVES) + LEAST + 0.5) * np.log(2.0)
    return inside

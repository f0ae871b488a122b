"""From what the model believes of a task to how often it is right: the map and its ingredients."""

import numpy as np
import numpy.typing as npt

from engine.jit import kernel, part

Floats = npt.NDArray[np.float64]

BASE, GAIN, TOLL = 0, 1, 2  # places in the parameters
PARAMETERS = 3
SUREST = 1 - 2.0**-22  # of a posterior in single precision


@part
def evidence(belief: float, labels: int) -> float:
    """What a belief in a label is worth: its log-odds above those of chance."""
    bound = min(max(belief, 1.0 / labels), SUREST)
    return float(max(np.log(bound / (1 - bound) * (labels - 1)), 0.0))


@part
def calibrated(belief: float, judgments: int, labels: int, parameters: Floats) -> float:
    """How probable it is that a label believed in so far, by so many judgments, is right.

    Never below chance; it rises with the belief as parameters[GAIN] is above 0.
    """
    odds = (
        parameters[BASE]
        + parameters[GAIN] * evidence(belief, labels)
        - parameters[TOLL] * np.log(max(judgments, 1))
    )
    return float(max(1 / (1 + np.exp(-odds)), 1.0 / labels))


@kernel
def calibrate(
    belief: Floats, judgments: npt.NDArray[np.int32], labels: int, parameters: Floats, out: Floats
) -> None:
    """Fill the same of many labels [n]."""
    for i in range(belief.shape[0]):
        out[i] = calibrated(belief[i], judgments[i], labels, parameters)


@kernel
def look(belief: Floats, judgments: npt.NDArray[np.int32], labels: int, columns: Floats) -> None:
    """Fill columns[n, PARAMETERS]: the log-odds of `calibrate` are these times the parameters."""
    for i in range(belief.shape[0]):
        columns[i, BASE] = 1
        columns[i, GAIN] = evidence(belief[i], labels)
        columns[i, TOLL] = -np.log(max(judgments[i], 1))

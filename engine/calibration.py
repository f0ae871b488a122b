"""Confidence that means something: how often a label is right that the model believes in so far.

The model takes workers to err independently of each other, so it believes too much in what it
finds: items differ in difficulty, and some mislead many. How much too much is learned for each
project (`engine.calibrating`). The log-odds of being right are linear in the evidence above chance,
dampened, and in the logarithm of the number of judgments: the same evidence from more of them means
that they were weak or contradicted each other.
"""

from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from engine.kernels.calibration import calibrate

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Labels = npt.NDArray[np.int16]

# Of base, gain and toll, over simulated crowds: the mean at two labels, the rise with the logarithm
# of the number of others, and that with how far held-out judgments surprise.
MEAN = np.array([-0.035, 0.866, 0.178])
BY_LABELS = np.array([-1.114, 0.164, 0.162])
BY_SURPRISE = np.array([-0.299, 0.522, -0.246])


SMALLEST = 1e-9  # of what is divided by


class Calibration(NamedTuple):
    """The parameters of the map, see `engine.kernels.calibration`. gain is above 0."""

    base: float
    gain: float
    toll: float

    @classmethod
    def before(cls, labels: int, surprise: float = 0.0) -> Self:
        """That of a project without gold. surprise: log-odds by which held-out judgments are met
        more often than foreseen."""
        return cls(*(MEAN + BY_LABELS * np.log(labels - 1) + BY_SURPRISE * surprise).tolist())

    def confidence(self, belief: Floats, judgments: Ints, labels: int) -> Floats:
        """How often labels are right [n] that are believed in so far, by so many judgments."""
        confidence = np.empty(len(belief))
        calibrate(belief, judgments, labels, np.array(self), confidence)
        return confidence


def moved(posterior: Floats, label: Labels, confidence: Floats) -> Floats:
    """Posteriors [n, K] whose probability of the best label is its confidence.

    What that is less goes to all labels alike; what it is more comes from the others.
    """
    rows, chance, sure = np.arange(len(label)), 1 / posterior.shape[1], confidence[:, None]
    belief = posterior[rows, label][:, None]
    more = posterior * ((1 - sure) / np.maximum(1 - belief, SMALLEST))
    share = (sure - chance) / np.maximum(belief - chance, SMALLEST)
    shown: Floats = np.where(sure > belief, more, chance + (posterior - chance) * share)
    shown[rows, label] = confidence
    return shown

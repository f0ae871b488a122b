"""Confidence that means something: how often a label is right that the model believes in so far.

The model takes workers to err independently of each other, so it believes too much in what it
finds: items differ in difficulty, and some mislead many. How much too much is learned for each
project (`engine.calibrating`). The log-odds of being right are linear in the evidence above chance
and in the logarithm of the number of judgments: the same evidence from more of them means that they
were weak or contradicted each other.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.kernels.calibration import calibrate

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Labels = npt.NDArray[np.int16]


class Prior(NamedTuple):
    """Where learning begins. start float64[traits, parameters]: what each trait of a project adds
    to its parameters (base, gain and toll); spread: their covariance about that, from project to
    project."""

    start: Floats
    spread: Floats

    def of(self, traits: Floats) -> "Calibration":
        """The most probable parameters of a project with these traits [traits]."""
        return Calibration(*(traits @ self.start).tolist())


# Of simulated crowds: scripts/bench calibration --part fit --seeds 4.
PRIOR = Prior(
    np.array(
        [
            [0.603, 0.625, 0.497],  # of every project
            [-0.997, 0.048, -0.015],  # by the logarithm of the number of labels less one
            [0.368, 0.466, 0.182],  # by how far held-out judgments surprise
            [-3.226, -0.115, -6.109],  # by the mean belief in labels, above USUAL_BELIEF
            [-5.674, 1.343, -9.564],  # by its standard deviation, above USUAL_SCATTER
        ]
    ),
    np.array([[0.027, -0.008, 0.015], [-0.008, 0.013, 0.006], [0.015, 0.006, 0.028]]),
)
USUAL_BELIEF, USUAL_SCATTER = 0.85, 0.15  # on the average over those crowds

SMALLEST = 1e-9  # of what is divided by


class Calibration(NamedTuple):
    """The parameters of the map, see `engine.kernels.calibration`. gain is above 0."""

    base: float
    gain: float
    toll: float

    @classmethod
    def before(cls, labels: int) -> "Calibration":
        """That of a project of which only the number of labels is known."""
        return PRIOR.of(np.array([1.0, np.log(labels - 1), 0.0, 0.0, 0.0]))

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

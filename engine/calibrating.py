"""Learning a calibration from evidence, and how far off it is.

A logistic regression on gold, begun where simulated crowds ended that were like this project: in
the number of labels, in how far held-out judgments met what was foreseen, and in what is believed.
An empirical-Bayes prior (Efron & Morris, JASA 70, 1975), fitted to crowds of 21 kinds, none drawn
from the model.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.calibration import PRIOR, USUAL_BELIEF, USUAL_SCATTER, Calibration, Prior
from engine.categorical import Categorical
from engine.kernels.calibration import PARAMETERS, look
from engine.trust import Evidence, Sample

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FEWEST_HELD_OUT = 50.0  # tasks looked at of which half is believed
TAILS = 4.0  # degrees of freedom of the prior, a t distribution: a crowd may be of another kind
STEPS, LONGEST = 20, 1.0  # of Newton's method, and in log-odds
LEAST_GAIN = 0.1  # so that confidence rises with the belief
FOLDS = 5  # parts of the gold, for the error
GROUP = 20  # gold tasks at least that are compared together
MOST_GROUPS = 10
WIDTH = 1.96  # standard errors to each side of a 95 % interval


class Error(NamedTuple):
    """How far confidence is from the share that is right, and its 95 % interval: the root of the
    mean square over groups of tasks of like confidence, less what chance alone makes of it. Never
    below the expected calibration error, the mean distance. nan where too few tasks are known."""

    value: float
    low: float
    high: float


def calibrate(model: Categorical) -> None:
    """Let a model's confidence mean what its judgments and gold teach. Cost: some batch fits."""
    model.calibration = learn(Sample.of(model).examine())


def learn(evidence: Evidence, prior: Prior = PRIOR) -> Calibration:
    """The most probable calibration. Cost: about 1 ms, more with thousands of gold."""
    mean, precision = np.array(prior.of(traits(evidence))), np.linalg.inv(prior.spread)
    columns = np.empty((len(evidence.belief), PARAMETERS))
    look(evidence.belief, evidence.judgments, evidence.labels, columns)
    found = mean.copy()
    for _ in range(STEPS):
        apart = found - mean
        held = precision * ((TAILS + PARAMETERS) / (TAILS + float(apart @ precision @ apart)))
        right = 1 / (1 + np.exp(-columns @ found))
        slope = columns.T @ (evidence.right - right) - held @ apart
        bend = (columns * (right * (1 - right))[:, None]).T @ columns + held
        step = np.linalg.solve(bend, slope)
        # A whole step can go to and fro for ever: where nearly all is sure, little bends.
        found += step * (LONGEST / max(float(np.abs(columns @ step).max(initial=0)), LONGEST))
    base, gain, toll = found.tolist()
    return Calibration(base, max(gain, LEAST_GAIN), toll)


def traits(evidence: Evidence) -> Floats:
    """What a project is known by without its gold, see `PRIOR`: 1 and four numbers about 0."""
    believed = evidence.believed
    mean, scatter = (believed.mean(), believed.std()) if len(believed) else (0.0, 0.0)
    trusted = len(believed) / (len(believed) + FEWEST_HELD_OUT)
    return np.array(
        [
            1.0,
            np.log(evidence.labels - 1),
            surprise(evidence),
            trusted * (mean - USUAL_BELIEF),
            trusted * (scatter - USUAL_SCATTER),
        ]
    )


def surprise(evidence: Evidence) -> float:
    """How much more often held-out judgments met what was foreseen than foreseen: log-odds."""
    count = len(evidence.met)
    met = (np.count_nonzero(evidence.met) + 1) / (count + 2)
    foreseen = (float(evidence.foreseen.sum()) + 1) / (count + 2)
    odds = np.log(met / (1 - met)) - np.log(foreseen / (1 - foreseen))
    return float(odds) * count / (count + FEWEST_HELD_OUT)


def error(evidence: Evidence) -> Error:
    """How far off what is learned is, each part of the gold by what the other parts teach."""
    count = len(evidence.right)
    confidence = np.empty(count)
    fold = np.arange(count) % FOLDS
    for each in range(FOLDS if count >= GROUP else 0):
        part, taught = evidence.part(fold == each), learn(evidence.part(fold != each))
        confidence[fold == each] = taught.confidence(part.belief, part.judgments, evidence.labels)
    return distance(confidence, evidence.right)


def distance(confidence: Floats, right: Bools) -> Error:
    """How far off confidence [n] is where it is known what is right [n]."""
    if len(right) < GROUP:
        return Error(float("nan"), float("nan"), float("nan"))
    value, deviation = square(confidence, right)
    low, middle, high = (
        max(value + side * WIDTH * deviation, 0.0) ** 0.5 for side in (-1.0, 0.0, 1.0)
    )
    return Error(middle, low, high)


def square(confidence: Floats, right: Bools) -> tuple[float, float]:
    """The mean square of that, without bias, so that it may be below 0, and its standard error.

    In groups of equal size a gap squared is too large by the variance of its mean, which is taken
    off (Kumar, Liang & Ma, NeurIPS 2019, section 4).
    """
    count = len(right)
    groups = max(min(count // GROUP, MOST_GROUPS), 1)
    order = np.argsort(confidence, kind="stable")
    squares, variances = np.empty(groups), np.empty(groups)
    for place, rows in enumerate(np.array_split(order, groups)):
        off, sure = right[rows] - confidence[rows], confidence[rows]
        # A group without an error varies too: as much as is to be expected.
        noise = max(float(off.var(ddof=1)), float((sure * (1 - sure)).mean())) / len(rows)
        share, gap = len(rows) / count, float(off.mean())
        squares[place] = share * (gap**2 - noise)
        variances[place] = share**2 * (4 * gap**2 * noise + 2 * noise**2)
    return float(squares.sum()), float(variances.sum()) ** 0.5

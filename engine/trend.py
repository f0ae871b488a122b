"""Whether a worker's accuracy rises or falls over its answers."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.categorical import Categorical
from engine.records import Records

Floats = npt.NDArray[np.float64]

USUAL = 1.0  # log-odds by which accuracy may well change from the first answer to the last
WEAK = 3.0  # spread of the log-odds of accuracy before anything is known
ROUNDS = 20
NORMAL = 1.96
SUREST = 30.0  # log-odds


@dataclass(frozen=True, slots=True)
class Trend:
    """Change of accuracy from the first answer to the last, with its 95 % credible interval."""

    value: float
    low: float
    high: float


def backing(model: Categorical, worker: int, tasks: npt.NDArray[np.integer]) -> Floats:
    """Log-likelihood ratio [n], right to wrong, of the worker's answers to these tasks.

    From gold where there is any, else from the other answers. Raises ValueError on a task that the
    worker has no live answer to.
    """
    ids = np.asarray(tasks, np.int32)
    label = model.labels_of(ids, np.full(len(ids), worker, np.int32))
    if np.any(label < 0):
        raise ValueError(f"worker {worker} has not answered all of these tasks")
    given = np.clip(model.posterior(ids)[np.arange(len(ids)), label], 1e-13, 1 - 1e-13)
    taken = Records.of(model, np.array([worker], np.int32)).taken[0]
    odds = np.log(given / (1 - given))
    gold = model.consensus(ids).gold >= 0
    ratio: Floats = np.where(gold, np.sign(odds) * SUREST, odds - taken)
    return ratio


def trend(backing: Floats) -> Trend:
    """The trend over answers in order of time, given what backs each.

    Log-odds of accuracy change evenly with the count of answers. Maximum posterior by Newton's
    method; the interval is from the information that is left when the truth is not observed (Louis,
    JRSS B 44, 1982): answers of which the others know nothing count for nothing.
    """
    count = len(backing)
    place = (np.arange(count) - (count - 1) / 2) / max(count - 1, 1)
    design = np.stack([np.ones(count), place], axis=1)
    precision = np.diag([WEAK**-2, USUAL**-2])
    estimate = np.array([1.0, 0.0])
    information = precision
    for _ in range(ROUNDS):
        x = design @ estimate
        accuracy, right = _share(x), _share(x + backing)
        slope = design.T @ (right - accuracy) - precision @ estimate
        # The curvature may be negative far from the maximum; that of complete data never is.
        complete = (design.T * (accuracy * (1 - accuracy))) @ design + precision
        missing = (design.T * (right * (1 - right))) @ design
        information = complete - missing
        estimate = estimate + np.linalg.solve(complete, slope)
    steepness = float(np.prod(_share(np.array([1.0, -1.0]) * estimate[0])))
    value, half = steepness * float(estimate[1]), steepness * NORMAL * _spread(information)
    return Trend(value, value - half, value + half)


def _share(odds: Floats) -> Floats:
    share: Floats = 1 / (1 + np.exp(-np.clip(odds, -SUREST, SUREST)))
    return share


def _spread(information: Floats) -> float:
    """Standard deviation of the slope: at most the prior's, where the information is poor."""
    if np.linalg.eigvalsh(information).min() <= USUAL**-2 / 2:
        return USUAL
    return min(float(np.sqrt(np.linalg.inv(information)[1, 1])), USUAL)

"""How far consensus flatters: agreeing with it is not being right.

Items differ in difficulty and mislead workers in the same way, so who agrees with the others is
right less often than it seems to a model in which errors are independent. That is systematic: no
amount of judgments averages it out. Gold tells how large it is, and where there is no gold,
experience has to. It is counted in log-odds: true = apparent - flattery - tilt, on the rise from
chance, for nobody's errors flatter a random clicker.
"""

import numpy as np
import numpy.typing as npt

from engine.kernels.reputation import CELLS, LOWEST, STEP
from engine.kernels.support import middles
from engine.records import Heard, Records

Floats = npt.NDArray[np.float64]

GRID: Floats = LOWEST + STEP * np.arange(CELLS)  # log-odds
ACCURACY: Floats = 1 / (1 + np.exp(-GRID))

# Flattery where the others are sure of all answers, and how much more where of none. Between what
# ten simulated crowds show (-.1 to .7) and twelve real data sets (-.1 to .8).
EXPECTED, EXPECTED_UNSURE = 0.15, 0.35
SPREAD, SPREAD_UNSURE = 0.2, 0.1
TILT_SPREAD = 0.1  # of flattery, per log-odds of apparent accuracy above TILT_CENTRE
TILT_CENTRE = 1.0
OWN_SPREAD = 0.2  # of flattery from worker to worker, log-odds
SURE = np.log(0.97 / 0.03)  # of a likelihood ratio
RISE = 0.8  # log-odds above chance over which it sets in
FREE = 1e-6  # probability that a worker's true accuracy has nothing to do with the apparent one
PRIOR_TASKS = 4.0  # gold tasks that count as if all answers to one erred together
ITERATIONS = 5


def prior(records: Records) -> tuple[Floats, Floats]:
    """Mean [2] and precision [2, 2] of flattery and tilt, before seeing gold."""
    split = unsure(records)
    mean = np.array([EXPECTED + EXPECTED_UNSURE * split, 0.0])
    return mean, np.diag([(SPREAD + SPREAD_UNSURE * split) ** -2, TILT_SPREAD**-2])


def unsure(records: Records) -> float:
    """Share of the answers, without gold, of which the others do not know whether they are right.

    1 where there are none.
    """
    backing = middles() - records.taken[:, None]
    answers = int(records.support.sum())
    return int(records.support[np.abs(backing) < SURE].sum()) / answers if answers else 1.0


def seen(
    labels: int, chances: Floats, heard: Heard, before: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """Mean [2] and precision [2, 2] after seeing gold.

    chances [n, CELLS]: distributions of apparent accuracy. Each answer to gold is predicted from
    what the others say and from its worker's other answers; flattery is what makes the predictions
    right on the whole. Generalised estimating equations (Liang & Zeger, Biometrika 73, 1986): the
    answers to a task are one cluster, for they err together, and the prior is one more observation.
    """
    if len(heard.worker) == 0:
        return before
    effects = _effects(labels)
    says = 1 / (1 + np.exp(-np.clip(heard.backing, -30, 30)))[:, None]
    likely = chances[heard.worker]
    right = (likely * ACCURACY * says).sum(1)
    right /= right + (likely * (1 - ACCURACY) * (1 - says)).sum(1)
    apparent = chances @ ACCURACY
    _, task = np.unique(heard.task, return_inverse=True)
    tasks = int(task.max()) + 1
    # That no consensus was wrong in so many tasks does not say that none ever is.
    doubt = np.sqrt(np.maximum(right * (1 - right), 1 / (tasks + 2)))
    mean, precision = before
    for _ in range(ITERATIONS):
        true = 1 / (1 + np.exp(-(GRID + mean @ effects)))
        gradient = (chances @ (true * (1 - true) * effects).T)[heard.worker]
        missed = heard.right - right + (apparent - chances @ true)[heard.worker]
        score = _by_task(missed[:, None] * gradient, task, tasks)
        worst = _by_task(doubt[:, None] * gradient, task, tasks)
        noise = (tasks * score.T @ score + PRIOR_TASKS * worst.T @ worst) / (tasks + PRIOR_TASKS)
        slope = gradient.T @ gradient
        weight = slope @ np.linalg.pinv(noise)
        after = weight @ slope + precision
        step = weight @ score.sum(0) - precision @ (mean - before[0])
        mean = mean + np.linalg.solve(after, step)
    return mean, after


def bridge(labels: int, mean: Floats, precision: Floats) -> Floats:
    """Distribution [CELLS true, CELLS apparent] of true accuracy, for each apparent one."""
    effects = _effects(labels)
    covariance = np.linalg.inv(precision)
    middle = GRID + mean @ effects
    variance = np.einsum("ig,ij,jg->g", effects, covariance, effects) + OWN_SPREAD**2
    density = np.exp(-0.5 * (GRID[:, None] - middle) ** 2 / variance)
    mixed: Floats = (1 - FREE) * density / density.sum(0) + FREE / CELLS
    return mixed


def _effects(labels: int) -> Floats:
    """What one unit of flattery, and of tilt, adds to each log-odds of apparent accuracy."""
    rise = np.clip((GRID + np.log(labels - 1.0)) / RISE, 0, 1)
    return np.stack([-rise, rise * (GRID - TILT_CENTRE)])


def _by_task(rows: Floats, task: npt.NDArray[np.intp], tasks: int) -> Floats:
    sums = np.zeros((tasks, rows.shape[1]))
    np.add.at(sums, task, rows)
    return sums

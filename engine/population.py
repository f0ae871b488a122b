"""What a project's workers have in common: where a new one starts, and how much that counts."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from engine import flattery
from engine.categorical import Categorical
from engine.flattery import ACCURACY, GRID
from engine.kernels.reputation import STEP, share_out
from engine.records import SCATTER, Elsewhere, Heard, Records, Sample

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

# What crowds are like before one is known: most honest, some without skill. In log-odds.
HONEST, HONEST_SPREAD = 1.4, 1.0
CLICKERS, CLICKERS_SPREAD = 0.15, 0.3
PRIOR_WORKERS = 5.0  # workers that this counts for
SMOOTHING = 0.3  # log-odds; the least spread of a group of like workers
ROUNDS = 40

# What a record elsewhere is worth: its slope on the one here, and its variance about that.
SLOPES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)
VARIANCES = (0.15, 0.3, 0.6, 1.2)
PRIOR_SLOPE, PRIOR_VARIANCE = 0.5, 2 * SCATTER  # that of here and that of there
SLOPE_PRECISION, VARIANCE_PRECISION = 8.0, 2.0
LEAST_TOLD = 1.0  # of the population's precision, below which a record tells nothing


@dataclass(frozen=True, slots=True)
class Population:
    """A project's workers as a whole.

    labels: K. weights [CELLS]: distribution of apparent accuracy. bridge [CELLS true, CELLS
    apparent]: see `engine.flattery`. flattery, flattery_spread: by how many log-odds consensus
    overrates a middling worker, and how surely. accuracy, spread: mean and standard deviation of
    true accuracy. centre, width: of the log-odds of apparent accuracy. slope, variance: of
    standings elsewhere on those here; slope 0 says that they tell nothing.
    """

    labels: int
    weights: Floats
    bridge: Floats
    flattery: float
    flattery_spread: float
    accuracy: float
    spread: float
    centre: float
    width: float
    slope: float
    variance: float

    @property
    def strength(self) -> float:
        """Answers of known truth that the population counts for: the lambda of shrinkage."""
        return max(self.accuracy * (1 - self.accuracy) / self.spread**2 - 1, 0.0)

    @classmethod
    def of(cls, model: Categorical, elsewhere: Elsewhere | None = None) -> Self:
        """The population of a model as it is; elsewhere: of all its workers, by id.

        Cost: some tens of milliseconds, however many judgments and workers there are.
        """
        sample = Sample.of(model)
        if elsewhere is not None:
            elsewhere = elsewhere.of(sample.workers)
        return cls.learn(model.labels, sample.records, sample.heard, elsewhere)

    @classmethod
    def learn(
        cls, labels: int, records: Records, heard: Heard, elsewhere: Elsewhere | None = None
    ) -> Self:
        """The population behind these records; without any, what crowds are like."""
        logs = records.likelihoods()
        start = _start(labels)
        chances = _weighed(logs, _mixture(logs, start))
        mean, precision = flattery.seen(labels, chances, heard, flattery.prior(records))
        bridge = flattery.bridge(labels, mean, precision)
        logs += _behind(records, bridge)
        weights = _mixture(logs, start)
        centre = float(weights @ GRID)
        slope, variance = PRIOR_SLOPE, PRIOR_VARIANCE
        if elsewhere is not None:
            slope, variance = _slope(_weighed(logs, weights), centre, elsewhere)
        true = bridge @ weights
        accuracy = float(true @ ACCURACY)
        return cls(
            labels=labels,
            weights=weights,
            bridge=bridge,
            flattery=float(mean[0]),
            flattery_spread=float(np.sqrt(np.linalg.inv(precision)[0, 0])),
            accuracy=accuracy,
            spread=float(np.sqrt(true @ (ACCURACY - accuracy) ** 2)),
            centre=centre,
            width=float(np.sqrt(weights @ (GRID - centre) ** 2)),
            slope=slope,
            variance=variance,
        )

    def told(self, elsewhere: Elsewhere) -> Floats:
        """Log-likelihood [n, CELLS] of each apparent accuracy, from standings elsewhere."""
        return _told(elsewhere, self.centre, self.slope, self.variance)

    def standings(self, records: Records) -> Elsewhere:
        """How workers stand here by their records alone, for other projects to hear of.

        On the scale of apparent accuracy: what consensus gets wrong here is not their merit.
        """
        logs = records.likelihoods() + _behind(records, self.bridge)
        chances = _weighed(logs, self.weights)
        mean = chances @ GRID
        about = np.maximum(chances @ GRID**2 - mean**2, STEP**2)
        # The population's own share is taken out of mean and variance again.
        precision = 1 / about - 1 / self.width**2
        told = precision > LEAST_TOLD / self.width**2
        variance = 1 / np.where(told, precision, 1.0)
        standing = (mean - self.centre) / about * variance
        return Elsewhere(np.where(told, standing, 0.0), np.where(told, variance, np.inf))


def _bell(middle: float, spread: float) -> Floats:
    heights = np.exp(-0.5 * ((GRID - middle) / spread) ** 2)
    bell: Floats = heights / heights.sum()
    return bell


def _start(labels: int) -> Floats:
    clickers = _bell(-float(np.log(labels - 1.0)), CLICKERS_SPREAD)
    start: Floats = (1 - CLICKERS) * _bell(HONEST, HONEST_SPREAD) + CLICKERS * clickers
    return start


def _mixture(logs: Floats, start: Floats) -> Floats:
    """The distribution [CELLS] from which workers with these log-likelihoods [n, CELLS] come.

    Maximum likelihood over mixtures of bells of one width (smooth NPMLE: Kim & Sen 2026, after
    Kiefer & Wolfowitz 1956) by expectation-maximisation, `start` being PRIOR_WORKERS more of them.
    """
    bells = np.exp(-0.5 * ((GRID[::2, None] - GRID) / SMOOTHING) ** 2)
    bells /= bells.sum(1, keepdims=True)
    fits = np.exp(logs - logs.max(1, keepdims=True)) @ bells.T
    heights = np.empty(len(bells))
    share_out(fits, start[::2] + start[1::2], PRIOR_WORKERS, ROUNDS, heights)
    mixture: Floats = heights @ bells
    return mixture


def _weighed(logs: Floats, weights: Floats) -> Floats:
    """Distributions [n, CELLS] from log-likelihoods and a prior."""
    chances: Floats = np.exp(logs - logs.max(1, keepdims=True)) * weights
    chances /= chances.sum(1, keepdims=True)
    return chances


def _behind(records: Records, bridge: Floats) -> Floats:
    """Log-likelihood [n, CELLS] of each apparent accuracy, from answers to gold."""
    right, wrong = records.right[:, None], records.wrong[:, None]
    gold = right * np.log(ACCURACY) + wrong * np.log1p(-ACCURACY)
    most = gold.max(1, keepdims=True)
    behind: Floats = np.log(np.exp(gold - most) @ bridge) + most
    return behind


def _told(elsewhere: Elsewhere, centre: float, slope: float, variance: float) -> Floats:
    known = np.isfinite(elsewhere.variance)
    standing = np.where(known, elsewhere.standing, 0.0)[:, None]
    spread = np.where(known, elsewhere.variance + variance, 1.0)[:, None]
    told = -0.5 * ((standing - slope * (GRID - centre)) ** 2 / spread + np.log(spread))
    return np.where(known[:, None], told, 0.0)


def _slope(chances: Floats, centre: float, elsewhere: Elsewhere) -> tuple[float, float]:
    """The most probable slope and variance of standings elsewhere on those here."""
    known = np.isfinite(elsewhere.variance)
    there = Elsewhere(elsewhere.standing[known], elsewhere.variance[known])
    found: dict[tuple[float, float], float] = {}
    for slope in SLOPES:
        for variance in VARIANCES:
            told = np.exp(_told(there, centre, slope, variance))
            fit = float(np.log((chances[known] * told).sum(1)).sum())
            fit -= SLOPE_PRECISION / 2 * (slope - PRIOR_SLOPE) ** 2
            fit -= VARIANCE_PRECISION / 2 * float(np.log(variance / PRIOR_VARIANCE)) ** 2
            found[slope, variance] = fit
    return max(found, key=lambda pair: found[pair])

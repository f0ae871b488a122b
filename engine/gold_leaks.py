"""Gold whose answers went round as a whole: some workers are better on it, and faster or slower,
than what they do elsewhere explains.

Gold may be easier than other tasks, or harder, and take more or less time; and how good a worker is
on it follows from its other answers only so far. Whatever of that fits best is what the bet is laid
against: that a share of the workers knows the answers. Its value is at most 1 on average whichever
of these is true, for the best fit is at least as probable as the true one (universal inference,
Wasserman, Ramdas & Balakrishnan, PNAS 117, 2020); it comes to 1 / alpha for a share alpha of sound
projects at most.
"""

from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64] | Floats

FEWEST_ANSWERS: Final = 5  # of a worker to gold, before it is asked about
FEWEST_WORKERS: Final = 10
SURE: Final = 0.97  # of those who know
SHARES: Final = (0.1, 0.3)
# Those who know are so much ahead of the time that they usually take, in its standard deviations:
# they need not read, or take no time of another kind, or must look the answer up.
AHEAD: Final = (1.2, 2.4, 0.0, -1.2)
# How much easier gold is for all, in log-odds; what a worker's odds elsewhere tell of those on
# gold; and by how much workers scatter about that.
EASE: Final = np.linspace(-3.0, 3.0, 13)
TELLING: Final = (0.5, 0.75, 1.0, 1.25)
SCATTER: Final = (0.2, 0.5, 0.8, 1.2)
# How much more time gold takes, in the same units, and the scatter of workers about that.
TEMPO: Final = np.linspace(-1.5, 1.5, 13)
TEMPO_SCATTER: Final = (0.15, 0.3, 0.6)

_SOME: Final = tuple(product(EASE[::2], TELLING[::2], SCATTER))  # that are bet on

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(15)


def knowing(
    odds: Floats, right: Counts, total: Counts, pace: Floats, timed: Counts
) -> tuple[float, Floats]:
    """The evidence, in nats, that a share of n workers knows the gold; and of each the probability
    that it does, if any do.

    odds [n]: log-odds of being right, from answers to other tasks. right of total [n]: answers to
    gold. pace [n]: mean of the logarithms of times for gold, less the mean of those for other
    tasks, in standard deviations of these; of `timed` [n] answers to gold, 0 where times are not
    known. Cost: some 0.5 ms a worker.
    """
    count = len(odds)
    if count < FEWEST_WORKERS:
        return 0.0, np.zeros(count)
    log_right = right * np.log(SURE) + (total - right) * np.log1p(-SURE)
    honest = np.array(
        [_answers(odds, right, total, *how) for how in product(EASE, TELLING, SCATTER)]
    )
    tempo = np.array([_paces(pace, timed, *how) for how in product(TEMPO, TEMPO_SCATTER)])
    best = honest.sum(1).max() + tempo.sum(1).max()
    some = np.array([_answers(odds, right, total, *how) for how in _SOME])
    evidence: list[Floats] = []
    most, suspects = -np.inf, np.zeros(count)
    for ahead, tempo_scatter, share in product(AHEAD, TEMPO_SCATTER, SHARES):
        for each in TEMPO:
            usual = np.log1p(-share) + some + _paces(pace, timed, each, tempo_scatter)
            shifted = _paces(pace + ahead, timed, each, tempo_scatter)
            known = np.log(share) + log_right + shifted
            both = np.logaddexp(usual, known)
            sums = both.sum(1)
            evidence.append(sums)
            likeliest = int(sums.argmax())
            if sums[likeliest] > most:
                most, suspects = sums[likeliest], np.exp(known - both[likeliest])
    every = np.array(evidence)
    return float(logsumexp(every) - np.log(every.size) - best), suspects


def _answers(
    odds: Floats, right: Counts, total: Counts, ease: float, telling: float, scatter: float
) -> Floats:
    """Log-likelihood [n] of honest answers to gold."""
    middle = odds.mean()
    logit = middle + ease + telling * (odds - middle)
    each = logit[:, None] + scatter * _NODES
    log = -right[:, None] * np.logaddexp(0, -each) - (total - right)[:, None] * np.logaddexp(
        0, each
    )
    found: Floats = logsumexp(log, axis=1, b=_WEIGHTS / _WEIGHTS.sum())
    return found


def _paces(pace: Floats, timed: Counts, tempo: float, scatter: float) -> Floats:
    """Log-likelihood [n] of how fast gold is answered; 0 where that is not known."""
    width = np.sqrt(scatter**2 + 1 / np.maximum(timed, 1))
    normal = -0.5 * ((pace - tempo) / width) ** 2 - np.log(width)
    found: Floats = np.where(timed > 0, normal, 0.0)
    return found

"""Gold whose answer went round: who gives it is right, and faster or slower, more than all else
explains.

The bet is laid against one question, whose difficulty is not known but is the same all the time,
and which is answered at the pace of others, more or less: that from some answer on a share of the
workers knows it before. The odds take a worker's skill and pace from its answers to all the rest.
The value of such a bet is at most 1 on average for sound gold, difficulties being what they are in
`EASE`; it ever comes to 1 / alpha for a share alpha of it at most (Ville 1939), so that it may be
looked at after each answer.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from engine.kernels.leaks import UNTIMED, weigh

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Bins = npt.NDArray[np.int8]

# Bins of pace: shares of a worker's other answers that are as fast.
EDGES: Final = np.array([0.01, 0.02, 0.05, 0.1, 0.2, 0.5])
# The tempo of a question, in standard deviations of a worker's logarithms of times, and by how much
# these scatter on it. Who knows the answer need not read it, and is so much ahead; or has to look
# it up, and is behind.
TEMPO: Final = np.linspace(-2.0, 2.0, 9)
TEMPO_SPREAD: Final = 0.7
SCATTER: Final = (0.75, 0.87)
AHEAD: Final = (1.2, 2.4, -1.2)
SURE: Final = 0.97  # of those who know
SHARES: Final = (0.15, 0.4)
# A question adds to each worker's odds, and tells good workers from bad ones well, a little or not.
EASE: Final = np.arange(-4.0, 5.0)
EASE_SPREAD: Final = 1.5
TELLING: Final = (0.0, 0.5, 1.0)
STARTS: Final = 8  # moments at which it may have begun, evenly over the answers there may be
FEWEST: Final = 10  # answers
FEWEST_OTHERS: Final = 10  # of a worker, to tell its pace from


def swiftness(own: Floats, other: npt.NDArray[np.floating]) -> Bins:
    """Bins of the paces own [n] among others of the same worker, UNTIMED where too few are known.

    Both in any unit that grows with the time taken, NaN where that is unknown.
    """
    known = np.sort(other[~np.isnan(other)])
    rank = (1 + np.searchsorted(known, own, side="right")) / (len(known) + 1)
    bins = np.searchsorted(EDGES, rank).astype(np.int8)
    bins[np.isnan(own) | (len(known) < FEWEST_OTHERS)] = UNTIMED
    return bins


def _bins(ahead: float) -> Floats:
    """Shares [M, B] of bins, for each tempo and scatter, of answers that come so much sooner."""
    edges = ndtri(EDGES)
    below = [ndtr((edges - tempo + ahead) / each) for each in SCATTER for tempo in TEMPO]
    return np.diff(np.array(below), axis=1, prepend=0.0, append=1.0)


_HONEST: Final = _bins(0.0)
_KNOWING: Final = tuple(_bins(ahead) for ahead in AHEAD)


def leak_evidence(odds: Floats, right: Bools, swift: Bins, most: int) -> tuple[float, int]:
    """What the bet has come to, in nats, and the answer from which on the leak is likeliest.

    odds float64[n]: log-odds of each worker's being right elsewhere; right bool[n]; swift int8[n]:
    see `swiftness`; in the order in which the answers came, of `most` that there can be.
    Cost: O(n x STARTS x len(SHARES) x len(AHEAD)), a millisecond for 100.
    """
    count = len(odds)
    if count < FEWEST:
        return 0.0, 0
    weight = np.tile(np.exp(-0.5 * (EASE / EASE_SPREAD) ** 2), len(TELLING))
    weight /= weight.sum()
    middle = odds.mean()
    logit = np.concatenate(
        [middle + each * (odds[:, None] - middle) + EASE for each in TELLING], axis=1
    )
    fitting = 1 / (1 + np.exp(np.where(right[:, None], -logit, logit)))
    tempo = np.tile(np.exp(-0.5 * (TEMPO / TEMPO_SPREAD) ** 2), len(SCATTER))
    tempo /= tempo.sum()
    known = (SURE, weight, tempo, _HONEST)
    sound = weigh(fitting, right, swift, count, 0.0, *known, _HONEST)
    step = max(most // (STARTS + 1), FEWEST)  # what came before it tells how hard the question is
    starts = range(step, max(count, step + 1), step)
    terms = np.array(
        [
            [
                weigh(fitting, right, swift, first, share, *known, knowing)
                for share in SHARES
                for knowing in _KNOWING
            ]
            for first in starts
        ]
    )
    value = np.exp(terms - sound).mean(1).sum() / STARTS
    unspent = max(STARTS - len(starts), 0) / STARTS  # staked on what is yet to come
    return float(np.log(value + unspent)), int(starts[int(terms.max(1).argmax())])

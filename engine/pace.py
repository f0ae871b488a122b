"""Workers who answer faster than one can look, or by a pattern."""

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaln

from engine.fraud import Finding, Floats, Fraud, Ints, Suggestion, discovery_rates
from engine.kernels import patterns
from engine.kernels.independence import Independence
from engine.kernels.judgments import Judgments
from engine.kernels.patterns import BACKED, BLIND, MOST, SCATTER
from engine.kernels.rows import Rows

STAKES = np.array([0.7, 0.9, 0.98])  # shares of blind answers on which is bet
TOLERATED = 0.5  # share of blind answers up to which they are put down to a bias
BLIND_SHARE = 0.9  # least share of answers by a pattern; what is less may be a bias
PURE = 0.97  # share from which on there is nothing in the answers that could be of use
LONGEST = 12  # pattern
FLOOR_SHARE = 1 / 3  # of the usual time for a judgment
FAST_SHARE = 0.25  # of judgments under the floor that is tolerated
AT_CHANCE = 0.3  # of the way from chance to what the others say, which who looks goes surely

Singles = npt.NDArray[np.float32]


def usual_floor(worker: Ints, seconds: Singles) -> float:
    """A third of the usual time: of the workers' median times the median. nan without times.

    Survey research takes answers in less than 30 to 50 % of the median time for unread (Greszki,
    Meyer, Schoen, Public Opinion Quarterly 79, 2015).
    """
    medians = _medians(worker, seconds)
    medians = medians[np.isfinite(medians)]
    return FLOOR_SHARE * float(np.median(medians)) if len(medians) else float("nan")


def too_fast(
    worker: Ints,
    seconds: Singles,
    rate: float,
    floor: float | None,
    blind: npt.NDArray[np.bool_],
    usual: float | None = None,
) -> list[Finding]:
    """Workers with more judgments under the floor than is tolerated, the surest first.

    worker int32[n], seconds float32[n] that each judgment took; nan: not known, does not count.
    rate: share of findings that may be wrong. floor: seconds; None, then it is `usual`, or else
    `usual_floor` of these, and workers who are not `blind` bool[W] may be fast. The evidence is the
    likelihood of the share of fast judgments, averaged over all shares above the tolerated one,
    beside that at the tolerated one: an e-value, so that one may look at any time. `numbers` of a
    finding: `judgments_made`, `judgments` with known time, `fast` ones, `floor` and `median`.
    """
    workers = len(blind)
    limit = floor
    if limit is None:
        limit = usual_floor(worker, seconds) if usual is None else usual
    made = np.bincount(worker, minlength=workers)
    known = np.isfinite(seconds)
    timed = np.bincount(worker[known], minlength=workers).astype(np.float64)
    fast = np.bincount(worker[known & (seconds < limit)], minlength=workers).astype(np.float64)
    evidence = _share_evidence(fast, timed, FAST_SHARE)
    if floor is None:
        evidence[~blind] = -np.inf
    medians = _medians(worker, seconds)

    def finding(x: int, found_at: float) -> Finding:
        return Finding(
            kind=Fraud.TOO_FAST,
            workers=np.array([x], np.int32),
            log_evidence=float(evidence[x]),
            rate=found_at,
            share=float(fast[x] / timed[x]),
            suggestion=Suggestion.PAUSE if blind[x] else Suggestion.LOOK,
            numbers={
                "judgments_made": float(made[x]),
                "judgments": float(timed[x]),
                "fast": float(fast[x]),
                "floor": limit,
                "median": float(medians[x]),
            },
        )

    rates = discovery_rates(evidence, max(1, int((timed > 0).sum())))
    return [
        finding(int(x), float(rates[x]))
        for x in np.argsort(-evidence, kind="stable")
        if rates[x] <= rate and timed[x] > 0
    ]


def patterned(
    judgments: Judgments,
    null: Independence,
    course: Rows,
    rate: float,
    hypotheses: int | None = None,
) -> tuple[list[Finding], npt.NDArray[np.bool_]]:
    """Workers who answer by a pattern of up to LONGEST answers, the surest first; and who of all
    workers answers as if blind, bool[W].

    course: as in `patterns.repeat_all`. rate: share of findings that may be wrong, of so
    many hypotheses; None, then of one a worker. Judgments that nobody else made tell nothing.
    `numbers` of a finding: `judgments_made`, `period`, `bets`, `same`: answers as the pattern has
    them, `expected`: how many an ordinary worker would have given so.
    Cost: O(judgments x (redundancy + labels + LONGEST) x labels).
    """
    workers = len(judgments.voice)
    evidence, period = np.zeros(workers), np.ones(workers, np.int64)
    tallies = np.zeros((workers, LONGEST, patterns.TALLY))
    insight = np.zeros((workers, patterns.INSIGHT))
    patterns.repeat_all(
        judgments, null, course, STAKES, TOLERATED, evidence, period, tallies, insight
    )
    bets, same, expected = tallies[np.arange(workers), period - 1].T
    room = np.maximum(bets - expected, 1e-9)
    share = np.sqrt(np.clip((same - expected) / room, 0.0, 1.0))  # both must follow the pattern
    evidence[share < BLIND_SHARE] = -np.inf
    rates = discovery_rates(evidence, max(workers if hypotheses is None else hypotheses, 1))
    found = [
        Finding(
            kind=Fraud.CONSTANT if period[x] == 1 else Fraud.PERIODIC,
            workers=np.array([x], np.int32),
            log_evidence=float(evidence[x]),
            rate=float(rates[x]),
            share=float(share[x]),
            suggestion=Suggestion.VOID if share[x] >= PURE else Suggestion.LOOK,
            numbers={
                "judgments_made": float(course.length[x]),
                "period": float(period[x]),
                "bets": float(bets[x]),
                "same": float(same[x]),
                "expected": float(expected[x]),
            },
        )
        for x in np.argsort(-evidence, kind="stable")
        if rates[x] <= rate
    ]
    return found, _blind(insight)


def _blind(insight: Floats) -> npt.NDArray[np.bool_]:
    """Whose answers are nearer to what its habits give than one who looks can be: with two standard
    errors to its favour still under AT_CHANCE of the way to what the others say."""
    gain = (
        insight[:, BACKED] - insight[:, BLIND] + 2 * np.sqrt(np.maximum(insight[:, SCATTER], 0.0))
    )
    far = gain < AT_CHANCE * (insight[:, MOST] - insight[:, BLIND])
    blind: npt.NDArray[np.bool_] = far & (insight[:, MOST] > 0)
    return blind


def _share_evidence(fast: Floats, timed: Floats, tolerated: float) -> Floats:
    """Log of the mean over shares s in (tolerated, 1) of the likelihood ratio s : tolerated."""
    slow = timed - fast
    with np.errstate(divide="ignore", invalid="ignore"):
        above = betaln(fast + 1, slow + 1) + np.log1p(-betainc(fast + 1, slow + 1, tolerated))
        at = np.where(fast > 0, fast * np.log(tolerated), 0.0) + slow * np.log1p(-tolerated)
    evidence: Floats = above - np.log1p(-tolerated) - at
    return evidence


def _medians(worker: Ints, seconds: Singles) -> Floats:
    """Median of each worker's known times; nan where there are none."""
    known = np.flatnonzero(np.isfinite(seconds))
    known = known[np.lexsort((seconds[known], worker[known]))]
    count = np.bincount(worker[known], minlength=int(worker.max(initial=-1)) + 1)
    end = np.cumsum(count)
    medians = np.full(len(count), np.nan)
    has = count > 0
    low, high = (end - count + (count - 1) // 2)[has], (end - count + count // 2)[has]
    medians[has] = (seconds[known[low]].astype(np.float64) + seconds[known[high]]) / 2
    return medians

"""By what workers are measured: tables of bets and limits, from the rules and the crowd."""

from math import ceil, floor, log

import numpy as np
import numpy.typing as npt

from engine.concord import Concord, Crowd
from engine.kernels import evidence, verdict
from engine.kernels.evidence import LEVEL, ONE
from engine.kernels.verdict import Verdicts
from engine.verdicts import StatusRules

# Levels at which workers are compared, by accuracy between chance and 1.
LEVELS = (0.2, 0.35, 0.5, 0.65, 0.78, 0.89, 0.97)
HARDLY_WORSE = 2 / 3  # an unacceptable worker has at most so much of an acceptable one's skill
LEAST_SKILL = 0.05  # an acceptable one has at least so much
SELDOM = 1e-3  # probability of an answer, in shares of chance, below which it is not believed
# Errors that a bad worker shares with the crowd look like skill: it passes so much more often.
SHARED = 2.0
NEVER = 1 << 60


class Yardstick:
    """What the rules come to in a crowd."""

    def __init__(self, concord: Concord, rules: StatusRules) -> None:
        self.rules = rules
        self._concord = concord

    def _asked(self, crowd: Crowd) -> tuple[tuple[float, float], tuple[float, float]]:
        """(skill, accuracy on gold) of a worker that is just acceptable, and just unacceptable.

        The less is known of the crowd's accuracy, the less is asked: what an acceptable worker is
        held to is as if the crowd was better than it seems, what an unacceptable one must not reach
        as if it was worse.
        """
        rules, concord = self.rules, self._concord
        better, worse = crowd.moved(1), crowd.moved(-1)
        good = min(concord.skill(better, rules.acceptable), rules.crowd_share)
        good = max(good, LEAST_SKILL)
        bad = min(concord.skill(worse, rules.unacceptable), HARDLY_WORSE * good)
        return (good, concord.accuracy(better, good)), (bad, concord.accuracy(worse, bad))

    def fill(self, table: npt.NDArray[np.int16], crowd: Crowd) -> None:
        """Fill a table [P + 2, COLUMNS]."""
        concord, K = self._concord, self._concord.labels
        good, bad = self._asked(crowd)
        skills = [good, bad, self._half(bad)]
        for level in LEVELS:
            accuracy = 1 / K + (1 - 1 / K) * level
            skills.append((concord.skill(crowd, accuracy), accuracy))
        table[:] = 0
        codes = concord.codes
        for column, (skill, right) in enumerate(skills):
            table[-1, column] = round(log(right * K) * ONE)
            table[-2, column] = round(log((1 - right) * K / (K - 1)) * ONE)
            if self.rules.consensus or column >= LEVEL:
                answers = np.maximum(concord.answers(crowd, skill) * K, SELDOM)
                table[codes, column] = np.rint(np.log(answers) * ONE)
        others = concord.own + concord.top > 0
        like = (concord.own > 0) & (concord.own >= concord.top)
        table[codes, evidence.SCORED] = others * ONE
        table[codes, evidence.AGREED] = like * ONE
        table[codes, evidence.EXPECTED] = np.rint(concord.agreement(crowd, good[0]) * ONE)

    def _half(self, bad: tuple[float, float]) -> tuple[float, float]:
        """(skill, accuracy) halfway to clicking at random."""
        return bad[0] / 2, (bad[1] + 1 / self._concord.labels) / 2

    def set_limits(self, verdicts: Verdicts, crowd: Crowd) -> None:
        """Set limits, stakes and the odds of bets on gold."""
        rules, K = self.rules, self._concord.labels
        good, bad = self._asked(crowd)
        merit = (rules.acceptable - 1 / K) / (1 - 1 / K)
        verdicts.limits[:] = (
            units(1 / rules.watch_error),
            units(1 / rules.pause_error),
            units(1 / rules.ban_error) if rules.ban_error > 0 else NEVER,
            units(SHARED / rules.pass_error),
            units(1 / rules.trust_error),
            units(1000 / (evidence.BLOCK * rules.drift_alarms)),
            rules.quiz,
            min(int(np.searchsorted(LEVELS, merit)), len(LEVELS) - 1),
            ceil(good[1] * ONE),
        )
        for how, accuracy in enumerate((1 / K, self._half(bad)[1], bad[1])):
            verdicts.gold_bets[how] = (
                floor(log((1 - accuracy) / (1 - good[1])) * ONE),
                floor(log(accuracy / good[1]) * ONE),
            )
        stakes = np.outer(verdict.WHENCE, verdict.HOW_BAD)
        verdicts.stakes[:] = np.floor(np.log(stakes) * ONE)


def units(ratio: float) -> int:
    """The logarithm of a ratio in whole units, rounded up."""
    return ceil(log(ratio) * ONE)

"""By what workers are measured: tables of bets and limits, from the rules and the crowd."""

from math import ceil, floor, log
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.concord import Concord, Crowd
from engine.kernels import evidence, verdict
from engine.kernels.evidence import ACCEPTABLE, LEVEL, ONE
from engine.kernels.verdict import Verdicts
from engine.verdicts import StatusRules

# Levels at which workers are compared, by accuracy between chance and 1.
LEVELS = (0.2, 0.35, 0.5, 0.65, 0.78, 0.89, 0.97)
# In shares of an acceptable worker's skill: the most that an unacceptable one is taken to have, so
# that in a poor crowd those who are little worse than most stay; and the most that the bar of the
# quiz is, so that in a poor crowd somebody passes.
HARDLY_WORSE, WORSE = 2 / 3, 0.8
LEAST_SKILL = 0.05  # of an acceptable worker
SELDOM = 1e-3  # probability of an answer, in shares of chance, below which it is not believed
# Errors that a bad worker shares with the crowd look like skill: it passes so much more often.
SHARED = 2.0
NEVER = 1 << 60
NOBODY = 1e-18  # as a share of all workers


class Standard(NamedTuple):
    """What a worker is measured by: skill against the crowd's, and accuracy on gold."""

    skill: float
    accuracy: float


class Yardstick:
    """What the rules come to in a crowd."""

    def __init__(self, concord: Concord, rules: StatusRules) -> None:
        self.rules = rules
        self._concord = concord

    def standards(self, crowd: Crowd) -> list[Standard]:
        """Of workers who are just acceptable, just unacceptable, halfway from there to clicking at
        random, and just not fit to pass the quiz.

        The less is known of the crowd's accuracy, the less is asked: what an acceptable worker is
        held to is as if the crowd was better than it seems, what others are compared with as if it
        was worse.
        """
        rules, concord = self.rules, self._concord
        better, worse = crowd.moved(1), crowd.moved(-1)
        good = min(concord.skill(better, rules.acceptable), rules.crowd_share)
        good = max(good, LEAST_SKILL)
        unfit = concord.skill(worse, rules.unacceptable)
        bad = min(unfit, HARDLY_WORSE * good)
        bar = min(unfit, WORSE * good)
        bad_right = concord.accuracy(worse, bad)
        return [
            Standard(good, concord.accuracy(better, good)),
            Standard(bad, bad_right),
            Standard(bad / 2, (bad_right + 1 / concord.labels) / 2),
            Standard(bar, concord.accuracy(worse, bar)),
        ]

    def fill(self, table: npt.NDArray[np.int16], crowd: Crowd) -> None:
        """Fill a table [P + 3, COLUMNS]."""
        concord, K = self._concord, self._concord.labels
        standards = self.standards(crowd)
        for level in LEVELS:
            accuracy = 1 / K + (1 - 1 / K) * level
            standards.append(Standard(concord.skill(crowd, accuracy), accuracy))
        table[:] = 0
        codes = concord.codes
        for column, (skill, right) in enumerate(standards):
            table[-2, column] = round(log(right * K) * ONE)
            table[-3, column] = round(log((1 - right) * K / (K - 1)) * ONE)
            if self.rules.consensus or column >= LEVEL:
                answers = np.maximum(concord.answers(crowd, skill) * K, SELDOM)
                table[codes, column] = np.rint(np.log(answers) * ONE)
        others = concord.own + concord.top > 0
        like = (concord.own > 0) & (concord.own >= concord.top)
        table[codes, evidence.SCORED] = others * ONE
        table[codes, evidence.AGREED] = like * ONE
        expected = concord.agreement(crowd, standards[ACCEPTABLE].skill)
        table[codes, evidence.EXPECTED] = np.rint(expected * ONE)

    def set_limits(self, verdicts: Verdicts, crowd: Crowd) -> None:
        """Set limits, stakes and the odds of bets on gold."""
        rules, K = self.rules, self._concord.labels
        good, bad, half, _ = (standard.accuracy for standard in self.standards(crowd))
        merit = (rules.acceptable - 1 / K) / (1 - 1 / K)
        verdicts.limits[:] = (
            units(1 / rules.watch_error),
            units(1 / rules.pause_error),
            units(1 / rules.ban_error) if rules.ban_error > NOBODY else NEVER,
            units(SHARED / rules.pass_error),
            units(1 / rules.trust_error),
            units(1000 / (evidence.BLOCK * rules.drift_alarms)),
            rules.quiz,
            min(int(np.searchsorted(LEVELS, merit)), len(LEVELS) - 1),
            ceil(good * ONE),
            rules.quiz_count if rules.quiz else 0,
            rules.quiz_right if rules.quiz else 0,
            verdict.BANNED if rules.quiz_bans else verdict.PAUSED,
        )
        for how, accuracy in enumerate((1 / K, half, bad)):
            verdicts.gold_bets[how] = (
                floor(log((1 - accuracy) / (1 - good)) * ONE),
                floor(log(accuracy / good) * ONE),
            )
        stakes = np.outer(verdict.WHENCE, verdict.HOW_BAD)
        verdicts.stakes[:] = np.floor(np.log(stakes) * ONE)


def units(ratio: float) -> int:
    """The logarithm of a ratio in whole units, rounded up."""
    return ceil(log(ratio) * ONE)

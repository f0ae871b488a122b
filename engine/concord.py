"""The crowd as tests see it: how likely each answer is, for workers of each skill.

Skill is measured against the crowd's own: at 0 a worker clicks at random, at 1 it answers as the
crowd does, at 2 it always gives the label that the crowd is drawn to; between these it does either,
in shares. So whatever makes the crowd disagree, hard items, shared errors or bad workers, is not
held against a worker who disagrees as much.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.kernels import concord
from engine.kernels.concord import MOST

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int16]

# How hard items may be: what m_u is between chance and 1. And how errors may be shared, t_u.
DRAWS = (0.05, 0.2, 0.35, 0.5, 0.65, 0.78, 0.88, 0.95, 0.99)
TEMPTING = 0.85
CROWD_WEIGHT = 20.0  # judgments on gold that the agreement counts for in the crowd's accuracy
FARTHEST = 0.99  # the highest accuracy that a crowd or a worker is taken to have
LEAST_SKILL = 0.02  # the least by which a crowd's accuracy is above chance


class Crowd(NamedTuple):
    """What was learned of a crowd: shares [U] of the kinds of items, its accuracy on gold and the
    standard error of that."""

    shares: Floats
    accuracy: float
    doubt: float

    def moved(self, errors: float) -> "Crowd":
        """The same, with the accuracy that lies so many standard errors higher."""
        return self._replace(accuracy=min(self.accuracy + errors * self.doubt, FARTHEST))


class Concord:
    """Learns what a crowd is like, and gives the probabilities of answers that follow."""

    def __init__(self, labels: int) -> None:
        self.labels = labels
        self.place = _places()
        m = 1 / labels + (1 - 1 / labels) * np.array(DRAWS)
        self._kinds = np.stack([m, np.full_like(m, 1 / (labels - 1))], axis=1)
        if labels > 2:
            tempting = np.stack([m, np.full_like(m, TEMPTING)], axis=1)
            self._kinds = np.concatenate([self._kinds, tempting])
        self.patterns = int(self.place.max()) + 1
        self._chance = np.zeros((self.patterns, len(self._kinds)))
        self._drawn = np.zeros_like(self._chance)
        concord.fill_chances(labels, self._kinds, self.place, self._chance, self._drawn)
        self.own, self.top, self.rest = np.nonzero(
            (self.place >= 0) & (np.indices(self.place.shape).sum(0) <= MOST)
        )
        self.codes = self.place[self.own, self.top, self.rest]

    def learn(self, patterns: npt.NDArray[np.int64], right: int, total: int) -> Crowd:
        """What the crowd is like, from how many tasks show each pattern [P] of votes, and from how
        many of the judgments on gold are right.
        """
        shares = np.empty(len(self._kinds))
        concord.fit(self._chance, patterns, np.empty_like(shares), shares)
        weight = total + CROWD_WEIGHT
        accuracy = (right + CROWD_WEIGHT * float(shares @ self._kinds[:, 0])) / weight
        doubt = (accuracy * (1 - accuracy) / weight) ** 0.5 if total > 0 else 0.0
        return Crowd(shares, min(accuracy, FARTHEST), doubt)

    def skill(self, crowd: Crowd, accuracy: float) -> float:
        """Skill, 0 to 2, of a worker who is right with this probability."""
        chance = 1 / self.labels
        level = max(crowd.accuracy, chance + LEAST_SKILL)
        if accuracy <= level:
            return max((accuracy - chance) / (level - chance), 0.0)
        return 1 + (accuracy - level) / (1 - level)

    def accuracy(self, crowd: Crowd, skill: float) -> float:
        """Probability that a worker of this skill is right."""
        level = max(crowd.accuracy, 1 / self.labels + LEAST_SKILL)
        if skill <= 1:
            return skill * level + (1 - skill) / self.labels
        return min((2 - skill) * level + skill - 1, FARTHEST)

    def answers(self, crowd: Crowd, skill: float) -> Floats:
        """Probability of an answer given the other votes, one for each of `codes`: its label has
        `own` of them, the most frequent other label `top`."""
        chance = self._chance @ crowd.shares
        agree = chance[self.place[self.own + 1, self.top, self.rest]] / chance[self.codes]
        if skill <= 1:
            return skill * agree + (1 - skill) / self.labels
        drawn = (self._drawn @ crowd.shares)[self.codes] / chance[self.codes]
        return (2 - skill) * agree + (skill - 1) * drawn

    def agreement(self, crowd: Crowd, skill: float) -> Floats:
        """Probability, for each of `codes`, of an answer like most of the other votes; labels with
        equally many are all like most of them. 0 where there are no other votes."""
        chance = self._chance @ crowd.shares
        most = np.maximum(self.own, self.top)
        below = np.where(self.own > self.top, self.top, self.own)
        rest = self.rest.copy()
        spread = (below == 0) & (rest > 0)  # one of the rest is the next most frequent label
        below[spread], rest[spread] = 1, rest[spread] - 1
        alike = np.where((self.own == self.top) & (most > 0), 2, 1)
        like = chance[self.place[most + 1, below, rest]] / chance[self.place[most, below, rest]]
        found = skill * alike * like + (1 - skill) * alike / self.labels
        return np.where(most > 0, np.minimum(found, 1.0), 0.0)


def _places() -> Places:
    """Where counts (own, top, rest) stand in tables of patterns, [MOST + 2] * 3; -1 nowhere."""
    own, top, rest = np.indices((MOST + 2,) * 3)
    real = (own + top + rest <= MOST + 1) & ((top > 0) | (rest == 0))
    place = np.full(real.shape, -1, np.int16)
    place[real] = np.arange(np.count_nonzero(real))
    return place

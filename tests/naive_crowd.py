"""Slow twin of what a crowd's agreement says: obvious code, written from the formulas."""

from dataclasses import dataclass

DRAWS = (0.05, 0.2, 0.35, 0.5, 0.65, 0.78, 0.88, 0.95, 0.99)

Counts = tuple[int, int, int]  # own, top, rest


@dataclass
class Crowd:
    """What is known of a crowd when a table is made."""

    labels: int
    shares: list[float]
    accuracy: float
    doubt: float

    def moved(self, errors: float) -> "Crowd":
        accuracy = min(self.accuracy + errors * self.doubt, 0.99)
        return Crowd(self.labels, self.shares, accuracy, self.doubt)

    @property
    def level(self) -> float:
        return max(self.accuracy, 1 / self.labels + 0.02)

    def skill(self, accuracy: float) -> float:
        least = 1 / self.labels
        if accuracy <= self.level:
            return max((accuracy - least) / (self.level - least), 0.0)
        return 1 + (accuracy - self.level) / (1 - self.level)

    def right(self, skill: float) -> float:
        if skill <= 1:
            return skill * self.level + (1 - skill) / self.labels
        return min((2 - skill) * self.level + skill - 1, 0.99)

    def chance(self, counts: Counts) -> float:
        found = zip(self.shares, chances(self.labels, counts), strict=True)
        return sum(share * sum(chance) for share, chance in found)

    def agree(self, counts: Counts) -> float:
        """Probability that the crowd's next vote is the label with `own` votes."""
        own, top, rest = counts
        return self.chance((own + 1, top, rest)) / self.chance(counts)

    def answer(self, counts: Counts, skill: float) -> float:
        """The same for a worker of this skill."""
        if skill <= 1:
            return skill * self.agree(counts) + (1 - skill) / self.labels
        found = zip(self.shares, chances(self.labels, counts), strict=True)
        drawn = sum(share * chance[0] for share, chance in found) / self.chance(counts)
        return (2 - skill) * self.agree(counts) + (skill - 1) * drawn


def item_kinds(labels: int) -> list[tuple[float, float]]:
    m = [1 / labels + (1 - 1 / labels) * draw for draw in DRAWS]
    even = [(each, 1 / (labels - 1)) for each in m]
    return even if labels == 2 else even + [(each, 0.85) for each in m]


def chances(labels: int, counts: Counts) -> list[tuple[float, float]]:
    """By kind of item: the probability of votes, apart where the label in question is the one that
    the crowd is drawn to, and where it is another one."""
    own, top, rest = counts
    others = min(rest, labels - 2)
    votes = [float(own), float(top)] + [rest / others if others else 0.0] * others
    votes += [0.0] * (labels - len(votes))
    found = []
    for m, t in item_kinds(labels):
        drawn = elsewhere = 0.0
        for z in range(labels):
            for d in range(labels):
                if z == d:
                    continue
                p = 1 / (labels * (labels - 1))
                for label, n in enumerate(votes):
                    if label == z:
                        p *= m**n
                    elif label == d:
                        p *= ((1 - m) * t) ** n
                    elif n > 0:
                        p *= ((1 - m) * (1 - t) / (labels - 2)) ** n
                if z == 0:
                    drawn += p
                else:
                    elsewhere += p
        found.append((drawn, elsewhere))
    return found


def scaled(own: int, top: int, rest: int, limit: int) -> Counts:
    n = own + top + rest
    if n <= limit:
        return own, top, rest
    own = own * limit // n
    top = min(max(top * limit // n, 1), limit - own)
    return own, top, min(rest * limit // n, limit - own - top)

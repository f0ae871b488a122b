"""Slow twins of the search for copies: obvious code, written from the formulas."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import combinations
from math import exp, log, prod

LAMBDA, S, START_RIGHT, START_ANSWERS = 10.0, 2.0, 8.0, 10.0
BY_ABILITY = 0.7  # prior probability that a task is answered without own habits
HOPELESS, MOST_BETS = -5.0, 1000
SWEEPS = 4

Answers = dict[int, int]  # worker -> label
Matrix = list[list[float]]  # [true][answered]


@dataclass
class Null:
    """What honest workers answer."""

    matrix: dict[int, Matrix]
    ability: dict[int, float]
    errors: Matrix
    prior: list[float]
    profile: Matrix
    strength: float

    def common(self, worker: int, truth: int, label: int) -> float:
        """That a worker who answers by ability alone gives the label."""
        right = self.ability[worker]
        return right if label == truth else (1 - right) * self.errors[truth][label]


@dataclass
class Crowd:
    """Who answered what, who is one voice with whom, and which truths are known."""

    labels: int
    tasks: list[Answers]
    gold: dict[int, int]
    voice: dict[int, int]

    @property
    def workers(self) -> list[int]:
        return sorted({w for answers in self.tasks for w in answers})

    def fellows(self, x: int, y: int) -> bool:
        return x in self.voice and self.voice[x] == self.voice.get(y)

    def heard(self, answers: Answers, out: Collection[int]) -> list[tuple[int, int]]:
        """(worker, answer) of workers who are not left out, each answer of a voice once."""
        kept: list[tuple[int, int]] = []
        for w in sorted(answers):
            if w in out:
                continue
            if any(self.fellows(w, v) and answers[w] == answer for v, answer in kept):
                continue
            kept.append((w, answers[w]))
        return kept

    def one_voice_each(self, answers: Answers, x: int) -> list[tuple[int, int]]:
        """What others than x and its fellows say."""
        heard = self.heard(answers, {x})
        return [(w, answer) for w, answer in heard if not self.fellows(w, x)]

    def by_votes(self) -> tuple[dict[int, Matrix], list[float]]:
        sums = {w: zeros(self.labels) for w in self.workers}
        shares = [0.0] * self.labels
        for t, answers in enumerate(self.tasks):
            if t in self.gold:
                shares[self.gold[t]] += 1
            for x, label in answers.items():
                if t in self.gold:
                    sums[x][self.gold[t]][label] += 1
                    continue
                shares[label] += 1 / len(answers)
                others = self.one_voice_each(answers, x)
                for _, k in others:
                    sums[x][k][label] += 1 / len(others)
        return sums, shares

    def by_expectation(self, null: Null) -> tuple[dict[int, Matrix], list[float], list[float]]:
        sums = {w: zeros(self.labels) for w in self.workers}
        shares, soft = [0.0] * self.labels, [0.0] * self.labels
        for t, answers in enumerate(self.tasks):
            heard = self.heard(answers, ())
            if t in self.gold:
                shares[self.gold[t]] += 1
            else:
                for label in answers.values():
                    shares[label] += 1 / len(answers)
            if t not in self.gold and len(heard) < 2:
                continue
            q = self.truth(null, t, heard)
            for k, p in enumerate(q):
                soft[k] += p
                for x, label in answers.items():
                    sums[x][k][label] += p
        return sums, shares, soft

    def forms(
        self, null: Null, t: int, heard: Iterable[tuple[int, int]]
    ) -> tuple[list[float], list[float]]:
        """Weights of the truths: if workers answer by ability alone, and by habits of their own."""
        labels = range(self.labels)
        if t in self.gold:
            known = [float(k == self.gold[t]) for k in labels]
            return [BY_ABILITY * p for p in known], [(1 - BY_ABILITY) * p for p in known]
        heard = list(heard)
        able = [
            BY_ABILITY * null.prior[k] * prod(null.common(w, k, label) for w, label in heard)
            for k in labels
        ]
        own = [
            (1 - BY_ABILITY) * null.prior[k] * prod(null.matrix[w][k][label] for w, label in heard)
            for k in labels
        ]
        return able, own

    def truth(self, null: Null, t: int, heard: Iterable[tuple[int, int]]) -> list[float]:
        able, own = self.forms(null, t, heard)
        return [(a + b) / (sum(able) + sum(own)) for a, b in zip(able, own, strict=True)]

    def learn(self, *, votes_only: bool) -> Null:
        """All but how much tasks differ."""
        sums, shares = self.by_votes()
        null = settled(sums, shares, [0.0] * self.labels)
        for _ in range(0 if votes_only else SWEEPS):
            null = settled(*self.by_expectation(null))
        return null

    def likelihood(self, null: Null, profile: Matrix, strength: float) -> float:
        """Of the tasks' answers, from Dirichlet distributions about the profile."""
        total = 0.0
        for t, answers in enumerate(self.tasks):
            heard = self.heard(answers, ())
            if len(heard) < 2:
                continue
            for k, p in enumerate(self.truth(null, t, heard)):
                if p >= 1e-3:
                    seen = [0] * self.labels
                    for i, (_, label) in enumerate(heard):
                        total += p * log(strength * profile[k][label] + seen[label])
                        total -= p * log(strength + i)
                        seen[label] += 1
        return total

    def fitted_profile(self, null: Null) -> Matrix:
        counts = zeros(self.labels)
        for t, answers in enumerate(self.tasks):
            heard = self.heard(answers, ())
            if len(heard) < 2:
                continue
            for k, p in enumerate(self.truth(null, t, heard)):
                if p >= 1e-3:
                    for _, label in heard:
                        counts[k][label] += p
        return [[(c + 1) / (sum(row) + self.labels) for c in row] for row in counts]

    def chance(self, null: Null, t: int, x: int, y: int, group: Collection[int]) -> float | None:
        """That x gives what y gave; None if nobody else says anything."""
        answers = self.tasks[t]
        heard = [
            (w, answer)
            for w, answer in self.heard(answers, {x, y, *group})
            if not self.fellows(w, x) and not self.fellows(w, y)
        ]
        if not heard and t not in self.gold:
            return None
        label = answers[y]
        able, own = self.forms(null, t, heard)
        weights = [
            able[k] * null.common(y, k, label) + own[k] * null.matrix[y][k][label]
            for k in range(self.labels)
        ]
        by_item = by_habit = 0.0
        for k, weight in enumerate(weights):
            urn = [
                null.matrix[x][k][m]
                * (
                    null.strength
                    + (sum(a == m for _, a in heard) + (m == label)) / null.profile[k][m]
                )
                for m in range(self.labels)
            ]
            by_item += weight * urn[label] / sum(urn)
            by_habit += weight * null.matrix[x][k][label]
        return max(by_item, by_habit) / sum(weights)

    def pair(self, null: Null, a: int, b: int, terms: "Terms") -> float:
        """Log evidence that one of the two copies the other."""
        ways: list[list[tuple[float, bool]]] = [[], []]
        for t, answers in enumerate(self.tasks):
            if a in answers and b in answers:
                for way, (x, y) in zip(ways, ((b, a), (a, b)), strict=True):
                    q = self.chance(null, t, x, y, ())
                    if q is not None and q <= terms.expected:
                        way.append((q, answers[x] == answers[y]))
            hopeless = max(max(terms.ends(way)) for way in ways) < exp(HOPELESS)
            if hopeless or sum(map(len, ways)) >= MOST_BETS:
                break
        return log(sum(exp(terms.capital(way)) for way in ways) / 2)

    def follow(self, null: Null, x: int, group: Collection[int], terms: "Terms") -> float:
        """Log evidence that x follows the others of a group."""
        others = sorted(set(group) - {x})
        bets = []
        for t, answers in enumerate(self.tasks):
            if x not in answers:
                continue
            theirs = [answers[w] for w in others if w in answers]
            top = most_given(theirs)
            if top is None:
                continue
            y = next(w for w in others if answers.get(w) == top)
            q = self.chance(null, t, x, y, others)
            if q is not None and q <= terms.expected:
                bets.append((q, answers[x] == top))
        return terms.capital(bets)

    def agreements(
        self, null: Null, group: Collection[int], expected: float
    ) -> dict[int, tuple[int, float]]:
        """How many of a group gave its commonest answer to a task, two at least, and that another
        would, where that was not to be expected."""
        found = {}
        for t, answers in enumerate(self.tasks):
            top = most_given([answers[w] for w in group if w in answers])
            givers = sorted(w for w in group if answers.get(w) == top)
            if top is None or len(givers) < 2:
                continue
            q = self.chance(null, t, givers[1], givers[0], group)
            if q is not None and q <= expected:
                found[t] = (len(givers), q)
        return found

    def insight(self, null: Null, x: int, order: list[int]) -> list[float]:
        """What others say of the likeliest answers to what x judged, of its own, and of answers by
        habit, mean and variance: sums over the tasks."""
        given = [self.tasks[t][x] for t in order]
        habit = [given.count(k) / max(len(given), 1) for k in range(self.labels)]
        sums = [0.0] * 4
        for t, label in zip(order, given, strict=True):
            others = self.one_voice_each(self.tasks[t], x)
            if not others and t not in self.gold:
                continue
            q = self.truth(null, t, others)
            mean = sum(h * p for h, p in zip(habit, q, strict=True))
            spread = sum(h * (p - mean) ** 2 for h, p in zip(habit, q, strict=True))
            for place, value in enumerate((max(q), q[label], mean, spread)):
                sums[place] += value
        return sums

    def pattern(
        self, null: Null, x: int, order: list[int], period: int
    ) -> list[tuple[float, bool]]:
        """Bets on x giving the answer again that it gave `period` judgments before."""
        right = max(null.matrix[x][k][k] for k in range(self.labels))
        bets = []
        for now, before in zip(order[period:], order, strict=False):
            others = self.one_voice_each(self.tasks[now], x)
            if not others and now not in self.gold:
                continue
            earlier = self.tasks[before][x]
            chance = 0.0
            for k, p in enumerate(self.truth(null, now, others)):
                row = null.profile[k]
                chance += p * (right if k == earlier else (1 - right) * row[earlier] / (1 - row[k]))
            bets.append((chance, self.tasks[now][x] == earlier))
        return bets

    def likeness(self) -> dict[tuple[int, int], float]:
        """Damped cosine of answers that the rest of a task has no majority for, by pair."""
        dissents = dict.fromkeys(self.workers, 0)
        for answers in self.tasks:
            for x, label in answers.items():
                rest = [v for w, v in answers.items() if w != x]
                dissents[x] += 2 * rest.count(label) <= len(rest)
        found: dict[tuple[int, int], float] = {}
        for answers in self.tasks:
            for a, b in combinations(sorted(answers), 2):
                rest = [v for w, v in answers.items() if w not in (a, b)]
                label = answers[a]
                if rest and answers[b] == label and 2 * rest.count(label) <= len(rest):
                    size = ((dissents[a] + 10) * (dissents[b] + 10)) ** 0.5
                    found[a, b] = found.get((a, b), 0.0) + 1 / size
        return found


@dataclass
class Terms:
    """Of bets."""

    stakes: list[float]
    tolerated: float
    expected: float

    def capital(self, bets: list[tuple[float, bool]]) -> float:
        ends = self.ends(bets)
        return log(sum(ends) / len(ends))

    def ends(self, bets: list[tuple[float, bool]]) -> list[float]:
        """What became of each stake."""
        c0 = self.tolerated
        ends = []
        for c in self.stakes:
            won = [
                (c + (1 - c) * q) / (c0 + (1 - c0) * q) if same else (1 - c) / (1 - c0)
                for q, same in bets
            ]
            ends.append(prod(won))
        return ends


def most_given(answers: list[int]) -> int | None:
    """The answer given most often; none where two are, or there are none."""
    ranking = sorted(((answers.count(k), k) for k in set(answers)), reverse=True)
    if not ranking or (len(ranking) > 1 and ranking[0][0] == ranking[1][0]):
        return None
    return ranking[0][1]


def zeros(labels: int) -> Matrix:
    return [[0.0] * labels for _ in range(labels)]


def settled(sums: dict[int, Matrix], shares: list[float], soft: list[float]) -> Null:
    """Shrunk matrices of summed answers."""
    K = len(shares)
    labels = range(K)
    pooled = [[sum(rows[k][m] for rows in sums.values()) for m in labels] for k in labels]
    right = START_RIGHT + sum(pooled[k][k] for k in labels)
    accuracy = right / (START_ANSWERS + sum(map(sum, pooled)))
    matrix, abilities = {}, {}
    errors = zeros(K)
    for k in labels:
        wrong = sum(pooled[k][m] + 1 for m in labels if m != k)
        for m in labels:
            errors[k][m] = 0.0 if m == k else (pooled[k][m] + 1) / wrong
    for x, rows in sums.items():
        hits, answers = sum(rows[k][k] for k in labels), sum(map(sum, rows))
        ability = (hits + LAMBDA * accuracy) / (answers + LAMBDA)
        abilities[x] = min(max(ability, 1e-6), 1 - 1e-6)
        matrix[x] = zeros(K)
        for k in labels:
            for m in labels:
                common = ability if m == k else (1 - ability) * errors[k][m]
                matrix[x][k][m] = max((rows[k][m] + S * common) / (sum(rows[k]) + S), 1e-6)
    prior = [v + q + 1 for v, q in zip(shares, soft, strict=True)]
    profile = [[(v + 1) / (sum(row) + K) for v in row] for row in pooled]
    return Null(matrix, abilities, errors, [p / sum(prior) for p in prior], profile, 1.0)


def discoveries(e_values: list[float], hypotheses: int, rate: float) -> set[int]:
    """Indices that the e-BH procedure rejects: the k largest, for the greatest k that may be."""
    order = sorted(range(len(e_values)), key=lambda i: -e_values[i])
    found: set[int] = set()
    for k in range(1, len(order) + 1):
        if e_values[order[k - 1]] >= hypotheses / (k * rate):
            found = set(order[:k])
    return found

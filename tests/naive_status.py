"""Slow twin of the status tests: obvious code, written from the formulas.

`NaiveStatus` keeps only the live judgments. Whatever the engine keeps up step by step is made anew
here, for whoever is looked at, after every event.
"""

from collections import Counter
from dataclasses import dataclass, field
from math import ceil, exp, floor, log

from engine.verdicts import StatusRules
from tests.naive_crowd import Counts, Crowd, chances, item_kinds, scaled

ONE, BLOCK, BLOCKS, LEVELS = 4096, 16, 8, (0.2, 0.35, 0.5, 0.65, 0.78, 0.89, 0.97)
MOST, PRIOR, ROUNDS, WEIGHT, FIRST_FIT = 15, 20.0, 12, 20.0, 64
QUIZ, ACTIVE, TRUSTED, WATCH, PAUSED, BANNED = range(6)

Code = Counts | bool  # on gold: whether it is right
Row = tuple[int, int, int, tuple[bool, bool]]  # worker, was, is, alarms


@dataclass
class NaiveStatus:
    """The tests as a whole."""

    labels: int
    rules: StatusRules
    votes: dict[int, dict[int, int]] = field(default_factory=dict)  # task -> worker -> label
    versions: dict[tuple[int, int], int] = field(default_factory=dict)  # task, worker
    work: dict[int, list[int]] = field(default_factory=dict)  # worker -> tasks
    paces: dict[tuple[int, int], int] = field(default_factory=dict)
    gold: dict[int, int] = field(default_factory=dict)
    crowds: list[Crowd] = field(default_factory=list)
    status: dict[int, int] = field(default_factory=dict)
    alarms: dict[int, tuple[bool, bool]] = field(default_factory=dict)
    held: dict[int, int] = field(default_factory=dict)
    forgiven: dict[int, int] = field(default_factory=dict)
    excused: set[int] = field(default_factory=set)  # from a failed quiz
    settled: dict[int, int] = field(default_factory=dict)  # judgments whose pace staff accepts
    waiting: set[int] = field(default_factory=set)  # for the end of an act
    events: int = 0
    fit_at: int = FIRST_FIT
    cache: dict[tuple[Code, int], list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.learn()

    # The crowd, and what a judgment is worth

    def learn(self) -> None:
        patterns: Counter[Counts] = Counter()
        for task, votes in self.votes.items():
            if len(votes) >= 2 and task not in self.gold:
                first, second, *_ = [*sorted(Counter(votes.values()).values(), reverse=True), 0]
                patterns[scaled(first, second, len(votes) - first - second, MOST + 1)] += 1
        kinds = item_kinds(self.labels)
        shares = [1 / len(kinds)] * len(kinds)
        chance = {p: [sum(c) for c in chances(self.labels, p)] for p in patterns}
        for _ in range(ROUNDS):
            gathered = [PRIOR / len(kinds)] * len(kinds)
            for pattern, count in patterns.items():
                joint = [s * c for s, c in zip(shares, chance[pattern], strict=True)]
                gathered = [
                    g + count * j / sum(joint) for g, j in zip(gathered, joint, strict=True)
                ]
            shares = [g / (PRIOR + patterns.total()) for g in gathered]
        on_gold = [self.code(t, w) for t in self.gold for w in self.votes.get(t, {})]
        right, total = sum(code is True for code in on_gold), len(on_gold)
        agree = sum(s * m for s, (m, _) in zip(shares, kinds, strict=True))
        accuracy = (right + WEIGHT * agree) / (total + WEIGHT)
        doubt = (accuracy * (1 - accuracy) / (total + WEIGHT)) ** 0.5 if total else 0.0
        self.crowds.append(Crowd(self.labels, shares, min(accuracy, 0.99), doubt))

    def asked(self, crowd: Crowd) -> list[tuple[float, float]]:
        """(skill, accuracy): acceptable, unacceptable, halfway to clicking, the quiz's bar."""
        better, worse = crowd.moved(1), crowd.moved(-1)
        good = max(min(better.skill(self.rules.acceptable), self.rules.crowd_share), 0.05)
        bad = min(worse.skill(self.rules.unacceptable), 2 / 3 * good)
        bar = min(worse.skill(self.rules.unacceptable), 0.8 * good)
        half = bad / 2, (worse.right(bad) + 1 / self.labels) / 2
        return [(good, better.right(good)), (bad, worse.right(bad)), half, (bar, worse.right(bar))]

    def bets(self, code: Code, version: int) -> list[int]:
        """Log likelihoods over clicking: acceptable, unacceptable, halfway, the bar, levels."""
        if (code, version) not in self.cache:
            K, crowd = self.labels, self.crowds[version]
            accuracies = [1 / K + (1 - 1 / K) * level for level in LEVELS]
            levels = [(crowd.skill(accuracy), accuracy) for accuracy in accuracies]
            found = []
            for place, (skill, right) in enumerate([*self.asked(crowd), *levels]):
                if code is True:
                    ratio = right * K
                elif code is False:
                    ratio = (1 - right) * K / (K - 1)
                elif place < 4 and not self.rules.consensus:
                    ratio = 1.0
                else:
                    ratio = max(crowd.answer(code, skill) * K, 1e-3)
                found.append(round(log(ratio) * ONE))
            self.cache[code, version] = found
        return self.cache[code, version]

    def code(self, task: int, worker: int) -> Code:
        label = self.votes[task][worker]
        if task in self.gold:
            answer = self.gold[task]
            if answer >= self.labels:  # of several labels: one bit for each
                return bool((answer - self.labels) >> label & 1)
            return label == answer
        others = Counter(v for w, v in self.votes[task].items() if w != worker)
        own = others.pop(label, 0)
        top = max(others.values(), default=0)
        return scaled(own, top, others.total() - top, MOST)

    def worth(self, worker: int, index: int) -> list[int]:
        task = self.work[worker][index]
        return self.bets(self.code(task, worker), self.versions[task, worker])

    def sums(self, worker: int, first: int = 0) -> list[int]:
        """Over the worker's judgments from index `first` on."""
        count = len(self.work.get(worker, []))
        rows = [self.worth(worker, index) for index in range(first, count)]
        return [sum(column) for column in zip(*rows, strict=True)] if rows else [0] * 11

    # What follows for a worker

    def last_block(self, worker: int) -> int:
        return (len(self.work.get(worker, [])) - 1) // BLOCK

    def blocks(self, worker: int) -> list[int]:
        """The blocks with which a change may have begun."""
        last = self.last_block(worker)
        return list(range(max(last - BLOCKS, 0) + 1, last + 1))

    def on_gold(self, worker: int) -> tuple[int, int]:
        codes = [self.code(task, worker) for task in self.work.get(worker, [])]
        return sum(code is True for code in codes), sum(isinstance(code, bool) for code in codes)

    def exam(self, worker: int) -> tuple[int, int]:
        """Of the first gold judgments that the fixed rule of the quiz asks for: how many there are,
        and how many are right."""
        count = self.rules.quiz_count if self.rules.quiz else 0
        codes = [self.code(task, worker) for task in self.work.get(worker, [])]
        first = [code for code in codes if isinstance(code, bool)][:count]
        return len(first), sum(first)

    def against(self, worker: int) -> int:
        good, bad, half, _ = (accuracy for _, accuracy in self.asked(self.crowds[-1]))
        right, total = self.on_gold(worker)
        how = [(0.5, 1 / self.labels), (0.25, half), (0.25, bad)]

        def bad_ways(sums: list[int]) -> list[int]:
            return [-sums[0], sums[2] - sums[0], sums[1] - sums[0]]

        terms = []
        for (stake, accuracy), over in zip(how, bad_ways(self.sums(worker)), strict=True):
            terms.append(floor(log(0.7 * stake) * ONE) + over)
            hit = floor(log(accuracy / good) * ONE)
            miss = floor(log((1 - accuracy) / (1 - good)) * ONE)
            terms.append(floor(log(0.15 * stake) * ONE) + right * hit + (total - right) * miss)
        for block in self.blocks(worker):
            away = logarithm(block) + logarithm(block + 1)
            over_ways = bad_ways(self.sums(worker, block * BLOCK))
            for (stake, _), over in zip(how, over_ways, strict=True):
                terms.append(floor(log(0.15 * stake) * ONE) - away + over)
        most = max(terms)
        if most + 4 * ONE < self.limit(1 / self.rules.watch_error) // 2:
            return most
        return most + floor(log(sum(exp((term - most) / ONE) for term in terms)) * ONE)

    def in_favour(self, worker: int) -> tuple[int, int]:
        sums = self.sums(worker)
        merit = (self.rules.acceptable - 1 / self.labels) / (1 - 1 / self.labels)
        first = min(sum(level < merit for level in LEVELS), len(LEVELS) - 1)
        above = sums[4 + first + 1 :]
        best = max(above, default=-(1 << 60))
        passing = max(sums[0], best) - sums[3] - logarithm(len(above) + 1)
        return passing, best - sums[4 + first] - logarithm(len(above))

    def drift(self, worker: int) -> tuple[int, int]:
        whole = [0, *self.sums(worker)[4:]]
        found, since = 0, 0
        for block in reversed(self.blocks(worker)):
            after = [0, *self.sums(worker, block * BLOCK)[4:]]
            pairs = [(b, a) for b in range(2, len(whole)) for a in range(b - 1)]
            best = max(whole[b] - after[b] + after[a] for b, a in pairs)
            if best - max(whole) - logarithm(3) > found:
                found, since = best - max(whole) - logarithm(3), block * BLOCK
        return found, since

    def follow(self, worker: int) -> tuple[int, bool]:
        """Evidence that it rushes, and whether it is taken to do so: block by block from the first
        judgment on."""
        tasks = self.work.get(worker, [])
        paces = [self.paces[task, worker] for task in tasks]
        settled, limit = self.settled.get(worker, 0), self.limit(self.alarm)
        rush, rushing, usual = 0, False, None
        for end in range(8, len(paces) + 1, 8):
            if end < settled + 128:
                continue
            if not rushing:
                usual = self.usual([p for p in paces[max(end - 192, settled) : end - 64] if p])
            rush = 0
            if usual:
                slow, hurried, calm = usual
                recent = [p for p in paces[max(end - 64, settled) : end] if p]
                steps = [hurried if pace <= slow - 6 else calm for pace in recent]
                tails = [sum(steps[place:]) for place in range(len(steps))]
                rush = max(0, max(tails, default=0) - logarithm(BLOCK))
            rushing = rush >= (limit // 2 if rushing else limit)
        return rush, rushing

    def usual(self, earlier: list[int]) -> tuple[int, int, int] | None:
        """The median pace, and what hurried and other judgments bear out."""
        if len(earlier) < 64:
            return None
        median = sorted(earlier)[(len(earlier) + 1) // 2 - 1]
        fast = sum(pace <= median - 6 for pace in earlier)
        share = max((fast + 1 + 1.6 * (fast + 1) ** 0.5) / (len(earlier) + 2), 0.1)
        if share > 0.4:
            return None
        return median, floor(log(0.6 / share) * ONE), floor(log(0.4 / (1 - share)) * ONE)

    @property
    def alarm(self) -> float:
        return 1000 / (BLOCK * self.rules.drift_alarms)

    def findings(self, worker: int) -> tuple[int, ...]:
        right, total = self.on_gold(worker)
        return (
            self.against(worker),
            *self.in_favour(worker),
            *self.drift(worker),
            self.follow(worker)[0],
            len(self.work.get(worker, [])),
            total,
            right,
            *self.exam(worker),
        )

    def limit(self, ratio: float) -> int:
        return ceil(log(ratio) * ONE)

    def conclude(self, worker: int, *, anew: bool) -> tuple[int, tuple[bool, bool]]:
        rules = self.rules
        found = self.findings(worker)
        against, passing, trusting, drift, _, _, _, total, right, seen, hit = found
        was = QUIZ if anew else self.status_of(worker)
        stood = not anew and self.alarms.get(worker, (False, False))[0]

        def reached(evidence: int, ratio: float, *, stands: bool) -> bool:
            limit = self.limit(ratio)
            return evidence >= (limit // 2 if stands else limit)

        alarms = reached(drift, self.alarm, stands=stood), self.follow(worker)[1]
        least = ceil(self.asked(self.crowds[-1])[0][1] * ONE)
        proven = total >= 5 and right * ONE >= total * least
        counts = against >= self.forgiven.get(worker, 0)
        if worker in self.held:
            return self.held[worker], alarms
        ban = 1 / (rules.ban_error or 1e-300)
        ruled = rules.quiz and rules.quiz_count > 0
        taken = ruled and worker not in self.excused
        failed = taken and seen == rules.quiz_count and hit < rules.quiz_right
        if failed and rules.quiz_bans:
            return BANNED, alarms
        if counts and reached(against, ban, stands=was == BANNED):
            return BANNED, alarms
        if counts and reached(against, 1 / rules.pause_error, stands=was >= PAUSED):
            return PAUSED, alarms
        if failed:
            return PAUSED, alarms
        if taken and seen < rules.quiz_count:
            return QUIZ, alarms
        if any(alarms) or reached(against, 1 / rules.watch_error, stands=was >= WATCH):
            return WATCH, alarms
        if proven and reached(trusting, 1 / rules.trust_error, stands=was == TRUSTED):
            return TRUSTED, alarms
        if ruled or not rules.quiz or reached(passing, 2 / rules.pass_error, stands=was != QUIZ):
            return ACTIVE, alarms
        return QUIZ, alarms

    def status_of(self, worker: int) -> int:
        return self.status.get(worker, QUIZ if self.rules.quiz else ACTIVE)

    def look(self, worker: int, *, anew: bool) -> list[Row]:
        """Whether the worker's standing changes: [(worker, was, is, alarms)] or nothing."""
        if worker in self.waiting:
            return []
        was = self.status_of(worker), self.alarms.get(worker, (False, False))
        now = self.conclude(worker, anew=anew)
        self.status[worker], self.alarms[worker] = now
        return [(worker, was[0], *now)] if was != now else []

    # Events

    def begin(self) -> None:
        if self.events >= self.fit_at:
            self.learn()
            self.fit_at = max(self.events + self.events // 4, FIRST_FIT)
        self.events += 1

    def after(self, task: int, first: int | None, *, anew: bool, alone: bool = False) -> list[Row]:
        found = self.look(first, anew=anew) if first is not None else []
        for worker in [] if alone else list(self.votes.get(task, {})):
            if worker != first:
                found += self.look(worker, anew=anew)
        return found

    def judge(
        self, task: int, worker: int, label: int, pace: int = 0, *, part: bool = False
    ) -> list[Row]:
        self.begin()
        votes = self.votes.setdefault(task, {})
        if votes.get(worker) == label:
            return []
        new = worker not in votes
        votes[worker] = label
        if new:
            self.work.setdefault(worker, []).append(task)
            self.versions[task, worker] = len(self.crowds) - 1
            self.paces[task, worker] = pace
        if part:
            self.waiting |= {worker, *votes}
        return self.after(task, worker, anew=False, alone=new and task in self.gold)

    def retract(self, task: int, worker: int, *, part: bool = False) -> list[Row]:
        self.begin()
        if worker not in self.votes.get(task, {}):
            return []
        del self.votes[task][worker], self.versions[task, worker], self.paces[task, worker]
        if self.work[worker].index(task) < self.settled.get(worker, 0):
            self.settled[worker] -= 1
        self.work[worker].remove(task)
        if part:
            self.waiting |= {worker, *self.votes[task]}
        return self.after(task, worker, anew=True)

    def settle(self) -> list[Row]:
        whom, self.waiting = sorted(self.waiting), set()
        return [row for worker in whom for row in self.look(worker, anew=True)]

    def accept_pace(self, worker: int) -> list[Row]:
        self.settled[worker] = len(self.work.get(worker, []))
        return self.look(worker, anew=True)

    def set_gold(self, task: int, label: int, *, part: bool = False) -> list[Row]:
        self.begin()
        if self.gold.get(task, -1) == label:
            return []
        self.gold.pop(task, None)
        if label >= 0:
            self.gold[task] = label
        if part:
            self.waiting |= set(self.votes.get(task, {}))
        return self.after(task, None, anew=True)


def logarithm(number: int) -> int:
    """As the engine's table has it: rounded up, that of 0 as if it was 1."""
    return ceil(log(max(number, 1)) * ONE)

"""Slow twins of the engine's kernels: obvious code, written from the formulas.

`NaiveModel` keeps only the votes and a posterior a task. Whatever else the engine maintains step by
step is summed anew here, over all tasks, whenever it is needed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

LAMBDA, S, COMMON = 10.0, 2.0, 0.7
SWEEPS, CONCLUSION, FIRST_REFIT, HASTE, PATIENCE = 5, 2, 16, 6, 128

Votes = dict[int, int]  # worker -> label
Posterior = dict[int, float]  # label -> probability; what is missing is in the rest


@dataclass
class Sums:
    """Expected counts over some tasks."""

    labels: int
    counts: dict[tuple[int, int, int], float] = field(default_factory=dict)  # worker, truth, answer
    rows: dict[tuple[int, int], float] = field(default_factory=dict)  # worker, truth
    hits: dict[int, float] = field(default_factory=dict)
    answers: dict[int, float] = field(default_factory=dict)
    shares: list[float] = field(default_factory=list)
    soft: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shares = self.shares or [0.0] * self.labels
        self.soft = [0.0] * self.labels

    def add(self, votes: Votes, gold: int | None, q: Posterior, *, alone: bool) -> None:
        """Count one task; q gives only labels that have votes where there are many labels. alone:
        whether a single judgment teaches."""
        for k, p in q.items():
            self.soft[k] += p
        if len(votes) < 2 and gold is None and not alone:
            return
        for worker, answer in votes.items():
            self.hits[worker] = self.hits.get(worker, 0.0) + q.get(answer, 0.0)
            self.answers[worker] = self.answers.get(worker, 0.0) + 1
            for k, p in q.items():
                key = worker, k, answer
                self.counts[key] = self.counts.get(key, 0.0) + p
                self.rows[worker, k] = self.rows.get((worker, k), 0.0) + p

    def add_shares(self, votes: Votes, gold: int | None) -> None:
        """Count the shares of one task's votes."""
        for k, p in vote_shares(votes, gold).items():
            self.shares[k] += p

    def prior(self) -> list[float]:
        weights = [v + q + 1 for v, q in zip(self.shares, self.soft, strict=True)]
        return [x / sum(weights) for x in weights]

    def accuracy(self) -> float:
        return (sum(self.hits.values()) + 8) / (sum(self.answers.values()) + 10)

    def ability(self, worker: int) -> float:
        hits, answers = self.hits.get(worker, 0.0), self.answers.get(worker, 0.0)
        return (hits + LAMBDA * self.accuracy()) / (answers + LAMBDA)

    def pooled(self, truth: int, answer: int) -> float:
        return sum(p for (_, k, a), p in self.counts.items() if (k, a) == (truth, answer))


def vote_shares(votes: Votes, gold: int | None) -> Posterior:
    if not votes:
        return {}
    if gold is not None:
        return {gold: 1.0}
    return {k: sum(v == k for v in votes.values()) / len(votes) for k in votes.values()}


class FullMatrices:
    """Probabilities of answers by two-level shrunk confusion matrices."""

    def __init__(self, sums: Sums) -> None:
        self.labels = sums.labels
        self.prior = sums.prior()
        self.accuracy = sums.accuracy()
        self.ability = {w: sums.ability(w) for w in sums.answers}
        self.sums = sums
        self.profile = {}
        for k in range(self.labels):
            errors = [sums.pooled(k, a) + 1 if a != k else 0.0 for a in range(self.labels)]
            self.profile[k] = [e / sum(errors) for e in errors]

    def common(self, worker: int, truth: int, answer: int) -> float:
        a = self.ability.get(worker, self.accuracy)
        return a if truth == answer else (1 - a) * self.profile[truth][answer]

    def own(self, worker: int, truth: int, answer: int) -> float:
        count = self.sums.counts.get((worker, truth, answer), 0.0)
        row = self.sums.rows.get((worker, truth), 0.0)
        return (count + S * self.common(worker, truth, answer)) / (row + S)

    def posterior(self, votes: Votes, gold: int | None) -> Posterior:
        if gold is not None:
            return {k: float(k == gold) for k in range(self.labels)}
        common = {k: COMMON * p for k, p in enumerate(self.prior)}
        own = {k: (1 - COMMON) * p for k, p in enumerate(self.prior)}
        for worker, answer in votes.items():
            for k in common:
                common[k] *= self.common(worker, k, answer)
                own[k] *= self.own(worker, k, answer)
        total = sum(common.values()) + sum(own.values())
        return {k: (common[k] + own[k]) / total for k in common}


class WideMatrices:
    """Accuracy by label, one profile of errors for all; labels nobody gave are lumped together."""

    def __init__(self, sums: Sums) -> None:
        self.prior = sums.prior()
        self.accuracy = sums.accuracy()
        self.ability = {w: sums.ability(w) for w in sums.answers}
        self.sums = sums
        K = sums.labels
        answered = [0.0] * K
        for (_, truth, answer), p in sums.counts.items():
            if truth != answer:
                answered[answer] += p
        self.errors = [x + 1 for x in answered]

    def right(self, worker: int, truth: int) -> float:
        a = self.ability.get(worker, self.accuracy)
        count = self.sums.counts.get((worker, truth, truth), 0.0)
        return (count + S * a) / (self.sums.rows.get((worker, truth), 0.0) + S)

    def posterior(self, votes: Votes, gold: int | None) -> Posterior:
        if gold is not None:
            return {gold: 1.0}
        profile = [e / sum(self.errors) for e in self.errors]
        given = set(votes.values())
        common = {k: COMMON * self.prior[k] for k in given}
        own = {k: (1 - COMMON) * self.prior[k] for k in given}
        rest = max(1 - sum(self.prior[k] for k in given), 0.0)
        for worker, answer in votes.items():
            a = self.ability.get(worker, self.accuracy)
            for k in given:
                spread = profile[answer] / (1 - profile[k])
                right = self.right(worker, k)
                common[k] *= a if k == answer else (1 - a) * spread
                own[k] *= right if k == answer else (1 - right) * spread
            rest *= (1 - a) * profile[answer]
        total = rest + sum(common.values()) + sum(own.values())
        return {k: (common[k] + own[k]) / total for k in given}


class WideSums(Sums):
    """Errors count by what q leaves over, for q has no entry for labels that nobody gave."""

    def add(self, votes: Votes, gold: int | None, q: Posterior, *, alone: bool) -> None:
        super().add(votes, gold, q, alone=alone)
        if len(votes) < 2 and gold is None and not alone:
            return
        for worker, answer in votes.items():
            key = worker, -1, answer  # the truth is a label that nobody gave
            self.counts[key] = self.counts.get(key, 0.0) + 1 - sum(q.values())


class NaiveModel:
    """The whole label model: events, incremental estimates, and a refit beside them."""

    def __init__(self, labels: int, worker_cost: int) -> None:
        self.labels = labels
        self.worker_cost = worker_cost
        self.votes: dict[int, Votes] = {}
        self.gold: dict[int, int] = {}
        self.q: dict[int, Posterior] = {}
        self.tasks = self.workers = self.events = self.begun_at = self.slice = 0
        self.stride = 1
        self.running: Iterator[int] | None = None
        self.concluded: dict[int, Posterior] | None = None
        self.frozen: FullMatrices | WideMatrices | None = None

    def sums(self) -> Sums:
        return Sums(self.labels) if self.labels <= 32 else WideSums(self.labels)

    def matrices(self, sums: Sums) -> FullMatrices | WideMatrices:
        return FullMatrices(sums) if self.labels <= 32 else WideMatrices(sums)

    def learned(self, leave_out: int | None = None) -> Sums:
        """What the posteriors of all tasks, or all but one, say."""
        sums = self.sums()
        for task, votes in self.votes.items():
            if task != leave_out and votes:
                sums.add(votes, self.gold.get(task), self.q[task], alone=False)
                sums.add_shares(votes, self.gold.get(task))
        return sums

    def judge(self, task: int, worker: int, label: int) -> None:
        self.workers = max(self.workers, worker + 1)
        changed = self.votes.get(task, {}).get(worker) != label
        votes = {**self.votes.get(task, {}), worker: label}
        self.change(task, votes, self.gold.get(task), changed=changed)

    def retract(self, task: int, worker: int) -> None:
        self.workers = max(self.workers, worker + 1)
        votes = {w: a for w, a in self.votes.get(task, {}).items() if w != worker}
        changed = votes != self.votes.get(task, {})
        self.change(task, votes, self.gold.get(task), changed=changed)

    def set_gold(self, task: int, label: int | None) -> None:
        self.change(task, self.votes.get(task, {}), label, changed=True)

    def change(self, task: int, votes: Votes, gold: int | None, *, changed: bool) -> None:
        self.tasks = max(self.tasks, task + 1)
        if changed:
            self.votes[task] = votes
            self.gold.pop(task, None)
            if gold is not None:
                self.gold[task] = gold
            if votes or gold is not None:
                self.q[task] = self.matrices(self.learned(task)).posterior(votes, gold)
            if self.concluded is not None and task in self.concluded:
                assert self.frozen is not None
                if votes or gold is not None:
                    self.concluded[task] = self.frozen.posterior(votes, gold)
        self.events += 1
        live = sum(len(v) for v in self.votes.values())
        judged = sum(bool(v) or t in self.gold for t, v in self.votes.items())
        work = (SWEEPS + CONCLUSION) * (live + judged) + (
            2 * SWEEPS + 1
        ) * self.workers * self.worker_cost
        wait = max(self.begun_at // 4, FIRST_REFIT, work / PATIENCE)
        if self.running is None and self.events - self.begun_at >= wait:
            self.slice = 1 + work * HASTE // (live + 1)
            self.begun_at = self.events
            self.stride = min(1 + self.events // 64, 128)
            self.running = self.refit()
        budget = self.stride * self.slice if self.events % self.stride == 0 else 0
        while self.running is not None and budget > 0:
            cost = next(self.running, None)
            if cost is None:
                self.running = None
            else:
                budget -= cost

    def refit(self) -> Iterator[int]:
        """Fit from the votes; yields the cost of each piece of work after doing it."""
        shares = [0.0] * self.labels
        matrices: FullMatrices | WideMatrices | None = None
        for _ in range(SWEEPS):
            sums = self.sums()
            sums.shares = shares
            task = 0
            while task < self.tasks:
                votes, gold = self.votes.get(task, {}), self.gold.get(task)
                if votes:
                    if matrices is None:
                        sums.add_shares(votes, gold)
                        sums.add(votes, gold, vote_shares(votes, gold), alone=True)
                    else:
                        sums.add(votes, gold, matrices.posterior(votes, gold), alone=True)
                task += 1
                if votes or gold is not None:
                    yield len(votes) + 1
            for _walk in range(2):  # the population's sums, then each worker's parameters
                worker = 0
                while worker < self.workers:
                    worker += 1
                    yield self.worker_cost
            matrices = self.matrices(sums)
        assert matrices is not None
        self.frozen, self.concluded = matrices, {}
        task = 0
        while task < self.tasks:
            votes, gold = self.votes.get(task, {}), self.gold.get(task)
            self.concluded[task] = (
                matrices.posterior(votes, gold) if votes or gold is not None else {}
            )
            task += 1
            if votes or gold is not None:
                yield CONCLUSION * (len(votes) + 1)
        worker = 0
        while worker < self.workers:
            worker += 1
            yield self.worker_cost
        self.q, self.concluded = self.concluded, None

    def refit_at_once(self) -> None:
        """Fit everything anew from the votes; a refit that was under way is given up."""
        self.running = self.concluded = None
        for _ in self.refit():
            pass

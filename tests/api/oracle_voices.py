"""What joins must do, in obvious Python: each judgment with what holds it back."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.api.oracle import Oracle

MUTED, VOIDED, WORKER_VOIDED = "muted", "voided", "worker voided"


@dataclass
class VoicesOracle(Oracle):
    """A project some of whose workers are one voice. `judgments` are those that count."""

    last: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    held: dict[tuple[int, int], set[str]] = field(default_factory=dict)  # back, by these
    groups: list[set[int]] = field(default_factory=list)

    def mates(self, worker: int) -> set[int]:
        return next((group - {worker} for group in self.groups if worker in group), set())

    def spoken_for(self, task: int, worker: int) -> bool:
        return any((task, mate) in self.judgments for mate in self.mates(worker))

    def is_taken(self, task: int, worker: int) -> bool:
        return any(
            (task, who) in self.judgments or self.open_leases(task, who)
            for who in {worker} | self.mates(worker)
        )

    def stands(self, task: int, worker: int) -> int | None:
        known = task, worker
        muted = self.held.get(known) == {MUTED} and self.spoken_for(task, worker)
        return self.last[known][0] if muted or known in self.judgments else None

    def voidable(self) -> list[int]:
        return sorted(self.last[known][1] for known, held in self.held.items() if held <= {MUTED})

    def judge(self, task: int, worker: int, label: int, seq: int) -> None:
        known = task, worker
        muted = known not in self.judgments and self.spoken_for(task, worker)
        self.last[known] = (label, seq)
        self.held[known] = {MUTED} if muted else set()
        self._count()

    def void_worker(self, worker: int) -> None:
        for (_, who), held in self.held.items():
            if who == worker and held <= {MUTED}:
                held.add(WORKER_VOIDED)
        self.voided[worker] = {}
        for lease in self.open_leases(worker=worker):
            lease.outcome = "RELEASED"
        self._count()

    def restore_worker(self, worker: int) -> None:
        del self.voided[worker]
        for (task, who), held in self.held.items():
            if who == worker and WORKER_VOIDED in held:
                held.remove(WORKER_VOIDED)
                if self.spoken_for(task, worker):
                    held.add(MUTED)
        self._count()

    def void_judgments(self, seqs: list[int]) -> None:
        for known, (_, seq) in self.last.items():
            if seq in seqs:
                self.held[known].add(VOIDED)
        self._count()

    def join(self, workers: Iterable[int]) -> None:
        group = set(workers).union(*(self.mates(worker) for worker in workers))
        self.groups = [other for other in self.groups if not other & group] + [group]
        for task in range(len(self.tasks)):
            voices = {
                who: self.judgments[task, who] for who in group if (task, who) in self.judgments
            }
            given = Counter(label for label, _ in voices.values())
            order = sorted(voices, key=lambda who: (-given[voices[who][0]], voices[who][1]))
            for who in order[1:]:
                self.held[task, who].add(MUTED)
        self._count()

    def split(self, workers: Iterable[int]) -> None:
        for group in [group for group in self.groups if group & set(workers)]:
            self.groups.remove(group)
            for (_, who), held in self.held.items():
                if who in group:
                    held.discard(MUTED)
        self._count()

    def _count(self) -> None:
        self.judgments = {known: self.last[known] for known, held in self.held.items() if not held}

"""What a shard must do, in obvious Python: one dict a thing, one loop a rule."""

from dataclasses import dataclass, field
from uuid import UUID

from api.policy import Policy
from api.rows import OPEN, Submissions, TaskViews
from engine.stopping import enough


@dataclass
class OneLease:
    task: int
    worker: int
    expires: float
    price: int = 0
    outcome: str | None = None


def is_model(worker: int) -> bool:
    """Which of the workers of programs are models."""
    return worker % 4 == 3


@dataclass
class Oracle:
    """A project as it should be after the calls so far."""

    labels: int
    policy: Policy = field(default_factory=Policy)
    tasks: list[str] = field(default_factory=list)
    priority: list[int] = field(default_factory=list)
    gold: dict[int, int] = field(default_factory=dict)
    workers: int = 0
    judgments: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    clients: dict[tuple[int, str], tuple[int, int, int]] = field(default_factory=dict)
    leases: dict[UUID, OneLease] = field(default_factory=dict)
    made: dict[tuple[int, int], float] = field(default_factory=dict)  # when last judged, by pair
    now: float = 0.0
    forgotten: set[UUID] = field(default_factory=set)  # leases whose end counts no more
    stored: int = 0  # judgments ever stored, revised ones too
    voided: dict[int, dict[int, tuple[int, int]]] = field(default_factory=dict)  # judgments by task
    required: dict[int, int] = field(default_factory=dict)
    paid: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)  # price and day

    def judged(self, task: int) -> int:
        return sum(1 for at, _ in self.judgments if at == task)

    def open_leases(self, task: int | None = None, worker: int | None = None) -> list[OneLease]:
        return [
            lease
            for lease in self.leases.values()
            if lease.outcome is None
            and task in (None, lease.task)
            and worker in (None, lease.worker)
        ]

    def takes_place(self, worker: int) -> bool:
        return self.policy.models_count or not is_model(worker)

    def counted(self, task: int) -> int:
        return sum(1 for at, who in self.judgments if at == task and self.takes_place(who))

    def load(self, task: int) -> int:
        held = [lease for lease in self.open_leases(task) if self.takes_place(lease.worker)]
        return self.counted(task) + len(held)

    def places(self, task: int) -> int:
        """Judgments and leases that a task may have."""
        return max(self.policy.overlap, self.required.get(task, 0))

    def rank(self, task: int) -> int:
        """What the task is ranked by among those of its priority: places taken of the overlap."""
        return max(0, self.load(task) - (self.places(task) - self.policy.overlap))

    def expire(self, now: float) -> None:
        self.now = now
        for lease in self.open_leases():
            if lease.expires <= now:
                lease.outcome = "EXPIRED"

    def status(self, task: int, confidence: float, usual: float) -> str:
        """`usual`: the accuracy of a typical worker, as of the last refit."""
        judged, bar = self.counted(task), self.policy.target_confidence
        if self.policy.label_value is not None:
            least = self.policy.price / self.policy.label_value
            bars = enough(usual, self.labels, self.policy.overlap, least)
            bar = min(bar, bars[min(judged, self.policy.overlap)])
        needed = max(self.policy.min_judgments or self.policy.overlap, self.required.get(task, 0))
        if task in self.gold or (confidence >= bar and judged >= needed):
            return "SETTLED"
        return "CONTESTED" if judged >= self.places(task) else "OPEN"

    def forget_passed(self, worker: int) -> None:
        """Let the worker have again what it gave back or let run out."""
        self.forgotten.update(
            id_
            for id_, lease in self.leases.items()
            if lease.worker == worker and lease.outcome is not None
        )

    def passed(self, worker: int) -> set[int]:
        """What the worker gave back or let run out, and has again when nothing else is left."""
        return {
            lease.task
            for id_, lease in self.leases.items()
            if lease.worker == worker
            and lease.outcome in ("EXPIRED", "RELEASED")
            and id_ not in self.forgotten
        }

    def price(self, worker: int) -> int:
        return self.policy.model_price if is_model(worker) else self.policy.price

    def grant(self, lease_id: UUID, task: int, worker: int, expires: float) -> None:
        """Note a lease that was handed out now."""
        self.leases[lease_id] = OneLease(task, worker, expires, self.price(worker))

    def spent(self, *, today: bool) -> tuple[int, int]:
        """Judgments that were paid, and the money for them."""
        day = int(self.now // 86_400)
        paid = [price for price, at in self.paid.values() if at == day or not today]
        return len(paid), sum(paid)

    def affords(self, worker: int) -> int:
        """How many judgments of the worker can still be promised."""
        policy, leases = self.policy, self.open_leases()
        reserved = len(leases), sum(lease.price for lease in leases)
        room = 10**9
        for today, limits in (
            (False, (policy.judgment_budget, policy.money_budget)),
            (True, (policy.daily_judgments, policy.daily_money)),
        ):
            prices = (1, self.price(worker))
            for limit, spent, held, price in zip(
                limits, self.spent(today=today), reserved, prices, strict=True
            ):
                if limit is not None and price:
                    room = min(room, max(limit - spent - held, 0) // price)
        return room

    def free_for(self, worker: int, before: TaskViews) -> list[int]:
        """Tasks the worker could be given."""
        return [
            task
            for task in range(len(self.tasks))
            if (self.load(task) < self.places(task) or not self.takes_place(worker))
            and not self.is_taken(task, worker)
            and self.handed_out(task, before)
        ]

    def is_taken(self, task: int, worker: int) -> bool:
        """Whether the worker has judged the task, or holds it."""
        return (task, worker) in self.judgments or bool(self.open_leases(task, worker))

    def stands(self, task: int, worker: int) -> int | None:
        """The label that the worker gave, as far as that worker can see."""
        return self.judgments.get((task, worker), (None, 0))[0]

    def voidable(self) -> list[int]:
        """Judgments that can be voided."""
        return sorted(seq for _, seq in self.judgments.values())

    def handed_out(self, task: int, before: TaskViews) -> bool:
        """Whether the task is among those handed out; gold is hidden where the policy says so."""
        return bool(before.gold[task] < 0 and before.status[task] == OPEN)

    def submit(self, rows: Submissions, seqs: list[int]) -> list[str]:
        """Do it, and return the codes that should have come."""
        codes = []
        for row in range(len(rows.worker)):
            code = self._submit_row(rows, row)
            codes.append(code)
            if code == "":
                self._store(rows, row, seqs[row])
        return codes

    def _task(self, rows: Submissions, row: int) -> int:
        task = int(rows.task[row])
        lease_id = rows.lease_id[row]
        if task == -1 and lease_id in self.leases:
            return self.leases[lease_id].task
        return task

    def _submit_row(self, rows: Submissions, row: int) -> str:
        """The code of a row. A client id known for another task matters only to what is stored."""
        worker, client = int(rows.worker[row]), rows.client_id[row]
        known = self.clients.get((worker, client)) if client is not None else None
        standing = self.stands(self._task(rows, row), worker) is not None
        code = self._without_client(rows, row)
        if known is None or code in ("UNKNOWN_WORKER", "WORKER_VOIDED", "UNKNOWN_LABEL"):
            return code
        same = known[1] == rows.label[row] and known[0] == self._task(rows, row)
        if same:  # what stands no more was voided, and a repetition does not bring it back
            return "DUPLICATE"
        if standing:
            return "CLIENT_ID_REUSED"
        return "CLIENT_ID_REUSED" if code == "" else code

    def _without_client(self, rows: Submissions, row: int) -> str:
        worker, label = int(rows.worker[row]), int(rows.label[row])
        task, lease_id = self._task(rows, row), rows.lease_id[row]
        if not 0 <= worker < self.workers:
            return "UNKNOWN_WORKER"
        if worker in self.voided:
            return "WORKER_VOIDED"
        if not 0 <= label < self.labels:
            return "UNKNOWN_LABEL"
        lease = None
        if lease_id is not None:
            lease = self.leases.get(lease_id)
            if lease is None:
                return "LEASE_NOT_FOUND"
            if lease.worker != worker:
                return "LEASE_FOREIGN"
            if lease.task != task:
                return "LEASE_OTHER_TASK"
        if not 0 <= task < len(self.tasks):
            return "LEASE_REQUIRED" if task == -1 and rows.require_lease else "UNKNOWN_TASK"
        standing = self.stands(task, worker)
        if standing is not None:
            if standing == label:
                return "DUPLICATE"
            made = self.made[task, worker]
            revisable = self.now - made <= self.policy.revision_seconds
            return "" if self.policy.allow_revision and revisable else "TASK_CLOSED"
        if lease is not None:
            ended = {
                "EXPIRED": "LEASE_EXPIRED",
                "RELEASED": "LEASE_RELEASED",
                "JUDGED": "LEASE_USED",
            }
            return ended.get(lease.outcome or "", "")
        if rows.require_lease:
            return "LEASE_REQUIRED"
        if self.open_leases(task, worker):
            return ""
        if self.takes_place(worker) and self.load(task) >= self.places(task):
            return "OVERLAP_FULL"
        return "" if (task, worker) in self.paid or self.affords(worker) else "BUDGET_SPENT"

    def _store(self, rows: Submissions, row: int, seq: int) -> None:
        worker, label = int(rows.worker[row]), int(rows.label[row])
        task, client = self._task(rows, row), rows.client_id[row]
        price = self.price(worker)
        for own in self.open_leases(task, worker):
            own.outcome, price = "JUDGED", own.price
        self.paid.setdefault((task, worker), (price, int(self.now // 86_400)))
        self.judge(task, worker, label, seq)
        self.made[task, worker] = self.now
        self.stored += 1
        if client is not None:
            self.clients[worker, client] = (task, label, seq)

    def judge(self, task: int, worker: int, label: int, seq: int) -> None:
        self.judgments[task, worker] = (label, seq)

    def void_worker(self, worker: int) -> None:
        mine = [task for task, who in self.judgments if who == worker]
        self.voided[worker] = {task: self.judgments.pop((task, worker)) for task in mine}
        for lease in self.open_leases(worker=worker):
            lease.outcome = "RELEASED"

    def restore_worker(self, worker: int) -> None:
        for task, judgment in self.voided.pop(worker).items():
            self.judgments[task, worker] = judgment

    def void_judgments(self, seqs: list[int]) -> None:
        for pair in [pair for pair, (_, seq) in self.judgments.items() if seq in seqs]:
            del self.judgments[pair]

    def release(self, worker: int | None, lease_ids: list[UUID]) -> list[str]:
        codes = []
        for lease_id in lease_ids:
            lease = self.leases.get(lease_id)
            if lease is None:
                codes.append("LEASE_NOT_FOUND")
            elif worker not in (None, lease.worker):
                codes.append("LEASE_FOREIGN")
            elif lease.outcome in ("EXPIRED", "JUDGED"):
                codes.append("LEASE_EXPIRED" if lease.outcome == "EXPIRED" else "LEASE_USED")
            else:
                lease.outcome = "RELEASED"
                codes.append("")
        return codes

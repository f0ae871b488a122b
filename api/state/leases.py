"""The book of open leases: who holds which task until when.

It is kept by the one writer of a project; the `lease` table holds the same rows. Times are seconds
since the epoch, lease ids the integers of their UUIDs.
"""

import heapq
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import numpy as np

from api.budget import Cost
from api.rows import Int32s

JUDGED: Final = "JUDGED"
RELEASED: Final = "RELEASED"
EXPIRED: Final = "EXPIRED"

# Ended leases that are remembered, so that a prompt repetition needs no look into the database.
REMEMBERED = 20_000

_FIXED_BITS: Final = (7 << 76) | (2 << 62)  # UUID version 7, RFC 9562 variant
_RANDOM_MASK: Final = ((1 << 80) - 1) & ~((0xF << 76) | (0x3 << 62))


def lease_uuid(at: datetime, entropy: bytes) -> UUID:
    """Make a lease id from the time of the grant and ten random bytes.

    The milliseconds lead, so that ids grow and their index stays compact. Its worker knows the time
    anyway; the rest are 74 random bits, and nothing tells how fast the project moves.
    """
    milliseconds = int(at.timestamp() * 1000)
    rest = int.from_bytes(entropy[:10], "big") & _RANDOM_MASK
    return UUID(int=milliseconds << 80 | _FIXED_BITS | rest)


def pair(task: int, worker: int) -> int:
    """One key for a task and a worker."""
    return task << 32 | worker


class OpenLease(NamedTuple):
    """A lease that holds a place of its task's overlap, and the price of its judgment."""

    lease_id: UUID
    task: int
    worker: int
    expires: float
    price: int = 0


class EndedLease(NamedTuple):
    """What became of a lease."""

    task: int
    worker: int
    outcome: str


class LeaseBook:
    """Open leases by id, by task and worker, by worker and by expiry; each look-up is O(1).

    `open` and `ended` are by lease id, `pairs` by `pair(task, worker)`: for reading only.
    """

    def __init__(self) -> None:
        self.open: dict[int, OpenLease] = {}
        self.ended: dict[int, EndedLease] = {}
        self.pairs: dict[int, OpenLease] = {}
        self._held: dict[int, set[int]] = {}
        self._holders: dict[int, set[int]] = {}
        self._expiry: list[tuple[float, int]] = []
        self._promised = 0  # money

    def __len__(self) -> int:
        return len(self.open)

    def __iter__(self) -> Iterator[OpenLease]:
        return iter(self.open.values())

    @property
    def reserved(self) -> Cost:
        """What the judgments cost that open leases stand for."""
        return Cost(len(self.open), self._promised)

    def grant(self, lease: OpenLease) -> None:
        """Enter a new lease; the worker must not hold one of this task."""
        key = lease.lease_id.int
        self.open[key] = lease
        self.pairs[pair(lease.task, lease.worker)] = lease
        self._held.setdefault(lease.worker, set()).add(lease.task)
        self._holders.setdefault(lease.task, set()).add(lease.worker)
        heapq.heappush(self._expiry, (lease.expires, key))
        self._promised += lease.price

    def end(self, lease: OpenLease, outcome: str) -> None:
        """Take an open lease out of the book and remember what became of it for a while."""
        key = lease.lease_id.int
        del self.open[key]
        del self.pairs[pair(lease.task, lease.worker)]
        held = self._held[lease.worker]
        held.discard(lease.task)
        if not held:
            del self._held[lease.worker]
        holders = self._holders[lease.task]
        holders.discard(lease.worker)
        if not holders:
            del self._holders[lease.task]
        self._promised -= lease.price
        self.ended[key] = EndedLease(lease.task, lease.worker, outcome)

    def of(self, task: int, worker: int) -> OpenLease | None:
        """Return the worker's open lease of the task."""
        return self.pairs.get(pair(task, worker))

    def holders(self, task: int) -> Collection[int]:
        """Return the workers who hold a task."""
        return self._holders.get(task, ())

    def held(self, worker: int) -> int:
        """Count the worker's open leases."""
        return len(self._held.get(worker, ()))

    def tasks_of(self, worker: int, also: Iterable[int] = ()) -> Int32s:
        """Return the tasks the worker holds, and some more."""
        return np.array([*self._held.get(worker, ()), *also], dtype=np.int32)

    def due(self, now: float) -> list[OpenLease]:
        """Return the leases that ran out, the earliest first. They stay until they are ended."""
        found: list[OpenLease] = []
        while self._expiry and self._expiry[0][0] <= now:
            lease = self.open.get(heapq.heappop(self._expiry)[1])
            if lease is not None:
                found.append(lease)
        return found

    def next_expiry(self) -> float | None:
        """Return when the next lease runs out, if any is open."""
        while self._expiry and self._expiry[0][1] not in self.open:
            heapq.heappop(self._expiry)
        return self._expiry[0][0] if self._expiry else None

    def tidy(self) -> None:
        """Forget what ended long ago; for the pauses between flushes, never within one."""
        excess = len(self.ended) - REMEMBERED
        if excess > 0:
            for key in [key for key, _ in zip(self.ended, range(excess), strict=False)]:
                del self.ended[key]
        # Leases that ended early stay in the heap; without this it would grow to hours of them.
        if len(self._expiry) > 2 * len(self.open) + 1000:
            self._expiry = [(lease.expires, key) for key, lease in self.open.items()]
            heapq.heapify(self._expiry)

"""The load generator: a process of its own that sends one kind of request and keeps the times.

Reads an `Order` as JSON from standard input and writes `Found` as JSON to standard output. With a
rate it is an open loop: requests are meant for fixed times, whatever the server does, and latency
counts from then, so that a stall is seen by all who would have come meanwhile. Without, each of the
connections sends its next request when it has its answer.
"""

import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from scripts.benchmarks.database import label_name, task_name, worker_name
from scripts.benchmarks.synthetic import Crowd
from scripts.benchmarks.wire import Lost, Requests, Wire

SINGLE, BATCH, LEASE, EMPTY = "single", "batch", "lease", "empty"

_REFUSED: Final = "... on Refusal { code message }"
DOCUMENTS: Final = {
    SINGLE: (
        "mutation ($input: SubmitJudgmentInput!) { submitJudgment(input: $input) { "
        "... on SubmitJudgmentPayload { sequence consensus { label confidence } } "
        f"{_REFUSED} }} }}"
    ),
    BATCH: (
        "mutation ($input: SubmitJudgmentsInput!) { submitJudgments(input: $input) { "
        "... on SubmitJudgmentsPayload { accepted refusals { row code } } "
        f"{_REFUSED} }} }}"
    ),
    LEASE: (
        "mutation ($input: LeaseTasksInput!) { leaseTasks(input: $input) { "
        "... on LeaseTasksPayload { leases { id payload expiresAt } labels { externalId } } "
        f"{_REFUSED} }} }}"
    ),
    EMPTY: "query { __typename }",
}
_TICK: Final = 0.001  # seconds between two looks at what is due
_PATIENCE: Final = 30.0  # seconds to wait for the last answers


@dataclass(frozen=True)
class Order:
    """What to send. rows: a folder with judgments; first: the row to begin with; size: rows of a
    batch; rate: requests a second, 0 for as many as go."""

    port: int
    token: str
    kind: str
    project: str
    rows: str
    labels: int
    first: int
    size: int
    connections: int
    rate: float
    seconds: float


@dataclass(frozen=True)
class Found:
    """requests: answered; rows: judgments in them; refused: answers that were no success, such as
    `example`. p50, p99, most: latency in milliseconds. busy: share of one core that this process
    took."""

    requests: int
    rows: int
    refused: int
    example: str
    seconds: float
    p50: float
    p99: float
    most: float
    busy: float


class Generator:
    """Sends what an order says."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._inputs = _requests(order)
        self._idle: deque[Wire] = deque()
        self._due: deque[float] = deque()
        self._taken: list[float] = []
        self._refused = 0
        self._example = ""
        self._open = 0
        self._until = 0.0
        self._following = bool(order.rate)  # a rate's requests are not all sent yet
        self._clock = time.perf_counter  # uvloop's own counts in milliseconds
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> Found:
        """Send and wait for the answers. Raises Lost if a connection breaks."""
        order, loop = self._order, asyncio.get_running_loop()
        wires = [
            (
                await loop.create_connection(
                    lambda: Wire(self._done, self._lost), "127.0.0.1", order.port
                )
            )[1]
            for _ in range(order.connections)
        ]
        self._idle.extend(wires)
        busy, began = time.process_time(), self._clock()
        self._until = began + order.seconds
        if order.rate:
            await self._follow(began)
        else:
            for wire in wires:
                self._send(wire, self._clock())
        if self._open:
            async with asyncio.timeout(order.seconds + _PATIENCE):
                await self._over
        elapsed = self._clock() - began
        busy = time.process_time() - busy
        for wire in wires:
            wire.close()
        taken = np.array(self._taken) * 1e3
        p50, p99, most = np.percentile(taken, (50, 99, 100)) if len(taken) else (0.0, 0.0, 0.0)
        return Found(
            requests=len(taken),
            rows=len(taken) * order.size,
            refused=self._refused,
            example=self._example,
            seconds=elapsed,
            p50=float(p50),
            p99=float(p99),
            most=float(most),
            busy=busy / elapsed,
        )

    async def _follow(self, began: float) -> None:
        """Send each request at its time, or as soon after as a connection is free."""
        order = self._order
        gap, sent = 1 / order.rate, 0
        whole = int(order.rate * order.seconds)
        while sent < whole:
            now = self._clock()
            while sent < whole and began + sent * gap <= now:
                intended = began + sent * gap
                sent += 1
                if self._idle:
                    self._send(self._idle.popleft(), intended)
                else:
                    self._due.append(intended)
            await asyncio.sleep(_TICK)
        self._following = False

    def _send(self, wire: Wire, intended: float) -> None:
        self._open += 1
        wire.send(next(self._inputs), intended)

    def _done(self, wire: Wire, status: int, body: bytes) -> None:
        now = self._clock()
        self._taken.append(now - wire.intended)
        self._open -= 1
        if status != 200 or b'"code"' in body or b'"errors"' in body:
            self._refused += 1
            self._example = self._example or body[:300].decode(errors="replace")
        if self._due:
            self._send(wire, self._due.popleft())
        elif self._order.rate:
            self._idle.append(wire)
        elif now < self._until:
            self._send(wire, now)
        if not self._open and not self._following and not self._over.done():
            self._over.set_result(None)

    def _lost(self) -> None:
        if not self._over.done():
            self._over.set_exception(Lost())


def _requests(order: Order) -> Iterator[bytes]:
    data = Crowd.load(Path(order.rows), order.labels)
    make = Requests(order.token, DOCUMENTS[order.kind]).of
    given: Callable[[Crowd, str, slice], object] = {
        SINGLE: _single,
        BATCH: _batch,
        LEASE: _lease,
        EMPTY: _nothing,
    }[order.kind]
    for start in range(order.first, len(data), order.size):
        yield make(given(data, order.project, slice(start, start + order.size)))
    raise ValueError("the order is longer than its rows")


def _single(data: Crowd, project: str, rows: slice) -> object:
    return {
        "project": project,
        "task": task_name(data.task[rows.start]),
        "worker": worker_name(data.worker[rows.start]),
        "label": label_name(data.label[rows.start]),
    }


def _batch(data: Crowd, project: str, rows: slice) -> object:
    return {
        "project": project,
        "tasks": list(map(task_name, data.task[rows])),
        "workers": list(map(worker_name, data.worker[rows])),
        "labels": list(map(label_name, data.label[rows])),
    }


def _lease(data: Crowd, project: str, rows: slice) -> object:
    return {"project": project, "worker": worker_name(data.worker[rows.start]), "count": 1}


def _nothing(_: Crowd, __: str, ___: slice) -> object:
    return None


async def generate(order: Order) -> Found:
    """Carry out an order in a process of its own."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await child.communicate(json.dumps(asdict(order)).encode())
    if child.returncode:
        raise RuntimeError("the load generator failed; its messages are above")
    return Found(**json.loads(output))


async def _main() -> None:
    order = Order(**json.loads(sys.stdin.readline()))
    print(json.dumps(asdict(await Generator(order).run())))


if __name__ == "__main__":
    import uvloop

    uvloop.run(_main())

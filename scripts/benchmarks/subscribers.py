"""Subscribers of a feed, and a submitter beside them: a process that tells who sees what when.

Reads a `Watch` as JSON from standard input and writes `Seen` as JSON to standard output.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import psutil

from scripts.benchmarks.database import label_name, task_name, worker_name
from scripts.benchmarks.load import DOCUMENTS, SINGLE
from scripts.benchmarks.server import cpu_seconds
from scripts.benchmarks.websocket import Subscriber
from scripts.benchmarks.wire import Requests, Wire

TASKS, QUALITY = "taskFeed", "qualityFeed"
FEEDS: Final = {
    TASKS: (
        "subscription ($project: ID) { taskFeed(project: $project) "
        "{ cursor tasks { externalId consensus { label confidence } } } }"
    ),
    QUALITY: (
        "subscription ($project: ID) { qualityFeed(project: $project) "
        "{ cursor quality { judgments meanConfidence } } }"
    ),
}

_CURSOR: Final = b'"cursor":'
_SEQUENCE: Final = b'"sequence":'
_SETTLING: Final = 1.0  # seconds between the last subscription and the first judgment
_PATIENCE: Final = 15.0  # seconds that a judgment may take to be seen by all
_AT_A_TIME: Final = 50  # subscribers that connect together
_LOOK_PAUSE: Final = 0.05


@dataclass(frozen=True)
class Watch:
    """server: its process id. first: the task to begin with; each judgment is of the next one.
    rate: judgments a second."""

    port: int
    server: int
    token: str
    project: str
    feed: str
    subscribers: int
    first: int
    judgments: int
    rate: float


@dataclass(frozen=True)
class Seen:
    """Milliseconds from sending a judgment until a subscriber has it, over all of both; missing:
    how many never came. busy, server: shares of one core that this process and the server took."""

    p50: float
    p99: float
    most: float
    missing: int
    busy: float
    server: float


def number_after(text: bytes, name: bytes) -> int:
    """The number that follows a name in JSON."""
    start = text.index(name) + len(name)
    end = start
    while end < len(text) and text[end] in b"0123456789":
        end += 1
    return int(text[start:end])


class Watching:
    """Sends judgments at fixed times and keeps when each subscriber has each of them."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._sent = np.zeros(watch.judgments)
        # When a subscriber had an event, and up to where it reached in the log.
        self._events: list[list[tuple[float, int]]] = [[] for _ in range(watch.subscribers)]
        self._sequences: dict[int, int] = {}
        self._waiting: dict[Wire, int] = {}

    async def run(self) -> Seen:
        """Subscribe, submit, wait until all have seen all."""
        watch, loop = self._watch, asyncio.get_running_loop()
        clock = time.perf_counter
        subscribers: list[Subscriber] = []
        for first in range(0, watch.subscribers, _AT_A_TIME):
            some = range(first, min(first + _AT_A_TIME, watch.subscribers))
            made = await asyncio.gather(*(self._subscribe(number) for number in some))
            subscribers += made
        await asyncio.sleep(_SETTLING)
        make = Requests(watch.token, DOCUMENTS[SINGLE]).of
        wires: list[Wire] = []
        server = psutil.Process(watch.server)
        before, busy, began = cpu_seconds(server), time.process_time(), clock()
        for number in range(watch.judgments):
            # The connections are made just before they are used: idle ones would be closed.
            _, wire = await loop.create_connection(
                lambda: Wire(self._answered, lambda: None), "127.0.0.1", watch.port
            )
            wires.append(wire)
            await asyncio.sleep(max(0.0, began + number / watch.rate - clock()))
            self._waiting[wire] = number
            self._sent[number] = clock()
            wire.send(make(self._judgment(number)), 0.0)
        give_up = clock() + _PATIENCE
        while clock() < give_up and not self._all_seen():  # noqa: ASYNC110 - an event each is more
            await asyncio.sleep(_LOOK_PAUSE)
        elapsed = clock() - began
        busy = time.process_time() - busy
        taken_by_server = (cpu_seconds(server) - before) / elapsed
        for wire in wires:
            wire.close()
        for subscriber in subscribers:
            subscriber.close()
        taken = self._latencies()
        missing = watch.judgments * watch.subscribers - len(taken)
        p50, p99, most = np.percentile(taken, (50, 99, 100)) if len(taken) else (0.0, 0.0, 0.0)
        busy /= elapsed
        return Seen(float(p50), float(p99), float(most), missing, busy, taken_by_server)

    async def _subscribe(self, number: int) -> Subscriber:
        watch, events = self._watch, self._events[number]

        def seen(event: bytes) -> None:
            events.append((time.perf_counter(), number_after(event, _CURSOR)))

        _, subscriber = await asyncio.get_running_loop().create_connection(
            lambda: Subscriber(watch.token, FEEDS[watch.feed], watch.project, seen),
            "127.0.0.1",
            watch.port,
        )
        await subscriber.subscribed
        return subscriber

    def _judgment(self, number: int) -> object:
        return {
            "project": self._watch.project,
            "task": task_name(self._watch.first + number),
            "worker": worker_name(number % 2),
            "label": label_name(0),
        }

    def _answered(self, wire: Wire, status: int, body: bytes) -> None:
        if status != 200 or _SEQUENCE not in body:
            raise RuntimeError(body.decode(errors="replace"))
        self._sequences[self._waiting.pop(wire)] = number_after(body, _SEQUENCE)

    def _all_seen(self) -> bool:
        if len(self._sequences) < self._watch.judgments:
            return False
        last = max(self._sequences.values())
        return all(events and events[-1][1] >= last for events in self._events)

    def _latencies(self) -> list[float]:
        """A judgment is seen with the first event whose cursor is at it or beyond."""
        taken = []
        for events in self._events:
            times = np.array([at for at, _ in events])
            cursors = np.array([cursor for _, cursor in events])
            for number, sequence in self._sequences.items():
                place = int(np.searchsorted(cursors, sequence))
                if place < len(cursors):
                    taken.append(1e3 * (times[place] - self._sent[number]))
        return taken


async def watch_feed(watch: Watch) -> Seen:
    """Watch in a process of its own."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await child.communicate(json.dumps(asdict(watch)).encode())
    if child.returncode:
        raise RuntimeError("the subscribers failed; their messages are above")
    return Seen(**json.loads(output))


async def _main() -> None:
    watch = Watch(**json.loads(sys.stdin.readline()))
    print(json.dumps(asdict(await Watching(watch).run())))


if __name__ == "__main__":
    import uvloop

    uvloop.run(_main())

"""A simulated crowd that labels over the API as front-ends would, and its hidden truth."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from api.frontend.client import CallFailed, CallRefused, Client
from api.frontend.documents import CREATE_KEY, CREATE_PROJECT, LEASE, SUBMIT, add_tasks
from engine.agreement import score_against_gold
from engine.crowd import Items, Workers, answers, draw_items, paces, throughput

LEASES: Final = 3  # tasks that a simulated worker takes at a time
KEYS_AT_A_TIME: Final = 16
UNJUDGED: Final = -1
STOPPED: Final = ("WORKER_PAUSED", "WORKER_BANNED")  # who is refused with these stops working

TASK_FEED: Final = """
subscription ($project: ID) {
  taskFeed(project: $project, after: 0) { tasks { externalId consensus { label } } }
}"""
TASKS: Final = """
query ($project: ID, $first: Int!, $after: String) {
  tasks(project: $project, first: $first, after: $after) {
    edges { node { externalId status judgmentCount consensus { label } } }
    pageInfo { hasNextPage endCursor }
  }
}"""


@dataclass(frozen=True)
class Plan:
    """What is simulated. rate: judgments a second of the whole crowd, if the server keeps up."""

    project: str
    labels: int
    overlap: int
    wave: int
    rate: float
    seed: int


@dataclass
class Score:
    """Consensus and majority vote against the truth, over the same tasks and judgments.

    Points: 1 for a task whose label is right, 1/n where n labels tie in the vote.
    """

    tasks: int = 0
    consensus: float = 0.0
    majority: float = 0.0

    @property
    def lead(self) -> float:
        """Percentage points that the consensus is ahead."""
        return 100 * (self.consensus - self.majority) / max(self.tasks, 1)


@dataclass
class Simulation:
    """One project, its crowd, and the truth that only this side knows.

    votes: int32[tasks, K] of accepted judgments; consensus: int16[tasks] as the server told it.
    right, done: int32[workers], of accepted judgments. stopped: bool[workers], who is paused or
    banned, and gets no tasks. refused: how many, by code.
    """

    client: Client
    plan: Plan
    workers: Workers
    items: Items
    votes: npt.NDArray[np.int32] = field(init=False)
    consensus: npt.NDArray[np.int16] = field(init=False)
    right: npt.NDArray[np.int32] = field(init=False)
    done: npt.NDArray[np.int32] = field(init=False)
    stopped: npt.NDArray[np.bool_] = field(init=False)
    refused: dict[str, int] = field(default_factory=dict)
    _tokens: list[str] = field(default_factory=list)
    _sending: set[asyncio.Future[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.votes = np.zeros((0, self.plan.labels), np.int32)
        self.consensus = np.zeros(0, np.int16)
        self.right = np.zeros(len(self.workers), np.int32)
        self.done = np.zeros(len(self.workers), np.int32)
        self.stopped = np.zeros(len(self.workers), np.bool_)
        self._rng = np.random.default_rng([self.plan.seed, 1])

    async def prepare(self) -> None:
        """Create the project, its first tasks and a key for each worker."""
        await self.client.mutate(
            CREATE_PROJECT,
            {
                "externalId": self.plan.project,
                "name": "Simulated crowd",
                "labels": [{"externalId": name} for name in self.label_names()],
                "policy": {"overlap": self.plan.overlap},
            },
        )
        await self._add(self.items)
        limit = asyncio.Semaphore(KEYS_AT_A_TIME)

        async def key(worker: int) -> str:
            given = {"role": "WORKER", "project": self.plan.project, "worker": worker_name(worker)}
            async with limit:
                made = await self.client.mutate(CREATE_KEY, {**given, "clientId": given["worker"]})
            return str(made["token"])

        self._tokens = list(await asyncio.gather(*map(key, range(len(self.workers)))))

    async def add_wave(self) -> None:
        """Add as many new tasks as there were at first."""
        more = draw_items(self._rng, self.plan.wave, self.plan.labels)
        self.items = self.items.joined(more)
        await self._add(more)

    async def _add(self, items: Items) -> None:
        first = len(self.votes)
        # Before the server has them: a worker may be handed one at once.
        grown = np.zeros((len(items), self.plan.labels), np.int32)
        self.votes = np.concatenate([self.votes, grown])
        unjudged = np.full(len(items), UNJUDGED, np.int16)
        self.consensus = np.concatenate([self.consensus, unjudged])
        numbers = range(first, first + len(items))
        tasks = [{"externalId": f"task-{i}", "payload": {"item": i}} for i in numbers]
        await add_tasks(self.client, self.plan.project, tasks)

    async def work(self, worker: int) -> None:
        """Be one worker, for ever: lease, think, answer."""
        rng = np.random.default_rng([self.plan.seed, 2, worker])
        token = self._tokens[worker]
        unit = throughput(self.workers) / self.plan.rate  # seconds
        await asyncio.sleep(rng.uniform(0.0, unit))  # a crowd does not begin all at once
        while True:
            try:
                found = await self.client.mutate(LEASE, {"count": LEASES}, token)
            except CallRefused as refused:
                self.stopped[worker] = refused.code in STOPPED
                if refused.code != "NO_TASKS" and not self.stopped[worker]:
                    raise
                await asyncio.sleep(min(refused.retry_after or 1.0, 1.0))
                continue
            self.stopped[worker] = False
            times = unit * paces(self.workers, worker, len(found["leases"]), rng)
            for lease, seconds in zip(found["leases"], times.tolist(), strict=True):
                await asyncio.sleep(seconds)
                await self._judge(worker, lease, found["labels"], seconds, token, rng)

    async def _judge(
        self,
        worker: int,
        lease: dict[str, Any],
        labels: list[dict[str, str]],
        seconds: float,
        token: str,
        rng: np.random.Generator,
    ) -> None:
        item, done = int(lease["payload"]["item"]), int(self.done[worker])
        label = int(answers(self.workers, self.items, worker, item, rng, done)[0])
        given = {
            "leaseId": lease["id"],
            "label": labels[label]["externalId"],
            "clientId": lease["id"],
            "seconds": round(seconds, 3),
        }
        # Not given up when the worker is told to stop: we could not know whether it counted.
        sending = asyncio.ensure_future(self._send(worker, item, label, given, token))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)
        await asyncio.shield(sending)

    async def _send(
        self, worker: int, item: int, label: int, given: dict[str, Any], token: str
    ) -> None:
        try:
            await self.client.mutate(SUBMIT, given, token)
        except CallRefused as refused:
            self.refused[refused.code] = self.refused.get(refused.code, 0) + 1
            return
        self.votes[item, label] += 1
        self.done[worker] += 1
        self.right[worker] += label == self.items.truth[item]

    async def follow(self) -> None:
        """Keep `consensus` as the server's feed tells it, for ever."""
        code = self._codes()
        given = {"project": self.plan.project}
        async with aclosing(self.client.subscribe(TASK_FEED, given)) as events:
            async for event in events:
                for task in event["taskFeed"]["tasks"]:
                    if task["consensus"] is not None:
                        self.consensus[_number(task)] = code[task["consensus"]["label"]]
        raise CallFailed("The feed of tasks ended.")

    async def settle(self) -> Score:
        """Wait for what is under way, read every task, and return the final score.

        To be called when the workers have been told to stop.

        Raises CallFailed if the server has not exactly the judgments that it accepted.
        """
        await asyncio.gather(*self._sending)
        code = self._codes()
        counts = np.zeros(len(self.votes), np.int32)
        async for task in self.client.nodes(TASKS, {"project": self.plan.project}):
            number = _number(task)
            counts[number] = task["judgmentCount"]
            if task["consensus"] is not None:
                self.consensus[number] = code[task["consensus"]["label"]]
        wrong = int((counts != self.votes.sum(axis=1)).sum())
        if wrong:
            raise CallFailed(f"{wrong} tasks do not have the judgments that were accepted.")
        return self.score()

    def score(self) -> Score:
        """Score the tasks with at least one judgment whose consensus is known."""
        judged = (self.votes.sum(axis=1) > 0) & (self.consensus != UNJUDGED)
        if not judged.any():
            return Score()
        truth = self.items.truth[: len(judged)][judged]
        majority = score_against_gold(self.votes[judged].astype(np.float64), truth)
        right = self.consensus[judged] == truth
        return Score(int(judged.sum()), float(right.sum()), float(majority.sum()))

    def label_names(self) -> list[str]:
        """External ids of the labels."""
        return [f"class-{code + 1}" for code in range(self.plan.labels)]

    def _codes(self) -> dict[str, int]:
        return {name: code for code, name in enumerate(self.label_names())}


def worker_name(worker: int) -> str:
    """External id of a worker, which does not tell its kind."""
    return f"worker-{worker:03d}"


def worker_number(name: str) -> int:
    """The worker of an external id."""
    return int(name.removeprefix("worker-"))


def _number(task: dict[str, Any]) -> int:
    return int(task["externalId"].removeprefix("task-"))

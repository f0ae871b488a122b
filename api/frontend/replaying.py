"""A data set sent through a running server, judgment by judgment, and what comes of it."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from api.files.dataset import Dataset
from api.frontend.client import CallFailed, CallRefused, Client
from api.frontend.documents import CREATE_PROJECT, PROJECT, SUBMIT, SUBMIT_MANY, add_tasks
from api.policy import KNOBS
from api.tables.judgments import some
from engine.agreement import score_against_gold

QUARTERS: Final = (0.25, 0.5, 0.75, 1.0)
ENOUGH: Final = 2  # judgments from which a task may count as settled
TARGET: Final = 0.95  # its confidence

TASKS: Final = """
query ($project: ID, $first: Int!, $after: String) {
  tasks(project: $project, first: $first, after: $after) {
    edges { node {
      externalId judgmentCount consensus { confidence probabilities { probability } }
    } }
    pageInfo { hasNextPage endCursor }
  }
}"""


@dataclass(frozen=True)
class Checkpoint:
    """How things stood after the first `rows` rows.

    Of the tasks with gold and a judgment: how many, and the points of consensus and of majority
    vote on the same judgments. settled: tasks with a confidence of TARGET and ENOUGH judgments.
    rate: judgments a second since the checkpoint before. known: False where the project had later
    judgments already, from an earlier run, so that there is nothing to compare.
    """

    share: float
    rows: int
    rate: float
    known: bool
    settled: int = 0
    tasks: int = 0
    consensus: float = 0.0
    majority: float = 0.0


@dataclass
class Replay:
    """One data set on its way into one project.

    sent: rows that were answered; duplicates: those that were there before, as repeated rows or
    from an earlier run; refused: by code.
    """

    client: Client
    dataset: Dataset
    project: str
    in_flight: int = 128
    batch: int = 1
    sent: int = 0
    duplicates: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # A row that repeats an answer bears the id of the row it repeats. With an id of its own,
        # which is stored nowhere, it would be a revision when it is sent once more after a break.
        self._client_ids = [f"row-{row}" for row in self.dataset.origins().tolist()]
        self._left_out: set[str] = set()  # tasks that cannot be added

    async def prepare(self) -> None:
        """Create project and tasks, or find those of an earlier run.

        Raises CallFailed if there is another project under this id.
        """
        attributes = {"replay": self.dataset.digest}
        found = (await self.client.execute(PROJECT, {"project": self.project}))["project"]
        if found is None:
            labels = [{"externalId": label} for label in self.dataset.judgments.labels]
            given = {"externalId": self.project, "labels": labels, "attributes": attributes}
            await self.client.mutate(CREATE_PROJECT, {**given, "policy": self._policy()})
        elif found["attributes"] != attributes:
            raise CallFailed(
                f"There is a project {self.project} that is no replay of these judgments. "
                "Choose another id with --project."
            )
        names = self.dataset.judgments.tasks.to_pylist()
        tasks = [{"externalId": name, "payload": {"task": name}} for name in names]
        self._left_out = await add_tasks(self.client, self.project, tasks)

    def _policy(self) -> dict[str, Any]:
        """A policy that takes every row of the file, and every revision at any time."""
        overlap = self.dataset.overlap
        return {
            "overlap": overlap,
            "minJudgments": min(ENOUGH, overlap),
            "targetConfidence": TARGET,
            "requireLease": False,
            "allowRevision": True,
            "revisionSeconds": KNOBS["revision_seconds"].metadata["high"],
            "actOnStatus": False,
            "findFraud": False,
        }

    async def run(self, reached: Callable[[Checkpoint], None]) -> None:
        """Send everything; `reached` is called after each quarter."""
        begin = 0
        for share in QUARTERS:
            end = round(share * len(self.dataset))
            began = time.perf_counter()
            await self._send(range(begin, end))
            seconds = max(time.perf_counter() - began, 1e-9)
            reached(await self._look(share, end, (end - begin) / seconds))
            begin = end

    async def _send(self, rows: range) -> None:
        if self.batch > 1:
            for start in range(rows.start, rows.stop, self.batch):
                await self._send_batch(range(start, min(start + self.batch, rows.stop)))
            return
        turns = _turns(self.dataset, rows)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self.in_flight, len(rows))):
                    group.create_task(self._send_singly(turns))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None  # they failed for the same reason

    async def _send_singly(self, turns: "Iterator[_Turn]") -> None:
        # Rows are taken in order, so that the one waited for is always under way already.
        judgments = self.dataset.judgments
        tasks, workers, labels = judgments.tasks, judgments.workers, judgments.labels
        for turn in turns:
            row = turn.row
            for earlier in turn.after:
                if not earlier.done():
                    await earlier
            given = {
                "project": self.project,
                "task": tasks[judgments.task[row]].as_py(),
                "worker": workers[judgments.worker[row]].as_py(),
                "label": labels[judgments.label[row]],
                "clientId": self._client_ids[row],
                "seconds": some(judgments.seconds[row : row + 1])[0],
            }
            try:
                answer = await self.client.mutate(SUBMIT, given)
                self.duplicates += answer["duplicate"]
            except CallRefused as refused:
                self._count(refused.code)
            self.sent += 1
            turn.done.set_result(None)

    async def _send_batch(self, rows: range) -> None:
        judgments, part = self.dataset.judgments, slice(rows.start, rows.stop)
        given = {
            "project": self.project,
            "tasks": judgments.tasks.take(judgments.task[part]).to_pylist(),
            "workers": judgments.workers.take(judgments.worker[part]).to_pylist(),
            "labels": [judgments.labels[label] for label in judgments.label[part].tolist()],
            "clientIds": self._client_ids[part],
            "seconds": some(judgments.seconds[part]),
        }
        answer = await self.client.mutate(SUBMIT_MANY, given)
        self.duplicates += answer["duplicates"]
        for refusal in answer["refusals"]:
            self._count(refusal["code"])
        self.sent += len(rows)

    def _count(self, code: str) -> None:
        self.refused[code] = self.refused.get(code, 0) + 1

    async def _look(self, share: float, rows: int, rate: float) -> Checkpoint:
        dataset = self.dataset
        # Rows are sent quarter by quarter. If one was new, then no later quarter had begun before.
        new = self.sent > self.duplicates + sum(self.refused.values())
        if not new and share < 1.0:
            return Checkpoint(share, rows, rate, known=False)
        number = {name: place for place, name in enumerate(dataset.judgments.tasks.to_pylist())}
        posterior = np.zeros((len(number), len(dataset.judgments.labels)))
        settled = 0
        missing = number.keys() - self._left_out
        # The list says how the server's memory stands, so all that was answered counts in it.
        async for task in self.client.nodes(TASKS, {"project": self.project}):
            missing.discard(task["externalId"])
            consensus = task["consensus"]
            if consensus is None:
                continue
            place = number[task["externalId"]]
            posterior[place] = [each["probability"] for each in consensus["probabilities"]]
            settled += consensus["confidence"] >= TARGET and task["judgmentCount"] >= ENOUGH
        if missing:
            raise CallFailed(
                f"The server lists {len(number) - len(missing):,} of the {len(number):,} tasks: "
                f"{min(missing)} is missing. Its answers cannot be compared; run the same again."
            )
        tasks, majority = dataset.majority(rows)
        points = score_against_gold(posterior[tasks], dataset.gold[tasks]) if len(tasks) else 0.0
        return Checkpoint(
            share,
            rows,
            rate,
            known=True,
            settled=settled,
            tasks=len(tasks),
            consensus=float(np.sum(points)),
            majority=float(majority.sum()),
        )


@dataclass(slots=True)
class _Turn:
    """A row, the rows that must be answered before it is sent, and the mark that it is answered."""

    row: int
    after: tuple[asyncio.Future[None], ...]
    done: asyncio.Future[None]


def _turns(dataset: Dataset, rows: range) -> Iterator[_Turn]:
    """The rows in order; each waits for the one before it of its task, and of its worker."""
    loop = asyncio.get_running_loop()
    by_task: dict[int, asyncio.Future[None]] = {}
    by_worker: dict[int, asyncio.Future[None]] = {}
    judgments, part = dataset.judgments, slice(rows.start, rows.stop)
    pairs = zip(judgments.task[part].tolist(), judgments.worker[part].tolist(), strict=True)
    for row, (task, worker) in zip(rows, pairs, strict=True):
        earlier = (by_task.get(task), by_worker.get(worker))
        done = loop.create_future()
        by_task[task] = by_worker[worker] = done
        yield _Turn(row, tuple(one for one in earlier if one is not None), done)

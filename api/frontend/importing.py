"""Judgments of a file sent to a project in batches, and what was refused of them."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from api.frontend.client import CallFailed, Client
from api.frontend.documents import CREATE_PROJECT, PROJECT, SUBMIT_MANY, add_tasks
from api.tables.folder import OutFile, OutFolder
from api.tables.judgments import Judgments, some
from api.tables.writing import write_header, write_rows

REFUSED: Final = "refused.csv"
UNKNOWN_TASK: Final = "UNKNOWN_TASK"
ADD_TASK: Final = "The project has no such task. Say --create to add those of the file."
IN_FLIGHT: Final = 3  # batches: one is read, one is stored, one is written


@dataclass
class Import:
    """One file on its way into one project.

    Resumable without any mark: a judgment that is there is a duplicate, and adds nothing.
    sent, accepted, duplicates, refused: rows.
    """

    client: Client
    judgments: Judgments
    project: str
    batch: int
    sent: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    _create: bool = False

    async def prepare(self, *, create: bool) -> None:
        """Make sure of the project; with `create`, make it and its tasks where they are missing.

        Raises CallFailed if there is no project.
        """
        self._create = create
        found = await self.client.execute(PROJECT, {"project": self.project})
        if found["project"] is None:
            if not create:
                raise CallFailed(
                    f"There is no project {self.project}. Correct --project, or say --create to "
                    "make it with the labels and tasks of the file."
                )
            labels = [{"externalId": label} for label in self.judgments.labels]
            policy = {"overlap": int(np.bincount(self.judgments.task).max())}
            given = {"externalId": self.project, "labels": labels, "policy": policy}
            await self.client.mutate(CREATE_PROJECT, given)
        if create:
            names = self.judgments.tasks.to_pylist()
            tasks = [{"externalId": name, "payload": {"task": name}} for name in names]
            await add_tasks(self.client, self.project, tasks)

    async def run(self, folder: OutFolder, progress: Callable[[int], None]) -> None:
        """Send everything; refused rows go to refused.csv, which can be imported again as it is."""
        starts = iter(range(0, len(self.judgments.task), self.batch))
        file: OutFile | None = None

        async def send(starts: Iterator[int]) -> None:
            nonlocal file
            for start in starts:
                part = slice(start, start + self.batch)
                refusals = await self._send(part)
                if refusals:
                    if file is None:
                        file = folder.create(REFUSED)
                        write_header(file, ["task", "worker", "label", "seconds", "code", "reason"])
                    self._write(file, start, refusals)
                progress(self.sent)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(IN_FLIGHT):
                    group.create_task(send(starts))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None  # they failed for the same reason

    async def _send(self, part: slice) -> list[dict[str, Any]]:
        judgments = self.judgments
        labels = [judgments.labels[label] for label in judgments.label[part].tolist()]
        given = {
            "project": self.project,
            "tasks": judgments.tasks.take(judgments.task[part]).to_pylist(),
            "workers": judgments.workers.take(judgments.worker[part]).to_pylist(),
            "labels": labels,
            "seconds": some(judgments.seconds[part]),
        }
        answer = await self.client.mutate(SUBMIT_MANY, given)
        refusals: list[dict[str, Any]] = answer["refusals"]
        self.sent += len(labels)
        self.accepted += answer["accepted"]
        self.duplicates += answer["duplicates"]
        self.refused += len(refusals)
        for refusal in refusals:
            if refusal["code"] == UNKNOWN_TASK and not self._create:
                refusal["message"] = ADD_TASK
            why = f"{refusal['message']} ({refusal['code']})"
            self.reasons[why] = self.reasons.get(why, 0) + 1
        return refusals

    def _write(self, file: OutFile, start: int, refusals: list[dict[str, Any]]) -> None:
        import pyarrow as pa

        judgments = self.judgments
        rows = np.array([start + refusal["row"] for refusal in refusals])
        write_rows(
            file,
            [
                judgments.tasks.take(judgments.task[rows]),
                judgments.workers.take(judgments.worker[rows]),
                pa.array(judgments.labels).take(judgments.label[rows]),
                judgments.seconds[rows],
                pa.array([refusal["code"] for refusal in refusals]),
                pa.array([refusal["message"] for refusal in refusals]),
            ],
        )

"""kill -9 of the server, over and over, under a crowd that submits as fast as it can."""

import asyncio
import json
import random
from dataclasses import dataclass, field

import asyncpg
import httpx
import numpy as np
import pytest

from api.frontend.documents import ADD_TASKS, CREATE_PROJECT
from engine import GOLD, JUDGE, Categorical, Events
from engine.calibration import Calibration
from tests.paths.serving import RefusalError, ServerProcess, admin_token, ask
from tests.waiting import PATIENCE, eventually

KILLS = 20
TASKS, WORKERS, OVERLAP, LABELS = 1500, 30, 5, 4
TRANSIENT = {"UNAVAILABLE", "OVERLOADED", "NO_TASKS", "LEASE_LIMIT"}

SUBMIT = """
mutation ($input: SubmitJudgmentInput!) { submitJudgment(input: $input) {
  ... on SubmitJudgmentPayload { sequence } ... on Refusal { code message }
} }"""
LEASE = """
mutation ($input: LeaseTasksInput!) { leaseTasks(input: $input) {
  ... on LeaseTasksPayload { leases { id task } } ... on Refusal { code message }
} }"""
POSTERIORS = """
query ($after: String) { tasks(project: "kill", first: 500, after: $after) {
  edges { node { externalId judgmentCount consensus { label confidence } } }
  pageInfo { hasNextPage endCursor }
} }"""

SEQS = """
select seq from judgment union all select seq from decision union all select seq from lease
"""


@dataclass
class Crowd:
    """Workers who submit each judgment until they get a definite answer, and note it."""

    server: ServerProcess
    token: str
    acknowledged: dict[str, tuple[str, str, str, int]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    done: bool = False

    async def acknowledges(self, more: int) -> None:
        """Wait until so many more judgments are acknowledged."""
        enough = len(self.acknowledged) + more
        await eventually(lambda: len(self.acknowledged) >= enough)

    async def certain(self, client: httpx.AsyncClient, query: str, **given: object) -> dict:  # type: ignore[type-arg]
        """Repeat until there is an answer that is not 'later'."""
        while True:
            try:
                return await ask(
                    client, self.server.url, self.token, query, input={"project": "kill", **given}
                )
            except (httpx.TransportError, httpx.TimeoutException):
                await asyncio.sleep(0.01)
            except RefusalError as refusal:
                if refusal.code not in TRANSIENT or refusal.code == "NO_TASKS":
                    raise
                await asyncio.sleep(0.05)

    async def submit(
        self, client: httpx.AsyncClient, worker: str, task: str, label: str, lease: str | None
    ) -> None:
        client_id = f"{worker}-{task}-{lease or label}"
        subject = {"leaseId": lease} if lease else {"task": task}
        try:
            answer = await self.certain(
                client, SUBMIT, worker=worker, label=label, clientId=client_id, **subject
            )
            self.acknowledged[client_id] = worker, task, label, int(answer["sequence"])
        except RefusalError as refusal:
            self.refused[client_id] = refusal.code

    async def work_freely(self, worker: str, seed: int) -> None:
        """Judge every task in an order of one's own, without leases."""
        order = random.Random(seed)
        tasks = order.sample(range(TASKS), TASKS)
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            for task in tasks:
                if self.done:
                    return
                label = str(task % LABELS if order.random() < 0.8 else order.randrange(LABELS))
                await self.submit(client, worker, f"t{task}", label, None)

    async def work_with_leases(self, worker: str, seed: int) -> None:
        """Lease, then judge what was leased, across kills."""
        order = random.Random(seed)
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            while not self.done:
                try:
                    answer = await self.certain(client, LEASE, worker=worker, count=3)
                except RefusalError:  # nothing left for this worker
                    await asyncio.sleep(0.2)
                    continue
                for lease in answer["leases"]:
                    right = str(int(lease["task"][1:]) % LABELS)
                    label = right if order.random() < 0.8 else str(order.randrange(LABELS))
                    await self.submit(client, worker, lease["task"], label, lease["id"])


@pytest.mark.slow
async def test_nothing_acknowledged_is_lost(database_url: str) -> None:
    token = await admin_token(database_url)
    async with ServerProcess(database_url) as server:
        await _create_project(server, token)
        crowd = Crowd(server, token)
        async with asyncio.TaskGroup() as group:
            for w in range(WORKERS):
                work = crowd.work_with_leases if w % 3 == 0 else crowd.work_freely
                group.create_task(work(f"w{w}", w))
            moments = random.Random(7)
            for _ in range(KILLS):
                await crowd.acknowledges(moments.randint(1, 200))
                await asyncio.sleep(moments.uniform(0, 0.05))
                await server.kill()
                await server.start()
            await crowd.acknowledges(100)
            crowd.done = True
        await _check_log(database_url, crowd)
        await _check_state(database_url, server, token)
        assert await server.stop() == 0


async def _create_project(server: ServerProcess, token: str) -> None:
    policy = {"overlap": OVERLAP, "minJudgments": None, "requireLease": False, "leaseSeconds": 8}
    labels = [{"externalId": str(k)} for k in range(LABELS)]
    given = {"externalId": "kill", "labels": labels, "policy": policy}
    tasks = [{"externalId": f"t{t}", "payload": {"n": t}} for t in range(TASKS)]
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        await ask(client, server.url, token, CREATE_PROJECT, input=given)
        await ask(client, server.url, token, ADD_TASKS, input={"project": "kill", "tasks": tasks})


async def _check_log(database_url: str, crowd: Crowd) -> None:
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(
        """
        select j.client_id, j.seq, w.external_id as worker, t.external_id as task,
               l.external_id as label
        from judgment j join worker w using (project_id, worker_id)
        join task t using (project_id, task_id) join label l using (project_id, label_id)
        """
    )
    stored: dict[str, list[tuple[str, str, str, int]]] = {}
    for row in rows:
        found = row["worker"], row["task"], row["label"], row["seq"]
        stored.setdefault(row["client_id"], []).append(found)
    for client_id, judgment in crowd.acknowledged.items():
        assert stored.get(client_id) == [judgment], client_id
    assert not {*crowd.refused} & {*stored}
    assert {*crowd.refused.values()} <= {"OVERLAP_FULL", "TASK_CLOSED", "LEASE_EXPIRED"}
    pairs = {(row["worker"], row["task"]) for row in rows}
    assert len(pairs) == len(rows)
    loads = await connection.fetch(
        """
        select task_id, count(*) as load from (
            select task_id from judgment where supersedes is null
            union all select task_id from lease where closed_at is null
        ) as held group by task_id
        """
    )
    assert max(row["load"] for row in loads) <= OVERLAP
    seqs = [row["seq"] for row in await connection.fetch(SEQS)]
    assert len(seqs) == len({*seqs})
    await connection.close()


async def _check_state(database_url: str, server: ServerProcess, token: str) -> None:
    """What the server says is, to the last bit, what a model says that reads the whole log."""
    connection = await asyncpg.connect(database_url)
    log = await connection.fetch(
        """
        select seq, 0 as kind, task_id, worker_id, label_id::int from judgment
        union all
        select seq, 2, task_id, 0, coalesce((body->>'label')::int, -1) from decision
        where kind in ('GOLD_SET', 'GOLD_WITHDRAWN') order by seq
        """
    )
    tasks = await connection.fetch("select external_id, task_id from task")
    names = {row["external_id"]: row["task_id"] for row in tasks}
    await connection.close()
    assert {row["kind"] for row in log} <= {JUDGE, GOLD}
    rebuilt = Categorical(LABELS)
    rebuilt.apply(
        Events(
            np.array([row["kind"] for row in log], np.uint8),
            np.array([row["task_id"] for row in log], np.int32),
            np.array([row["worker_id"] for row in log], np.int32),
            np.array([row["label_id"] for row in log], np.int16),
        )
    )
    after = None
    seen = 0
    told: list[tuple[np.ndarray[tuple[int], np.dtype[np.int32]], float]] = []
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        while True:
            page = await ask(client, server.url, token, POSTERIORS, after=after)
            for edge in page["edges"]:
                node = edge["node"]
                task = np.array([names[node["externalId"]]], np.int32)
                expected = rebuilt.consensus(task)
                assert node["judgmentCount"] == expected.judgments[0]
                if expected.judgments[0]:
                    assert node["consensus"]["label"] == str(expected.label[0])
                    told.append((task, node["consensus"]["confidence"]))
                seen += 1
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
    assert seen == TASKS
    # What confidence means may have been learned anew while the pages were read.
    connection = await asyncpg.connect(database_url)
    learned = await connection.fetch("select body from decision where kind = 'CALIBRATED'")
    await connection.close()
    meanings = [rebuilt.calibration]
    meanings += [Calibration(*json.loads(row["body"])["parameters"]) for row in learned]
    possible = []
    for rebuilt.calibration in meanings:
        possible.append([rebuilt.consensus(task).confidence[0] for task, _ in told])
    for (_, confidence), either in zip(told, zip(*possible, strict=True), strict=True):
        assert confidence in either

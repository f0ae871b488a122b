"""What a flush must ask the database before it can plan, because memory does not keep it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import numpy as np

from api.flush import retracted
from api.flush.requests import HandleAlert, Release, Request, Retract, Rule, Submit
from api.memory import Memory
from api.state.directory import storable
from api.state.leases import EndedLease, pair
from db import log, retractions
from db.connect import AnyConnection


class Sent(NamedTuple):
    """A judgment that came under a client id."""

    seq: int
    task: int
    label: int


@dataclass(slots=True)
class Known:
    """Facts beyond memory that concern the rows of one flush."""

    leases: dict[int, EndedLease] = field(default_factory=dict)  # by lease id
    client_ids: dict[tuple[int, str], Sent] = field(default_factory=dict)  # by worker and id
    seqs: dict[int, int] = field(default_factory=dict)  # of the last judgments, by pair
    made: dict[int, datetime] = field(default_factory=dict)  # when these came
    counting: set[int] = field(default_factory=set)  # pairs that count, of workers who are joined
    muted: dict[int, int] = field(default_factory=dict)  # labels of last judgments that do not
    retraction: retracted.Facts = field(default_factory=retracted.Facts)
    decided: retracted.Decision | None = None  # what was decided under this client id


async def look_up(
    connection: AnyConnection, memory: Memory, requests: list[Request], *, careful: bool
) -> Known:
    """Ask for the facts, at most one statement of a kind, none in the common case.

    A judgment that is repeated stands already, or it was voided, so client ids are looked up for
    workers who have judged the task and for tasks with voided judgments; `careful`: for all, which
    finds those that were used for another task.

    Also sets the `task` of rows that leave it to their lease, and each row's `standing` label.
    """
    known = Known()
    for request in requests:
        if isinstance(request, Retract):
            known.retraction = await retracted.ask(connection, memory, request)
        elif isinstance(request, Rule | HandleAlert):
            known.decided = await retracted.decided(connection, memory, request.cause.client_id)
    submits = [request for request in requests if isinstance(request, Submit)]
    await _ended_leases(connection, memory, requests, known)
    for request in submits:
        _resolve_tasks(memory, known, request)
    stands = _find_standing(memory, submits)
    voided = _voided_tasks(memory, submits)
    if stands or voided or careful:
        await _client_ids(connection, memory, submits, known, voided, careful=careful)
        await _standing(connection, memory, submits, known, voided)
    if memory.voices:
        await _voices(connection, memory, submits, known)
    return known


async def _ended_leases(
    connection: AnyConnection, memory: Memory, requests: list[Request], known: Known
) -> None:
    open_leases, ended = memory.leases.open, memory.leases.ended
    forgotten: list[UUID] = []
    for request in requests:
        if isinstance(request, Submit):
            lease_ids = request.rows.lease_id
        elif isinstance(request, Release):
            lease_ids = request.lease_ids
        else:
            continue
        forgotten += [
            lease_id
            for lease_id in lease_ids
            if lease_id is not None
            and lease_id.int not in open_leases
            and lease_id.int not in ended
        ]
    if forgotten:
        project_id = memory.project.project_id
        for row in await log.ended_leases(connection, project_id, forgotten):
            known.leases[row["lease_id"].int] = EndedLease(
                row["task_id"], row["worker_id"], row["outcome"]
            )


def _resolve_tasks(memory: Memory, known: Known, request: Submit) -> None:
    tasks = request.task = request.rows.task.tolist()
    if -1 not in tasks:
        return
    open_leases, ended = memory.leases.open, memory.leases.ended
    for row, lease_id in enumerate(request.rows.lease_id):
        if lease_id is not None and tasks[row] == -1:
            key = lease_id.int
            lease = open_leases.get(key) or ended.get(key) or known.leases.get(key)
            if lease is not None:
                tasks[row] = lease.task


def _find_standing(memory: Memory, submits: list[Submit]) -> bool:
    """Set each row's `standing`, one look at the model for all; return whether any stands."""
    if not submits:
        return False
    tasks = np.array([task for request in submits for task in request.task], np.int32)
    workers = np.concatenate([request.rows.worker for request in submits])
    labels = memory.labels_of(tasks, workers)
    standing, start = labels.tolist(), 0
    for request in submits:
        request.standing = standing[start : (start := start + len(request.task))]
    return bool(labels.max() >= 0)


async def _client_ids(
    connection: AnyConnection,
    memory: Memory,
    submits: list[Submit],
    known: Known,
    voided: frozenset[int],
    *,
    careful: bool,
) -> None:
    workers: list[int] = []
    client_ids: list[str] = []
    for request in submits:
        rows = request.rows
        for worker, client_id, standing, task in zip(
            rows.worker.tolist(), rows.client_id, request.standing, request.task, strict=True
        ):
            told = careful or standing >= 0 or task in voided
            if client_id is not None and told and storable(client_id):
                workers.append(worker)
                client_ids.append(client_id)
    if not client_ids:
        return
    project_id = memory.project.project_id
    for row in await log.by_client_id(connection, project_id, workers, client_ids):
        index = row["row"]
        sent = Sent(row["seq"], row["task_id"], row["label_id"])
        known.client_ids[workers[index], client_ids[index]] = sent


async def _standing(
    connection: AnyConnection,
    memory: Memory,
    submits: list[Submit],
    known: Known,
    voided: frozenset[int],
) -> None:
    # Each pair once: a batch may revise one judgment thousands of times. A judgment also takes the
    # place of a voided one, which only the log knows.
    pairs = {
        (task, worker)
        for request in submits
        for task, worker, label in zip(
            request.task, request.rows.worker.tolist(), request.standing, strict=True
        )
        if label >= 0 or task in voided
    }
    if pairs:
        tasks, workers = zip(*pairs, strict=True)
        project_id = memory.project.project_id
        for row in await log.live_judgments(connection, project_id, tasks, workers):
            key = pair(row["task_id"], row["worker_id"])
            known.seqs[key], known.made[key] = row["seq"], row["created_at"]


async def _voices(
    connection: AnyConnection, memory: Memory, submits: list[Submit], known: Known
) -> None:
    """Which judgments of joined workers count, and which were muted, for the tasks in question."""
    voices = memory.voices
    pairs = {
        (task, member)
        for request in submits
        for task, worker in zip(request.task, request.rows.worker.tolist(), strict=True)
        if 0 <= task < len(memory.tasks) and (group := voices.group(worker))
        for member in group.members
    }
    if not pairs:
        return
    tasks, members = (np.array(column, np.int32) for column in zip(*pairs, strict=True))
    counts = memory.labels_of(tasks, members) >= 0
    known.counting.update(map(pair, tasks[counts].tolist(), members[counts].tolist()))
    silent = map(pair, tasks[~counts].tolist(), members[~counts].tolist())
    seqs = [known.seqs[key] for key in silent if key in known.seqs]
    if seqs:
        project_id = memory.project.project_id
        for row in await retractions.held_by(connection, project_id, voices.decisions, seqs):
            if row["alone"]:
                known.muted[pair(row["task_id"], row["worker_id"])] = row["label_id"]


def _voided_tasks(memory: Memory, submits: list[Submit]) -> frozenset[int]:
    """Those of the tasks of which a judgment was ever voided; none in the common case."""
    found = set[int]()
    if not memory.standing.any_retracted:
        return frozenset(found)
    flags = memory.standing.retracted
    for request in submits:
        tasks = np.array(request.task, np.int32)
        tasks = tasks[(tasks >= 0) & (tasks < len(memory.tasks))]
        found.update(tasks[flags[tasks]].tolist())
    return frozenset(found)

"""What waits in a shard's inbox: a call's data, and the future its caller waits on.

Planning fills in the fields after `future`; nobody sees them before the commit.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from api.acts import Act, Cause, Decided, Row, Ruling
from api.errors import Refused
from api.projects import Project
from api.rows import Int16s, Int32s, Int64s, Lease, NewTasks, Submissions, Submitted, TasksAdded
from api.state.gold_book import GoldSource
from api.state.leases import OpenLease


@dataclass(slots=True, eq=False)
class Submit:
    """Judgments to store."""

    rows: Submissions
    future: asyncio.Future[Submitted]
    code: list[str] = field(default_factory=list)
    seq: list[int] = field(default_factory=list)
    task: list[int] = field(default_factory=list)
    standing: list[int] = field(default_factory=list)  # label of the same worker's live judgment


@dataclass(slots=True, eq=False)
class LeaseTasks:
    """Tasks that a worker asks for."""

    worker: int
    count: int
    future: asyncio.Future[list[Lease]]
    granted: list[OpenLease] = field(default_factory=list)
    refusal: Refused | None = None


@dataclass(slots=True, eq=False)
class Release:
    """Leases that a worker gives back; of any worker where `worker` is None."""

    worker: int | None
    lease_ids: Sequence[UUID]
    future: asyncio.Future[list[str]]
    code: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class SetGold:
    """Known answers (`engine.truths`) of tasks, -1 where one is withdrawn; why they are right."""

    task: Int32s
    answer: Int16s
    explanation: Sequence[str]
    source: GoldSource | None
    actor: str
    future: asyncio.Future[Int64s]
    seq: list[int] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class AddTasks:
    """Tasks to add."""

    rows: NewTasks
    actor: str
    future: asyncio.Future[TasksAdded]
    code: list[str] = field(default_factory=list)
    task: list[int] = field(default_factory=list)
    created: list[bool] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class AddWorkers:
    """Workers to find or to add."""

    external_id: Sequence[str]
    kind: Sequence[str]
    attributes: Sequence[Mapping[str, Any]]
    actor: str
    future: asyncio.Future[Int32s]
    worker: list[int] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Declare:
    """All the attributes that a worker is to have."""

    worker: int
    attributes: Mapping[str, Any]
    actor: str
    future: asyncio.Future[int]
    seq: int = 0


@dataclass(slots=True, eq=False)
class UpdatePolicy:
    """Knobs to set anew."""

    changes: Mapping[str, object]
    expected_version: int | None
    actor: str
    future: asyncio.Future[Project]
    preset: str | None = None
    refusal: Refused | None = None


@dataclass(slots=True, eq=False)
class Retract:
    """An act of staff; without a `cause` one that was decided and is to be carried on."""

    act: Act
    cause: Cause | None
    effect: Mapping[str, Any]  # as it was foreseen
    future: asyncio.Future[Decided]
    part: Sequence[Row] | None = None  # what it voids or restores now; to be found out if None
    more: bool = False  # there will be another part
    answer: Decided | None = None
    refusal: Refused | None = None


@dataclass(slots=True, eq=False)
class Refit:
    """A part of a fit of everything anew, of so many judgments of a pass; `begin`: the first one.
    True when none is left."""

    begin: bool
    judgments: int
    future: asyncio.Future[bool]


@dataclass(slots=True, eq=False)
class Calibrate:
    """What confidence was learned to mean; the body of its decision. Its seq."""

    body: Mapping[str, Any]
    future: asyncio.Future[int]
    seq: int = 0


@dataclass(slots=True, eq=False)
class Rule:
    """What staff, or a worker who appeals, says of a worker's status."""

    ruling: Ruling
    cause: Cause
    future: asyncio.Future[Decided]
    answer: Decided | None = None
    refusal: Refused | None = None


@dataclass(slots=True, eq=False)
class ReportFraud:
    """Findings of fraud to enter, as bodies of decisions (`api.fraud`); and alerts (seqs, each with
    a note) of what is found no longer."""

    bodies: Sequence[Mapping[str, Any]]
    ended: Mapping[int, str]
    future: asyncio.Future[list[int]]
    seq: list[int] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class HandleAlert:
    """What staff say of the alert of this seq: that they know of it, or that it is resolved."""

    alert: int
    resolves: bool
    cause: Cause
    future: asyncio.Future[Decided]
    answer: Decided | None = None
    refusal: Refused | None = None


@dataclass(slots=True, eq=False)
class SuspectGold:
    """What speaks against a gold task, or without one against gold as a whole, as the body of a
    decision (`api.gold_watch`). decided: seq of the decision that had set the task's answer."""

    task: int | None
    decided: int
    body: Mapping[str, Any]
    future: asyncio.Future[int]
    seq: int = -1


@dataclass(slots=True, eq=False)
class MakeGold:
    """Tasks that may become gold by their consensus (`api.gold_making`)."""

    task: Sequence[int]
    future: asyncio.Future[list[int]]
    seq: list[int] = field(default_factory=list)


Request = (
    Submit
    | LeaseTasks
    | Release
    | SetGold
    | AddTasks
    | AddWorkers
    | Declare
    | UpdatePolicy
    | Retract
    | Refit
    | Rule
    | ReportFraud
    | Calibrate
    | HandleAlert
    | SuspectGold
    | MakeGold
)


def row_count(request: Request) -> int:
    """Count the rows of a request, as the inbox counts them."""
    match request:
        case Submit(rows=rows):
            return len(rows.worker)
        case LeaseTasks(count=count):
            return max(count, 1)
        case Release(lease_ids=lease_ids):
            return len(lease_ids)
        case SetGold(task=task) | MakeGold(task=task):
            return len(task)
        case AddTasks(rows=new):
            return len(new.external_id)
        case AddWorkers(external_id=names):
            return len(names)
        case ReportFraud(bodies=bodies, ended=ended):
            return len(bodies) + len(ended)
        case (
            Declare()
            | UpdatePolicy()
            | Retract()
            | Refit()
            | Rule()
            | Calibrate()
            | HandleAlert()
            | SuspectGold()
        ):
            return 1


def alone(request: Request) -> bool:
    """Whether a request needs a flush of its own: what follows it must see its effect."""
    return isinstance(request, UpdatePolicy | Retract | Refit | Rule | Calibrate | HandleAlert)

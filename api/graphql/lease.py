"""Leases: tasks handed to a worker for a while. Nothing here tells gold from other tasks."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import ID, field

from api.graphql.project import Label
from api.graphql.refusals import Conflict, Forbidden, InvalidInput, NotFound, RowRefusal, TryLater
from api.graphql.scalars import Json


@strawberry.type(description="A task in the hands of a worker until a time.")
class Lease:
    """All that a worker may know of a task, and for admins the task."""

    id: ID = field(description="Opaque; name it as `leaseId` when submitting.")
    payload: Json = field(description="What to show to the worker.")
    expires_at: datetime = field(description="Until when the judgment must be in.")
    task: ID | None = field(description="External id of the task; null for WORKER keys.")


@strawberry.type(description="Tasks for a worker.")
class LeaseTasksPayload:
    """Answer of leaseTasks."""

    leases: list[Lease] = field(description="What was handed out, at most as many as asked for.")
    labels: list[Label] = field(description="The answers to choose from, in their order.")


@strawberry.type(description="What became of each lease.")
class ReleaseLeasesPayload:
    """Answer of releaseLeases."""

    released: int = field(description="Leases that were given back by this call.")
    refusals: list[RowRefusal] = field(description="The leases that could not be given back.")


@strawberry.input(description="How many tasks are wanted, and for whom.")
class LeaseTasksInput:
    """A request for tasks."""

    project: ID | None = field(
        description="External id of the project. A key bound to a project can leave it out.",
        default=None,
    )
    worker: ID | None = field(
        description="External id of the worker, created on first use. WORKER keys leave it out.",
        default=None,
    )
    count: int = field(description="How many at most.", default=1)
    resume: bool = field(
        description="Whether tasks that the worker holds already come first, and count. With this "
        "the call can be repeated when its answer was lost.",
        default=False,
    )


@strawberry.input(description="Leases to give back, so that other workers get their tasks.")
class ReleaseLeasesInput:
    """Leases that will not be answered."""

    project: ID | None = field(
        description="External id of the project. A key bound to a project can leave it out.",
        default=None,
    )
    lease_ids: list[ID] = field(description="The leases. Repeating a release does no harm.")


LeaseTasksResult = Annotated[
    LeaseTasksPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("LeaseTasksResult", description="Tasks, or why there are none."),
]
ReleaseLeasesResult = Annotated[
    ReleaseLeasesPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("ReleaseLeasesResult", description="What became of the leases, or why not."),
]

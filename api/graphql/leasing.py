"""leaseTasks and releaseLeases."""

from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import ID

from api import rows
from api.errors import BudgetSpent, InvalidInput, LeaseLimit, NoTasks, TooManyRows, WorkerPaused
from api.graphql.context import Context, Info, context_of, shard_of
from api.graphql.lease import (
    Lease,
    LeaseTasksInput,
    LeaseTasksPayload,
    LeaseTasksResult,
    ReleaseLeasesInput,
    ReleaseLeasesPayload,
    ReleaseLeasesResult,
)
from api.graphql.project import Label
from api.graphql.refusals import row_refusals
from api.graphql.scalars import Json
from api.graphql.submitting import NO_LEASE, workers_of
from api.projects import Project
from api.shard import Shard
from db.reads import open_leases_of_worker

MOST_LEASES = 1000  # of one call; the policy's leases_per_worker is the real limit


async def lease_tasks(
    info: Info,
    given: Annotated[
        LeaseTasksInput, strawberry.argument(name="input", description="What is wanted.")
    ],
) -> LeaseTasksResult:
    """Hand tasks to a worker."""
    context = context_of(info)
    shard = await shard_of(context, given.project)
    if not 1 <= given.count <= MOST_LEASES:
        raise InvalidInput("count", f"it must lie between 1 and {MOST_LEASES}")
    named = None if given.worker is None else [given.worker]
    worker = int((await workers_of(context, shard, named, 1))[0])
    leases = (await held_by(context, shard, worker))[: given.count] if given.resume else []
    if len(leases) < given.count:
        try:
            leases += await shard.lease(worker, given.count - len(leases))
        except (NoTasks, BudgetSpent, LeaseLimit, WorkerPaused):
            if not leases:
                raise
    return LeaseTasksPayload(
        leases=[lease_of(context, lease) for lease in leases], labels=labels_of(shard.project)
    )


async def release_leases(
    info: Info,
    given: Annotated[
        ReleaseLeasesInput, strawberry.argument(name="input", description="What is given back.")
    ],
) -> ReleaseLeasesResult:
    """Give leases back."""
    context = context_of(info)
    shard = await shard_of(context, given.project)
    limit = context.service.settings.batch_rows
    if len(given.lease_ids) > limit:
        raise TooManyRows(len(given.lease_ids), limit)
    codes = await shard.release(
        context.caller.worker_id, [_lease_id(text) for text in given.lease_ids]
    )
    refused = row_refusals(codes, lambda *_: {})
    return ReleaseLeasesPayload(released=codes.count(""), refusals=refused)


async def held_by(context: Context, shard: Shard, worker: int) -> list[rows.Lease]:
    """The open leases of a worker, the oldest first."""
    project_id = shard.project.project_id
    found = await open_leases_of_worker(context.service.pool, project_id, worker)
    return [rows.Lease(**row) for row in found]


def lease_of(context: Context, lease: rows.Lease) -> Lease:
    """A lease as the caller may see it: nothing of it tells a worker which task it is."""
    return Lease(
        id=ID(str(lease.lease_id)),
        payload=Json(lease.payload),
        expires_at=lease.expires_at,
        task=ID(lease.external_id) if context.is_admin else None,
    )


def labels_of(project: Project) -> list[Label]:
    """The labels of a project."""
    return [Label(external_id=ID(label.external_id), name=label.name) for label in project.labels]


def _lease_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return NO_LEASE

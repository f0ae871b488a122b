"""Single objects for admins."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import ID, field

from api.errors import InvalidInput, UnknownProject
from api.graphql.context import Context, Info, admin_of, shard_of
from api.graphql.listing import OneProject
from api.graphql.people import workers_of
from api.graphql.project import Node, Project
from api.graphql.reading import project_of, selected, tasks_of
from api.graphql.scalars import Sequence, parse_global_id, with_offset
from api.graphql.task import Task
from api.graphql.worker import Worker
from api.reading.views import Views
from api.shard import Shard
from db import reads

Named = Annotated[ID, strawberry.argument(description="External id.")]


@strawberry.input(description="A moment of the past: a sequence or a time, one of the two.")
class AsOf:
    """When."""

    sequence: Sequence | None = field(
        description="Position in the project's log, the last that counts.", default=None
    )
    time: datetime | None = field(
        description="What was in the log at this time counts.", default=None
    )


Then = Annotated[
    AsOf | None,
    strawberry.argument(
        description="Answer as it was then. The log is replayed for it from the newest snapshot "
        "before that moment: 4 to 15 seconds a million entries, the first time. One such replay "
        "runs at a time, and the last two moments are kept. What is said of workers leans "
        "on the log up to then, but on their records in other projects as they are now. Null "
        "before the project was there. Refused with TOO_LONG_AGO beyond "
        "2,000,000 entries, and with NOT_YET in the future."
    ),
]


async def project(info: Info, external_id: Named, as_of: Then = None) -> Project | None:
    """One project."""
    context = admin_of(info)
    try:
        shard = await shard_of(context, external_id)
    except UnknownProject:
        return None
    views = await views_of(context, shard, as_of)
    return None if views is None else project_of(views)


async def task(
    info: Info, external_id: Named, project: OneProject = None, as_of: Then = None
) -> Task | None:
    """One task."""
    context = admin_of(info)
    views = await views_of(context, await shard_of(context, project), as_of)
    if views is None:
        return None
    ids = views.task_ids([external_id]).tolist()
    return await _task(context, views, ids[0], selected(info))


async def worker(
    info: Info, external_id: Named, project: OneProject = None, as_of: Then = None
) -> Worker | None:
    """One worker."""
    context = admin_of(info)
    views = await views_of(context, await shard_of(context, project), as_of)
    if views is None:
        return None
    ids = views.worker_ids([external_id]).tolist()
    return await _worker(context, views, ids[0], selected(info))


async def node(
    info: Info,
    id_: Annotated[ID, strawberry.argument(name="id", description="A global id.")],
) -> Node | None:
    """A project, task or worker."""
    context = admin_of(info)
    found = parse_global_id(id_)
    if found is None:
        return None
    shard = _shard(context, found[1][0] if found[1] else -1)
    match found:
        case _ if shard is None:
            return None
        case ("Project", (_,)):
            return project_of(shard)
        case ("Task", (_, task_id)):
            return await _task(context, shard, task_id, selected(info))
        case ("Worker", (_, worker_id)):
            return await _worker(context, shard, worker_id, selected(info))
        case _:
            return None


async def views_of(context: Context, shard: Shard, as_of: AsOf | None) -> Views | None:
    """The project as it is, or as it was; None before there was one."""
    if as_of is None:
        return shard
    history = context.service.shards.history
    match as_of.sequence, as_of.time:
        case int(sequence), None:
            return await history.at(shard, sequence)
        case None, datetime() as time:
            time = with_offset("asOf.time", time)
            if time < shard.project.created_at:
                return None
            return await history.at_time(shard, time)
        case _:
            raise InvalidInput("asOf", "name a sequence or a time, one of the two")


def _shard(context: Context, project_id: int) -> Shard | None:
    if context.caller.project_id not in {None, project_id}:
        return None
    try:
        return context.service.shards.by_id(project_id)
    except UnknownProject:
        return None


async def _task(
    context: Context, shard: Views, task_id: int, wanted: frozenset[str]
) -> Task | None:
    pool, project_id = context.service.pool, shard.project.project_id
    if not 0 <= task_id < 2**31:
        return None
    found = await reads.tasks_by_ids(pool, project_id, [task_id])
    tasks = await tasks_of(context, shard, found, wanted)
    return tasks[0] if tasks else None


async def _worker(
    context: Context, shard: Views, worker_id: int, wanted: frozenset[str]
) -> Worker | None:
    pool, project_id = context.service.pool, shard.project.project_id
    if not 0 <= worker_id < 2**31:
        return None
    found = await reads.workers_by_ids(pool, project_id, [worker_id])
    workers = await workers_of(context, shard, found, wanted)
    return workers[0] if workers else None

"""The live feeds. A slow subscriber gets the latest state of what changed, never a queue of it.

Each resolver checks its call and then returns its events, so that what is refused never begins.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from functools import partial
from typing import Annotated, TypeVar

import strawberry
from graphql import GraphQLError
from strawberry import field

from api.errors import InvalidInput
from api.graphql.context import Context, Info, admin_of, shard_of
from api.graphql.listing import OneProject
from api.graphql.people import FROM_LOG, workers_of
from api.graphql.project import Quality
from api.graphql.reading import quality_of, selected, tasks_of
from api.graphql.scalars import Sequence
from api.graphql.task import Task
from api.graphql.worker import Worker
from api.reading.feeds import Changes
from api.rows import Int32s
from api.shard import Shard
from db import reads

MOST_TASKS = 500  # of one event
SHORTEST_INTERVAL, LONGEST_INTERVAL = 0.1, 60.0  # seconds

T = TypeVar("T")

Resume = Annotated[
    Sequence | None,
    strawberry.argument(
        description="The `cursor` of the last event you have seen: what changed since then comes "
        "first. Without it the feed begins now."
    ),
]
Sight = Annotated[
    Sequence | None,
    strawberry.argument(
        description="The `cursor` of the last event you have seen, as other feeds take it. This "
        "one begins with the totals as they are now in any case."
    ),
]
Interval = Annotated[
    float,
    strawberry.argument(description="Fewest seconds between two events, from 0.1 to 60."),
]


@strawberry.type(description="The totals of a project, whenever they have changed.")
class QualityEvent:
    """An event of qualityFeed."""

    cursor: Sequence = field(description="Where to resume: give it as `after`.")
    quality: Quality = field(description="How the project is doing.")


@strawberry.type(description="Tasks that changed, each once and as it stands now.")
class TaskEvent:
    """An event of taskFeed."""

    cursor: Sequence = field(description="Where to resume: give it as `after`.")
    tasks: list[Task] = field(description=f"The tasks; at most {MOST_TASKS} in one event.")


@strawberry.type(description="Workers whose record changed, each once and as it stands now.")
class WorkerEvent:
    """An event of workerFeed."""

    cursor: Sequence = field(description="Where to resume: give it as `after`.")
    workers: list[Worker] = field(description=f"The workers; at most {MOST_TASKS} in one event.")


async def quality_feed(
    info: Info,
    project: OneProject = None,
    after: Sight = None,  # noqa: ARG001 - where it resumes, the totals of now are all there is
    interval: Interval = 0.2,
) -> AsyncIterator[QualityEvent]:
    """Totals of a project: at once, then whenever they have changed."""
    context = admin_of(info)
    shard = await shard_of(context, project)
    if not SHORTEST_INTERVAL <= interval <= LONGEST_INTERVAL:
        raise InvalidInput(
            "interval", f"it must lie between {SHORTEST_INTERVAL} and {LONGEST_INTERVAL:g}"
        )

    async def events() -> AsyncIterator[QualityEvent]:
        last: QualityEvent | None = None
        while True:
            event = context.service.readings.glance(("quality", shard), lambda: _look(shard))
            if event != last:
                _still_trusted(context)
                yield event
                last = event
            await asyncio.sleep(interval)

    return events()


async def task_feed(
    info: Info, project: OneProject = None, after: Resume = None
) -> AsyncIterator[TaskEvent]:
    """Tasks whose consensus, judgments, gold or status changed."""
    context = admin_of(info)
    shard = await shard_of(context, project)
    wanted = selected(info)
    pool, project_id = context.service.pool, shard.project.project_id

    async def read(ids: Int32s, cursor: int) -> TaskEvent:
        found = await reads.tasks_by_ids(pool, project_id, ids.tolist())
        tasks = await tasks_of(context, shard, found, wanted)
        return TaskEvent(cursor=Sequence(cursor), tasks=tasks)

    start = start_of(shard, after)
    return parts_of(context, shard.feed.tasks(start), start, ("tasks", wanted), read)


async def worker_feed(
    info: Info, project: OneProject = None, after: Resume = None
) -> AsyncIterator[WorkerEvent]:
    """Workers whose record changed."""
    context = admin_of(info)
    shard = await shard_of(context, project)
    wanted = selected(info)
    if wanted & FROM_LOG:
        raise InvalidInput("reputation", "reasons, trend and speed are for `worker` and `workers`")
    pool, project_id = context.service.pool, shard.project.project_id

    async def read(ids: Int32s, cursor: int) -> WorkerEvent:
        found = await reads.workers_by_ids(pool, project_id, ids.tolist())
        workers = await workers_of(context, shard, found, wanted)
        return WorkerEvent(cursor=Sequence(cursor), workers=workers)

    start = start_of(shard, after)
    return parts_of(context, shard.feed.workers(start), start, ("workers", wanted), read)


def start_of(shard: Shard, after: int | None) -> int:
    """Where a feed begins; a cursor that the log has not reached, of another database, is none."""
    return shard.seq if after is None else min(after, shard.seq)


def _look(shard: Shard) -> QualityEvent:
    quality = shard.quality()
    return QualityEvent(cursor=Sequence(quality.seq), quality=quality_of(quality))


async def parts_of(
    context: Context,
    feed: AsyncIterator[Changes],
    start: int,
    what: Hashable,
    read: Callable[[Int32s, int], Awaitable[T]],
) -> AsyncIterator[T]:
    """Make an event of each part of a change, with the cursor to resume from.

    Whoever reads the same part, and the same `what`, shares the event. Only the last part of a
    change bears its cursor; the others bear the one before, so that who is cut off between two
    parts gets some of them again and misses none.
    """
    share = context.service.readings.share
    async for changes in feed:
        last = (len(changes.ids) - 1) // MOST_TASKS
        for number in range(last + 1):
            part = changes.ids[number * MOST_TASKS : (number + 1) * MOST_TASKS]
            cursor = changes.cursor if number == last else start
            event = await share((what, number, cursor), changes, partial(read, part, cursor))
            _still_trusted(context)
            yield event
        start = changes.cursor


def _still_trusted(context: Context) -> None:
    if not context.service.keys.works(context.caller):
        message = "The key was revoked. Ask an admin for a new one."
        raise GraphQLError(message, extensions={"code": "UNAUTHENTICATED"})

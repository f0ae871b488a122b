"""The lists of admins: projects, tasks, workers and keys, filtered, ordered and paged."""

from enum import Enum
from typing import Annotated, Any, Literal

import numpy as np
import strawberry
from strawberry import ID, field

from api.errors import InvalidInput
from api.graphql import paging
from api.graphql.context import Info, admin_of, shard_of
from api.graphql.enums import described_enum
from api.graphql.granting import key_of
from api.graphql.key import ApiKey
from api.graphql.paging import After, Connection, Direction, First
from api.graphql.people import workers_of
from api.graphql.project import Project
from api.graphql.reading import project_of, selected, tasks_of
from api.graphql.scalars import Json
from api.graphql.scalars import Sequence as LogSequence
from api.graphql.standing import Appeal, WorkerStatus
from api.graphql.task import Task, TaskStatus
from api.graphql.worker import Worker, WorkerKind
from api.shard import Shard
from db import reads, standings

OneProject = Annotated[
    ID | None,
    strawberry.argument(
        description="External id of the project. A key bound to a project can leave it out."
    ),
]


@described_enum(
    "What tasks are ordered by. Ties are ordered by age.",
    CONFIDENCE="Confidence of the consensus; 0 without one.",
    PRIORITY="Priority.",
    AGE="When they were added; ASC is the oldest first.",
)
class TaskOrderBy(Enum):
    """Sort keys of tasks."""

    CONFIDENCE = "confidence"
    PRIORITY = "priority"
    AGE = "age"


@described_enum(
    "What workers are ordered by. Ties are ordered by age.",
    ACCURACY="Expected accuracy.",
    JUDGMENTS="Number of live judgments.",
    STATUS="Status, by its name.",
    AGE="When they first came; ASC is the earliest first.",
)
class WorkerOrderBy(Enum):
    """Sort keys of workers."""

    ACCURACY = "accuracy"
    JUDGMENTS = "judgments"
    STATUS = "status"
    AGE = "age"


@strawberry.input(description="The order of tasks.")
class TaskOrder:
    """Key and direction."""

    by: TaskOrderBy = field(description="What they are ordered by.", default=TaskOrderBy.AGE)
    direction: Direction = field(description="Which end comes first.", default=Direction.ASC)


@strawberry.input(description="The order of workers.")
class WorkerOrder:
    """Key and direction."""

    by: WorkerOrderBy = field(description="What they are ordered by.", default=WorkerOrderBy.AGE)
    direction: Direction = field(description="Which end comes first.", default=Direction.ASC)


@strawberry.input(
    description="Which tasks: all that is given must hold. Changes count after a second at most."
)
class TaskFilter:
    """Conditions on tasks."""

    status: list[TaskStatus] | None = field(description="Any of these.", default=None)
    label: ID | None = field(description="The consensus is this label.", default=None)
    confidence_below: float | None = field(
        description="The confidence is lower than this.", default=None
    )
    slice: Json | None = field(
        description='The attributes contain this object, as in {"language": "fi"}.', default=None
    )


@strawberry.input(
    description="Which workers: all that is given must hold. Changes count after a second at most."
)
class WorkerFilter:
    """Conditions on workers."""

    status: list[WorkerStatus] | None = field(description="Any of these.", default=None)
    accuracy_below: float | None = field(
        description="The expected accuracy is lower than this.", default=None
    )
    accuracy_at_least: float | None = field(
        description="The expected accuracy is this or higher.", default=None
    )
    judgments_at_least: int | None = field(
        description="There are at least so many live judgments.", default=None
    )
    kind: list[WorkerKind] | None = field(description="Any of these.", default=None)
    voided: bool | None = field(description="Whether they are voided; null for both.", default=None)
    cohort: Json | None = field(
        description='The attributes contain this object, as in {"vendor": "acme"}.', default=None
    )


async def projects(info: Info, first: First = 50, after: After = None) -> Connection[Project]:
    """Every project that the key may see, the oldest first."""
    context = admin_of(info)
    bound = context.caller.project_id
    asked = paging.page(first, after, "projects", int)
    start = -1 if asked.after is None else asked.after[0]
    shards = sorted(
        (
            shard
            for shard in context.service.shards.all()
            if bound in {None, shard.project.project_id}
        ),
        key=lambda shard: shard.project.project_id,
    )
    found = [shard for shard in shards if shard.project.project_id > start][: first + 1]
    keys = [(shard.project.project_id,) for shard in found]
    return paging.connection(
        asked, "projects", [project_of(shard) for shard in found], keys, len(shards)
    )


async def tasks(
    info: Info,
    project: OneProject = None,
    filter_: Annotated[
        TaskFilter | None, strawberry.argument(name="filter", description="Which ones.")
    ] = None,
    order: Annotated[
        TaskOrder | None, strawberry.argument(description="In which order; by age if left out.")
    ] = None,
    first: First = 50,
    after: After = None,
) -> Connection[Task]:
    """Tasks of a project."""
    context = admin_of(info)
    shard = await shard_of(context, project)
    order = order or TaskOrder()
    conditions = filter_ or TaskFilter()
    by: Literal["confidence", "priority", "age"] = order.by.value
    name = f"tasks {shard.project.project_id} {by} {order.direction.value}"
    asked = paging.page(first, after, name, float if by == "confidence" else int, ties=by != "age")
    found = await reads.tasks_page(
        context.service.pool,
        shard.project.project_id,
        by,
        "asc" if order.direction is Direction.ASC else "desc",
        asked.after,
        asked.first + 1,
        statuses=_names(conditions.status),
        label_id=_label_id(shard, conditions.label),
        confidence_below=conditions.confidence_below,
        attributes=_object("slice", conditions.slice),
    )
    keys = [_key(by, row, "task_id") for row in found]
    nodes = await tasks_of(context, shard, found, selected(info))
    return paging.connection(asked, name, nodes, keys, _task_count(shard, conditions))


async def queue_to_adjudicate(
    info: Info, project: OneProject = None, first: First = 50, after: After = None
) -> Connection[Task]:
    """The contested tasks of a project."""
    context = admin_of(info)
    shard = await shard_of(context, project)
    name = f"adjudication {shard.project.project_id}"
    asked = paging.page(first, after, name, float, ties=True)
    place = None if asked.after is None else (asked.after[0], asked.after[1])
    tasks, urgency = shard.adjudication_queue(place, asked.first + 1)
    keys = list(zip(urgency.tolist(), tasks.tolist(), strict=True))
    found = await reads.tasks_by_ids(context.service.pool, shard.project.project_id, tasks.tolist())
    rows = {row["task_id"]: row for row in found}
    in_order = [rows[task] for task in tasks.tolist()]
    nodes = await tasks_of(context, shard, in_order, selected(info))
    return paging.connection(asked, name, nodes, keys, shard.quality().contested_tasks)


async def workers(
    info: Info,
    project: OneProject = None,
    filter_: Annotated[
        WorkerFilter | None, strawberry.argument(name="filter", description="Which ones.")
    ] = None,
    order: Annotated[
        WorkerOrder | None, strawberry.argument(description="In which order; by age if left out.")
    ] = None,
    first: First = 50,
    after: After = None,
) -> Connection[Worker]:
    """Workers of a project."""
    context = admin_of(info)
    shard = await shard_of(context, project)
    order = order or WorkerOrder()
    conditions = filter_ or WorkerFilter()
    by: Literal["accuracy", "judgments", "status", "age"] = order.by.value
    name = f"workers {shard.project.project_id} {by} {order.direction.value}"
    kind = {"accuracy": float, "status": str}.get(by, int)
    asked = paging.page(first, after, name, kind, ties=by != "age")
    found = await reads.workers_page(
        context.service.pool,
        shard.project.project_id,
        by,
        "asc" if order.direction is Direction.ASC else "desc",
        asked.after,
        asked.first + 1,
        statuses=_names(conditions.status),
        accuracy_below=conditions.accuracy_below,
        accuracy_at_least=conditions.accuracy_at_least,
        judgments_at_least=conditions.judgments_at_least,
        attributes=_object("cohort", conditions.cohort),
        kinds=_names(conditions.kind),
        voided=conditions.voided,
    )
    keys = [_key(by, row, "worker_id") for row in found]
    total = shard.quality().workers if conditions == WorkerFilter() else None
    nodes = await workers_of(context, shard, found, selected(info))
    return paging.connection(asked, name, nodes, keys, total)


async def keys(
    info: Info, project: OneProject = None, first: First = 50, after: After = None
) -> Connection[ApiKey]:
    """API keys by id; with no project, an ADMIN of all projects sees all keys."""
    context = admin_of(info)
    bound = context.caller.project_id
    if project is not None or bound is not None:
        bound = (await shard_of(context, project)).project.project_id
    name = f"keys {bound}"
    asked = paging.page(first, after, name, str, ties=False)
    found = await reads.keys_page(
        context.service.pool,
        bound,
        None if asked.after is None else asked.after[0],
        asked.first + 1,
    )
    sort_keys = [(row["key_id"],) for row in found]
    return paging.connection(asked, name, [key_of(row) for row in found], sort_keys, None)


async def appeals(info: Info, project: OneProject = None) -> list[Appeal]:
    """The open appeals of a project, the oldest first."""
    context = admin_of(info)
    shard = await shard_of(context, project)
    seqs = list(shard.memory.vetting.appeals.values())
    rows = await standings.decisions(context.service.pool, shard.project.project_id, seqs)
    names = shard.worker_names(np.array([row["worker_id"] for row in rows], np.int32))
    return [
        Appeal(
            sequence=LogSequence(row["seq"]),
            worker=ID(name),
            message=row["body"]["reason"],
            created_at=row["created_at"],
        )
        for row, name in zip(rows, names, strict=True)
    ]


def _task_count(shard: Shard, conditions: TaskFilter) -> int | None:
    """How many tasks the conditions leave, where memory knows it."""
    quality = shard.quality()
    if conditions == TaskFilter():
        return quality.tasks
    if conditions != TaskFilter(status=conditions.status) or conditions.status is None:
        return None
    by_status = {
        TaskStatus.OPEN: quality.open_tasks,
        TaskStatus.SETTLED: quality.settled_tasks,
        TaskStatus.CONTESTED: quality.contested_tasks,
    }
    return sum(by_status[status] for status in set(conditions.status))


def _names(members: Any) -> list[str] | None:
    return None if members is None else [member.value for member in members]


def _label_id(shard: Shard, label: str | None) -> int | None:
    if label is None:
        return None
    label_id = shard.project.label_ids.get(label)
    if label_id is None:
        raise InvalidInput("filter.label", "the project has no such label")
    return label_id


def _object(name: str, value: Any) -> dict[str, Any] | None:
    if value is not None and not isinstance(value, dict):
        raise InvalidInput(f"filter.{name}", 'it must be a JSON object, as in {"language": "fi"}')
    return value


def _key(by: str, row: Any, id_name: str) -> tuple[Any, ...]:
    return (row[id_name],) if by == "age" else (row[by], row[id_name])

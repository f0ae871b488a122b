"""What admins change: projects, policies, tasks and gold."""

from collections.abc import Mapping
from typing import Annotated, Any, cast

import numpy as np
import strawberry

from api.codes import Code
from api.errors import InvalidInput, TooManyRows, UnevenColumns
from api.flush.plan import storable_json
from api.graphql.answers import UNKNOWN, WITHDRAWN, answers_of, texts_of
from api.graphql.context import Info, admin_of, instance_admin_of, shard_of
from api.graphql.project import (
    CreateProjectInput,
    CreateProjectPayload,
    CreateProjectResult,
    UpdatePolicyInput,
    UpdatePolicyPayload,
    UpdatePolicyResult,
    changes_of,
)
from api.graphql.reading import project_of
from api.graphql.refusals import Facts, row_refusals
from api.graphql.scalars import Sequence
from api.graphql.task import (
    AddTasksInput,
    AddTasksPayload,
    AddTasksResult,
    NewTask,
    SetGoldInput,
    SetGoldPayload,
    SetGoldResult,
)
from api.policy import Policy
from api.projects import Label
from api.rows import NewTasks


async def create_project(
    info: Info,
    given: Annotated[
        CreateProjectInput, strawberry.argument(name="input", description="The project.")
    ],
) -> CreateProjectResult:
    """Create a project."""
    context = instance_admin_of(info)
    shard = await context.service.shards.create_project(
        given.external_id,
        given.name or given.external_id,
        [Label(label.external_id, label.name or label.external_id) for label in given.labels],
        Policy().changed(changes_of(given.preset, given.policy)),
        _object("attributes", given.attributes),
    )
    return CreateProjectPayload(project=project_of(shard))


async def update_policy(
    info: Info,
    given: Annotated[
        UpdatePolicyInput, strawberry.argument(name="input", description="The change.")
    ],
) -> UpdatePolicyResult:
    """Change a policy."""
    context = admin_of(info)
    shard = await shard_of(context, given.project)
    if given.preset is None and given.policy is None:
        raise InvalidInput("policy", "say what to change: knobs, a preset, or both")
    await shard.update_policy(
        changes_of(given.preset, given.policy),
        given.expected_version,
        context.actor,
        preset=given.preset,
    )
    return UpdatePolicyPayload(project=project_of(shard))


async def add_tasks(
    info: Info,
    given: Annotated[AddTasksInput, strawberry.argument(name="input", description="The tasks.")],
) -> AddTasksResult:
    """Add tasks."""
    context = admin_of(info)
    shard = await shard_of(context, given.project)
    limit = context.service.settings.batch_rows
    if len(given.tasks) > limit:
        raise TooManyRows(len(given.tasks), limit)
    labels = shard.project.label_ids
    added = await shard.add_tasks(
        NewTasks(
            external_id=[task.external_id for task in given.tasks],
            payload=[_unchecked(task.payload) for task in given.tasks],
            attributes=[_unchecked(task.attributes) for task in given.tasks],
            priority=[task.priority for task in given.tasks],
            gold=[
                WITHDRAWN if task.gold is None else labels.get(task.gold, UNKNOWN)
                for task in given.tasks
            ],
        ),
        context.actor,
    )
    refused = row_refusals(added.code, lambda row, code: _facts(given.tasks[row], code))
    created = int(added.created.sum())
    return AddTasksPayload(
        added=created,
        existing=len(given.tasks) - created - len(refused),
        refused=len(refused),
        refusals=refused,
    )


async def set_gold(
    info: Info,
    given: Annotated[SetGoldInput, strawberry.argument(name="input", description="The gold.")],
) -> SetGoldResult:
    """Set or withdraw gold."""
    context = admin_of(info)
    shard = await shard_of(context, given.project)
    rows = len(given.tasks)
    limit = context.service.settings.batch_rows
    if rows > limit:
        raise TooManyRows(rows, limit)
    if len(given.labels) != rows:
        raise UnevenColumns
    known = shard.project.label_ids
    tasks = shard.task_ids(given.tasks)
    labels = np.array(answers_of(known, given.labels, given.also_right), np.int16)
    explanations = texts_of(given.explanations, rows)
    codes = [
        Code.UNKNOWN_TASK if task < 0 else Code.UNKNOWN_LABEL if label == UNKNOWN else ""
        for task, label in zip(tasks.tolist(), labels.tolist(), strict=True)
    ]
    good = np.array([row for row, code in enumerate(codes) if not code], np.int64)
    sequences: list[Sequence | None] = [None] * rows
    if len(good) or not rows:  # an empty call is refused by the shard
        done = await shard.set_gold(
            tasks[good],
            labels[good],
            context.actor,
            source=given.source,
            explanations=[explanations[row] for row in good.tolist()],
        )
        for row, sequence in zip(good.tolist(), done.tolist(), strict=True):
            sequences[row] = sequence
    refused = row_refusals(codes, lambda *_: {})
    return SetGoldPayload(
        changed=len(good), refused=len(refused), refusals=refused, sequences=sequences
    )


def _facts(task: NewTask, code: Code) -> Facts:
    """What a refusal of a task says of it."""
    if code == Code.INVALID_JSON:
        return {"field": "attributes" if storable_json(_unchecked(task.payload)) else "payload"}
    return {"field": "externalId"}


def _unchecked(value: Any) -> Mapping[str, Any]:
    """A row's JSON as it is: the shard refuses the row if it is no object."""
    return {} if value is None else cast("Mapping[str, Any]", value)


def _object(name: str, value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput(name, "it must be a JSON object")
    return value

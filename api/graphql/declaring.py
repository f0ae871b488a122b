"""setWorkerAttributes: what staff say of a worker, such as its skills, languages and cohort."""

from typing import Annotated, cast

import strawberry
from strawberry import ID, field

from api.errors import InvalidInput
from api.graphql.context import Info, admin_of, shard_of
from api.graphql.refusals import Conflict, Forbidden, NotFound, TryLater
from api.graphql.refusals import InvalidInput as InvalidInputRefusal
from api.graphql.scalars import Json, Sequence
from api.graphql.submitting import workers_of


@strawberry.input(description="All the attributes that a worker is to have.")
class SetWorkerAttributesInput:
    """Attributes of one worker."""

    project: ID | None = field(
        description="External id of the project. A key bound to a project can leave it out.",
        default=None,
    )
    worker: ID = field(description="External id of the worker, created on first use.")
    attributes: Json = field(
        description="A JSON object, in place of the one it has. `skills` and `languages` are lists "
        "of names: what the worker meets of what tasks ask for under the same keys. `price` is "
        "what its judgments cost, in place of the policy's price. The policy can name another one,"
        " by which workers form cohorts."
    )


@strawberry.type(description="The worker has these attributes; what it holds it keeps.")
class SetWorkerAttributesPayload:
    """Answer of setWorkerAttributes."""

    sequence: Sequence = field(description="The decision's place in the log.")


SetWorkerAttributesResult = Annotated[
    SetWorkerAttributesPayload | InvalidInputRefusal | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("SetWorkerAttributesResult", description="That it is so, or why not."),
]


async def set_worker_attributes(
    info: Info,
    given: Annotated[
        SetWorkerAttributesInput, strawberry.argument(name="input", description="The worker.")
    ],
) -> SetWorkerAttributesResult:
    """Set the attributes of a worker."""
    context = admin_of(info)
    shard = await shard_of(context, given.project)
    if not isinstance(given.attributes, dict):
        raise InvalidInput("attributes", "it must be a JSON object")
    attributes = cast("dict[str, object]", given.attributes)
    worker = int((await workers_of(context, shard, [given.worker], 1))[0])
    sequence = await shard.declare_worker(worker, attributes, context.actor)
    return SetWorkerAttributesPayload(sequence=Sequence(sequence))

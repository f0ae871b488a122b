"""createKey and revokeKey, and who the caller is."""

from typing import Annotated, Any

import strawberry
from strawberry import ID

from api.errors import Forbidden, InvalidInput, UnknownKey
from api.graphql.context import Context, Info, admin_of, context_of, shard_of
from api.graphql.key import (
    ApiKey,
    CreateKeyInput,
    CreateKeyPayload,
    CreateKeyResult,
    Me,
    RevokeKeyInput,
    RevokeKeyPayload,
    RevokeKeyResult,
)
from api.graphql.leasing import held_by, labels_of, lease_of
from api.graphql.reading import selected
from api.graphql.standings import own_standing
from api.graphql.submitting import workers_of
from api.keys import Role, derived_id
from db import reads


async def create_key(
    info: Info,
    given: Annotated[CreateKeyInput, strawberry.argument(name="input", description="The key.")],
) -> CreateKeyResult:
    """Create a key."""
    context = admin_of(info)
    bound = context.caller.project_id
    worker_id = None
    if given.role is Role.WORKER:
        if given.worker is None:
            raise InvalidInput("worker", "name the worker whom the key speaks for")
        shard = await shard_of(context, given.project)
        worker_id = int((await workers_of(context, shard, [given.worker], 1, given.kind.value))[0])
        project_id = shard.project.project_id
    else:
        if given.worker is not None:
            raise InvalidInput("worker", "an ADMIN key may act for every worker: leave it out")
        if given.project is None and bound is None:
            project_id = None
        else:
            project_id = (await shard_of(context, given.project)).project.project_id
    key_id = None
    if given.client_id is not None:
        # The project of the key in use is part of it, so that nobody meets another project's key.
        key_id = derived_id(bound, project_id, given.client_id)
    token = await context.service.keys.create(
        given.role, project_id=project_id, worker_id=worker_id, name=given.name, key_id=key_id
    )
    return CreateKeyPayload(key=await _key(context, token.split("_")[1]), token=token)


async def revoke_key(
    info: Info,
    given: Annotated[RevokeKeyInput, strawberry.argument(name="input", description="The key.")],
) -> RevokeKeyResult:
    """Revoke a key."""
    context = admin_of(info)
    if given.key_id == context.caller.key_id:
        raise Forbidden("a key cannot revoke itself, so that nobody locks the door behind them")
    await context.service.keys.revoke(given.key_id, context.caller.project_id)
    return RevokeKeyPayload(key=await _key(context, given.key_id))


async def me(info: Info) -> Me:
    """Who the caller is, and what it holds."""
    context = context_of(info)
    caller = context.caller
    if caller.project_id is None:
        return Me(
            key_id=ID(caller.key_id),
            role=caller.role,
            project=None,
            worker=None,
            labels=None,
            leases=[],
            standing=None,
        )
    shard = await shard_of(context, None)
    held, standing = [], None
    if caller.worker_id is not None:
        held = await held_by(context, shard, caller.worker_id)
        if "standing" in selected(info):
            standing = await own_standing(context, shard, caller.worker_id)
    key = await _key(context, caller.key_id)
    return Me(
        key_id=ID(caller.key_id),
        role=caller.role,
        project=key.project,
        worker=key.worker,
        labels=labels_of(shard.project),
        leases=[lease_of(context, lease) for lease in held],
        standing=standing,
    )


def key_of(row: Any) -> ApiKey:
    """A key from its row."""
    return ApiKey(
        id=ID(row["key_id"]),
        name=row["name"],
        role=Role(row["role"]),
        project=row["project"],
        worker=row["worker"],
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
    )


async def _key(context: Context, key_id: str) -> ApiKey:
    pool, bound = context.service.pool, context.caller.project_id
    rows = await reads.keys_page(pool, bound, None, 1, key_id=key_id)
    if not rows:
        raise UnknownKey
    return key_of(rows[0])

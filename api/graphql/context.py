"""What a resolver knows, who calls, and what that caller may reach."""

from dataclasses import dataclass

import strawberry
from graphql import GraphQLResolveInfo

from api.errors import Forbidden, InvalidInput, UnknownProject
from api.keys import Caller, Role
from api.service import Service
from api.shard import Shard
from db.projects import project_by_name


@dataclass(frozen=True, slots=True)
class Context:
    """The service and the caller of one request, or of one connection."""

    service: Service
    caller: Caller

    @property
    def actor(self) -> str:
        """Who acts, for the log of decisions."""
        return f"key:{self.caller.key_id}"

    @property
    def is_admin(self) -> bool:
        """Whether the caller may see consensus, gold and other workers."""
        return self.caller.role is Role.ADMIN


class Info(strawberry.Info[Context, None]):
    """What a root resolver gets: strawberry's class, by which it knows the parameter."""

    @property
    def raw(self) -> GraphQLResolveInfo[Context]:
        """graphql-core's view, with the selections."""
        return self._raw_info


def context_of(info: Info) -> Context:
    """The request's context."""
    return info.context


def admin_of(info: Info) -> Context:
    """The request's context, of an ADMIN. Raises Forbidden for others."""
    context = context_of(info)
    if not context.is_admin:
        raise Forbidden("it takes an ADMIN key")
    return context


def instance_admin_of(info: Info) -> Context:
    """The request's context, of an ADMIN of all projects. Raises Forbidden for others."""
    context = admin_of(info)
    if context.caller.project_id is not None:
        raise Forbidden("it takes an ADMIN key for all projects, and this one is bound to one")
    return context


async def shard_of(context: Context, project: str | None) -> Shard:
    """The shard of the project that a call names, or that its key is bound to.

    To a bound key, other projects do not exist: UnknownProject tells it no more than that.
    """
    shards = context.service.shards
    bound = context.caller.project_id
    if project is None:
        if bound is None:
            raise InvalidInput("project", "name one, since this key is for all projects")
        return await shards.open(bound)
    try:
        shard = shards.get(project)
    except UnknownProject:
        # Another process may have created it since this one started.
        async with context.service.pool.acquire() as connection:
            row = await project_by_name(connection, project)
        if row is None or bound not in {None, row["project_id"]}:
            raise
        shard = await shards.open(row["project_id"])
    if bound not in {None, shard.project.project_id}:
        raise UnknownProject
    return shard

"""How `basanite keys create` finds or makes what a key is bound to."""

from typing import Any

import asyncpg

from api.errors import UnknownProject
from api.frontend.client import CallFailed, CallRefused, Client
from api.frontend.documents import CREATE_KEY
from api.keys import Keys, Role
from api.service import open_pool
from api.settings import Settings
from api.shards import Shards
from db.projects import project_by_name
from db.reads import worker_by_external_id

PATIENCE = 2.0  # seconds that the server may be away


class ServerUnreachable(Exception):  # noqa: N818 - the name says what happened
    """Project {project} is written by a running server, and only that can add worker {worker}; it
    was not found at {address}. Give its --port, or use the mutation createKey."""


async def mint(
    settings: Settings,
    role: Role,
    project: str | None,
    worker: str | None,
    name: str,
    kind: str = "HUMAN",
) -> str:
    """Create a key and return its token. A worker that is not there yet is added, of that kind."""
    async with open_pool(settings) as (dsn, pool):
        keys = Keys(pool)
        if project is None:
            return await keys.create(role, name=name)
        async with pool.acquire() as connection:
            found = await project_by_name(connection, project)
        if found is None:
            raise UnknownProject
        project_id = found["project_id"]
        if worker is None:
            return await keys.create(role, project_id=project_id, name=name)
        row = await worker_by_external_id(pool, project_id, worker)
        if row is not None:
            worker_id = row["worker_id"]
        else:
            added = await _add_worker(dsn, pool, settings, project_id, worker, kind)
            if added is None:
                given = {"role": role, "project": project, "worker": worker, "name": name}
                return await _ask_server(keys, settings, given | {"kind": kind})
            worker_id = added
        return await keys.create(role, project_id=project_id, worker_id=worker_id, name=name)


async def _add_worker(
    dsn: str, pool: asyncpg.Pool, settings: Settings, project_id: int, worker: str, kind: str
) -> int | None:
    """Add a worker as the project's writer; None where another process is that."""
    shards = Shards(dsn, pool, limits=settings.limits)
    try:
        shard = await shards.open(project_id)
        if not shard.writable:
            return None
        return int((await shard.add_workers([worker], [kind]))[0])
    finally:
        await shards.close()


async def _ask_server(keys: Keys, settings: Settings, given: dict[str, Any]) -> str:
    """Let the server that writes the project create the key, by a key that lives as long."""
    token = await keys.create(Role.ADMIN, name="basanite keys create")
    address = f"http://{settings.host}:{settings.port}/graphql"
    try:
        async with Client(address, token, patience=PATIENCE) as client:
            return str((await client.mutate(CREATE_KEY, given))["token"])
    except CallRefused as error:
        raise ServerUnreachable(str(error)) from error
    except CallFailed as error:
        template = " ".join((ServerUnreachable.__doc__ or "").split())
        raise ServerUnreachable(template.format(address=address, **given)) from error
    finally:
        await keys.revoke(token.split("_")[1])

"""All projects of the database, each with its shard in this process."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from api.beside.apart import Chores
from api.errors import InvalidInput, InvalidLabels, InvalidText, ProjectExists, UnknownProject
from api.flush.plan import storable_json
from api.limits import Limits
from api.log.history import History
from api.log.recovery import read_project
from api.policy import Policy
from api.projects import MOST_LABELS, Label
from api.shard import Shard
from api.state.directory import storable
from db import projects


def utc_now() -> datetime:
    """Return the time of the system's clock."""
    return datetime.now(UTC)


class Shards:
    """The open shards by project. `pool` serves short statements, never a writer.

    The clock and the source of random bytes are passed in for tests and simulations.
    """

    def __init__(
        self,
        dsn: str,
        pool: asyncpg.Pool,
        *,
        limits: Limits | None = None,
        now: Callable[[], datetime] = utc_now,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._dsn = dsn
        self._pool = pool
        self._limits = limits or Limits()
        self._now = now
        self._entropy = entropy
        self._chores = Chores()
        self._by_id: dict[int, Shard] = {}
        self._by_name: dict[str, Shard] = {}
        self._opening: dict[int, asyncio.Task[Shard]] = {}
        self.history = History(dsn, pool, self._limits)

    async def start(self) -> None:
        """Open every project of the database."""
        async with self._pool.acquire() as connection:
            rows = await projects.project_rows(connection)
        for row in rows:
            await self.open(row["project_id"])

    async def open(self, project_id: int) -> Shard:
        """Return the project's shard, loaded. Where another process writes the project it is not
        `writable`: it follows, and takes over when that process ends. Raises `UnknownProject`."""
        if project_id in self._by_id:
            return self._by_id[project_id]
        opening = self._opening.get(project_id)
        if opening is None:
            opening = self._opening[project_id] = asyncio.create_task(self._open(project_id))
        return await asyncio.shield(opening)

    async def create_project(
        self,
        external_id: str,
        name: str,
        labels: Sequence[Label],
        policy: Policy,
        attributes: Mapping[str, Any],
    ) -> Shard:
        """Make a project and open it; if it exists just so, open that one.

        Raises `InvalidLabels`, `InvalidText`, `InvalidInput` or `ProjectExists`.
        """
        if not 2 <= len(labels) <= MOST_LABELS:
            raise InvalidLabels(MOST_LABELS, f"there are {len(labels)}")
        _check(external_id, name, labels)
        if not storable_json(attributes):
            raise InvalidInput("attributes", "it must be a JSON object that can be stored")
        async with self._pool.acquire() as connection:
            row = await projects.insert_project(
                connection,
                external_id,
                name,
                [_texts(label) for label in labels],
                policy.to_json(),
                attributes,
                self._now(),
            ) or await projects.project_by_name(connection, external_id)
            if row is None:
                raise UnknownProject
            project = await read_project(connection, row["project_id"])
        if (project.name, project.labels, project.policy, project.attributes) != (
            name,
            tuple(labels),
            policy,
            attributes,
        ):
            raise ProjectExists
        return await self.open(project.project_id)

    def get(self, external_id: str) -> Shard:
        """Return the shard of a project by its outside id; raises `UnknownProject`."""
        if external_id not in self._by_name:
            raise UnknownProject
        return self._by_name[external_id]

    def by_id(self, project_id: int) -> Shard:
        """Return the shard of a project; raises `UnknownProject`."""
        if project_id not in self._by_id:
            raise UnknownProject
        return self._by_id[project_id]

    def all(self) -> list[Shard]:
        """Return all open shards."""
        return list(self._by_id.values())

    async def close(self) -> None:
        """Close all shards in good order."""
        await asyncio.gather(*self._opening.values(), return_exceptions=True)
        await asyncio.gather(*(shard.close() for shard in self._by_id.values()))
        self._by_id.clear()
        self._by_name.clear()

    async def _open(self, project_id: int) -> Shard:
        try:
            shard = Shard(
                project_id,
                self._dsn,
                self._pool,
                self._limits,
                self._now,
                self._entropy,
                self._chores,
            )
            await shard.start()
            self._by_id[project_id] = self._by_name[shard.project.external_id] = shard
        finally:
            del self._opening[project_id]
        return shard


def _check(external_id: str, name: str, labels: Sequence[Label]) -> None:
    """Refuse texts that cannot be stored, and an id that two labels have."""
    texts = {"externalId": external_id, "name": name}
    for row, label in enumerate(labels):
        texts[f"labels, row {row}, externalId"] = label.external_id
        texts[f"labels, row {row}, name"] = label.name
    for field, text in texts.items():
        if not storable(text):
            raise InvalidText(field)
    seen: set[str] = set()
    for label in labels:
        if label.external_id in seen:
            raise InvalidLabels(MOST_LABELS, f"{label.external_id} is there twice")
        seen.add(label.external_id)


def _texts(label: Label) -> tuple[str, str]:
    return label.external_id, label.name

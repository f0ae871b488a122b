"""The calls that change a project: their input is checked here, and handed to the writer."""

import asyncio
from abc import abstractmethod
from collections.abc import Mapping, Sequence, Sized
from typing import Any, Final, TypeVar
from uuid import UUID

import numpy as np

from api.budget import own_price
from api.errors import (
    EmptyBatch,
    InvalidInput,
    InvalidText,
    Overloaded,
    TooManyRows,
    Unavailable,
    UnevenColumns,
    UnknownWorker,
)
from api.flush.plan import storable_json
from api.flush.requests import (
    AddTasks,
    AddWorkers,
    Declare,
    LeaseTasks,
    Release,
    Request,
    SetGold,
    Submit,
    UpdatePolicy,
)
from api.limits import Limits
from api.projects import Project
from api.reading.views import Views
from api.rows import Int16s, Int32s, Int64s, Lease, NewTasks, Submissions, Submitted, TasksAdded
from api.state.directory import storable
from api.state.eligibility import names_in
from api.state.gold_book import GoldSource

KINDS: Final = ("HUMAN", "MODEL")
LONGEST_EXPLANATION: Final = 2_000  # characters

_T = TypeVar("_T")


class Calls(Views):
    """What may be asked of a project's writer. Calls raise `Refused`; row refusals are codes."""

    _limits: Limits

    @abstractmethod
    async def _ask(self, request: Request, future: asyncio.Future[_T]) -> _T:
        """Let the writer carry a request out, and wait for its answer."""

    async def add_tasks(self, rows: NewTasks, actor: str) -> TasksAdded:
        """Add tasks; those whose outside id is there already stay as they are.

        Rows go in parts, so that a large import lets judgments through between them. If a later
        part fails the earlier ones are stored, and repeating the call does no harm.
        """
        count = _even(rows.external_id, rows.payload, rows.attributes, rows.priority, rows.gold)
        self._check_size(count)
        parts: list[TasksAdded] = []
        for some in _slices(count, self._limits.task_rows):
            part = NewTasks(
                external_id=rows.external_id[some],
                payload=rows.payload[some],
                attributes=rows.attributes[some],
                priority=rows.priority[some],
                gold=rows.gold[some],
            )
            future: asyncio.Future[TasksAdded] = new_future()
            parts.append(await self._ask_part(AddTasks(part, actor, future), future, len(parts)))
        return TasksAdded(
            [code for part in parts for code in part.code],
            np.concatenate([part.task for part in parts]),
            np.concatenate([part.created for part in parts]),
        )

    async def add_workers(
        self,
        external_ids: Sequence[str],
        kinds: Sequence[str] | None = None,
        attributes: Sequence[Mapping[str, object]] | None = None,
        actor: str = "basanite",
    ) -> Int32s:
        """Return the dense ids of workers; those not there yet are added."""
        found = self.worker_ids(external_ids)
        if len(found) and np.all(found >= 0):
            return found
        kinds = ["HUMAN"] * len(external_ids) if kinds is None else kinds
        attributes = [{}] * len(external_ids) if attributes is None else attributes
        self._check_size(_even(external_ids, kinds, attributes))
        if not all(map(storable, external_ids)):
            raise InvalidText("worker")
        if not all(map(storable_json, attributes)):
            raise InvalidInput("attributes", "it must be a JSON object that can be stored")
        for declared in attributes:
            _check_declared(declared)
        if not set(kinds) <= set(KINDS):
            raise InvalidInput("kind", f"it must be one of {', '.join(KINDS)}")
        future: asyncio.Future[Int32s] = new_future()
        return await self._ask(AddWorkers(external_ids, kinds, attributes, actor, future), future)

    async def declare_worker(
        self, worker: int, attributes: Mapping[str, object], actor: str
    ) -> int:
        """Give a worker these attributes, in place of those it has; return the decision's seq."""
        if not storable_json(attributes):
            raise InvalidInput("attributes", "it must be a JSON object that can be stored")
        _check_declared(attributes)
        future: asyncio.Future[int] = new_future()
        return await self._ask(Declare(worker, attributes, actor, future), future)

    async def set_gold(
        self,
        tasks: Int32s,
        answers: Int16s,
        actor: str,
        *,
        source: GoldSource | None = None,
        explanations: Sequence[str] | None = None,
    ) -> Int64s:
        """Set the known answers (`engine.truths`) of tasks, or withdraw them (-1). Returns a seq a
        row, -1 where the task or the answer is unknown.

        source: None leaves it as it is. explanations: why they are right, '' for none."""
        explanations = [""] * len(tasks) if explanations is None else explanations
        self._check_size(_even(tasks, answers, explanations))
        check_explanations(explanations)
        future: asyncio.Future[Int64s] = new_future()
        request = SetGold(tasks, answers, explanations, source, actor, future)
        return await self._ask(request, future)

    async def update_policy(
        self,
        changes: Mapping[str, object],
        expected_version: int | None,
        actor: str,
        *,
        preset: str | None = None,
    ) -> Project:
        """Change knobs of the policy; every task's status follows the new one.

        preset: the name of the one that they come from, for the log.
        """
        future: asyncio.Future[Project] = new_future()
        request = UpdatePolicy(changes, expected_version, actor, future, preset)
        return await self._ask(request, future)

    async def lease(self, worker: int, count: int) -> list[Lease]:
        """Hand up to `count` tasks to a worker. Raises `NoTasks` or `LeaseLimit`."""
        self._check_size(count)
        if not 0 <= worker < self.worker_count:
            raise UnknownWorker
        future: asyncio.Future[list[Lease]] = new_future()
        return await self._ask(LeaseTasks(worker, count, future), future)

    async def submit(self, rows: Submissions) -> Submitted:
        """Store judgments; the answer comes when they are durable and learnt.

        A large batch goes in parts, as in `add_tasks`.
        """
        count = _even(
            rows.worker, rows.task, rows.label, rows.lease_id, rows.client_id, rows.seconds
        )
        self._check_size(count)
        parts: list[Submitted] = []
        for some in _slices(count, self._limits.flush_rows):
            part = Submissions(
                worker=rows.worker[some],
                task=rows.task[some],
                label=rows.label[some],
                lease_id=rows.lease_id[some],
                client_id=rows.client_id[some],
                seconds=rows.seconds[some],
                require_lease=rows.require_lease,
                own=rows.own,
            )
            future: asyncio.Future[Submitted] = new_future()
            parts.append(await self._ask_part(Submit(part, future), future, len(parts)))
        if len(parts) == 1:
            return parts[0]
        return Submitted(
            code=[code for part in parts for code in part.code],
            seq=np.concatenate([part.seq for part in parts]),
            task=np.concatenate([part.task for part in parts]),
            label=np.concatenate([part.label for part in parts]),
            confidence=np.concatenate([part.confidence for part in parts]),
            status=np.concatenate([part.status for part in parts]),
        )

    async def release(self, worker: int | None, lease_ids: Sequence[UUID]) -> list[str]:
        """Take leases back; '' for each that is open no more, of any worker where it is None."""
        self._check_size(len(lease_ids))
        future: asyncio.Future[list[str]] = new_future()
        return await self._ask(Release(worker, lease_ids, future), future)

    async def _ask_part(self, request: Request, future: asyncio.Future[_T], before: int) -> _T:
        try:
            return await self._ask(request, future)
        except Overloaded:
            if before == 0:
                raise
            # Earlier parts are stored, so the message that nothing is would be wrong.
            raise Unavailable from None

    def _check_size(self, rows: int) -> None:
        if rows < 1:
            raise EmptyBatch
        if rows > self._limits.batch_rows:
            raise TooManyRows(rows, self._limits.batch_rows)


def new_future() -> asyncio.Future[Any]:
    """Return a future of the running loop."""
    return asyncio.get_running_loop().create_future()


def check_explanations(texts: Sequence[str]) -> None:
    """Raises InvalidInput for one that cannot be kept."""
    for text in texts:
        if len(text) > LONGEST_EXPLANATION or not storable_json({"text": text}):
            most = f"{LONGEST_EXPLANATION:,}"
            raise InvalidInput("explanations", f"each must be text of up to {most} characters")


def _slices(count: int, rows: int) -> list[slice]:
    return [slice(start, start + rows) for start in range(0, count, rows)]


def _check_declared(attributes: Mapping[str, Any]) -> None:
    if names_in(attributes) is None:
        raise InvalidInput("attributes", "`skills` and `languages` must be lists of names")
    try:
        own_price(attributes)
    except ValueError:
        raise InvalidInput("attributes", "`price` must be a whole number from 0 on") from None


def _even(*columns: Sized) -> int:
    """Return the columns' length; raises `UnevenColumns`."""
    lengths = {len(column) for column in columns}
    if len(lengths) > 1:
        raise UnevenColumns
    return lengths.pop()

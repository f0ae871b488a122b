"""The write path of one project: the story of a judgment from arrival to answer.

A call puts its rows into the inbox and waits. The one writer takes what has gathered, asks the
database what memory does not know, plans row by row, appends to the log in one transaction, lets
the model learn what is now durable, and answers. While it waits for the commit the next flush
gathers by itself. Whatever fails between plan and answer, memory is brought back from the log.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence, Sized
from datetime import datetime
from enum import Enum, auto
from typing import Any, Final, TypeVar
from uuid import UUID

import asyncpg
import numpy as np

from api import recovery
from api.derived import WriteBehind
from api.directory import storable
from api.errors import (
    EmptyBatch,
    InvalidText,
    Overloaded,
    ProjectTaken,
    Refused,
    TooManyRows,
    Unavailable,
    UnevenColumns,
    UnknownWorker,
)
from api.feeds import Feed
from api.inbox import Inbox
from api.judging import plan_judgments
from api.leases import OpenLease
from api.limits import Limits
from api.lookups import Known, look_up
from api.memory import Changed, Memory
from api.plan import Plan, storable_json
from api.projects import Project
from api.requests import (
    AddTasks,
    AddWorkers,
    LeaseTasks,
    Release,
    Request,
    SetGold,
    Submit,
    UpdatePolicy,
)
from api.rows import Int16s, Int32s, Int64s, Lease, NewTasks, Submissions, Submitted, TasksAdded
from api.seat import Seat
from api.settle import Contents, answer, settle
from api.snapshot_keeper import SnapshotKeeper
from api.views import Views
from db import log, projects
from db.errors import DatabaseError

KINDS: Final = ("HUMAN", "MODEL")

_RECONNECT_PAUSE: Final = 0.1
_LONGEST_WAIT: Final = 1.0  # seconds between two looks at the clock while leases are open
_IDLE_WAIT: Final = 60.0

# What a database that is gone, or a connection that breaks, looks like from here.
_LOST: Final = (
    OSError,
    DatabaseError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the connection ended just as a statement began
)

_T = TypeVar("_T")

logger = logging.getLogger(__name__)


class State(Enum):
    """Where a shard is: it reads the log, writes the project, or follows another writer."""

    LOADING = auto()
    WRITING = auto()
    FOLLOWING = auto()


class Shard(Views):
    """One project: what may be asked of it, and the writer that carries it out.

    Calls raise `Refused`; row refusals are codes in the answers. Reads show committed state only.
    """

    def __init__(
        self,
        project_id: int,
        dsn: str,
        pool: asyncpg.Pool,
        limits: Limits,
        now: Callable[[], datetime],
        entropy: Callable[[int], bytes],
    ) -> None:
        self._project_id = project_id
        self._dsn = dsn
        self._limits = limits
        self._now = now
        self._entropy = entropy
        self._seat = Seat(dsn, project_id)
        self._memory: Memory | None = None
        self._suspect = False  # the memory may differ from the log: read all of it again
        self._state = State.LOADING
        self._ready = asyncio.Event()  # set while not LOADING
        self._closing = False
        self._inbox = Inbox(limits.inbox_rows, limits.patience)
        self._derived = WriteBehind(pool, lambda: self.memory, limits)
        self.feed = Feed(self.quality, limits.feed_tick)
        self._snapshots = SnapshotKeeper(dsn, project_id, limits)
        self._running: asyncio.Task[None] | None = None

    # What callers may ask

    async def add_tasks(self, rows: NewTasks, actor: str) -> TasksAdded:
        """Add tasks; those whose outside id is there already stay as they are.

        Rows go in parts, so that a large import lets judgments through between them. If a later
        part fails the earlier ones are stored, and repeating the call does no harm.
        """
        count = _even(rows.external_id, rows.payload, rows.attributes, rows.priority, rows.gold)
        self._check_size(count)
        parts = []
        for start in range(0, count, self._limits.task_rows):
            some = slice(start, start + self._limits.task_rows)
            part = NewTasks(
                external_id=rows.external_id[some],
                payload=rows.payload[some],
                attributes=rows.attributes[some],
                priority=rows.priority[some],
                gold=rows.gold[some],
            )
            future: asyncio.Future[TasksAdded] = _future()
            parts.append(await self._ask(AddTasks(part, actor, future), future))
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
    ) -> Int32s:
        """Return the dense ids of workers; those not there yet are added."""
        found = self.worker_ids(external_ids)
        if len(found) and np.all(found >= 0):
            return found
        kinds = ["HUMAN"] * len(external_ids) if kinds is None else kinds
        attributes = [{}] * len(external_ids) if attributes is None else attributes
        self._check_size(_even(external_ids, kinds, attributes))
        if not (
            all(map(storable, external_ids))
            and all(map(storable_json, attributes))
            and set(kinds) <= set(KINDS)
        ):
            raise InvalidText
        future: asyncio.Future[Int32s] = _future()
        return await self._ask(AddWorkers(external_ids, kinds, attributes, future), future)

    async def set_gold(self, tasks: Int32s, labels: Int16s, actor: str) -> Int64s:
        """Set the known answers of tasks, or withdraw them (-1). Returns a seq a row, -1 where the
        task or the label is unknown."""
        self._check_size(_even(tasks, labels))
        future: asyncio.Future[Int64s] = _future()
        return await self._ask(SetGold(tasks, labels, actor, future), future)

    async def update_policy(
        self, changes: Mapping[str, object], expected_version: int | None, actor: str
    ) -> Project:
        """Change knobs of the policy; every task's status follows the new one."""
        future: asyncio.Future[Project] = _future()
        return await self._ask(UpdatePolicy(changes, expected_version, actor, future), future)

    async def lease(self, worker: int, count: int) -> list[Lease]:
        """Hand up to `count` tasks to a worker. Raises `NoTasks` or `LeaseLimit`."""
        self._check_size(count)
        if not 0 <= worker < self.worker_count:
            raise UnknownWorker
        future: asyncio.Future[list[Lease]] = _future()
        return await self._ask(LeaseTasks(worker, count, future), future)

    async def submit(self, rows: Submissions) -> Submitted:
        """Store judgments; the answer comes when they are durable and learnt."""
        self._check_size(
            _even(rows.worker, rows.task, rows.label, rows.lease_id, rows.client_id, rows.seconds)
        )
        future: asyncio.Future[Submitted] = _future()
        return await self._ask(Submit(rows, future), future)

    async def release(self, worker: int | None, lease_ids: Sequence[UUID]) -> list[str]:
        """Take leases back; '' for each that is open no more, of any worker where it is None."""
        self._check_size(len(lease_ids))
        future: asyncio.Future[list[str]] = _future()
        return await self._ask(Release(worker, lease_ids, future), future)

    async def _ask(self, request: Request, future: asyncio.Future[_T]) -> _T:
        """Let the writer carry a request out, and wait for its answer."""
        try:
            async with asyncio.timeout(self._limits.patience):
                await self._ready.wait()
        except TimeoutError:
            raise Overloaded(retry_after=self._limits.longest_retry) from None
        if self._closing:
            raise Overloaded(retry_after=self._limits.patience)
        if self._state is State.FOLLOWING:
            raise ProjectTaken
        try:
            await self._inbox.put(request)
            return await future
        except asyncio.CancelledError:
            # The caller is gone. The writer sees it by this, unless it has answered just now.
            if not future.cancel() and isinstance(request, LeaseTasks):
                self._give_back(request.granted)
            raise

    def _check_size(self, rows: int) -> None:
        if rows < 1:
            raise EmptyBatch
        if rows > self._limits.batch_rows:
            raise TooManyRows(rows, self._limits.batch_rows)

    # The writer

    @property
    def memory(self) -> Memory:
        """The project's memory; there is one from `start` on."""
        if self._memory is None:
            raise Unavailable
        return self._memory

    @property
    def writable(self) -> bool:
        """Whether this process writes the project; if not, another one does."""
        return self._state is not State.FOLLOWING

    async def start(self) -> None:
        """Load the project and begin to write it, or to follow whoever does.

        Raises `DatabaseError` or what the connection raises if the project cannot be read.
        """
        try:
            await self._load()
        except BaseException:
            self._seat.drop()
            raise
        self._running = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Carry out what waits, bring derived tables and snapshot up to date, leave the seat."""
        self._closing = True
        self._inbox.wake()
        if self._running is not None:
            await self._running
        _fail(self._inbox.drain(), Overloaded(retry_after=self._limits.patience))
        self.feed.stop()
        await self._snapshots.stop()
        try:
            if self._state is State.WRITING:
                await self._derived.drain()
                await self._snapshots.finish(self._seat.connection, self.memory)
            await self._seat.leave()
        except _LOST as error:
            logger.warning("Project %d was left without a snapshot: %s", self._project_id, error)
            self._seat.drop()

    async def _run(self) -> None:
        while not (self._closing and (self._state is not State.WRITING or len(self._inbox) == 0)):
            if self._state is State.LOADING:
                await self._recover()
            elif self._state is State.FOLLOWING:
                await self._follow()
            else:
                await self._inbox.wait(self._until_expiry())
                if self._seat.usable:
                    await self._flush(self._inbox.take(self._limits.flush_rows))
                else:  # it broke while nothing was under way: what waits need not know
                    self._lose(ConnectionError("the connection was closed"))

    async def _flush(self, requests: list[Request]) -> None:
        memory = self.memory
        now = self._now()
        expiry = memory.leases.next_expiry()
        if not requests and (expiry is None or expiry > now.timestamp()):
            return
        try:
            connection = self._seat.connection
            known = await look_up(connection, memory, requests)
            plan = self._plan(memory, known, now, requests)
            contents = await self._commit(connection, plan)
            self._suspect = True
            changed = settle(memory, plan)
            self._suspect = False
            orphans = answer(memory, requests, contents)
        except Exception as error:  # whatever it is, the log knows what is true
            self._lose(error)
            _fail(requests, Unavailable())
            return
        self._tell(changed)
        self._snapshots.consider(memory.seq)
        self._give_back(orphans)

    def _plan(self, memory: Memory, known: Known, now: datetime, requests: list[Request]) -> Plan:
        plan = Plan(memory, known, now, self._entropy, self._limits)
        plan.expire()
        for request in requests:
            match request:
                case Submit():
                    plan_judgments(plan, request)
                case LeaseTasks():
                    # A caller who is gone would keep the tasks from others until they run out.
                    if not request.future.done():
                        plan.lease(request)
                case Release():
                    plan.release(request)
                case SetGold():
                    plan.set_gold(request)
                case AddTasks():
                    plan.add_tasks(request)
                case AddWorkers():
                    plan.add_workers(request)
                case UpdatePolicy():
                    plan.update_policy(request)
        plan.tell_loads()
        return plan

    async def _commit(self, connection: asyncpg.Connection, plan: Plan) -> Contents:
        """Make the plan durable; return the content of the tasks it leases."""
        entries, at, project_id = plan.entries, plan.now, self._project_id
        if plan.structural:
            async with connection.transaction():
                tasks, workers = plan.new_tasks, plan.new_workers
                await projects.insert_tasks(connection, project_id, at, tasks.first, *tasks.rows)
                await projects.insert_workers(
                    connection, project_id, at, workers.first, *workers.rows
                )
                if plan.project is not None:
                    policy, version = plan.project.policy, plan.project.policy_version
                    await projects.update_policy(connection, project_id, policy.to_json(), version)
                rows = await log.append(connection, project_id, at, entries)
        elif entries:
            rows = await log.append(connection, project_id, at, entries)
        else:
            rows = []
        return {row["task_id"]: (row["external_id"], row["payload"]) for row in rows}

    def _give_back(self, orphans: Sequence[OpenLease]) -> None:
        """Release what was leased to a caller who is gone."""
        if orphans:
            future: asyncio.Future[list[str]] = _future()
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._inbox.put_now(Release(None, [lease.lease_id for lease in orphans], future))

    def _tell(self, changed: Changed) -> None:
        memory = self.memory
        task_seqs, worker_seqs = memory.seqs()
        self.feed.mark(changed.tasks, changed.workers, task_seqs, worker_seqs, memory.seq)
        if self._state is State.WRITING:
            self._derived.mark(changed.tasks, changed.workers)

    def _until_expiry(self) -> float:
        expiry = self.memory.leases.next_expiry()
        if expiry is None:
            return _IDLE_WAIT
        return min(max(expiry - self._now().timestamp(), 0.001), _LONGEST_WAIT)

    # When the connection breaks, and where another process writes

    def _lose(self, error: Exception) -> None:
        if isinstance(error, _LOST):
            logger.warning("Project %d reads its log again: %r", self._project_id, error)
        else:
            self._suspect = True
            logger.error("Project %d reads its log again", self._project_id, exc_info=error)
        self._seat.drop()
        self._state = State.LOADING
        self._ready.clear()

    async def _recover(self) -> None:
        """Load until it works; callers wait meanwhile, for as long as their patience lasts."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not self._closing:
            try:
                await self._load()
            except Exception as error:  # nothing but trying again can help
                self._lose(error)
            else:
                return
            if loop.time() - began > self._limits.patience:
                _fail(self._inbox.drain(), Overloaded(retry_after=self._limits.longest_retry))
            await asyncio.sleep(_RECONNECT_PAUSE)

    async def _load(self) -> None:
        held = await self._seat.take()
        connection = self._seat.connection
        if self._memory is None or self._suspect:
            self._memory = await recovery.load(connection, self._project_id)
            self._suspect = False
            self._snapshots.begin(self._memory.snapshot_seq)
        else:
            # What is committed is still right; what a failed flush planned is undone by this.
            await recovery.catch_up(connection, self._memory)
        self.feed.start(*self._memory.seqs(), self._memory.seq)
        if held:
            await self._derived.reconcile()
        else:
            _fail(self._inbox.drain(), ProjectTaken())
        self._state = State.WRITING if held else State.FOLLOWING
        self._ready.set()

    async def _follow(self) -> None:
        """Read what another process writes; take over when it is gone."""
        await self._inbox.wait(self._limits.follow_pause)
        try:
            held = await self._seat.take()
            self._tell(await recovery.catch_up(self._seat.connection, self.memory))
            if held:
                await self._derived.reconcile()
                self._state = State.WRITING
        except Exception as error:  # as in a flush
            self._lose(error)


def _future() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()


def _fail(requests: Sequence[Request], refusal: Refused) -> None:
    for request in requests:
        if not request.future.done():
            request.future.set_exception(refusal)


def _even(*columns: Sized) -> int:
    """Return the columns' length; raises `UnevenColumns`."""
    lengths = {len(column) for column in columns}
    if len(lengths) > 1:
        raise UnevenColumns
    return lengths.pop()

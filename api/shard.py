"""The write path of one project: the story of a judgment from arrival to answer.

A call puts its rows into the inbox and waits. The one writer takes what has gathered, asks the
database what memory does not know, plans row by row, appends to the log in one transaction, lets
the model learn what is now durable, and answers. While it waits for the commit the next flush
gathers by itself. Whatever fails between plan and answer, memory is brought back from the log.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Final, TypeVar

import asyncpg
import numpy as np

from api.beside.apart import Chores
from api.errors import (
    Overloaded,
    ProjectTaken,
    Refused,
    Unavailable,
)
from api.flush.calls import Calls, new_future
from api.flush.gold_making import GoldMaker
from api.flush.inbox import Inbox
from api.flush.lookups import look_up
from api.flush.plan import Plan
from api.flush.planning import plan_requests
from api.flush.requests import (
    LeaseTasks,
    Release,
    Request,
)
from api.flush.seat import Seat
from api.flush.settle import Contents, answer, settle
from api.limits import Limits
from api.log import recovery
from api.log.derived import WriteBehind
from api.log.renewal import Renewal
from api.log.snapshot_keeper import SnapshotKeeper
from api.memory import Changed, Memory
from api.reading.feeds import Feed
from api.state.leases import OpenLease
from api.upkeep.calibrating import Calibrator
from api.upkeep.finder import Finder
from api.upkeep.gold_watch import GoldWatch
from api.upkeep.staff import Staff
from db import log, projects
from db.errors import DatabaseError

CLIENT_ID_INDEX: Final = "judgment_client"
CAREFUL_ROWS: Final = 1_000

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


class Shard(Calls):
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
        chores: Chores,
    ) -> None:
        self._project_id = project_id
        self._dsn = dsn
        self._limits = limits
        self._now = now
        self._entropy = entropy
        self._seat = Seat(dsn, project_id)
        self._memory: Memory | None = None
        self._careful_until = 0  # seq up to which every client id is looked up
        self._suspect = False  # the memory may differ from the log: read all of it again
        self._state = State.LOADING
        self._ready = asyncio.Event()  # set while not LOADING
        self._closing = False
        self._inbox = Inbox(limits.inbox_rows, limits.patience)
        self._derived = WriteBehind(pool, lambda: self.memory, limits)
        self.feed = Feed(self.quality, lambda: self.memory.sweeping, limits.feed_tick)
        self._renewal = Renewal(pool, lambda: self.memory, self._reputations_moved, limits)
        self._snapshots = SnapshotKeeper(dsn, project_id, limits)
        self.staff = Staff(pool, lambda: self.memory, self._ask, limits)
        self._finder = Finder(pool, lambda: self.memory, self._ask, self.staff, chores)
        self._gold_watch = GoldWatch(lambda: self.memory, self._ask)
        self._gold_maker = GoldMaker(lambda: self.memory, self._ask)
        self._calibrator = Calibrator(lambda: self.memory, self._ask, limits)
        self._running: asyncio.Task[None] | None = None

    async def _ask(self, request: Request, future: asyncio.Future[_T]) -> _T:
        """Let the writer carry a request out, and wait for its answer."""
        if self._state is State.LOADING:
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
            await self._load(self._limits.seat_patience)
        except BaseException:
            self._seat.drop()
            raise
        self._running = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Carry out what waits, bring derived tables and snapshot up to date, leave the seat."""
        await self._finder.stop()
        await self._gold_watch.stop()
        await self._gold_maker.stop()
        await self._calibrator.stop()
        self._closing = True
        self._inbox.wake()
        if self._running is not None:
            await self._running
        _fail(self._inbox.drain(), Overloaded(retry_after=self._limits.patience))
        await self.staff.finish()
        while self._memory is not None and self._memory.sweeping:
            self._sweep()
        self.feed.stop()
        await self._renewal.stop()
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
        while not (self._closing and (self._state is not State.WRITING or self._idle)):
            if self._state is State.LOADING:
                await self._recover()
            elif self._state is State.FOLLOWING:
                await self._follow()
            else:
                await self._take_turn()

    @property
    def _idle(self) -> bool:
        return len(self._inbox) == 0 and not self.memory.vetting.due

    async def _take_turn(self) -> None:
        """Wait for requests, or for leases to run out, and flush.

        While a sweep is on, some of it is done before each flush; it never has more than half of
        the time to itself.
        """
        if self.memory.sweeping:
            began = time.monotonic()
            self._sweep()
            await self._inbox.wait(time.monotonic() - began)
        elif not self.memory.vetting.due:
            await self._inbox.wait(self._until_expiry())
        if not self._seat.usable:  # it broke while nothing was under way: what waits need not know
            self._lose(ConnectionError("the connection was closed"))
            return
        requests = self._inbox.take(self._limits.flush_rows)
        try:
            await self._flush(requests)
        except Exception as error:  # whatever it is, the log knows what is true
            self._lose(error)
            _fail(requests, Unavailable())
            if not requests:  # it is tried again at once, and nobody waits for it
                await asyncio.sleep(_RECONNECT_PAUSE)

    async def _flush(self, requests: list[Request]) -> None:
        memory = self.memory
        now = self._now()
        expiry = memory.leases.next_expiry()
        expired = expiry is not None and expiry <= now.timestamp()
        if not (requests or expired or memory.vetting.due):
            return
        plan, contents = await self._commit_plan(memory, now, requests)
        self._suspect = True
        changed = settle(memory, plan)
        self._suspect = False
        self._give_back(answer(memory, requests, contents))
        self._tell(changed)
        self._snapshots.consider(memory.seq)
        self._finder.consider()
        self._gold_watch.consider(changed.tasks)
        self._gold_maker.consider(changed.tasks)
        self._calibrator.consider()

    async def _commit_plan(
        self, memory: Memory, now: datetime, requests: list[Request]
    ) -> tuple[Plan, Contents]:
        connection = self._seat.connection
        careful = memory.seq < self._careful_until
        try:
            known = await look_up(connection, memory, requests, careful=careful)
            plan = plan_requests(memory, known, now, self._entropy, self._limits, requests)
            return plan, await self._commit(connection, plan)
        except asyncpg.UniqueViolationError as error:
            if careful or error.constraint_name != CLIENT_ID_INDEX:
                raise
            # Somebody used a client id for another judgment, which only the index could tell. Plan
            # again and look closely, now and for a while: it will not stay the only one.
            self._careful_until = memory.seq + CAREFUL_ROWS
            await recovery.catch_up(connection, memory)
            return await self._commit_plan(memory, now, requests)

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
                for worker, attributes in plan.declared.items():
                    await projects.declare_worker(connection, project_id, worker, attributes)
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
            future: asyncio.Future[list[str]] = new_future()
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._inbox.put_now(Release(None, [lease.lease_id for lease in orphans], future))

    def _tell(self, changed: Changed) -> None:
        memory = self.memory
        task_seqs, worker_seqs = memory.seqs()
        self.feed.mark(
            changed.tasks,
            changed.workers,
            task_seqs,
            worker_seqs,
            memory.seq,
            changed.alerts,
            memory.alerts.seqs(),
        )
        self._renewal.consider()
        if self._state is State.WRITING:
            self._derived.mark(changed.tasks, changed.workers)

    def _reputations_moved(self) -> None:
        if self._state is State.WRITING:
            self._derived.compare()

    def _sweep(self) -> None:
        memory = self.memory
        self._tell(Changed(memory.sweep(memory.seq), np.zeros(0, np.int32)))

    def _until_expiry(self) -> float:
        expiry = self.memory.leases.next_expiry()
        if expiry is None:
            return _IDLE_WAIT
        return min(max(expiry - self._now().timestamp(), 0.001), _LONGEST_WAIT)

    # When the connection breaks, and where another process writes

    def _lose(self, error: Exception) -> None:
        broken = isinstance(error, asyncpg.IntegrityConstraintViolationError)
        if isinstance(error, _LOST) and not broken:
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

    async def _load(self, patience: float = 0.0) -> None:
        held = await self._seat.take(patience)
        connection = self._seat.connection
        if self._memory is None or self._suspect:
            memory = await recovery.load(connection, self._project_id)
            await self._renewal.renew(memory)
            self._memory, self._suspect = memory, False
            self._snapshots.begin(self._memory.snapshot_seq)
        else:
            # What is committed is still right; what a failed flush planned is undone by this.
            await recovery.catch_up(connection, self._memory)
            if held:  # another process may have written meanwhile
                await recovery.recall_passed(connection, self._memory)
            self._renewal.consider()
        self.feed.start(*self._memory.seqs(), self._memory.seq, self._memory.alerts.seqs())
        if held:
            await self._derived.reconcile()
        else:
            _fail(self._inbox.drain(), ProjectTaken())
        self._state = State.WRITING if held else State.FOLLOWING
        self._ready.set()
        if held:
            self.staff.carry_on()
            await self._finder.start(connection)

    async def _follow(self) -> None:
        """Read what another process writes; take over when it is gone."""
        await self._inbox.wait(self._limits.follow_pause)
        try:
            held = await self._seat.take()
            self._tell(await recovery.catch_up(self._seat.connection, self.memory))
            if held:
                await recovery.recall_passed(self._seat.connection, self.memory)
                await self._derived.reconcile()
                self._state = State.WRITING
                self.staff.carry_on()
                await self._finder.start(self._seat.connection)
        except Exception as error:  # as in a flush
            self._lose(error)


def _fail(requests: Sequence[Request], refusal: Refused) -> None:
    for request in requests:
        if not request.future.done():
            request.future.set_exception(refusal)

"""The search for fraud in a project: as its log grows, beside all else that the writer does."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import asyncpg
import numpy as np

from api.acts import Cause, JoinWorkers
from api.beside.apart import Chores
from api.beside.aside import aside
from api.beside.pace import Pace
from api.errors import Refused
from api.flush.asking import Ask
from api.flush.calls import new_future
from api.flush.plan import ENGINE
from api.flush.requests import ReportFraud
from api.memory import Memory
from api.rows import Int32s
from api.state.alerts import Alert, AlertKind
from api.upkeep.fraud import GROUPS, body_of, standing
from api.upkeep.staff import Staff
from db import frauds
from db.connect import AnyConnection
from engine.fraud import Finding, Fraud
from engine.search import Material, Watched, copy_course, copy_votes, room_for, search_on

FEWEST: Final = 300  # judgments, and so many more, before a search
GROWTH: Final = 0.25  # of the log, before another one
REST: Final = 20.0  # times as long as a search takes, before each
COST: Final = 25e-6  # seconds a judgment that a search takes
MANY_NEW: Final = 200  # judgments of a worker in which what it was found to do is found again
QUIET: Final = 10.0  # seconds without a judgment, after which the last ones are searched too

# A refusal, a database that is gone, a process that was ended.
_BROKEN_OFF: Final = (
    Refused,
    OSError,
    RuntimeError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
)

logger = logging.getLogger(__name__)


class Finder:
    """Searches on copies, enters what is new as decisions, joins groups."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        memory: Callable[[], Memory],
        ask: Ask,
        staff: Staff,
        chores: Chores,
    ) -> None:
        self._pool = pool
        self._memory = memory
        self._ask = ask
        self._staff = staff
        self._chores = chores
        self._pace = Pace(REST, COST)
        self._due_at = float("inf")  # judgments; until `start` says when
        self._searched = 0  # judgments there were at the last search
        self._seen = 0  # judgments there were at the last look
        self._quiet: asyncio.TimerHandle | None = None
        self._searching: asyncio.Task[None] | None = None
        self._stopped = False

    async def start(self, connection: AnyConnection) -> None:
        """Begin to search a project that this process writes from now on, where it was left."""
        self._searched = await frauds.searched(connection, self._memory().project.project_id)
        self._due_at = max(self._searched * (1 + GROWTH), self._searched + FEWEST)
        self.consider()

    def consider(self) -> None:
        """Begin a search in the background, if the log has grown enough; else after a pause."""
        count = self._memory().model.judgment_count
        if count >= self._due_at:
            self._begin()
        if count != self._seen:
            self._seen = count
            self._await_quiet()

    def _begin(self) -> None:
        free = self._searching is None and not self._stopped
        if free and self._memory().project.policy.find_fraud:
            self._searching = asyncio.create_task(self._run())

    def _await_quiet(self) -> None:
        """Search what came last when nothing more comes: a project may end at any count."""
        if self._quiet is not None:
            self._quiet.cancel()
        if not self._stopped and self._seen >= FEWEST and self._seen != self._searched:
            self._quiet = asyncio.get_running_loop().call_later(QUIET, self._begin)

    async def stop(self) -> None:
        """Give up a search that is under way; no other one begins."""
        self._stopped = True
        if self._quiet is not None:
            self._quiet.cancel()
        if self._searching is not None:
            self._searching.cancel()
            await asyncio.gather(self._searching, return_exceptions=True)

    async def _run(self) -> None:
        """Rest, then search what there is by then. Where that comes to nothing, the last search is
        the one before still, and another one begins in the next pause."""
        await self._pace.wait(lambda: self._memory().model.judgment_count)
        count = self._memory().model.judgment_count
        self._due_at = max(count * (1 + GROWTH), count + FEWEST)
        before, self._searched = self._searched, count
        try:
            with self._pace.work(count):
                await self._search()
        except _BROKEN_OFF as error:
            self._searched = before
            logger.warning("A search for fraud was broken off: %r", error)
        except Exception:  # whatever it is, judgments go on, and so do later searches
            self._searched = before
            logger.exception("A search for fraud failed")
        self._searching = None
        self.consider()
        self._await_quiet()

    async def _search(self) -> None:
        memory = self._memory()
        model, tests = memory.model, memory.vetting.tests
        room = await aside(lambda: room_for(model, tests))
        votes, workers, count = copy_votes(model, room), model.worker_count, model.judgment_count
        await asyncio.sleep(0)  # so that nobody waits for both copies
        course = copy_course(tests, workers, room)
        voices = tuple(sorted(group.members for group in memory.voices.groups()))
        models = tuple(np.flatnonzero(memory.standing.is_model[:workers]).tolist())
        material = Material(model.labels, workers, votes, course, voices, models)
        policy = memory.project.policy
        rate, floor = policy.fraud_rate, policy.floor_seconds
        alerts = memory.alerts.newest_first()
        watched = {
            each.seq: seen for each in alerts if (seen := _watched(each, course.length)) is not None
        }
        found, lasting = await self._chores.do(
            count, search_on, material, rate, floor, [*watched.values()]
        )
        ended = {
            seq: f"It is found no longer in the {course.length[seen.worker] - seen.since:,} "
            "judgments since."
            for (seq, seen), lasts in zip(watched.items(), lasting, strict=True)
            if not lasts
        }
        await self._take(found, ended, count)

    async def _take(
        self, found: Sequence[Finding], ended: Mapping[int, str], judgments: int
    ) -> None:
        """Enter what is not in the log yet, and what has ended; then join the groups."""
        project_id = self._memory().project.project_id
        async with self._pool.acquire() as connection:
            await frauds.note_search(connection, project_id, judgments)
            rows = await frauds.found(connection, project_id)
            bodies = {row["seq"]: row["body"] for row in rows}
            told = [standing(finding, bodies) for finding in found]
            new = [finding for finding, seq in zip(found, told, strict=True) if seq is None]
            entering = [await self._body(connection, finding, judgments) for finding in new]
        if entering or ended:
            future: asyncio.Future[list[int]] = new_future()
            seqs = await self._ask(ReportFraud(entering, ended, future), future)
            bodies |= dict(zip(seqs, entering, strict=True))
            told += seqs
        for seq in told:
            if seq is not None and bodies[seq]["kind"] in GROUPS:
                await self._join(seq, bodies[seq])

    async def _join(self, seq: int, body: Mapping[str, Any]) -> None:
        """Let a group that was found count as one. A finding does so once, whatever staff do
        later: the act of a client id is decided once."""
        if not self._memory().project.policy.join_copiers:
            return
        cause = Cause(ENGINE, body["text"], {"finding": seq}, f"{ENGINE}-joins-{seq}")
        try:
            await self._staff.decide(JoinWorkers(tuple(body["workers"])), cause)
        except Refused as refusal:  # they are one already, or one of them was voided
            logger.info("A group that was found is not joined: %r", refusal)

    async def _body(
        self, connection: AnyConnection, finding: Finding, judgments: int
    ) -> dict[str, Any]:
        project = self._memory().project
        examples = finding.examples
        rows = await frauds.times(
            connection,
            project.project_id,
            examples.task.tolist(),
            examples.label.tolist(),
            finding.workers.tolist(),
        )
        gaps: list[float | None] = []
        for place in range(1, len(examples.task) + 1):
            times = [row["created_at"] for row in rows if row["place"] == place]
            gaps.append((max(times) - min(times)).total_seconds() if len(times) > 1 else None)
        labels = [label.external_id for label in project.labels]
        return body_of(finding, labels, gaps, judgments)


_LASTING: Final = {
    AlertKind.TOO_FAST: Fraud.TOO_FAST,
    AlertKind.CONSTANT: Fraud.CONSTANT,
    AlertKind.PERIODIC: Fraud.PERIODIC,
}


def _watched(alert: Alert, judged: Int32s) -> Watched | None:
    """What is to be searched once more in the new judgments of an alert's worker: once there are as
    many as it was found in, or MANY_NEW."""
    kind = _LASTING.get(alert.kind)
    if kind is None or alert.resolved is not None:
        return None
    made = alert.body["evidence"].get("judgments_made")
    if made is None:  # found before that was noted
        return None
    (worker,) = alert.workers
    since = int(made)
    enough = worker < len(judged) and judged[worker] - since >= min(since, MANY_NEW)
    return Watched(kind, worker, since) if enough else None

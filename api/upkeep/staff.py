"""The calls by which staff take judgments, workers and gold back, or see what that would do."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import asyncpg
import numpy as np

from api.acts import (
    Act,
    AdjudicateTasks,
    AnswerAppeal,
    Appeal,
    Cause,
    ChangeGold,
    Contest,
    Decided,
    JoinWorkers,
    MoveGold,
    ReopenTasks,
    RestoreWorker,
    Row,
    Ruling,
    SplitWorkers,
    VoidJudgments,
    VoidWorker,
)
from api.errors import (
    EmptyBatch,
    InvalidInput,
    InvalidText,
    JudgmentNotLive,
    Refused,
    TooManyRows,
    UnevenColumns,
)
from api.flush import retracted
from api.flush.asking import Ask
from api.flush.calls import check_explanations, new_future
from api.flush.election import outvoted
from api.flush.plan import storable_json
from api.flush.requests import HandleAlert, Retract, Rule
from api.flush.retracted import rows_of, selected
from api.flush.retracting import obstacle
from api.flush.ruling import obstacle as ruled_out
from api.limits import Limits
from api.memory import Memory
from api.state.directory import storable
from api.upkeep.foresight import foresee
from api.upkeep.refitting import Refitting
from db import retractions
from db.connect import AnyConnection

LONGEST_REASON: Final = 2_000  # characters
MOST_REOPENED: Final = 1_000  # judgments that one act may demand further of a task

logger = logging.getLogger(__name__)


class Staff:
    """The acts of staff on one project, one at a time. Calls raise `Refused`."""

    def __init__(
        self, pool: asyncpg.Pool, memory: Callable[[], Memory], ask: Ask, limits: Limits
    ) -> None:
        self._pool = pool
        self._memory = memory
        self._ask = ask
        self._limits = limits
        self._turn = asyncio.Lock()
        self._refitting = Refitting(pool, memory, ask)
        self._under_way: set[asyncio.Task[Any]] = set()

    async def foresee(self, act: Act) -> Decided:
        """Return what an act would change if it were decided now. Raises what would refuse it."""
        async with self._pool.acquire() as connection:
            act = await self._resolved(connection, act)
        return Decided(None, False, (await self._foresee(act))[0], False)

    async def _foresee(self, act: Act) -> tuple[Mapping[str, Any], list[Row]]:
        """The effect of an act, and the judgments that it voids or restores."""
        self._check(act)
        memory = self._memory()
        async with self._pool.acquire() as connection:
            rows = await rows_of(connection, memory, act, None)
        refusal = obstacle(memory, act)
        if refusal is None and isinstance(act, VoidJudgments):
            missing = set(act.seqs) - {row.seq for row in rows}
            refusal = JudgmentNotLive(min(missing)) if missing else None
        if refusal is not None:
            raise refusal
        return await foresee(memory, act, rows), rows

    async def decide(self, act: Act, cause: Cause) -> Decided:
        """Carry an act out: when this returns it is durable, and all that follows from it counts.
        What had been learned from the rows that changed is gone with the refit that begins then.

        The same call again, with the same client id, changes nothing and gives the first answer. An
        act is carried to its end even if its caller is gone. Raises what refuses it.
        """
        _check_cause(cause)
        return await asyncio.shield(self._begin(self._decide(act, cause)))

    async def rule(self, ruling: Ruling, cause: Cause) -> Decided:
        """Decide on a worker's status, or enter its appeal, whose message is the reason. Repeated
        as `decide` is. An appeal that is granted to a voided worker restores it first. Raises what
        refuses it."""
        _check_cause(cause, "message" if isinstance(ruling, Appeal | Contest) else "reason")
        voided = self._memory().voided
        granted = isinstance(ruling, AnswerAppeal) and ruling.granted
        if granted and ruling.worker in voided and ruled_out(self._memory(), ruling) is None:
            first = replace(cause, client_id=f"{cause.client_id}-restores")
            await self.decide(RestoreWorker(ruling.worker), first)
        future: asyncio.Future[Decided] = new_future()
        return await asyncio.shield(self._begin(self._ask(Rule(ruling, cause, future), future)))

    async def handle(self, alert: int, cause: Cause, *, resolves: bool) -> Decided:
        """Say of the alert of this seq that somebody knows of it, or that it is resolved."""
        _check_cause(cause, "note")
        request = HandleAlert(alert, resolves, cause, new_future())
        return await self._ask(request, request.future)

    def carry_on(self) -> None:
        """End what was broken off, acts and refits; for the start of a writer."""
        memory = self._memory()
        workers = np.fromiter(memory.voided, np.int32, len(memory.voided))
        left = memory.model.workers(workers).judgments > 0
        for worker, judged in zip(workers.tolist(), left.tolist(), strict=True):
            if judged or memory.voices.group(worker):  # whose muted judgments memory does not know
                self._begin(self._carry_on(VoidWorker(worker)))
        if memory.voices.dissolved:
            self._begin(self._carry_on(SplitWorkers(())))
        if memory.voices:
            self._begin(self._carry_on_joins())
        self._begin(self._refitting.carry_on())

    async def finish(self) -> None:
        """Wait for what is under way; the writer is gone, so that it ends soon."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _decide(self, act: Act, cause: Cause) -> Decided:
        async with self._turn:
            done = await self._carry_out(act, cause)
            learned = not (done.duplicate or isinstance(act, ReopenTasks))
            if learned:
                await self._refitting.begin()
        if learned:
            self._begin(self._refitting.go_on())
        return done

    async def _carry_out(self, act: Act, cause: Cause) -> Decided:
        project_id = self._memory().project.project_id
        async with self._pool.acquire() as connection:
            known = await retractions.decision(connection, project_id, cause.client_id)
            if known is None:
                act = await self._resolved(connection, act)
        if known is not None:
            return await self._ask_all(act, cause, {})
        effect, rows = await self._foresee(act)
        if isinstance(act, JoinWorkers | SplitWorkers):
            parts = in_parts(rows)
            first = await self._ask_part(Retract(act, cause, effect, new_future(), parts[0]))
            await self._ask_parts(act, parts[1:])
            await self._finish_voices(act)
            return first
        if not isinstance(act, VoidWorker | RestoreWorker) or not rows:
            return await self._ask_all(act, cause, effect)
        answers = []
        for start in range(0, len(rows), retracted.PART):
            end = start + retracted.PART
            part, more = rows[start:end], end < len(rows)
            answers.append(
                await self._ask_part(Retract(act, cause, effect, new_future(), part, more))
            )
        if isinstance(act, RestoreWorker):
            return answers[-1]
        # It may have judged while this was foreseen, before it was decided.
        await self._ask_all(act, None, {})
        return answers[0]

    async def _finish_voices(self, act: JoinWorkers | SplitWorkers) -> None:
        """Do what is left: judgments that nobody foresaw, or all after an end of the process."""
        async with self._pool.acquire() as connection:
            while isinstance(act, SplitWorkers) or self._memory().voices.together(act.workers):
                rows = await rows_of(connection, self._memory(), act, None)
                if not rows:
                    break
                await self._ask_parts(act, in_parts(rows))
        if isinstance(act, SplitWorkers):
            self._memory().voices.restored()

    async def _ask_parts(self, act: Act, parts: Sequence[Sequence[Row]]) -> None:
        for part in parts:
            await self._ask_part(Retract(act, None, {}, new_future(), part))

    async def _ask_part(self, request: Retract) -> Decided:
        return await self._ask(request, request.future)

    async def _ask_all(self, act: Act, cause: Cause | None, effect: Mapping[str, Any]) -> Decided:
        """Ask until nothing is left of an act."""
        while True:
            done = await self._ask_part(Retract(act, cause, effect, new_future()))
            if not done.more:
                return done

    async def _resolved(self, connection: AnyConnection, act: Act) -> Act:
        """Find out which judgments an act means, where it does not name them."""
        if not isinstance(act, VoidJudgments) or act.selection is None:
            return act
        if act.selection.worker is None and act.selection.tasks is None:
            raise InvalidInput("worker", "name a worker, tasks or sequences")
        return replace(act, seqs=await selected(connection, self._memory(), act.selection))

    async def _carry_on(self, act: Act) -> None:
        async with self._turn:
            async with self._pool.acquire() as connection:
                if not await rows_of(connection, self._memory(), act, 1):
                    return
            if isinstance(act, JoinWorkers | SplitWorkers):
                await self._finish_voices(act)
            else:
                await self._ask_all(act, None, {})
            await self._refitting.begin()
        await self._refitting.go_on()

    async def _carry_on_joins(self) -> None:
        """All of them with one look at the judgments."""
        groups = [group.members for group in self._memory().voices.groups()]
        async with self._turn, self._pool.acquire() as connection:
            left = await outvoted(connection, self._memory(), groups)
        workers = {row.worker for row in left}
        for members in groups:
            if workers & set(members):
                await self._carry_on(JoinWorkers(members))

    def _begin(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._end)
        return task

    def _end(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            level = logging.INFO if isinstance(error, Refused) else logging.WARNING
            logger.log(level, "An act of staff was not carried out: %r", error)

    def _check(self, act: Act) -> None:
        """Refuse what can never be carried out."""
        match act:
            case JoinWorkers(workers) | SplitWorkers(workers):
                self._check_size(len(workers), len(set(workers)), "workers")
                if isinstance(act, JoinWorkers) and len(workers) < 2:
                    raise InvalidInput("workers", "name at least two")
            case VoidJudgments(seqs):
                self._check_size(len(seqs), len(set(seqs)), "sequences")
            case ChangeGold(tasks, answers) | AdjudicateTasks(tasks, answers):
                self._check_size(len(tasks), len(set(tasks)), "tasks")
                if len(answers) != len(tasks) or len(act.explanations) not in (0, len(tasks)):
                    raise UnevenColumns
                check_explanations(act.explanations)
            case MoveGold(tasks):
                self._check_size(len(tasks), len(set(tasks)), "tasks")
            case ReopenTasks(tasks, judgments):
                self._check_size(len(tasks), len(set(tasks)), "tasks")
                if not 1 <= judgments <= MOST_REOPENED:
                    raise InvalidInput("judgments", f"it must lie between 1 and {MOST_REOPENED:,}")
            case _:
                return

    def _check_size(self, rows: int, distinct: int, field: str) -> None:
        if rows < 1:
            raise EmptyBatch
        if rows > self._limits.flush_rows:
            raise TooManyRows(rows, self._limits.flush_rows)
        if distinct < rows:
            raise InvalidInput(field, "one of them is named twice")


def in_parts(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows in parts for one flush each, at least one; those of one task stay together."""
    parts: list[list[Row]] = [[]]
    for row in rows:
        last = parts[-1]
        if len(last) >= retracted.PART and last[-1].task != row.task:
            parts.append([])
        parts[-1].append(row)
    return parts


def _check_cause(cause: Cause, field: str = "reason") -> None:
    if not storable(cause.client_id):
        raise InvalidText("clientId")
    if not cause.reason.strip() or len(cause.reason) > LONGEST_REASON:
        raise InvalidInput(field, f"say why, in 1 to {LONGEST_REASON:,} characters")
    if not storable_json({"reason": cause.reason}):
        raise InvalidText(field)
    if not storable_json(cause.evidence):
        raise InvalidInput("evidence", "it must be a JSON object that can be stored")

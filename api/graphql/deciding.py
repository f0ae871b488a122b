"""setWorkerStatus, freeWorkerStatus, liftPause and answerAppeal; and appeal, of workers."""

from typing import Annotated, Any
from uuid import UUID

import strawberry

from api import acts
from api.acts import Cause, Decided
from api.errors import Forbidden, LeaseNotFound, ProjectTaken, UnknownWorker
from api.graphql.context import Context, Info, admin_of, context_of, shard_of
from api.graphql.people import workers_of
from api.graphql.reading import selected
from api.graphql.ruling import (
    AnswerAppealInput,
    AnswerAppealPayload,
    AnswerAppealResult,
    AppealInput,
    AppealPayload,
    AppealResult,
    ContestJudgmentInput,
    ContestJudgmentPayload,
    ContestJudgmentResult,
    FreeWorkerStatusInput,
    FreeWorkerStatusPayload,
    FreeWorkerStatusResult,
    LiftPauseInput,
    LiftPausePayload,
    LiftPauseResult,
    RulingInput,
    SetWorkerStatusInput,
    SetWorkerStatusPayload,
    SetWorkerStatusResult,
)
from api.graphql.scalars import Sequence as LogSequence
from api.graphql.standings import own_standing
from api.shard import Shard
from api.state.leases import JUDGED
from db import log, reads
from engine import STATUSES


async def set_worker_status(
    info: Info,
    given: Annotated[
        SetWorkerStatusInput, strawberry.argument(name="input", description="Whom, and why.")
    ],
) -> SetWorkerStatusResult:
    """Hold a worker's status."""
    context, shard, worker = await _begin(info, given)
    ruling = acts.HoldStatus(worker, STATUSES.index(given.status.value))
    return SetWorkerStatusPayload(**await _decide(info, context, shard, ruling, given))


async def free_worker_status(
    info: Info,
    given: Annotated[
        FreeWorkerStatusInput, strawberry.argument(name="input", description="Whom, and why.")
    ],
) -> FreeWorkerStatusResult:
    """Give a worker's status back to the tests."""
    context, shard, worker = await _begin(info, given)
    ruling = acts.FreeStatus(worker)
    return FreeWorkerStatusPayload(**await _decide(info, context, shard, ruling, given))


async def lift_pause(
    info: Info,
    given: Annotated[
        LiftPauseInput, strawberry.argument(name="input", description="Whom, and why.")
    ],
) -> LiftPauseResult:
    """Lift a worker's pause or ban."""
    context, shard, worker = await _begin(info, given)
    ruling = acts.LiftPause(worker)
    return LiftPausePayload(**await _decide(info, context, shard, ruling, given))


async def answer_appeal(
    info: Info,
    given: Annotated[
        AnswerAppealInput, strawberry.argument(name="input", description="The answer.")
    ],
) -> AnswerAppealResult:
    """Answer a worker's appeal."""
    context, shard, worker = await _begin(info, given)
    ruling = acts.AnswerAppeal(worker, given.granted)
    return AnswerAppealPayload(**await _decide(info, context, shard, ruling, given))


async def appeal(
    info: Info,
    given: Annotated[
        AppealInput, strawberry.argument(name="input", description="What the worker says.")
    ],
) -> AppealResult:
    """Appeal against one's own pause or ban, or against being voided."""
    context = context_of(info)
    worker = context.caller.worker_id
    if worker is None:
        raise Forbidden("it takes the WORKER key of the worker who appeals")
    shard = await shard_of(context, None)
    # A client id is the worker's own: it meets no other worker's, and no decision of staff.
    cause = Cause(context.actor, given.message, {}, f"appeal of {worker}: {given.client_id}")
    done = await _rule(shard, acts.Appeal(worker), cause)
    return AppealPayload(
        duplicate=done.duplicate,
        standing=await own_standing(context, shard, worker),
    )


async def contest_judgment(
    info: Info,
    given: Annotated[
        ContestJudgmentInput, strawberry.argument(name="input", description="Which, and why.")
    ],
) -> ContestJudgmentResult:
    """Stand by one's own judgment. What is answered is the same whatever the task is."""
    context = context_of(info)
    worker = context.caller.worker_id
    if worker is None:
        raise Forbidden("it takes the WORKER key of the worker who judged")
    shard = await shard_of(context, None)
    try:
        lease_id = UUID(given.lease_id)
    except ValueError:
        raise LeaseNotFound from None
    project_id = shard.project.project_id
    async with context.service.pool.acquire() as connection:
        found = await log.ended_leases(connection, project_id, [lease_id])
    own = [row for row in found if (row["worker_id"], row["outcome"]) == (worker, JUDGED)]
    if not own:
        raise LeaseNotFound
    task = own[0]["task_id"]
    # As with appeals, the client id is the worker's own.
    client_id = f"contest of {worker}: {given.client_id}"
    cause = Cause(context.actor, given.message, {"tasks": [task]}, client_id)
    done = await _rule(shard, acts.Contest(worker, task), cause)
    return ContestJudgmentPayload(duplicate=done.duplicate)


async def _begin(info: Info, given: RulingInput) -> tuple[Context, Shard, int]:
    context = admin_of(info)
    shard = await shard_of(context, given.project)
    worker = int(shard.worker_ids([given.worker])[0])
    if worker < 0:
        raise UnknownWorker
    return context, shard, worker


async def _decide(
    info: Info, context: Context, shard: Shard, ruling: acts.Ruling, given: RulingInput
) -> dict[str, Any]:
    """Carry a ruling out; return what its payload has."""
    evidence: Any = {} if given.evidence is None else given.evidence
    done = await _rule(shard, ruling, Cause(context.actor, given.reason, evidence, given.client_id))
    pool, project_id = context.service.pool, shard.project.project_id
    found = await reads.workers_by_ids(pool, project_id, [ruling.worker])
    (worker,) = await workers_of(context, shard, found, selected(info))
    return {
        "sequence": LogSequence(done.seq or 0),
        "duplicate": done.duplicate,
        "worker": worker,
    }


async def _rule(shard: Shard, ruling: acts.Ruling, cause: Cause) -> Decided:
    if not shard.writable:
        raise ProjectTaken
    return await shard.staff.rule(ruling, cause)

"""submitJudgment and submitJudgments."""

from collections.abc import Mapping, Sequence
from itertools import repeat
from math import isnan
from typing import Annotated, TypeVar
from uuid import UUID

import numpy as np
import strawberry
from strawberry import ID

from api.codes import Code
from api.errors import Forbidden, InvalidInput, InvalidText, TooManyRows, UnevenColumns
from api.flush.judging import MOST_SECONDS
from api.flush.quiz import feedback, learns
from api.graphql.context import Context, Info, context_of, shard_of
from api.graphql.judgment import (
    ConsensusColumns,
    QuizFeedback,
    SubmitJudgmentInput,
    SubmitJudgmentPayload,
    SubmitJudgmentResult,
    SubmitJudgmentsInput,
    SubmitJudgmentsPayload,
    SubmitJudgmentsResult,
)
from api.graphql.refusals import Facts, RowRefusal, row_refusal, row_refusals
from api.graphql.scalars import Sequence as LogSequence
from api.graphql.task import STATUSES, Consensus
from api.rows import Float32s, Int16s, Int32s, Submissions, Submitted
from api.shard import Shard
from api.state.directory import storable

LEFT_TO_LEASE = -1
UNKNOWN = -2
FACTS: Mapping[str, Facts] = {  # what a row is refused for
    Code.INVALID_INPUT: {
        "field": "seconds",
        "reason": f"it must be a number from 0 to {MOST_SECONDS:,.0f}, a week, or null",
    },
    Code.INVALID_TEXT: {"field": "clientId"},
}
NO_LEASE = UUID(int=0)  # what a malformed lease id becomes: a lease that does not exist

T = TypeVar("T")


async def submit_judgment(
    info: Info,
    given: Annotated[
        SubmitJudgmentInput, strawberry.argument(name="input", description="The judgment.")
    ],
) -> SubmitJudgmentResult:
    """Store one judgment."""
    context = context_of(info)
    shard = await shard_of(context, given.project)
    leased = _must_lease(context, shard, given.task is not None, given.lease_id is not None)
    named = None if given.worker is None else [given.worker]
    worker = await workers_of(context, shard, named, 1)
    told = learns(shard.memory, int(worker[0]))
    done = await shard.submit(
        Submissions(
            worker=worker,
            task=_tasks(shard, None if given.task is None else [given.task], 1),
            label=_labels(shard, [given.label]),
            lease_id=[_uuid(given.lease_id)],
            client_id=[given.client_id],
            seconds=_seconds([given.seconds]),
            require_lease=leased,
            own=not context.is_admin,
        )
    )
    code = done.code[0]
    if code and code != Code.DUPLICATE:
        wait = shard.budget_wait(int(worker[0])) if code == Code.BUDGET_SPENT else None
        return row_refusal(Code(code), FACTS.get(code, {}), wait)
    return SubmitJudgmentPayload(
        sequence=LogSequence(int(done.seq[0])) if context.is_admin else None,
        duplicate=bool(code),
        status=STATUSES[int(done.status[0])] if context.is_admin else None,
        consensus=_consensus(shard, done) if context.is_admin else None,
        feedback=_feedback(shard, int(done.task[0]), given.label) if told else None,
    )


def _feedback(shard: Shard, task: int, given: str) -> QuizFeedback | None:
    labels = shard.project.labels
    found = feedback(shard.memory, task, shard.project.label_ids[given])
    if found is None:
        return None
    names = [ID(labels[label].external_id) for label in found.labels]
    return QuizFeedback(right=found.right, labels=names, explanation=found.explanation)


async def submit_judgments(
    info: Info,
    given: Annotated[
        SubmitJudgmentsInput, strawberry.argument(name="input", description="The judgments.")
    ],
) -> SubmitJudgmentsResult:
    """Store many judgments."""
    context = context_of(info)
    shard = await shard_of(context, given.project)
    rows = len(given.labels)
    limit = context.service.settings.batch_rows
    if rows > limit:
        raise TooManyRows(rows, limit)
    leased = _must_lease(context, shard, given.tasks is not None, given.lease_ids is not None)
    done = await shard.submit(
        Submissions(
            worker=await workers_of(context, shard, given.workers, rows),
            task=_tasks(shard, given.tasks, rows),
            label=_labels(shard, given.labels),
            lease_id=_leases(given.lease_ids, rows),
            client_id=_column(given.client_ids, rows),
            seconds=_seconds(_column(given.seconds, rows)),
            require_lease=leased,
            own=not context.is_admin,
        )
    )
    refused = row_refusals(done.code, lambda _, code: FACTS.get(code, {}))
    duplicates = done.code.count(Code.DUPLICATE)
    return SubmitJudgmentsPayload(
        accepted=rows - duplicates - len(refused),
        duplicates=duplicates,
        refused=len(refused),
        refusals=refused,
        codes=[Code(code) if code else None for code in done.code],
        sequences=_sequences(done, refused) if context.is_admin else None,
        consensus=_consensus_columns(shard, done) if context.is_admin else None,
    )


async def workers_of(
    context: Context, shard: Shard, named: Sequence[str] | None, rows: int, kind: str = "HUMAN"
) -> Int32s:
    """The worker of each row: the caller's own, or those that an ADMIN names.

    New ones are created, of that kind. One name stands for all rows.
    """
    if not context.is_admin:
        if named is not None:
            raise Forbidden("a WORKER key speaks for its own worker only: leave the worker out")
        return np.full(rows, context.caller.worker_id, np.int32)
    if not named:
        raise InvalidInput("worker", "name the worker for whom this is done")
    if len(named) not in {1, rows}:
        raise UnevenColumns
    workers = shard.worker_ids(named)
    if workers.min() < 0:
        for row, name in enumerate(named):
            if not storable(name):
                raise InvalidText("worker" if len(named) == 1 else f"workers, row {row},")
        new = list(dict.fromkeys(name for name, id_ in zip(named, workers, strict=True) if id_ < 0))
        await shard.add_workers(new, [kind] * len(new), actor=context.actor)
        workers = shard.worker_ids(named)
    return workers if len(workers) == rows else np.repeat(workers, rows)


def _must_lease(context: Context, shard: Shard, has_tasks: bool, has_leases: bool) -> bool:
    """Whether each row must name a lease. Raises what is wrong with the call as a whole."""
    if context.is_admin:
        if not has_tasks and not has_leases:
            raise InvalidInput("task", "name the task, or the lease")
        return False
    leased = shard.project.policy.require_lease
    if leased and has_tasks:
        raise Forbidden("a WORKER key names the lease, and leaves the task out")
    return leased


def _tasks(shard: Shard, named: Sequence[str | None] | None, rows: int) -> Int32s:
    """Dense ids: LEFT_TO_LEASE where none is named, UNKNOWN where the name leads nowhere."""
    if named is None:
        return np.full(rows, LEFT_TO_LEASE, np.int32)
    if len(named) != rows:
        raise UnevenColumns
    ids = shard.task_ids(named)
    ids[ids < 0] = UNKNOWN
    if None in named:
        ids[[row for row, name in enumerate(named) if name is None]] = LEFT_TO_LEASE
    return ids


def _labels(shard: Shard, named: Sequence[str]) -> Int16s:
    ids = shard.project.label_ids
    return np.fromiter(map(ids.get, named, repeat(-1)), np.int16, len(named))


def _column(given: Sequence[T | None] | None, rows: int) -> Sequence[T | None]:
    if given is None:
        return [None] * rows
    if len(given) != rows:
        raise UnevenColumns
    return given


def _seconds(given: Sequence[float | None]) -> Float32s:
    with np.errstate(over="ignore"):  # what is too much for the type becomes infinite: refused
        return np.array(given, np.float32)  # None becomes NaN


def _leases(given: Sequence[str | None] | None, rows: int) -> Sequence[UUID | None]:
    return [None] * rows if given is None else [_uuid(text) for text in _column(given, rows)]


def _uuid(text: str | None) -> UUID | None:
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError:
        return NO_LEASE


def _consensus(shard: Shard, done: Submitted) -> Consensus | None:
    label = int(done.label[0])
    if label < 0:
        return None
    name = shard.project.labels[label].external_id
    return Consensus(label=ID(name), confidence=float(done.confidence[0]))


def _consensus_columns(shard: Shard, done: Submitted) -> ConsensusColumns:
    names = [*(ID(label.external_id) for label in shard.project.labels), None]
    return ConsensusColumns(
        labels=[names[label] for label in done.label.tolist()],
        confidences=[None if isnan(value) else value for value in done.confidence.tolist()],
        statuses=[None if status < 0 else STATUSES[status] for status in done.status.tolist()],
    )


def _sequences(done: Submitted, refused: list[RowRefusal]) -> list[LogSequence | None]:
    sequences: list[LogSequence | None] = done.seq.tolist()
    for refusal in refused:
        sequences[refusal.row] = None
    return sequences

"""How workers stand, read from memory and from the log."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from api.decisions import APPEAL_ANSWERED, STATUS_CHANGED, WORKER_APPEALED
from api.graphql.context import Context
from api.graphql.scalars import Sequence as LogSequence
from api.graphql.standing import (
    HISTORY,
    Evidence,
    OwnStanding,
    Standing,
    StatusDecision,
    StatusDecisionKind,
    WorkerStatus,
)
from api.policy import NOTHING, REASONS
from api.reading.reasons import reasons
from api.reading.telling import tell
from api.reading.views import Views
from api.rows import Int32s
from api.shard import Shard
from api.state.vetting import told
from db import log, standings


async def standings_of(
    context: Context, views: Views, ids: Int32s, *, with_history: bool
) -> list[Standing]:
    """How some workers stand, in their order."""
    vetting = views.memory.vetting
    histories: dict[int, list[StatusDecision]] = {}
    if with_history:
        for row in await _history(context, views, ids.tolist(), HISTORY):
            histories.setdefault(row["worker_id"], []).append(_decision(row))
    findings = vetting.tests.findings(ids)
    worse, hurried = vetting.tests.alarms(ids)
    found = []
    for place, worker in enumerate(ids.tolist()):
        evidence = told(findings, place)
        alarms = {"worse": bool(worse[place]), "hurried": bool(hurried[place])}
        found.append(
            Standing(
                evidence=Evidence(**evidence),
                reasons=reasons(evidence, **alarms),
                **alarms,
                held=_sequence(vetting.held.get(worker)),
                appeal=_sequence(vetting.appeals.get(worker)),
                history=histories.get(worker, []),
            )
        )
    return found


async def own_standing(context: Context, shard: Shard, worker: int) -> OwnStanding:
    """How a worker stands, as far as the policy lets the worker know. No task is named."""
    history = await _history(context, shard, [worker], HISTORY)
    appeal = next((row for row in history if row["kind"] == WORKER_APPEALED), None)
    answer = next((row for row in history if row["kind"] == APPEAL_ANSWERED), None)
    if answer is not None and (appeal is None or answer["seq"] < appeal["seq"]):
        answer = None
    own = OwnStanding(
        status=None,
        voided=None,
        since=None,
        reasons=[],
        appeal=None if appeal is None else appeal["body"]["reason"],
        appeal_granted=None if answer is None else answer["body"]["granted"],
        appeal_answer=None if answer is None else answer["body"]["reason"],
    )
    telling = shard.project.policy.tell_workers
    decision = shard.memory.voided.get(worker)
    if telling != NOTHING:
        own.voided = decision is not None
    if decision is not None:
        if telling != NOTHING:
            pool, project_id = context.service.pool, shard.project.project_id
            async with pool.acquire() as connection:
                own.since = await log.moment(connection, project_id, decision)
        return own
    if telling != NOTHING:
        told = tell(shard, worker, [row for row in history if _turned(row)])
        own.status = WorkerStatus(told.status)
        own.since = told.since
        if telling == REASONS and told.decision is not None:
            body = told.decision["body"]
            own.reasons = reasons(body["evidence"], worse=body["worse"], hurried=body["hurried"])
    return own


async def _history(
    context: Context, views: Views, workers: Sequence[int], most: int
) -> list[asyncpg.Record]:
    pool, project_id = context.service.pool, views.project.project_id
    return await standings.histories(pool, project_id, workers, views.until, most)


def _decision(row: asyncpg.Record) -> StatusDecision:
    body: Mapping[str, Any] = row["body"]
    status = body.get("to", body.get("status"))
    evidence = body["evidence"] if row["kind"] == STATUS_CHANGED else None
    return StatusDecision(
        sequence=LogSequence(row["seq"]),
        kind=StatusDecisionKind(row["kind"]),
        actor=row["actor"],
        created_at=row["created_at"],
        before=WorkerStatus(body["from"]) if "from" in body else None,
        status=None if status is None else WorkerStatus(status),
        cause=_sequence(body.get("event")),
        granted=body.get("granted"),
        reason=body.get("reason"),
        evidence=None if evidence is None else Evidence(**evidence),
    )


def _turned(row: asyncpg.Record) -> bool:
    """Whether the status is another one since this decision."""
    body = row["body"]
    return bool(row["kind"] == STATUS_CHANGED and body["from"] != body["to"])


def _sequence(seq: int | None) -> LogSequence | None:
    return None if seq is None else LogSequence(seq)

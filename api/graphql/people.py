"""Workers and their reputations, read a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isnan

import asyncpg
import numpy as np
from strawberry import ID

from api import rows
from api.errors import InvalidInput
from api.graphql.context import Context
from api.graphql.reputation import (
    Bias,
    Confusion,
    Estimate,
    Reason,
    ReasonCode,
    Reputation,
    Speed,
)
from api.graphql.scalars import Json, global_id
from api.graphql.standing import Standing, WorkerStatus
from api.graphql.standings import standings_of
from api.graphql.worker import Worker, WorkerKind
from api.reading import answers as timed
from api.reading.answers import answers_of, speed_of, trends_of
from api.reading.grounds import reasons_of
from api.reading.views import Views
from engine.reputation import Estimate as Estimates

MOST_CELLS = 2_000_000  # of the confusion matrices of one answer
LEAST_COUNT = 0.05  # of a cell that is shown
MOST_EXAMINED = 100  # workers of one answer that the log is asked about
# What takes a look into the log, for all workers of an answer at once.
FROM_LOG = frozenset({"reputation.reasons", "reputation.trend", "reputation.speed"})


async def workers_of(
    context: Context, shard: Views, found: Sequence[asyncpg.Record], wanted: frozenset[str]
) -> list[Worker]:
    """Workers from their rows, in the same order. `wanted`: the fields that were selected."""
    ids = np.array([row["worker_id"] for row in found], np.int32)
    views = shard.workers(ids)
    standings: list[Standing | None] = [None] * len(found)
    if "standing" in wanted:
        history = "history" in wanted
        standings = [*await standings_of(context, shard, ids, with_history=history)]
    project_id = shard.project.project_id
    reputations = await _reputations(context, shard, views, wanted)
    return [
        Worker(
            id=global_id("Worker", project_id, row["worker_id"]),
            external_id=row["external_id"],
            kind=WorkerKind(row["kind"]),
            status=WorkerStatus(status),
            voided=voided,
            joined_with=[ID(name) for name in shard.joined_with(row["worker_id"])],
            attributes=row["attributes"],
            created_at=row["created_at"],
            judgment_count=count,
            open_leases=leases,
            reputation=reputation,
            standing=standing,
        )
        for row, status, voided, count, leases, reputation, standing in zip(
            found,
            views.status,
            views.voided.tolist(),
            views.judgments.tolist(),
            views.open_leases.tolist(),
            reputations,
            standings,
            strict=True,
        )
    ]


async def _reputations(
    context: Context, shard: Views, views: rows.WorkerViews, wanted: frozenset[str]
) -> list[Reputation]:
    ids, labels = views.worker, shard.project.labels
    if wanted & {"confusion", "bias"} and len(ids) * len(labels) ** 2 > MOST_CELLS:
        raise InvalidInput("confusion", "these are too many cells: ask for fewer workers")
    names = [ID(label.external_id) for label in labels]
    confusions: list[list[Confusion]] = [[] for _ in range(len(ids))]
    if "confusion" in wanted:
        confusions = [_confusion(shard, names, worker) for worker in ids.tolist()]
    biases: list[list[Bias] | None] = [None] * len(ids)
    if "bias" in wanted and (found := shard.biases(ids)) is not None:
        shares = _estimates(found)
        biases = [
            [Bias(label=name, share=share) for name, share in zip(names, row, strict=True)]
            for row in (shares[at : at + len(names)] for at in range(0, len(shares), len(names)))
        ]
    history = [History()] * len(ids)
    if wanted & FROM_LOG:
        history = await _history(context, shard, views)
    return [
        Reputation(
            accuracy=accuracy,
            bits=bits,
            agreement=agreement if compared else None,
            gold_accuracy=gold if total else None,
            gold_right=right,
            gold_total=total,
            confusion=confusion,
            bias=bias,
            trend=past.trend,
            speed=past.speed,
            reasons=past.reasons,
        )
        for accuracy, bits, agreement, compared, gold, right, total, confusion, bias, past in zip(
            _estimates(views.accuracy),
            _estimates(views.bits),
            _estimates(views.agreement),
            views.compared.tolist(),
            _estimates(views.gold),
            views.gold_right.tolist(),
            views.gold_total.tolist(),
            confusions,
            biases,
            history,
            strict=True,
        )
    ]


@dataclass(frozen=True, slots=True)
class History:
    """What is known of a worker from the log."""

    trend: Estimate | None = None
    speed: Speed | None = None
    reasons: list[Reason] = field(default_factory=list)


async def _history(context: Context, shard: Views, views: rows.WorkerViews) -> list[History]:
    if len(views.worker) > MOST_EXAMINED + 1:  # a page is read with the first of the next one
        raise InvalidInput("first", f"reasons, trend and speed: of {MOST_EXAMINED} workers at most")
    answers = await answers_of(context.service.pool, shard, views.worker)
    trends = await trends_of(shard, answers)
    floor = shard.project.policy.floor_seconds
    speeds = [speed_of(each, floor) for each in answers]
    reasons = reasons_of(shard, views, shard.biases(views.worker), trends, speeds)
    return [
        History(
            trend=trend if len(each.task) else None,
            speed=None if speed is None else _speed(speed),
            reasons=[
                Reason(code=ReasonCode(why.code), text=why.text, figures=Json(why.figures))
                for why in whys
            ],
        )
        for trend, each, speed, whys in zip(
            _estimates(trends), answers, speeds, reasons, strict=True
        )
    ]


def _speed(speed: timed.Speed) -> Speed:
    under = None if isnan(speed.under_floor) else speed.under_floor
    return Speed(timed=speed.timed, median_seconds=speed.median, under_floor=under)


def _estimates(columns: Estimates) -> list[Estimate]:
    """One after the other, also of columns that have several a row."""
    ends = (columns.value.ravel(), columns.low.ravel(), columns.high.ravel())
    return [
        Estimate(value=value, low=low, high=high)
        for value, low, high in zip(*(end.tolist() for end in ends), strict=True)
    ]


def _confusion(shard: Views, names: list[ID], worker: int) -> list[Confusion]:
    counts = shard.confusion(worker)
    return [
        Confusion(truth=names[truth], answer=names[answer], count=float(counts[truth, answer]))
        for truth, answer in np.argwhere(counts >= LEAST_COUNT).tolist()
    ]

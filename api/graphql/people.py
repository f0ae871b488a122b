"""Workers and their reputations, read a page at a time."""

from collections.abc import Sequence

import asyncpg
import numpy as np
from strawberry import ID

from api import rows
from api.errors import InvalidInput
from api.graphql.context import Context
from api.graphql.reputation import Bias, Confusion, Estimate, Reputation
from api.graphql.scalars import global_id
from api.graphql.standing import Standing, WorkerStatus
from api.graphql.standings import standings_of
from api.graphql.worker import Worker, WorkerKind
from api.views import Views
from engine.reputation import Estimate as Estimates

MOST_CELLS = 2_000_000  # of the confusion matrices of one answer
LEAST_COUNT = 0.05  # of a cell that is shown


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
    return [
        Worker(
            id=global_id("Worker", project_id, row["worker_id"]),
            external_id=row["external_id"],
            kind=WorkerKind(row["kind"]),
            status=WorkerStatus(status),
            voided=voided,
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
            _reputations(shard, views, wanted),
            standings,
            strict=True,
        )
    ]


def _reputations(shard: Views, views: rows.WorkerViews, wanted: frozenset[str]) -> list[Reputation]:
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
        )
        for accuracy, bits, agreement, compared, gold, right, total, confusion, bias in zip(
            _estimates(views.accuracy),
            _estimates(views.bits),
            _estimates(views.agreement),
            views.compared.tolist(),
            _estimates(views.gold),
            views.gold_right.tolist(),
            views.gold_total.tolist(),
            confusions,
            biases,
            strict=True,
        )
    ]


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

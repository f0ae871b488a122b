"""What admins read: rows of the database for what is fixed, the shard's memory for what moves.

A page costs one statement, and one look at the shard for all its rows at once.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import isnan

import asyncpg
import numpy as np
from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode
from strawberry import ID

from api import policy as policies
from api import rows
from api.calibrated import Calibrated
from api.graphql.budget import budget_of
from api.graphql.context import Context, Info
from api.graphql.knobs import knobs_of
from api.graphql.leasing import labels_of
from api.graphql.people import workers_of
from api.graphql.project import (
    Calibration,
    HeldTo,
    Policy,
    Project,
    Quality,
    QuizFailed,
    Routing,
    StatusEvidence,
    TaskCounts,
    Telling,
)
from api.graphql.reputation import Estimate
from api.graphql.scalars import Json, global_id
from api.graphql.scalars import Sequence as LogSequence
from api.graphql.task import STATUSES, Consensus, Judgment, LabelProbability, Task
from api.reading.views import Views
from api.state.gold_book import SOURCES, STATES
from api.state.stopping import settled_by
from db import reads


def project_of(shard: Views) -> Project:
    """A project as it stands."""
    project = shard.project
    good, bad = shard.memory.vetting.tests.held_to
    return Project(
        id=global_id("Project", project.project_id),
        external_id=ID(project.external_id),
        name=project.name,
        labels=labels_of(project),
        policy=_policy(project.policy, project.policy_version),
        held_to=HeldTo(acceptable=good, unacceptable=bad),
        attributes=Json(project.attributes),
        created_at=project.created_at,
        writable=shard.writable,
        quality=quality_of(shard.quality()),
    )


def quality_of(quality: rows.Quality) -> Quality:
    """The totals of a project."""
    return Quality(
        judgments=quality.judgments,
        judgments_per_second=quality.judgments_per_second,
        workers=quality.workers,
        tasks=TaskCounts(
            total=quality.tasks,
            open=quality.open_tasks,
            settled=quality.settled_tasks,
            contested=quality.contested_tasks,
        ),
        open_leases=quality.open_leases,
        mean_confidence=_number(quality.mean_confidence),
        agreement=_number(quality.agreement),
        gold_accuracy=_number(quality.gold_accuracy),
        calibration=_calibration(quality.calibrated),
        budget=budget_of(quality.budget),
        sequence=LogSequence(quality.seq),
    )


def _calibration(learned: Calibrated) -> Calibration:
    off = learned.error
    return Calibration(
        error=None if off is None else Estimate(value=off.value, low=off.low, high=off.high),
        gold=learned.gold,
        held_out=learned.held_out,
        judgments=learned.judgments,
        sequence=LogSequence(learned.seq) if learned.seq else None,
    )


async def tasks_of(
    context: Context, shard: Views, found: Sequence[asyncpg.Record], wanted: frozenset[str]
) -> list[Task]:
    """Tasks from their rows, in the same order. `wanted`: the fields that the caller selected."""
    ids = np.array([row["task_id"] for row in found], np.int32)
    views = shard.tasks(ids)
    posterior = shard.posterior(ids).tolist() if "probabilities" in wanted else None
    judgments = await _judgments(context, shard, ids, wanted) if "judgments" in wanted else {}
    names = [ID(label.external_id) for label in shard.project.labels]
    project_id = shard.project.project_id
    tasks, book = [], shard.memory.gold
    for index, (row, status, count, leases, label, confidence, gold) in enumerate(
        zip(
            found,
            views.status.tolist(),
            views.judgments.tolist(),
            views.open_leases.tolist(),
            views.label.tolist(),
            views.confidence.tolist(),
            views.gold.tolist(),
            strict=True,
        )
    ):
        task = row["task_id"]
        consensus = None if label < 0 else Consensus(label=names[label], confidence=confidence)
        if consensus and posterior is not None:
            consensus.probabilities = [
                LabelProbability(label=name, probability=probability)
                for name, probability in zip(names, posterior[index], strict=True)
            ]
        tasks.append(
            Task(
                id=global_id("Task", project_id, row["task_id"]),
                external_id=row["external_id"],
                payload=row["payload"],
                attributes=row["attributes"],
                priority=row["priority"],
                created_at=row["created_at"],
                status=STATUSES[status],
                settled_by=(
                    settled_by(shard.project.policy, gold, confidence)
                    if status == rows.SETTLED
                    else None
                ),
                judgment_count=count,
                open_leases=leases,
                consensus=consensus,
                gold=None if gold < 0 else names[gold],
                accepted_labels=[names[each] for each in book.accepted(task)],
                gold_explanation=book.explained.get(task),
                gold_state=STATES[book.state[task]] if book.known(task) else None,
                gold_source=SOURCES[book.source[task]] if book.known(task) else None,
                judgments=judgments.get(row["task_id"], []),
            )
        )
    return tasks


async def _judgments(
    context: Context, shard: Views, ids: rows.Int32s, wanted: frozenset[str]
) -> dict[int, list[Judgment]]:
    pool, project_id = context.service.pool, shard.project.project_id
    found = await reads.judgments_of_tasks(pool, project_id, ids.tolist(), shard.until)
    who = sorted({row["worker_id"] for row in found})
    named = await reads.workers_by_ids(pool, project_id, who)
    workers = dict(zip(who, await workers_of(context, shard, named, wanted), strict=True))
    names = [ID(label.external_id) for label in shard.project.labels]
    judgments: dict[int, list[Judgment]] = {}
    for row in found:
        judgments.setdefault(row["task_id"], []).append(
            Judgment(
                sequence=LogSequence(row["seq"]),
                worker=workers[row["worker_id"]],
                label=names[row["label_id"]],
                seconds=row["seconds"],
                created_at=row["created_at"],
            )
        )
    return judgments


def selected(info: Info) -> frozenset[str]:
    """The names of all fields below this one, also with the field that they are in before them, as
    in "reputation.trend": what need not be read if it is not among them."""
    found: set[str] = set()
    spread: set[str] = set()

    def walk(above: str, selections: SelectionSetNode | None) -> None:
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                found.update((node.name.value, f"{above}.{node.name.value}"))
                walk(node.name.value, node.selection_set)
            elif isinstance(node, InlineFragmentNode):
                walk(above, node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                walk(above, info.raw.fragments[node.name.value].selection_set)

    for node in info.raw.field_nodes:
        walk(node.name.value, node.selection_set)
    return frozenset(found)


@lru_cache
def _policy(policy: policies.Policy, version: int) -> Policy:
    """Kept, for it takes longer to put together than all else of a project."""
    knobs = policy.to_json() | {
        "quiz_failed": QuizFailed(policy.quiz_failed),
        "status_evidence": StatusEvidence(policy.status_evidence),
        "tell_workers": Telling(policy.tell_workers),
        "routing": Routing(policy.routing),
    }
    return Policy(version=version, knobs=knobs_of(policy), **knobs)


def _number(value: float) -> float | None:
    return None if isnan(value) else value

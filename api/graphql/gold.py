"""goldAdvice: how much gold there is, how long it lasts, and what is wrong with it."""

from math import isnan

import numpy as np
import strawberry
from strawberry import ID, field

from api.graphql.context import Info, admin_of, shard_of
from api.graphql.listing import OneProject
from api.linting.gold_advice import report
from api.memory import Memory
from api.rows import Int32s
from api.state.alerts import Severity


@strawberry.type(description="The gold of one label.")
class LabelGold:
    """A row of the stock."""

    label: ID = field(description="External id of the label.")
    active: int = field(description="Gold tasks that are hidden among others.")
    quarantined: int = field(description="Gold tasks that are in doubt.")
    retired: int = field(description="Gold tasks that are handed out no more.")
    spent: int = field(description="Active ones that as many workers have seen as may.")
    exposures: int = field(description="How often active ones can still be shown.")


@strawberry.type(description="Something to do about the gold of a project.")
class GoldHint:
    """A hint of api.gold_advice."""

    code: str = field(description="What it is; stable.")
    severity: Severity = field(description="HIGH: something does not work at all.")
    text: str = field(description="What is wrong, with numbers.")
    todo: str = field(description="What to do about it.")


@strawberry.type(description="How often gold from consensus is wrong, as audits by staff tell.")
class GoldAudits:
    """Audits of api.gold_making."""

    waiting: list[ID] = field(description="External ids of tasks that staff have to look at.")
    confirmed: int = field(description="Tasks of which staff gave the same answer.")
    wrong: int = field(description="Tasks of which staff gave another answer.")
    error_rate: float | None = field(description="Share that is wrong; null without any.")
    low: float | None = field(description="Lower end of its 95 % interval.")
    high: float | None = field(description="Upper end of its 95 % interval.")
    stopped: bool = field(description="Whether they keep more such gold from being made.")


@strawberry.type(description="How much gold a project has, and how long it lasts.")
class GoldAdvice:
    """The stock of gold, and hints."""

    labels: list[LabelGold] = field(description="The stock, label by label.")
    per_worker: float = field(description="Gold tasks that a worker gets to see, on the average.")
    lasts_for: int | None = field(
        description="More workers for whom there is enough; null without active gold."
    )
    audits: GoldAudits = field(description="Audits of gold that is made of consensus.")
    hints: list[GoldHint] = field(description="What to do.")


async def gold_advice(info: Info, project: OneProject = None) -> GoldAdvice:
    """What there is of gold."""
    context = admin_of(info)
    shard = await shard_of(context, project)
    found = report(shard.memory)
    return GoldAdvice(
        labels=[
            LabelGold(
                label=ID(each.label),
                active=each.active,
                quarantined=each.quarantined,
                retired=each.retired,
                spent=each.spent,
                exposures=each.exposures,
            )
            for each in found.labels
        ],
        per_worker=found.per_worker,
        lasts_for=found.lasts_for,
        audits=GoldAudits(
            waiting=[ID(name) for name in shard.task_names(_waiting(shard.memory))],
            confirmed=found.audits.confirmed,
            wrong=found.audits.wrong,
            error_rate=_known(found.audits.error),
            low=_known(found.audits.low),
            high=_known(found.audits.high),
            stopped=found.stopped,
        ),
        hints=[
            GoldHint(code=each.code, severity=each.severity, text=each.text, todo=each.todo)
            for each in found.hints
        ],
    )


def _waiting(memory: Memory) -> Int32s:
    return np.array(sorted(memory.gold.audits), np.int32)


def _known(share: float) -> float | None:
    return None if isnan(share) else share

"""goldAdvice: how much gold there is, how long it lasts, and what is wrong with it."""

import strawberry
from strawberry import ID, field

from api.alerts import Severity
from api.gold_advice import report
from api.graphql.context import Info, admin_of, shard_of
from api.graphql.listing import OneProject


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


@strawberry.type(description="How much gold a project has, and how long it lasts.")
class GoldAdvice:
    """The stock of gold, and hints."""

    labels: list[LabelGold] = field(description="The stock, label by label.")
    per_worker: float = field(description="Gold tasks that a worker gets to see, on the average.")
    lasts_for: int | None = field(
        description="More workers for whom there is enough; null without active gold."
    )
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
        hints=[
            GoldHint(code=each.code, severity=each.severity, text=each.text, todo=each.todo)
            for each in found.hints
        ],
    )

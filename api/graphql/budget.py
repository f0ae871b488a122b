"""What a project may spend, has spent and has left."""

import strawberry
from strawberry import field

from api import budget
from api.graphql.scalars import Amount


@strawberry.type(description="A limit to spending, and what is left of it.")
class Allowance:
    """One limit."""

    limit: Amount | None = field(description="The most that may be spent; null without a limit.")
    spent: Amount = field(
        description="What judgments have used up. A worker is paid for a task once: revisions cost "
        "nothing, and what is voided was paid."
    )
    reserved: Amount = field(
        description="What open leases will use up if all are judged; they may be judged whatever "
        "the limit is by then."
    )
    left: Amount | None = field(
        description="What can still be handed out: the limit, less what is spent and reserved; "
        "null without a limit."
    )


@strawberry.type(
    description="What a project may spend, as its policy says. Spending stops before the first of "
    "these limits is passed, whatever comes at the same time."
)
class Budget:
    """The limits of a project and of a day."""

    judgments: Allowance = field(description="Judgments of the project.")
    money: Allowance = field(description="Money for the project's judgments.")
    judgments_today: Allowance = field(description="Judgments of this UTC day.")
    money_today: Allowance = field(description="Money for the judgments of this UTC day.")


def budget_of(found: budget.Budget) -> Budget:
    """A budget as it stands."""
    return Budget(
        judgments=_allowance(found.judgments),
        money=_allowance(found.money),
        judgments_today=_allowance(found.judgments_today),
        money_today=_allowance(found.money_today),
    )


def _allowance(found: budget.Allowance) -> Allowance:
    return Allowance(
        limit=None if found.limit is None else Amount(found.limit),
        spent=Amount(found.spent),
        reserved=Amount(found.reserved),
        left=None if found.left is None else Amount(found.left),
    )

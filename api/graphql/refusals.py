"""Expected refusals: data that a client branches on, not errors."""

import re
from collections.abc import Callable, Mapping, Sequence

import strawberry
from strawberry import field

from api.codes import MESSAGES, Code
from api.errors import NoTasks, Refused
from api.graphql.enums import described_enum
from api.lacks import WORDS, Lack

described_enum(
    "Why something was refused. Codes are stable; messages may be reworded.",
    name="RefusalCode",
    **{code: re.sub(r"{(\w+)[^}]*}", r"<\1>", message) for code, message in MESSAGES.items()},
)(Code)
described_enum(
    "Why there is no task for a worker.",
    name="NoTasksReason",
    **{k: f"{v.capitalize()}." for k, v in WORDS.items()},
)(Lack)


@strawberry.interface(
    description="An expected refusal. A mutation answers with its payload or with one of these; "
    "`... on Refusal { code message retryAfter }` covers them all."
)
class Refusal:
    """What every refusal has."""

    code: Code = field(description="The stable code to branch on.")
    message: str = field(description="What is wrong and what to do about it, for a person.")
    retry_after: float | None = field(
        description="Seconds after which the same call can succeed; null if it has to be changed.",
        default=None,
    )


@strawberry.type(description="The input cannot be accepted as it is: change it.")
class InvalidInput(Refusal):
    """A value that no later moment makes right."""


@strawberry.type(description="Something that the input names does not exist, or not for this key.")
class NotFound(Refusal):
    """A reference that leads nowhere."""


@strawberry.type(description="The key's role does not allow this.")
class Forbidden(Refusal):
    """A matter of rights."""


@strawberry.type(description="The input contradicts the present state: look again, then decide.")
class Conflict(Refusal):
    """Somebody or something was there first."""


@strawberry.type(description="Not now: repeat the same call, with the same ids, a little later.")
class TryLater(Refusal):
    """A matter of time."""

    reason: Lack | None = field(
        description="Of NO_TASKS: what is lacking; null for other codes.", default=None
    )


AnyRefusal = InvalidInput | NotFound | Forbidden | Conflict | TryLater

KINDS: dict[Code, type[AnyRefusal]] = {
    Code.UNKNOWN_PROJECT: NotFound,
    Code.UNKNOWN_TASK: NotFound,
    Code.UNKNOWN_LABEL: NotFound,
    Code.UNKNOWN_WORKER: NotFound,
    Code.UNKNOWN_KEY: NotFound,
    Code.UNKNOWN_ALERT: NotFound,
    Code.LEASE_NOT_FOUND: NotFound,
    Code.FORBIDDEN: Forbidden,
    Code.LEASE_FOREIGN: Forbidden,
    Code.LEASE_EXPIRED: Conflict,
    Code.LEASE_RELEASED: Conflict,
    Code.LEASE_USED: Conflict,
    Code.TASK_CLOSED: Conflict,
    Code.OVERLAP_FULL: Conflict,
    Code.SHARE_REACHED: Conflict,
    Code.COHORT_FULL: Conflict,
    Code.CLIENT_ID_REUSED: Conflict,
    Code.LEASE_LIMIT: Conflict,
    Code.PROJECT_EXISTS: Conflict,
    Code.POLICY_CONFLICT: Conflict,
    Code.KEY_REVOKED: Conflict,
    Code.KEY_EXISTS: Conflict,
    Code.WORKER_VOIDED: Forbidden,
    Code.WORKER_PAUSED: Forbidden,
    Code.WORKER_BANNED: Forbidden,
    Code.NOT_HELD: Conflict,
    Code.NOT_PAUSED: Conflict,
    Code.APPEAL_OPEN: Conflict,
    Code.CONTEST_OPEN: Conflict,
    Code.TOO_MANY_CONTESTS: Conflict,
    Code.NO_APPEAL: Conflict,
    Code.ALREADY_VOIDED: Conflict,
    Code.NOT_VOIDED: Conflict,
    Code.ALREADY_JOINED: Conflict,
    Code.NOT_JOINED: Conflict,
    Code.JUDGMENT_NOT_LIVE: Conflict,
    Code.NOT_GOLD: Conflict,
    Code.TASK_IS_GOLD: Conflict,
    Code.ALERT_HANDLED: Conflict,
    Code.DECISION_EXISTS: Conflict,
    Code.NO_TASKS: TryLater,
    Code.BUDGET_SPENT: TryLater,
    Code.OVERLOADED: TryLater,
    Code.UNAVAILABLE: TryLater,
    Code.PROJECT_TAKEN: TryLater,
}
RETRY_AFTER = {Code.UNAVAILABLE: 1.0, Code.PROJECT_TAKEN: 5.0}  # seconds, where nobody knows better


def refusal(error: Refused) -> AnyRefusal:
    """The refusal that an answer bears for a refused call."""
    kind = KINDS.get(error.code, InvalidInput)
    retry_after = getattr(error, "retry_after", None) or RETRY_AFTER.get(error.code)
    if isinstance(error, NoTasks):
        return TryLater(
            code=error.code, message=error.message, retry_after=retry_after, reason=error.lack
        )
    return kind(code=error.code, message=error.message, retry_after=retry_after)


@strawberry.type(description="One row of a batch that was refused; the others are not affected.")
class RowRefusal:
    """Why a row was refused."""

    row: int = field(description="Place of the row in the batch, from 0.")
    code: Code = field(description="The stable code to branch on.")
    message: str = field(description="What is wrong and what to do about it, for a person.")


Facts = Mapping[str, object]  # what fills the placeholders of a message


def row_refusal(code: Code, facts: Facts, retry_after: float | None = None) -> AnyRefusal:
    """The refusal of a call that had one row."""
    message = MESSAGES[code].format(**facts)
    return KINDS.get(code, InvalidInput)(code=code, message=message, retry_after=retry_after)


def row_refusals(codes: Sequence[str], facts: Callable[[int, Code], Facts]) -> list[RowRefusal]:
    """The refused rows of a batch; '' and DUPLICATE are none. `facts` of a row."""
    return [
        RowRefusal(
            row=row, code=Code(code), message=MESSAGES[Code(code)].format(**facts(row, Code(code)))
        )
        for row, code in enumerate(codes)
        if code and code != Code.DUPLICATE
    ]

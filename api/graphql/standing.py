"""How workers stand: their status, what it rests on, and how it came about."""

from datetime import datetime
from enum import Enum

import strawberry
from strawberry import ID, field

from api.graphql.enums import described_enum
from api.graphql.scalars import Sequence

HISTORY = 20  # decisions that are told of a worker


@described_enum(
    "How a worker stands, by sequential tests of its judgments or by staff's word. The judgments "
    "count in any case, unless the worker is voided.",
    QUIZ="New, and not proven yet.",
    ACTIVE="Gets tasks.",
    TRUSTED="Gets tasks; it is proven to be better than acceptable.",
    WATCH="Gets tasks; it may be worse than acceptable, became worse, or began to rush.",
    PAUSED="Gets no tasks, but may finish those it holds: it is worse than acceptable.",
    BANNED="Gets no tasks, and its own judgments are refused: it is far worse than acceptable.",
)
class WorkerStatus(Enum):
    """Status of a worker."""

    QUIZ = "QUIZ"
    ACTIVE = "ACTIVE"
    TRUSTED = "TRUSTED"
    WATCH = "WATCH"
    PAUSED = "PAUSED"
    BANNED = "BANNED"


@described_enum(
    "What was decided about a worker's status.",
    STATUS_CHANGED="The engine's tests, or what staff said, led to another status or alarm.",
    STATUS_HELD="Staff holds the status, whatever the tests say.",
    STATUS_FREED="Staff gave the status back to the tests.",
    PAUSE_LIFTED="Staff lifted a pause or ban.",
    WORKER_APPEALED="The worker appealed against a pause or ban, or against being voided.",
    APPEAL_ANSWERED="Staff answered the appeal.",
)
class StatusDecisionKind(Enum):
    """Kinds of decisions about statuses."""

    STATUS_CHANGED = "STATUS_CHANGED"
    STATUS_HELD = "STATUS_HELD"
    STATUS_FREED = "STATUS_FREED"
    PAUSE_LIFTED = "PAUSE_LIFTED"
    WORKER_APPEALED = "WORKER_APPEALED"
    APPEAL_ANSWERED = "APPEAL_ANSWERED"


@strawberry.type(
    description="What a status rests on, in numbers. Evidence is in nats: e to its power is what a "
    "stake of 1 against a hypothesis would have come to, so that it may be looked at any time."
)
class Evidence:
    """Findings of the status tests."""

    against: float = field(description="Evidence that the worker is less than acceptable.")
    passing: float = field(description="Evidence that it is better than unacceptable.")
    trusting: float = field(description="Evidence that it is better than acceptable.")
    drift: float = field(description="Evidence that its judgments became worse.")
    since: int = field(description="How many came before those that may be worse.")
    rush: float = field(description="Evidence that it began to rush.")
    judgments: int = field(description="Live judgments.")
    gold_right: int = field(description="Judgments of gold tasks that are right.")
    gold_total: int = field(description="Judgments of gold tasks.")
    scored: float = field(description="Judgments that can be compared with those of others.")
    alike: float = field(description="How many of these are like most others.")
    expected: float = field(
        description="How many of them would be, if the worker was just acceptable."
    )
    quiz_right: int = field(
        default=0, description="Right answers in the quiz; 0 where it asks for no fixed number."
    )
    quiz_total: int = field(default=0, description="Answers to gold in it, quizCount at most.")
    quiz_needed: int = field(default=0, description="Right answers that it takes to pass.")


@strawberry.type(description="A decision about a worker's status, from the log.")
class StatusDecision:
    """An entry of a worker's history."""

    sequence: Sequence = field(description="Its position in the project's log.")
    kind: StatusDecisionKind = field(description="What was decided.")
    actor: str = field(description="Who decided: the engine, or the key of a person.")
    created_at: datetime = field(description="When it was decided.")
    before: WorkerStatus | None = field(description="The status before; null if none changed.")
    status: WorkerStatus | None = field(
        description="The status from then on, or the one that staff holds; null if none changed."
    )
    cause: Sequence | None = field(
        description="The entry of the log that led to a change: a judgment, gold, a policy, or "
        "what staff said."
    )
    granted: bool | None = field(description="Whether an appeal was granted; null if it is none.")
    reason: str | None = field(description="What the person said; null if it was the engine.")
    evidence: Evidence | None = field(description="What the status rested on, when it changed.")


@strawberry.type(description="An appeal of a worker that waits for an answer.")
class Appeal:
    """An open appeal."""

    sequence: Sequence = field(description="Its position in the project's log.")
    worker: ID = field(description="External id of the worker.")
    message: str = field(description="What the worker says.")
    created_at: datetime = field(description="When it came.")


@strawberry.type(description="How a worker stands, and why.")
class Standing:
    """A worker's standing, as staff sees it."""

    evidence: Evidence = field(description="What the status rests on.")
    reasons: list[str] = field(description="The same in words.")
    worse: bool = field(description="Whether there is an alarm that its judgments became worse.")
    hurried: bool = field(description="Whether there is an alarm that it began to rush.")
    held: Sequence | None = field(
        description="The decision by which staff holds the status; null if the tests say it."
    )
    appeal: Sequence | None = field(
        description="The decision by which the worker appealed; null if no appeal is open."
    )
    history: list[StatusDecision] = field(
        description=f"The last {HISTORY} decisions about its status, the latest first."
    )


@strawberry.type(
    description="How the worker of the key in use stands, as far as the project's policy tells it."
)
class OwnStanding:
    """A worker's standing, as the worker sees it."""

    status: WorkerStatus | None = field(
        description="The status; null where it is not told, and while the worker is voided. It "
        "moves with every tellEvery judgments of the worker only, but for a pause or ban."
    )
    voided: bool | None = field(
        description="Whether staff took all judgments of the worker back, so that it gets no "
        "tasks; null where it is not told."
    )
    since: datetime | None = field(
        description="Since when a worker is paused, banned or voided; else null."
    )
    reasons: list[str] = field(
        description="What the status rested on when it came, in words; empty where it is not told."
    )
    appeal: str | None = field(description="The last appeal; null without one.")
    appeal_granted: bool | None = field(
        description="Whether it was granted; null while it is open, or without one."
    )
    appeal_answer: str | None = field(
        description="What staff answered; null while it is open, or without one."
    )

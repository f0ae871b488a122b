"""Workers and what is known of them."""

from datetime import datetime
from enum import Enum

import strawberry
from strawberry import ID, field

from api.graphql.enums import described_enum
from api.graphql.project import Node
from api.graphql.scalars import Json


@described_enum(
    "Who or what judges.",
    HUMAN="A person.",
    MODEL="A program.",
)
class WorkerKind(Enum):
    """Person or program."""

    HUMAN = "HUMAN"
    MODEL = "MODEL"


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


@strawberry.type(description="An estimate with its 95 % interval.")
class Estimate:
    """Value and bounds."""

    value: float = field(description="The expected value.")
    low: float = field(description="Lower end of the 95 % interval.")
    high: float = field(description="Upper end of the 95 % interval.")


@strawberry.type(description="How often a worker answers one label where another is right.")
class Confusion:
    """A cell of a confusion matrix."""

    truth: ID = field(description="External id of the right label.")
    answer: ID = field(description="External id of the label that the worker chose.")
    count: float = field(
        description="Expected number of such judgments, among tasks that others judged too."
    )


@strawberry.type(description="What is known of a worker's work in one project.")
class Reputation:
    """Live numbers of a worker."""

    accuracy: Estimate = field(description="Expected share of right answers, from 0 to 1.")
    bits: float = field(
        description="Information per judgment, in bits; 0 for who clicks at random or always alike."
    )
    agreement: float | None = field(
        description="Share of the judgments that agree with the consensus; null without any."
    )
    gold_right: int = field(description="Judgments of gold tasks that are right.")
    gold_total: int = field(description="Judgments of gold tasks.")
    confusion: list[Confusion] = field(
        description="The cells of the confusion matrix that are worth mention, in the order of the "
        "labels.",
        default_factory=list,
    )


@strawberry.type(description="A person or a program that judges tasks of a project.")
class Worker(Node):
    """A worker as an admin sees it."""

    external_id: ID = field(description="Your id of the worker.")
    kind: WorkerKind = field(description="Who or what judges.")
    status: WorkerStatus = field(description="How the worker stands.")
    voided: bool = field(
        description="Whether the worker was voided: it gets no tasks, and its judgments do not "
        "count, until unvoidWorker."
    )
    attributes: Json = field(description="What you declared about the worker: a JSON object.")
    created_at: datetime = field(description="When the worker first came to the project.")
    judgment_count: int = field(description="Live judgments.")
    open_leases: int = field(description="Tasks that the worker holds now.")
    reputation: Reputation = field(description="What is known of the worker's work.")

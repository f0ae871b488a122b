"""What is known of a worker's work, with intervals."""

from enum import Enum

import strawberry
from strawberry import ID, field

from api.graphql.enums import described_enum
from api.graphql.scalars import Json
from api.reading.answers import MOST_ANSWERS


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


@strawberry.type(description="How much more often than it is true a worker says a label.")
class Bias:
    """For or against a label."""

    label: ID = field(description="External id of the label.")
    share: Estimate = field(
        description="Share of its answers: 0.1 is ten in a hundred too many, -0.1 too few."
    )


@strawberry.type(description="How fast a worker answers, as far as the times are known.")
class Speed:
    """Of its answers, or of some drawn evenly from many."""

    timed: int = field(description="Answers whose time is known.")
    median_seconds: float = field(description="Half of them took this long at most.")
    under_floor: float | None = field(
        description="Share of them that took less than the policy's floorSeconds; null without one."
    )


@described_enum(
    "What an estimate rests on.",
    POPULATION="The project's workers as a whole: where a worker starts.",
    ELSEWHERE="Its record in other projects.",
    GOLD="Its answers to gold tasks.",
    AGREEMENT="Its answers to other tasks, held against what the other workers say.",
    BIAS="That it says a label too often, or too seldom.",
    TREND="That its accuracy rises or falls.",
    SPEED="How fast it answers.",
)
class ReasonCode(Enum):
    """What moved an estimate."""

    POPULATION = "POPULATION"
    ELSEWHERE = "ELSEWHERE"
    GOLD = "GOLD"
    AGREEMENT = "AGREEMENT"
    BIAS = "BIAS"
    TREND = "TREND"
    SPEED = "SPEED"


@strawberry.type(description="Something that is behind a reputation, in words and numbers.")
class Reason:
    """A reason."""

    code: ReasonCode = field(description="What it is.")
    text: str = field(description="In words.")
    figures: Json = field(
        description="The numbers in the words: an object. `before` and `after` are the expected "
        "accuracy without and with this."
    )


@strawberry.type(
    description="What is known of a worker's work in one project. A worker starts where the "
    "project's workers are."
)
class Reputation:
    """Live numbers of a worker."""

    accuracy: Estimate = field(
        description="Expected share of right answers over the project's tasks, from 0 to 1."
    )
    bits: Estimate = field(
        description="Information per judgment, in bits; 0 for who clicks at random or always alike."
    )
    agreement: Estimate | None = field(
        description="How much of the other workers' consensus its answers have, its own not "
        "counted, on tasks without gold; null without any that others judged too."
    )
    gold_accuracy: Estimate | None = field(
        description="Share of its answers to gold tasks that are right; null without any."
    )
    gold_right: int = field(description="Judgments of gold tasks that are right.")
    gold_total: int = field(description="Judgments of gold tasks.")
    confusion: list[Confusion] = field(
        description="The cells of the confusion matrix that are worth mention, in the order of the "
        "labels.",
        default_factory=list,
    )
    bias: list[Bias] | None = field(
        description="For or against each label, in their order; null above 32 labels.",
        default=None,
    )
    trend: Estimate | None = field(
        description="Change of its accuracy from its first answer to its last, in shares: -0.1 is "
        f"ten points worse. From its answers, or {MOST_ANSWERS} drawn evenly from more; null "
        "without any.",
        default=None,
    )
    speed: Speed | None = field(
        description="How fast it answers, from the same answers; null where no time is known.",
        default=None,
    )
    reasons: list[Reason] = field(
        description="What moved the estimate of its accuracy, step by step, and what else is worth "
        "a look.",
        default_factory=list,
    )

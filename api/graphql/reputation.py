"""What is known of a worker's work, with intervals."""

import strawberry
from strawberry import ID, field


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

"""Judgments going in, one at a time or by the thousand, and what became of them."""

from typing import Annotated

import strawberry
from strawberry import ID, field

from api.codes import Code
from api.graphql.refusals import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    RowRefusal,
    TryLater,
)
from api.graphql.scalars import Sequence
from api.graphql.task import Consensus, TaskStatus


@strawberry.input(description="One answer of one worker to one task.")
class SubmitJudgmentInput:
    """A single judgment."""

    project: ID | None = field(
        description="External id of the project. A key bound to a project can leave it out.",
        default=None,
    )
    worker: ID | None = field(
        description="External id of the worker, created on first use. WORKER keys leave it out.",
        default=None,
    )
    lease_id: ID | None = field(
        description="The lease that the judgment answers. WORKER keys always name it.", default=None
    )
    task: ID | None = field(
        description="External id of the task, where there is no lease. Not for WORKER keys.",
        default=None,
    )
    label: ID = field(description="External id of the label that was chosen.")
    client_id: ID | None = field(
        description="Your id of this judgment: repeating it gets the first answer again.",
        default=None,
    )
    seconds: float | None = field(
        description="How long the worker took: from 0 to 604800, a week.", default=None
    )


@strawberry.type(description="What a worker in the quiz learns of its answer.")
class QuizFeedback:
    """The answer of gold."""

    right: bool = field(description="Whether the answer is right.")
    labels: list[ID] = field(description="External ids of all labels that are right.")
    explanation: str | None = field(description="Why, if that was told with the gold.")


@strawberry.type(description="The judgment is stored, and counts.")
class SubmitJudgmentPayload:
    """Answer of submitJudgment."""

    sequence: Sequence | None = field(
        description="The judgment's position in the project's log. Null for WORKER keys."
    )
    duplicate: bool = field(description="Whether it was there before and nothing was added.")
    status: TaskStatus | None = field(
        description="Where the task stands now. Null for WORKER keys."
    )
    consensus: Consensus | None = field(description="The new consensus. Null for WORKER keys.")
    feedback: QuizFeedback | None = field(
        description="What is right, where the policy tells that: in the quiz, with quizFeedback.",
        default=None,
    )


@strawberry.input(
    description="Many judgments as parallel lists: row 3 is the fourth value of each. Rows are "
    "accepted and refused one by one, and repeating a batch adds nothing."
)
class SubmitJudgmentsInput:
    """Columns of judgments."""

    project: ID | None = field(
        description="External id of the project. A key bound to a project can leave it out.",
        default=None,
    )
    workers: list[ID] | None = field(
        description="External ids of the workers, created on first use; one id stands for all "
        "rows. WORKER keys leave it out.",
        default=None,
    )
    lease_ids: list[ID | None] | None = field(
        description="The leases that the judgments answer. WORKER keys always name them.",
        default=None,
    )
    tasks: list[ID | None] | None = field(
        description="External ids of the tasks, where there is no lease. Not for WORKER keys.",
        default=None,
    )
    labels: list[ID] = field(description="External ids of the labels that were chosen.")
    client_ids: list[ID | None] | None = field(
        description="Your ids of the judgments: repeating one gets its first answer again.",
        default=None,
    )
    seconds: list[float | None] | None = field(
        description="How long the workers took: from 0 to 604800 each, a week.", default=None
    )


@strawberry.type(description="The consensus of the task of each row, after the whole batch.")
class ConsensusColumns:
    """Consensus as parallel lists; null where a row has no task."""

    labels: list[ID | None] = field(description="External ids of the labels.")
    confidences: list[float | None] = field(description="Probabilities that they are right.")
    statuses: list[TaskStatus | None] = field(description="Where the tasks stand.")


@strawberry.type(description="What became of each row of the batch.")
class SubmitJudgmentsPayload:
    """Answer of submitJudgments."""

    accepted: int = field(description="Rows that were stored by this call.")
    duplicates: int = field(description="Rows that were there before; they count as done.")
    refused: int = field(description="Rows that were refused.")
    refusals: list[RowRefusal] = field(description="The refused rows, in order.")
    codes: list[Code | None] = field(
        description="The code of each row: null if it was stored, DUPLICATE if it was there."
    )
    sequences: list[Sequence | None] | None = field(
        description="The position of each row in the project's log; null where refused. Null for "
        "WORKER keys."
    )
    consensus: ConsensusColumns | None = field(
        description="What follows from the batch. Null for WORKER keys."
    )


SubmitJudgmentResult = Annotated[
    SubmitJudgmentPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("SubmitJudgmentResult", description="The stored judgment, or why not."),
]
SubmitJudgmentsResult = Annotated[
    SubmitJudgmentsPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("SubmitJudgmentsResult", description="What became of the rows, or why not."),
]

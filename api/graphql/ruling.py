"""What staff say of workers' statuses, and appeals: inputs and payloads."""

from typing import Annotated

import strawberry
from strawberry import ID, field

from api.graphql.refusals import Conflict, Forbidden, InvalidInput, NotFound, TryLater
from api.graphql.scalars import Json, Sequence
from api.graphql.standing import OwnStanding, WorkerStatus
from api.graphql.worker import Worker


@strawberry.interface(
    description="What decisions about statuses answer. `... on Ruling { sequence }` covers them."
)
class Ruling:
    """What the payloads have."""

    sequence: Sequence = field(description="Position of the decision in the project's log.")
    duplicate: bool = field(
        description="Whether it was decided before, under the same client id, and nothing was done "
        "now."
    )


@strawberry.input(description="What every decision of staff about a status has.")
class RulingInput:
    """Whom, and why."""

    project: ID | None = field(
        description="External id of the project. A key bound to a project can leave it out.",
        default=None,
    )
    worker: ID = field(description="External id of the worker.")
    reason: str = field(description="Why, in words; it stays in the log with the key's id.")
    evidence: Json | None = field(
        description="What the decision leans on: a JSON object, kept in the log.", default=None
    )
    client_id: ID = field(
        description="Your id of this decision: repeating it gets the first answer again."
    )


@strawberry.input(description="A status to hold.")
class SetWorkerStatusInput(RulingInput):
    """Which."""

    status: WorkerStatus = field(description="The status that the worker is to have.")


@strawberry.input(description="A worker whose status staff holds no longer.")
class FreeWorkerStatusInput(RulingInput):
    """Whom."""


@strawberry.input(description="A paused or banned worker.")
class LiftPauseInput(RulingInput):
    """Whom."""


@strawberry.input(description="An answer to the open appeal of a worker.")
class AnswerAppealInput(RulingInput):
    """What is answered; the reason is for the worker to read."""

    granted: bool = field(
        description="Whether the pause or ban is lifted, and the worker restored if it is voided."
    )


@strawberry.input(description="An appeal of the worker of the key in use.")
class AppealInput:
    """What the worker says."""

    message: str = field(description="Why staff should look again; they read it.")
    client_id: ID = field(
        description="Your id of this appeal: repeating it gets the first answer again."
    )


@strawberry.input(description="A judgment that its worker stands by.")
class ContestJudgmentInput:
    """Which, and what the worker says."""

    lease_id: ID = field(description="The lease against which it was made.")
    message: str = field(description="Why the judgment is right; staff read it.")
    client_id: ID = field(
        description="Your id of this message: repeating it gets the first answer again."
    )


@strawberry.type(description="Staff holds the worker's status.")
class SetWorkerStatusPayload(Ruling):
    """Answer of setWorkerStatus."""

    worker: Worker = field(description="The worker as it stands now.")


@strawberry.type(description="The worker's status is what the tests say.")
class FreeWorkerStatusPayload(Ruling):
    """Answer of freeWorkerStatus."""

    worker: Worker = field(description="The worker as it stands now.")


@strawberry.type(description="The worker is not paused or banned any more.")
class LiftPausePayload(Ruling):
    """Answer of liftPause."""

    worker: Worker = field(description="The worker as it stands now.")


@strawberry.type(description="The appeal is answered.")
class AnswerAppealPayload(Ruling):
    """Answer of answerAppeal."""

    worker: Worker = field(description="The worker as it stands now.")


@strawberry.type(description="Staff will see it.")
class ContestJudgmentPayload:
    """Answer of contestJudgment."""

    duplicate: bool = field(
        description="Whether it came before, under the same client id, and nothing was done now."
    )


@strawberry.type(description="The appeal is open until staff answers it.")
class AppealPayload:
    """Answer of appeal."""

    duplicate: bool = field(
        description="Whether it came before, under the same client id, and nothing was done now."
    )
    standing: OwnStanding = field(description="How the worker stands.")


SetWorkerStatusResult = Annotated[
    SetWorkerStatusPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("SetWorkerStatusResult", description="The decision, or why not."),
]
FreeWorkerStatusResult = Annotated[
    FreeWorkerStatusPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("FreeWorkerStatusResult", description="The decision, or why not."),
]
LiftPauseResult = Annotated[
    LiftPausePayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("LiftPauseResult", description="The decision, or why not."),
]
AnswerAppealResult = Annotated[
    AnswerAppealPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("AnswerAppealResult", description="The decision, or why not."),
]
ContestJudgmentResult = Annotated[
    ContestJudgmentPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("ContestJudgmentResult", description="That staff will see it, or why not."),
]
AppealResult = Annotated[
    AppealPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("AppealResult", description="The appeal, or why not."),
]

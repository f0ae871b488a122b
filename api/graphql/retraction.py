"""Acts of staff that take back judgments, workers, gold and settled tasks; and what they change."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import ID, field

from api.graphql.answers import also_right_field, explanations_field
from api.graphql.refusals import Conflict, Forbidden, InvalidInput, NotFound, TryLater
from api.graphql.scalars import Json, Sequence
from api.graphql.task import TaskStatus
from api.state.gold_book import GoldState
from api.state.standing import NOTICEABLE


@strawberry.type(description="A task before or after an act.")
class TaskMoment:
    """How a task stands."""

    label: ID | None = field(description="External id of the consensus; null without one.")
    confidence: float = field(description="Probability that the label is right; 0 without one.")
    status: TaskStatus = field(description="Where the task stands.")
    judgments: int = field(description="Live judgments.")


@strawberry.type(description="What an act changes about a task.")
class TaskEffect:
    """Before and after."""

    task: ID = field(description="External id of the task.")
    before: TaskMoment = field(description="How it stands before the act.")
    after: TaskMoment = field(description="How it stands after the act.")


@strawberry.type(description="What an act changes about a worker.")
class WorkerEffect:
    """Before and after."""

    worker: ID = field(description="External id of the worker.")
    accuracy_before: float = field(description="Expected accuracy before the act.")
    accuracy_after: float = field(description="Expected accuracy after the act.")


@strawberry.type(
    description="What an act changes at once. A later refit from all judgments may move a little "
    "more."
)
class Effect:
    """Counts and examples."""

    judgments: int = field(description="Judgments that count no more, or count again.")
    leases: int = field(description="Leases that are released.")
    posteriors: int = field(
        description="Tasks whose label changes, or whose confidence does by more than "
        f"{NOTICEABLE:g}."
    )
    labels: int = field(description="Tasks whose consensus is another label, or none any more.")
    statuses: int = field(description="Tasks whose status changes: settled or open again, say.")
    reputations: int = field(
        description=f"Workers whose expected accuracy changes by more than {NOTICEABLE:g}."
    )
    tasks: list[TaskEffect] = field(
        description="Up to ten of the tasks: those with another label first, then those with "
        "another status, then by how far the confidence moves."
    )
    workers: list[WorkerEffect] = field(
        description="Up to ten of the workers, by how far the accuracy moves."
    )


@strawberry.interface(
    description="What acts of staff answer: the decision, or what it would change. "
    "`... on Retraction { sequence effect { labels } }` covers them all."
)
class Retraction:
    """What the payloads of the acts have."""

    sequence: Sequence | None = field(
        description="Position of the decision in the project's log; null in a dry run."
    )
    duplicate: bool = field(
        description="Whether it was decided before, under the same client id, and nothing was done "
        "now."
    )
    effect: Effect = field(
        description="What it changes. It is found out on a copy right before the decision, and "
        "stored with it."
    )


@strawberry.input(description="What every act of staff has.")
class ActInput:
    """Who and why."""

    project: ID | None = field(
        description="External id of the project. A key bound to a project can leave it out.",
        default=None,
    )
    reason: str = field(description="Why, in words; it stays in the log with the key's id.")
    evidence: Json | None = field(
        description="What the decision leans on: a JSON object, kept in the log.", default=None
    )
    client_id: ID = field(
        description="Your id of this decision: repeating it gets the first answer again."
    )
    dry_run: bool = field(
        description="Only tell what would change; nothing is stored.", default=False
    )


@strawberry.input(description="A worker to void.")
class VoidWorkerInput(ActInput):
    """Whom."""

    worker: ID = field(description="External id of the worker.")


@strawberry.input(description="A voided worker to restore.")
class UnvoidWorkerInput(ActInput):
    """Whom."""

    worker: ID = field(description="External id of the worker.")


@strawberry.input(description="Workers to count as one.")
class JoinWorkersInput(ActInput):
    """Whom."""

    workers: list[ID] = field(
        description="External ids of two workers or more. Those whom they are joined with already "
        "are joined too."
    )


@strawberry.input(description="Joined workers to count one by one again.")
class SplitWorkersInput(ActInput):
    """Whom."""

    workers: list[ID] = field(
        description="External ids of joined workers. Their groups end as a whole: to keep some "
        "together, join these anew."
    )


@strawberry.input(
    description="Judgments to void: by their sequences, or all that match worker, tasks and times. "
    "At most 5,000 in one call; all of them or none."
)
class VoidJudgmentsInput(ActInput):
    """Which."""

    sequences: list[Sequence] | None = field(
        description="Sequences of live or muted judgments. Without other conditions.",
        default=None,
    )
    worker: ID | None = field(description="Judgments of this worker.", default=None)
    tasks: list[ID] | None = field(description="Judgments of these tasks.", default=None)
    since: datetime | None = field(
        description="Judgments that came at this moment or later.", default=None
    )
    until: datetime | None = field(
        description="Judgments that came before this moment.", default=None
    )


@strawberry.input(description="Gold tasks and their right answers, as parallel lists.")
class CorrectGoldInput(ActInput):
    """Which, and what."""

    tasks: list[ID] = field(description="External ids of gold tasks.")
    labels: list[ID] = field(description="External ids of their right answers.")
    also_right: list[list[ID]] | None = also_right_field()
    explanations: list[str | None] | None = explanations_field()


@strawberry.input(description="Tasks and the answers that an expert gives, as parallel lists.")
class AdjudicateTaskInput(ActInput):
    """Which, and what."""

    tasks: list[ID] = field(description="External ids of tasks, contested ones most often.")
    labels: list[ID] = field(description="External ids of their right answers.")
    also_right: list[list[ID]] | None = also_right_field()
    explanations: list[str | None] | None = explanations_field()
    checks: bool = field(
        description="Whether the tasks are hidden among others from now on, to check workers by. "
        "If not, their answers are known, nobody gets them any more, and nobody is measured by "
        "them: what an expert had to decide is harder than the rest.",
        default=False,
    )


@strawberry.input(description="Gold tasks, and the state they are to have.")
class SetGoldStateInput(ActInput):
    """Which, and what."""

    tasks: list[ID] = field(description="External ids of gold tasks.")
    state: GoldState = field(description="The state.")


@strawberry.input(description="Gold tasks whose answers are in doubt.")
class WithdrawGoldInput(ActInput):
    """Which."""

    tasks: list[ID] = field(description="External ids of gold tasks.")


@strawberry.input(description="Tasks to ask further judgments of.")
class ReopenTaskInput(ActInput):
    """Which, and how many."""

    tasks: list[ID] = field(description="External ids of tasks that are not gold.")
    judgments: int = field(
        description="Further judgments of each, beyond those it has: from 1 to 1000.", default=1
    )


@strawberry.type(description="The worker is voided, or would be.")
class VoidWorkerPayload(Retraction):
    """Answer of voidWorker."""


@strawberry.type(description="The worker takes part again, or would.")
class UnvoidWorkerPayload(Retraction):
    """Answer of unvoidWorker."""


@strawberry.type(description="The workers count as one, or would.")
class JoinWorkersPayload(Retraction):
    """Answer of joinWorkers."""


@strawberry.type(description="The workers count one by one again, or would.")
class SplitWorkersPayload(Retraction):
    """Answer of splitWorkers."""


@strawberry.type(description="The judgments are voided, or would be.")
class VoidJudgmentsPayload(Retraction):
    """Answer of voidJudgments."""


@strawberry.type(description="The gold is corrected, or would be.")
class CorrectGoldPayload(Retraction):
    """Answer of correctGold."""


@strawberry.type(description="The tasks are settled by the expert's answers, or would be.")
class AdjudicateTaskPayload(Retraction):
    """Answer of adjudicateTask."""


@strawberry.type(description="The gold is in that state, or would be.")
class SetGoldStatePayload(Retraction):
    """Answer of setGoldState."""


@strawberry.type(description="The gold is withdrawn, or would be.")
class WithdrawGoldPayload(Retraction):
    """Answer of withdrawGold."""


@strawberry.type(description="The tasks are reopened, or would be.")
class ReopenTaskPayload(Retraction):
    """Answer of reopenTask."""


VoidWorkerResult = Annotated[
    VoidWorkerPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("VoidWorkerResult", description="The decision and its effect, or why not."),
]
UnvoidWorkerResult = Annotated[
    UnvoidWorkerPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("UnvoidWorkerResult", description="The decision and its effect, or why not."),
]
JoinWorkersResult = Annotated[
    JoinWorkersPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("JoinWorkersResult", description="The decision and its effect, or why not."),
]
SplitWorkersResult = Annotated[
    SplitWorkersPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("SplitWorkersResult", description="The decision and its effect, or why not."),
]
VoidJudgmentsResult = Annotated[
    VoidJudgmentsPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("VoidJudgmentsResult", description="The decision and its effect, or why not."),
]
CorrectGoldResult = Annotated[
    CorrectGoldPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("CorrectGoldResult", description="The decision and its effect, or why not."),
]
AdjudicateTaskResult = Annotated[
    AdjudicateTaskPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union(
        "AdjudicateTaskResult", description="The decision and its effect, or why not."
    ),
]
SetGoldStateResult = Annotated[
    SetGoldStatePayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("SetGoldStateResult", description="The decision and its effect, or why not."),
]
WithdrawGoldResult = Annotated[
    WithdrawGoldPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("WithdrawGoldResult", description="The decision and its effect, or why not."),
]
ReopenTaskResult = Annotated[
    ReopenTaskPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("ReopenTaskResult", description="The decision and its effect, or why not."),
]

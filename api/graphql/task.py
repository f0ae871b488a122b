"""Tasks and their consensus."""

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry
from strawberry import ID, field

from api import rows
from api.graphql.answers import also_right_field, explanations_field
from api.graphql.enums import described_enum
from api.graphql.project import Node
from api.graphql.refusals import Conflict, Forbidden, InvalidInput, NotFound, RowRefusal, TryLater
from api.graphql.scalars import Json, Sequence
from api.graphql.worker import Worker
from api.state.gold_book import GoldSource, GoldState
from api.state.stopping import SettledBy


@described_enum(
    "Where a task stands. Judgments, gold and policy can change it any time.",
    OPEN="Takes judgments.",
    SETTLED="The consensus is sure enough, or known as gold.",
    CONTESTED="At full overlap, and the consensus is not sure enough: waits in adjudicationQueue. "
    "A worker that stands by a judgment, by contestJudgment, does not change it.",
)
class TaskStatus(Enum):
    """Status of a task."""

    OPEN = "OPEN"
    SETTLED = "SETTLED"
    CONTESTED = "CONTESTED"


described_enum(
    "What settled a task.",
    GOLD="Its answer is known.",
    CONFIDENCE="Its confidence reached the policy's target.",
    COST="Further judgments would cost more than they are expected to be worth, as labelValue and "
    "price of the policy say.",
)(SettledBy)
described_enum(
    "Whether gold is hidden among other tasks.",
    ACTIVE="Workers are checked by it, until as many have seen it as the policy says.",
    QUARANTINED="In doubt: handed out no more, and nobody is measured by it, until staff decide.",
    RETIRED="Handed out no more; its answer stands, and nobody is measured by it.",
)(GoldState)
described_enum(
    "Who said that the answer of a task is known.",
    IMPORTED="It came with the data.",
    EXPERT="Staff said so.",
    CONSENSUS="Enough independent workers agree on it.",
)(GoldSource)

STATUSES = tuple(TaskStatus(name) for name in rows.STATUSES)


@strawberry.type(description="How probable one label is for a task.")
class LabelProbability:
    """One term of a posterior."""

    label: ID = field(description="External id of the label.")
    probability: float = field(description="From 0 to 1; the probabilities of a task sum to 1.")


@strawberry.type(description="The label that the judgments so far stand for.")
class Consensus:
    """Consensus of one task."""

    label: ID = field(description="External id of the label.")
    confidence: float = field(description="Probability that the label is right, from 0 to 1.")
    probabilities: list[LabelProbability] = field(
        description="The probability of every label, in the project's order.", default_factory=list
    )


@strawberry.type(description="One worker's live answer to one task.")
class Judgment:
    """A judgment that counts."""

    sequence: Sequence = field(description="Its position in the project's log.")
    worker: Worker = field(description="Who judged.")
    label: ID = field(description="External id of the label that was chosen.")
    seconds: float | None = field(description="How long it took, if the front-end told.")
    created_at: datetime = field(description="When it was accepted.")


@strawberry.type(description="One item to judge.")
class Task(Node):
    """A task as an admin sees it."""

    external_id: ID = field(description="Your id of the task.")
    payload: Json = field(description="What workers are shown: a JSON object.")
    attributes: Json = field(description="What you declared about the task; workers don't see it.")
    priority: int = field(description="From 0 to 9; higher ones are handed out first.")
    created_at: datetime = field(description="When the task was added.")
    status: TaskStatus = field(description="Where the task stands.")
    settled_by: SettledBy | None = field(
        description="What settled the task; null while it is not settled."
    )
    judgment_count: int = field(description="Live judgments.")
    open_leases: int = field(description="Workers that hold the task now.")
    consensus: Consensus | None = field(
        description="Null while there is neither judgment nor gold."
    )
    gold: ID | None = field(
        description="External id of the known answer, if the task is gold; where several are "
        "right, of the one we stand by."
    )
    accepted_labels: list[ID] = field(
        description="External ids of all labels that are right, if the task is gold."
    )
    gold_explanation: str | None = field(
        description="Why the known answer is right, if that was told."
    )
    gold_state: GoldState | None = field(
        description="Whether workers are checked by it, if the task is gold."
    )
    gold_source: GoldSource | None = field(
        description="Who said that its answer is known, if the task is gold."
    )
    judgments: list[Judgment] = field(
        description="The live judgments, oldest first.", default_factory=list
    )


@strawberry.input(description="A task to add.")
class NewTask:
    """One row of addTasks."""

    external_id: ID = field(description="Your id of the task, unique in the project.")
    payload: Json = field(description="What workers are shown: a JSON object.")
    attributes: Json | None = field(
        description="What you want to filter and audit by; workers don't see it.", default=None
    )
    priority: int = field(description="From 0 to 9; higher ones are handed out first.", default=0)
    gold: ID | None = field(
        description="External id of the known answer, to make the task gold.", default=None
    )


@strawberry.input(description="Tasks to add to a project.")
class AddTasksInput:
    """New tasks."""

    project: ID | None = field(
        description="External id of the project. A key bound to a project can leave it out.",
        default=None,
    )
    tasks: list[NewTask] = field(description="The tasks, thousands at once if you like.")


@strawberry.type(description="What became of each task.")
class AddTasksPayload:
    """Answer of addTasks."""

    added: int = field(description="Tasks that are new.")
    existing: int = field(description="Tasks that were there; they stay as they are.")
    refused: int = field(description="Tasks that were refused.")
    refusals: list[RowRefusal] = field(description="The refused tasks, in order.")


@strawberry.input(description="Known answers of tasks, as parallel lists.")
class SetGoldInput:
    """Gold to set or to withdraw."""

    project: ID | None = field(
        description="External id of the project. A key bound to a project can leave it out.",
        default=None,
    )
    tasks: list[ID] = field(description="External ids of the tasks.")
    labels: list[ID | None] = field(
        description="External ids of their known answers; null withdraws the gold of a task."
    )
    source: GoldSource | None = field(
        description="Who says so; null leaves it as it is, IMPORTED to begin with.", default=None
    )
    also_right: list[list[ID]] | None = also_right_field()
    explanations: list[str | None] | None = explanations_field()


@strawberry.type(description="What became of each row.")
class SetGoldPayload:
    """Answer of setGold."""

    changed: int = field(description="Tasks whose gold is as wanted now.")
    refused: int = field(description="Rows that were refused.")
    refusals: list[RowRefusal] = field(description="The refused rows, in order.")
    sequences: list[Sequence | None] = field(
        description="The position of each decision in the project's log; null where refused."
    )


AddTasksResult = Annotated[
    AddTasksPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("AddTasksResult", description="What became of the tasks, or why not."),
]
SetGoldResult = Annotated[
    SetGoldPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("SetGoldResult", description="What became of the rows, or why not."),
]

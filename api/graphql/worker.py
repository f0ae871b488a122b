"""Workers and what is known of them."""

from datetime import datetime
from enum import Enum

import strawberry
from strawberry import ID, field

from api.graphql.enums import described_enum
from api.graphql.project import Node
from api.graphql.reputation import Reputation
from api.graphql.scalars import Json
from api.graphql.standing import Standing, WorkerStatus


@described_enum(
    "Who or what judges.",
    HUMAN="A person.",
    MODEL="A program.",
)
class WorkerKind(Enum):
    """Person or program."""

    HUMAN = "HUMAN"
    MODEL = "MODEL"


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
    joined_with: list[ID] = field(
        description="External ids of those with whom the worker counts as one, by joinWorkers."
    )
    attributes: Json = field(description="What you declared about the worker: a JSON object.")
    created_at: datetime = field(description="When the worker first came to the project.")
    judgment_count: int = field(description="Live judgments.")
    open_leases: int = field(description="Tasks that the worker holds now.")
    reputation: Reputation = field(description="What is known of the worker's work.")
    standing: Standing | None = field(
        description="What its status rests on, and how it came about.",
        graphql_type=Standing,
        default=None,
    )

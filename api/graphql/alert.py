"""Alerts as admins see them, and what staff say of them."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import ID, field

from api.graphql.enums import described_enum
from api.graphql.refusals import Conflict, Forbidden, InvalidInput, NotFound, TryLater
from api.graphql.scalars import Json, Sequence
from api.graphql.severity import Severity
from api.reading.alert_words import Suggestion
from api.state.alerts import AlertKind, AlertState

described_enum(
    "What an alert is about.",
    COPYING="Workers share wrong answers that they would not come to by themselves.",
    ONE_HAND="Several accounts answer as one person would.",
    TOO_FAST="Answers come faster than anybody can judge.",
    CONSTANT="The same answer, whatever the task.",
    PERIODIC="Answers repeat in a pattern, whatever the task.",
    WORKER_PAUSED="The status tests have paused a worker.",
    WORKER_BANNED="The status tests have banned a worker.",
    WORKER_WORSE="A worker answers worse than before.",
    WORKER_HURRIED="A worker answers much faster than before.",
    PROJECT_CHANGED="The labels of a project, or how far workers agree, are not what they were.",
    WORKER_APPEALED="A paused or banned worker asks staff to look again.",
    GOLD_LEAKED="Gold is answered rightly and fast more often than can be explained: its answer "
    "went round.",
    JUDGMENT_CONTESTED="A worker stands by its judgment of a task.",
    GOLD_MISSED="Good workers give another answer than the gold.",
    ALL_GOLD_LEAKED="Some workers answer gold as if they knew all of it before.",
)(AlertKind)
described_enum(
    "How far an alert has come.",
    OPEN="Nobody has looked yet.",
    ACKNOWLEDGED="Somebody knows of it.",
    RESOLVED="It was dealt with, or its cause has ended.",
)(AlertState)
described_enum(
    "What staff may do about an alert.",
    JOIN="Count the workers as one, with joinWorkers.",
    PAUSE="Pause the workers, with setWorkerStatus.",
    VOID="Void the workers, with voidWorker.",
    LOOK="Look at it: what is right depends on what is seen.",
    ANSWER="Answer the appeal, with answerAppeal.",
)(Suggestion)


@strawberry.type(description="That somebody acknowledged or resolved an alert.")
class AlertHandling:
    """Who, when and why."""

    sequence: Sequence = field(description="Position of that decision in the project's log.")
    actor: str = field(description="Who: `key:` and a key's id, or `engine`.")
    note: str = field(description="Why, in words.")
    at: datetime = field(description="When it was said.")


@strawberry.type(description="What may be done about an alert.")
class AlertSuggestion:
    """An act."""

    act: Suggestion = field(description="The act.")
    words: str = field(description="The mutation with its arguments, or what to look at.")


@strawberry.type(description="Something the engine found that staff should look at.")
class Alert:
    """One finding, and what became of it."""

    sequence: Sequence = field(
        description="Its id: the position in the project's log of the decision that it is."
    )
    kind: AlertKind = field(description="What it is about.")
    severity: Severity = field(description="How soon to look.")
    state: AlertState = field(description="How far it has come.")
    workers: list[ID] = field(description="External ids of the workers it is about.")
    tasks: list[ID] = field(description="External ids of tasks that show it.")
    explanation: str = field(description="What was found, in words and numbers.")
    evidence: Json = field(description="The numbers behind it.")
    suggestion: AlertSuggestion = field(description="What may be done about it.")
    raised_at: datetime = field(description="When it was found.")
    acknowledged: AlertHandling | None = field(description="Who knows of it; null if nobody does.")
    resolved: AlertHandling | None = field(
        description="Who resolved it, or what ended its cause; null while neither has."
    )


@strawberry.type(description="Alerts that were raised or handled, each once and as it is now.")
class AlertEvent:
    """An event of alertFeed."""

    cursor: Sequence = field(description="Where to resume: give it as `after`.")
    alerts: list[Alert] = field(description="The alerts.")


@strawberry.input(description="What to say of an alert.")
class HandleAlertInput:
    """Which, and why."""

    project: ID | None = field(
        description="External id of the project. A key bound to a project can leave it out.",
        default=None,
    )
    alert: Sequence = field(description="The alert's sequence.")
    note: str = field(description="Why, in words; it stays in the log with the key's id.")
    client_id: ID = field(
        description="Your id of this decision: repeating it gets the first answer again."
    )


@strawberry.interface(description="What acknowledgeAlert and resolveAlert answer.")
class AlertHandled:
    """The decision."""

    sequence: Sequence = field(description="Position of the decision in the project's log.")
    duplicate: bool = field(
        description="Whether it was decided before, under the same client id, and nothing was done "
        "now."
    )
    alert: Alert = field(description="The alert as it is now.")


@strawberry.type(description="The alert is acknowledged.")
class AcknowledgeAlertPayload(AlertHandled):
    """Answer of acknowledgeAlert."""


@strawberry.type(description="The alert is resolved.")
class ResolveAlertPayload(AlertHandled):
    """Answer of resolveAlert."""


AcknowledgeAlertResult = Annotated[
    AcknowledgeAlertPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("AcknowledgeAlertResult", description="The decision, or why not."),
]
ResolveAlertResult = Annotated[
    ResolveAlertPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("ResolveAlertResult", description="The decision, or why not."),
]

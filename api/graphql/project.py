"""Projects, their labels and their policy."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry import ID, UNSET, field

from api.graphql.budget import Budget
from api.graphql.enums import described_enum
from api.graphql.knobs import Knob
from api.graphql.refusals import Conflict, Forbidden, InvalidInput, NotFound, TryLater
from api.graphql.reputation import Estimate
from api.graphql.scalars import Json, Sequence
from api.policy import KNOBS
from api.presets import PRESETS, PresetName


def _knob(name: str, **default: Any) -> Any:
    knob = KNOBS[name]
    meaning = knob.metadata["meaning"]
    if "low" in knob.metadata:
        meaning += f" From {knob.metadata['low']:g} to {knob.metadata['high']:g}."
    return field(description=meaning, **default)


@described_enum(
    KNOBS["status_evidence"].metadata["meaning"], **KNOBS["status_evidence"].metadata["options"]
)
class StatusEvidence(Enum):
    """What a status rests on."""

    GOLD = "GOLD"
    GOLD_AND_CONSENSUS = "GOLD_AND_CONSENSUS"


@described_enum(
    KNOBS["tell_workers"].metadata["meaning"], **KNOBS["tell_workers"].metadata["options"]
)
class Telling(Enum):
    """What workers are told."""

    NOTHING = "NOTHING"
    STATUS = "STATUS"
    REASONS = "REASONS"


@described_enum(KNOBS["routing"].metadata["meaning"], **KNOBS["routing"].metadata["options"])
class Routing(Enum):
    """How tasks are chosen."""

    RANDOM = "RANDOM"
    BREADTH = "BREADTH"
    UNCERTAINTY = "UNCERTAINTY"
    INFORMATION = "INFORMATION"


@described_enum(
    KNOBS["quiz_failed"].metadata["meaning"], **KNOBS["quiz_failed"].metadata["options"]
)
class QuizFailed(Enum):
    """What becomes of those who fail the quiz."""

    PAUSE = "PAUSE"
    BAN = "BAN"


@strawberry.interface(description="An object whose id is unique over all types and projects.")
class Node:
    """Relay's Node."""

    id: ID = field(description="Opaque global id, for `node(id:)` and for caches.")


@strawberry.type(description="One of the answers that a task of a project can have.")
class Label:
    """A label as its project declares it."""

    external_id: ID = field(description="Your id of the label, unique in the project.")
    name: str = field(description="What people read.")


@strawberry.type(description="All the knobs of a project at one version.")
class Policy:
    """A policy as api.policy has it."""

    version: int = field(description="Counts the changes, from 1.")
    knobs: list[Knob] = field(description="Every knob with its value and what it does, in groups.")
    overlap: int = _knob("overlap")
    min_judgments: int | None = _knob("min_judgments")
    target_confidence: float = _knob("target_confidence")
    lease_seconds: float = _knob("lease_seconds")
    leases_per_worker: int = _knob("leases_per_worker")
    require_lease: bool = _knob("require_lease")
    allow_revision: bool = _knob("allow_revision")
    revision_seconds: float = _knob("revision_seconds")
    price: int = _knob("price")
    model_price: int = _knob("model_price")
    judgment_budget: int | None = _knob("judgment_budget")
    money_budget: int | None = _knob("money_budget")
    daily_judgments: int | None = _knob("daily_judgments")
    daily_money: int | None = _knob("daily_money")
    label_value: int | None = _knob("label_value")
    acceptable_accuracy: float = _knob("acceptable_accuracy")
    unacceptable_accuracy: float = _knob("unacceptable_accuracy")
    crowd_share: float = _knob("crowd_share")
    watch_error: float = _knob("watch_error")
    pause_error: float = _knob("pause_error")
    ban_error: float = _knob("ban_error")
    pass_error: float = _knob("pass_error")
    trust_error: float = _knob("trust_error")
    drift_alarms: float = _knob("drift_alarms")
    project_error: float = _knob("project_error")
    quiz: bool = _knob("quiz")
    quiz_count: int | None = _knob("quiz_count")
    quiz_share: float = _knob("quiz_share")
    quiz_failed: QuizFailed = _knob("quiz_failed")
    gold_rate: float = _knob("gold_rate")
    gold_floor: float = _knob("gold_floor")
    gold_exposures: int = _knob("gold_exposures")
    find_leaks: bool = _knob("find_leaks")
    leak_error: float = _knob("leak_error")
    quarantine_leaks: bool = _knob("quarantine_leaks")
    quiz_gold: float = _knob("quiz_gold")
    status_evidence: StatusEvidence = _knob("status_evidence")
    act_on_status: bool = _knob("act_on_status")
    find_fraud: bool = _knob("find_fraud")
    join_copiers: bool = _knob("join_copiers")
    fraud_rate: float = _knob("fraud_rate")
    tell_workers: Telling = _knob("tell_workers")
    tell_every: int = _knob("tell_every")
    open_contests: int = _knob("open_contests")
    quiz_feedback: bool = _knob("quiz_feedback")
    consensus_gold: bool = _knob("consensus_gold")
    consensus_confidence: float = _knob("consensus_confidence")
    consensus_workers: int = _knob("consensus_workers")
    consensus_most: int = _knob("consensus_most")
    audit_share: float = _knob("audit_share")
    audit_error: float = _knob("audit_error")
    use_other_projects: bool = _knob("use_other_projects")
    models_count: bool = _knob("models_count")
    floor_seconds: float | None = _knob("floor_seconds")
    routing: Routing = _knob("routing")
    worker_share: float = _knob("worker_share")
    label_share: float = _knob("label_share")
    cohort_attribute: str | None = _knob("cohort_attribute")
    cohort_overlap: int = _knob("cohort_overlap")
    keep_order: bool = _knob("keep_order")


@strawberry.type(description="How many tasks are in each status.")
class TaskCounts:
    """Tasks by status."""

    total: int = field(description="All tasks.")
    open: int = field(description="Tasks that take judgments.")
    settled: int = field(description="Tasks whose consensus is sure enough, or known as gold.")
    contested: int = field(description="Tasks at full overlap whose consensus is not sure enough.")


@strawberry.type(
    description="What confidence was learned to mean last: how often a label with it is right."
)
class Calibration:
    """How far off confidence is, and what that rests on."""

    error: Estimate | None = field(
        description="How far confidence is from the share of labels that are right: root mean "
        "square over groups of gold tasks of like confidence, less what chance makes of it, each "
        "task as if it were not known. 0.03 is three points. Null with fewer than 20 gold tasks."
    )
    gold: int = field(description="Gold tasks that it was learned from, and measured on.")
    held_out: int = field(
        description="Judgments that it was learned from besides: hidden, then held against what "
        "the others let expect."
    )
    judgments: int = field(description="Judgments that there were then.")
    sequence: Sequence | None = field(
        description="The decision in the log; null before the first, while confidence is what "
        "crowds are like that Basanite was tried on."
    )


@strawberry.type(description="How a project is doing at one moment.")
class Quality:
    """The live totals of a project."""

    judgments: int = field(description="Live judgments: those replaced by a revision don't count.")
    judgments_per_second: float = field(description="Judgments taken, over the last ten seconds.")
    workers: int = field(description="Workers that the project knows.")
    tasks: TaskCounts = field(description="Tasks by status.")
    open_leases: int = field(description="Tasks that workers hold now, each counted per worker.")
    mean_confidence: float | None = field(
        description="Mean confidence over the tasks that have a consensus; null without any."
    )
    agreement: float | None = field(
        description="Share of judgments that agree with their task's consensus; null without any."
    )
    gold_accuracy: float | None = field(
        description="Share of judgments of gold tasks that are right; null without any."
    )
    calibration: Calibration = field(description="What confidence means, and how far off it is.")
    budget: Budget = field(description="What is spent, what open leases reserve, what is left.")
    sequence: Sequence = field(description="The last event of the log that is counted here.")


@strawberry.type(
    description="By what workers are measured now. Where the crowd is less good than the policy "
    "would have it, less is asked, as crowdShare says; and the less is known of the crowd, too."
)
class HeldTo:
    """Bars in force."""

    acceptable: float = field(description="Accuracy on gold that is enough of a worker.")
    unacceptable: float = field(description="Accuracy on gold that is too little.")


@strawberry.type(description="A set of tasks with the same labels and the same policy.")
class Project(Node):
    """A project as an admin sees it."""

    external_id: ID = field(description="Your id of the project.")
    name: str = field(description="What people read.")
    labels: list[Label] = field(description="The answers that a task can have, in their order.")
    policy: Policy = field(description="The policy in force.")
    held_to: HeldTo = field(description="What the policy comes to in the crowd that there is.")
    attributes: Json = field(description="What you declared about the project: a JSON object.")
    created_at: datetime = field(description="When the project was created.")
    writable: bool = field(
        description="Whether this server writes the project; if not, another process does."
    )
    quality: Quality = field(description="How the project is doing now.")


@strawberry.input(description="A label of a new project.")
class NewLabel:
    """One answer."""

    external_id: ID = field(description="Your id of the label, unique in the project.")
    name: str | None = field(description="What people read; if left out, the id.", default=None)


@strawberry.input(description="Knobs to set; those left out keep their value.")
class PolicyChanges:
    """A partial policy: UNSET where nothing was said."""

    overlap: int | None = _knob("overlap", default=UNSET)
    min_judgments: int | None = _knob("min_judgments", default=UNSET)
    target_confidence: float | None = _knob("target_confidence", default=UNSET)
    lease_seconds: float | None = _knob("lease_seconds", default=UNSET)
    leases_per_worker: int | None = _knob("leases_per_worker", default=UNSET)
    require_lease: bool | None = _knob("require_lease", default=UNSET)
    allow_revision: bool | None = _knob("allow_revision", default=UNSET)
    revision_seconds: float | None = _knob("revision_seconds", default=UNSET)
    price: int | None = _knob("price", default=UNSET)
    model_price: int | None = _knob("model_price", default=UNSET)
    judgment_budget: int | None = _knob("judgment_budget", default=UNSET)
    money_budget: int | None = _knob("money_budget", default=UNSET)
    daily_judgments: int | None = _knob("daily_judgments", default=UNSET)
    daily_money: int | None = _knob("daily_money", default=UNSET)
    label_value: int | None = _knob("label_value", default=UNSET)
    acceptable_accuracy: float | None = _knob("acceptable_accuracy", default=UNSET)
    unacceptable_accuracy: float | None = _knob("unacceptable_accuracy", default=UNSET)
    crowd_share: float | None = _knob("crowd_share", default=UNSET)
    watch_error: float | None = _knob("watch_error", default=UNSET)
    pause_error: float | None = _knob("pause_error", default=UNSET)
    ban_error: float | None = _knob("ban_error", default=UNSET)
    pass_error: float | None = _knob("pass_error", default=UNSET)
    trust_error: float | None = _knob("trust_error", default=UNSET)
    drift_alarms: float | None = _knob("drift_alarms", default=UNSET)
    project_error: float | None = _knob("project_error", default=UNSET)
    quiz: bool | None = _knob("quiz", default=UNSET)
    quiz_count: int | None = _knob("quiz_count", default=UNSET)
    quiz_share: float | None = _knob("quiz_share", default=UNSET)
    quiz_failed: QuizFailed | None = _knob("quiz_failed", default=UNSET)
    gold_rate: float | None = _knob("gold_rate", default=UNSET)
    gold_floor: float | None = _knob("gold_floor", default=UNSET)
    gold_exposures: int | None = _knob("gold_exposures", default=UNSET)
    find_leaks: bool | None = _knob("find_leaks", default=UNSET)
    leak_error: float | None = _knob("leak_error", default=UNSET)
    quarantine_leaks: bool | None = _knob("quarantine_leaks", default=UNSET)
    quiz_gold: float | None = _knob("quiz_gold", default=UNSET)
    status_evidence: StatusEvidence | None = _knob("status_evidence", default=UNSET)
    act_on_status: bool | None = _knob("act_on_status", default=UNSET)
    find_fraud: bool | None = _knob("find_fraud", default=UNSET)
    join_copiers: bool | None = _knob("join_copiers", default=UNSET)
    fraud_rate: float | None = _knob("fraud_rate", default=UNSET)
    tell_workers: Telling | None = _knob("tell_workers", default=UNSET)
    tell_every: int | None = _knob("tell_every", default=UNSET)
    open_contests: int | None = _knob("open_contests", default=UNSET)
    quiz_feedback: bool | None = _knob("quiz_feedback", default=UNSET)
    consensus_gold: bool | None = _knob("consensus_gold", default=UNSET)
    consensus_confidence: float | None = _knob("consensus_confidence", default=UNSET)
    consensus_workers: int | None = _knob("consensus_workers", default=UNSET)
    consensus_most: int | None = _knob("consensus_most", default=UNSET)
    audit_share: float | None = _knob("audit_share", default=UNSET)
    audit_error: float | None = _knob("audit_error", default=UNSET)
    use_other_projects: bool | None = _knob("use_other_projects", default=UNSET)
    models_count: bool | None = _knob("models_count", default=UNSET)
    floor_seconds: float | None = _knob("floor_seconds", default=UNSET)
    routing: Routing | None = _knob("routing", default=UNSET)
    worker_share: float | None = _knob("worker_share", default=UNSET)
    label_share: float | None = _knob("label_share", default=UNSET)
    cohort_attribute: str | None = _knob("cohort_attribute", default=UNSET)
    cohort_overlap: int | None = _knob("cohort_overlap", default=UNSET)
    keep_order: bool | None = _knob("keep_order", default=UNSET)

    def given(self) -> dict[str, Any]:
        """The knobs that the caller named, by their names in api.policy."""
        found = {name: value for name in KNOBS if (value := getattr(self, name)) is not UNSET}
        return {
            name: value.value if isinstance(value, Enum) else value for name, value in found.items()
        }


def changes_of(preset: PresetName | None, policy: PolicyChanges | None) -> dict[str, Any]:
    """The knobs to set: those of the preset, and then those that are named."""
    return (PRESETS[preset].changes if preset else {}) | (policy.given() if policy else {})


@strawberry.input(description="A project to create.")
class CreateProjectInput:
    """A new project."""

    external_id: ID = field(description="Your id of the project; it cannot be changed later.")
    name: str | None = field(description="What people read; if left out, the id.", default=None)
    labels: list[NewLabel] = field(
        description="The answers that a task can have: at least 2. They cannot be changed later."
    )
    preset: PresetName | None = field(
        description="The preset to begin with; without one every knob has its default.",
        default=None,
    )
    policy: PolicyChanges | None = field(
        description="Knobs that differ from the preset or from their defaults.", default=None
    )
    attributes: Json | None = field(
        description="Whatever you want to keep with it: a JSON object.", default=None
    )


@strawberry.type(description="The project is there.")
class CreateProjectPayload:
    """Answer of createProject."""

    project: Project = field(description="The project.")


@strawberry.input(description="A change of a project's policy.")
class UpdatePolicyInput:
    """Knobs to set."""

    project: ID | None = field(
        description="External id of the project. A key bound to a project can leave it out.",
        default=None,
    )
    preset: PresetName | None = field(
        description="A preset to apply; knobs that it does not name keep their value.", default=None
    )
    policy: PolicyChanges | None = field(
        description="The knobs to set, after the preset if there is one.", default=None
    )
    expected_version: int | None = field(
        description="The version that you have seen: the change is refused if it is newer now.",
        default=None,
    )


@strawberry.type(description="The policy is in force.")
class UpdatePolicyPayload:
    """Answer of updatePolicy."""

    project: Project = field(description="The project with its new policy.")


CreateProjectResult = Annotated[
    CreateProjectPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("CreateProjectResult", description="The project, or why not."),
]
UpdatePolicyResult = Annotated[
    UpdatePolicyPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union(
        "UpdatePolicyResult", description="The project with its new policy, or why not."
    ),
]

"""The whole schema; `basanite schema > api/graphql/schema.graphql` writes its text."""

from collections.abc import AsyncIterator
from functools import cache

import strawberry
from graphql import GraphQLSchema, print_schema
from strawberry import field

from api.graphql import (
    advising,
    alerting,
    deciding,
    declaring,
    gold,
    granting,
    leasing,
    listing,
    looking,
    managing,
    retracting,
    submitting,
    watching,
)
from api.graphql.alert import AcknowledgeAlertResult, Alert, AlertEvent, ResolveAlertResult
from api.graphql.binding import bind
from api.graphql.declaring import SetWorkerAttributesResult
from api.graphql.gold import GoldAdvice
from api.graphql.judgment import SubmitJudgmentResult, SubmitJudgmentsResult
from api.graphql.key import ApiKey, CreateKeyResult, Me, RevokeKeyResult
from api.graphql.knobs import PolicyAdvice, PolicyChange, PolicyPreset
from api.graphql.lease import LeaseTasksResult, ReleaseLeasesResult
from api.graphql.paging import Connection
from api.graphql.project import CreateProjectResult, Node, Project, UpdatePolicyResult
from api.graphql.retraction import (
    AdjudicateTaskResult,
    CorrectGoldResult,
    JoinWorkersResult,
    ReopenTaskResult,
    SetGoldStateResult,
    SplitWorkersResult,
    UnvoidWorkerResult,
    VoidJudgmentsResult,
    VoidWorkerResult,
    WithdrawGoldResult,
)
from api.graphql.ruling import (
    AnswerAppealResult,
    AppealResult,
    ContestJudgmentResult,
    FreeWorkerStatusResult,
    LiftPauseResult,
    SetWorkerStatusResult,
)
from api.graphql.scalars import CONFIG
from api.graphql.standing import Appeal
from api.graphql.task import AddTasksResult, SetGoldResult, Task
from api.graphql.watching import QualityEvent, TaskEvent, WorkerEvent
from api.graphql.worker import Worker


@strawberry.type(description="What can be read. All but `me` takes an ADMIN key.")
class Query:
    """Root of queries."""

    me: Me = field(resolver=granting.me, description="Who the key in use speaks for.")
    policy_presets: list[PolicyPreset] = field(
        resolver=advising.policy_presets, description="Policies for named situations."
    )
    policy_advice: list[PolicyAdvice] = field(
        resolver=advising.policy_advice,
        description="What is wrong with a project's policy, or would be, the worst first.",
    )
    gold_advice: GoldAdvice = field(
        resolver=gold.gold_advice,
        description="How much gold a project has, how long it lasts, and what is wrong with it.",
    )
    policy_history: Connection[PolicyChange] = field(
        resolver=advising.policy_history,
        description="Every change of a project's policy, the latest first.",
    )
    node: Node | None = field(
        resolver=looking.node, description="A project, task or worker by its global id."
    )
    project: Project | None = field(
        resolver=looking.project, description="One project; null if the key may see none such."
    )
    projects: Connection[Project] = field(
        resolver=listing.projects, description="All projects that the key may see, oldest first."
    )
    task: Task | None = field(resolver=looking.task, description="One task; null if there is none.")
    tasks: Connection[Task] = field(resolver=listing.tasks, description="Tasks of a project.")
    adjudication_queue: Connection[Task] = field(
        resolver=listing.queue_to_adjudicate,
        description="Tasks that wait for an expert, who decides them with adjudicateTask: those "
        "that are CONTESTED at this moment, the highest priority first, then the least sure, then "
        "the oldest. What is decided, or judged once more, leaves it at once.",
    )
    worker: Worker | None = field(
        resolver=looking.worker, description="One worker; null if there is none."
    )
    workers: Connection[Worker] = field(
        resolver=listing.workers, description="Workers of a project."
    )
    appeals: list[Appeal] = field(
        resolver=listing.appeals,
        description="The appeals of workers that wait for an answer, the oldest first.",
    )
    alert: Alert | None = field(
        resolver=alerting.alert, description="One alert; null if there is none."
    )
    alerts: Connection[Alert] = field(
        resolver=alerting.alerts_page, description="Alerts of a project, the newest first."
    )
    keys: Connection[ApiKey] = field(
        resolver=listing.keys,
        description="API keys of a project or, for an ADMIN of all projects who names none, all.",
    )


@strawberry.type(
    description="What can be changed. Each answers with its payload or with a Refusal, and can be "
    "repeated without doing twice what was asked for once."
)
class Mutation:
    """Root of mutations."""

    lease_tasks: LeaseTasksResult = strawberry.mutation(
        resolver=leasing.lease_tasks, description="Hand tasks to a worker for a while."
    )
    submit_judgment: SubmitJudgmentResult = strawberry.mutation(
        resolver=submitting.submit_judgment,
        description="Store one judgment. It is durable, and counts, when the answer comes.",
    )
    submit_judgments: SubmitJudgmentsResult = strawberry.mutation(
        resolver=submitting.submit_judgments,
        description="Store many judgments. They are durable, and count, when the answer comes.",
    )
    release_leases: ReleaseLeasesResult = strawberry.mutation(
        resolver=leasing.release_leases,
        description="Give leases back, so that other workers get their tasks.",
    )
    create_project: CreateProjectResult = strawberry.mutation(
        resolver=managing.create_project,
        description="Create a project, or find the one that was created with the same input.",
    )
    update_policy: UpdatePolicyResult = strawberry.mutation(
        resolver=managing.update_policy,
        description="Set some knobs of a project's policy. A change makes a new version.",
    )
    add_tasks: AddTasksResult = strawberry.mutation(
        resolver=managing.add_tasks,
        description="Add tasks. Those whose external id is there already stay as they are.",
    )
    set_worker_attributes: SetWorkerAttributesResult = strawberry.mutation(
        resolver=declaring.set_worker_attributes,
        description="Say what a worker can and what it is: skills, languages, cohort.",
    )
    set_gold: SetGoldResult = strawberry.mutation(
        resolver=managing.set_gold,
        description="Declare the answers of tasks known, or withdraw that.",
    )
    void_worker: VoidWorkerResult = strawberry.mutation(
        resolver=retracting.void_worker,
        description="Let no judgment of a worker count any more, and give it no tasks. Its leases "
        "are released, the places of its judgments are free for others, and every consensus, "
        "status and reputation that leaned on it is corrected. The judgments stay in the log.",
    )
    unvoid_worker: UnvoidWorkerResult = strawberry.mutation(
        resolver=retracting.unvoid_worker,
        description="Let a voided worker take part again, with every judgment that was voided with "
        "it. Tasks that others have judged meanwhile may then have more judgments than their "
        "overlap.",
    )
    void_judgments: VoidJudgmentsResult = strawberry.mutation(
        resolver=retracting.void_judgments,
        description="Let some judgments count no more, nor what they had replaced. Their places "
        "are free: the same worker may judge the task again, too.",
    )
    join_workers: JoinWorkersResult = strawberry.mutation(
        resolver=retracting.join_workers,
        description="Let workers count as one, because they copy or are one person: on a task that "
        "several of them judged, one judgment counts, of the answer that most of them gave the "
        "earliest. The others are muted: they stay in the log and take no place. From then on none "
        "of them gets a task that another one has judged or holds, and what they judge all the "
        "same is stored and muted.",
    )
    split_workers: SplitWorkersResult = strawberry.mutation(
        resolver=retracting.split_workers,
        description="Let joined workers count one by one again, with every judgment that was "
        "muted, unless it was voided.",
    )
    correct_gold: CorrectGoldResult = strawberry.mutation(
        resolver=retracting.correct_gold,
        description="Give gold tasks other answers, because the declared ones were wrong.",
    )
    adjudicate_task: AdjudicateTaskResult = strawberry.mutation(
        resolver=retracting.adjudicate_task,
        description="Say the answers of tasks as an expert: that settles them, contested ones too.",
    )
    set_gold_state: SetGoldStateResult = strawberry.mutation(
        resolver=retracting.set_gold_state,
        description="Hide gold among other tasks, quarantine it, or retire it.",
    )
    withdraw_gold: WithdrawGoldResult = strawberry.mutation(
        resolver=retracting.withdraw_gold,
        description="Let tasks be gold no more, because their answers are in doubt.",
    )
    reopen_task: ReopenTaskResult = strawberry.mutation(
        resolver=retracting.reopen_task,
        description="Ask for further judgments of tasks, whatever their status and beyond the "
        "overlap: until these have come nothing settles them.",
    )
    set_worker_status: SetWorkerStatusResult = strawberry.mutation(
        resolver=deciding.set_worker_status,
        description="Hold a worker's status, whatever the tests of its judgments say.",
    )
    free_worker_status: FreeWorkerStatusResult = strawberry.mutation(
        resolver=deciding.free_worker_status,
        description="Give a worker's status back to the tests.",
    )
    lift_pause: LiftPauseResult = strawberry.mutation(
        resolver=deciding.lift_pause,
        description="Lift a worker's pause or ban. Nothing is forgotten: it takes ten times as "
        "much evidence to pause it again, and no less if the evidence falls meanwhile.",
    )
    answer_appeal: AnswerAppealResult = strawberry.mutation(
        resolver=deciding.answer_appeal,
        description="Answer a worker's open appeal. Granting it lifts the pause or ban.",
    )
    contest_judgment: ContestJudgmentResult = strawberry.mutation(
        resolver=deciding.contest_judgment,
        description="Stand by one's own judgment of any task, with the WORKER key of the worker: "
        "staff look at it.",
    )
    appeal: AppealResult = strawberry.mutation(
        resolver=deciding.appeal,
        description="Appeal against a pause or ban, with the WORKER key of the worker. One appeal "
        "is open at a time.",
    )
    acknowledge_alert: AcknowledgeAlertResult = strawberry.mutation(
        resolver=alerting.acknowledge_alert, description="Say that somebody knows of an alert."
    )
    resolve_alert: ResolveAlertResult = strawberry.mutation(
        resolver=alerting.resolve_alert,
        description="Say that an alert was dealt with, or was none.",
    )
    create_key: CreateKeyResult = strawberry.mutation(
        resolver=granting.create_key, description="Create an API key, for a worker's front-end say."
    )
    revoke_key: RevokeKeyResult = strawberry.mutation(
        resolver=granting.revoke_key,
        description="Revoke an API key. It stops working everywhere within a second.",
    )


@strawberry.type(
    description="Live feeds, over graphql-transport-ws or server-sent events. They take an ADMIN "
    "key. A slow subscriber gets the latest state, never a growing queue."
)
class Subscription:
    """Root of subscriptions."""

    quality_feed: AsyncIterator[QualityEvent] = strawberry.subscription(
        resolver=watching.quality_feed,
        description="The totals of a project: at once, and whenever they have changed.",
    )
    task_feed: AsyncIterator[TaskEvent] = strawberry.subscription(
        resolver=watching.task_feed,
        description="Tasks whose judgments, consensus, gold or status changed.",
    )
    worker_feed: AsyncIterator[WorkerEvent] = strawberry.subscription(
        resolver=watching.worker_feed, description="Workers whose record changed."
    )
    alert_feed: AsyncIterator[AlertEvent] = strawberry.subscription(
        resolver=alerting.alert_feed,
        description="Alerts that were raised, acknowledged or resolved.",
    )


@cache
def build() -> GraphQLSchema:
    """Make the executable schema, once in a process: it takes a quarter of a second."""
    return bind(
        strawberry.Schema(query=Query, mutation=Mutation, subscription=Subscription, config=CONFIG)
    )


def text() -> str:
    """The schema in GraphQL's own language, as it is committed."""
    return print_schema(build()) + "\n"

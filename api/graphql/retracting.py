"""What staff take back: workers, judgments, gold and settled tasks; and who counts as one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import strawberry
from strawberry import ID

from api.acts import (
    WITHDRAWN,
    Act,
    AdjudicateTasks,
    Cause,
    ChangeGold,
    JoinWorkers,
    MoveGold,
    ReopenTasks,
    RestoreWorker,
    Selection,
    SplitWorkers,
    VoidJudgments,
    VoidWorker,
)
from api.errors import InvalidInput, ProjectTaken, UnknownLabel, UnknownTask, UnknownWorker
from api.graphql.answers import UNKNOWN, answers_of, texts_of
from api.graphql.context import Context, Info, admin_of, shard_of
from api.graphql.retraction import (
    ActInput,
    AdjudicateTaskInput,
    AdjudicateTaskPayload,
    AdjudicateTaskResult,
    CorrectGoldInput,
    CorrectGoldPayload,
    CorrectGoldResult,
    Effect,
    JoinWorkersInput,
    JoinWorkersPayload,
    JoinWorkersResult,
    ReopenTaskInput,
    ReopenTaskPayload,
    ReopenTaskResult,
    Retraction,
    SetGoldStateInput,
    SetGoldStatePayload,
    SetGoldStateResult,
    SplitWorkersInput,
    SplitWorkersPayload,
    SplitWorkersResult,
    TaskEffect,
    TaskMoment,
    UnvoidWorkerInput,
    UnvoidWorkerPayload,
    UnvoidWorkerResult,
    VoidJudgmentsInput,
    VoidJudgmentsPayload,
    VoidJudgmentsResult,
    VoidWorkerInput,
    VoidWorkerPayload,
    VoidWorkerResult,
    WithdrawGoldInput,
    WithdrawGoldPayload,
    WithdrawGoldResult,
    WorkerEffect,
)
from api.graphql.scalars import Sequence as LogSequence
from api.graphql.scalars import with_offset
from api.graphql.task import TaskStatus
from api.shard import Shard

R = TypeVar("R", bound=Retraction)


async def void_worker(
    info: Info,
    given: Annotated[
        VoidWorkerInput, strawberry.argument(name="input", description="Whom, and why.")
    ],
) -> VoidWorkerResult:
    """Void a worker."""
    call = await _begin(info, given)
    return await call.carry_out(VoidWorkerPayload, VoidWorker(call.worker(given.worker)))


async def unvoid_worker(
    info: Info,
    given: Annotated[
        UnvoidWorkerInput, strawberry.argument(name="input", description="Whom, and why.")
    ],
) -> UnvoidWorkerResult:
    """Restore a worker."""
    call = await _begin(info, given)
    return await call.carry_out(UnvoidWorkerPayload, RestoreWorker(call.worker(given.worker)))


async def join_workers(
    info: Info,
    given: Annotated[
        JoinWorkersInput, strawberry.argument(name="input", description="Whom, and why.")
    ],
) -> JoinWorkersResult:
    """Let workers count as one."""
    call = await _begin(info, given)
    return await call.carry_out(JoinWorkersPayload, JoinWorkers(call.workers(given.workers)))


async def split_workers(
    info: Info,
    given: Annotated[
        SplitWorkersInput, strawberry.argument(name="input", description="Whom, and why.")
    ],
) -> SplitWorkersResult:
    """Let workers count one by one again."""
    call = await _begin(info, given)
    return await call.carry_out(SplitWorkersPayload, SplitWorkers(call.workers(given.workers)))


async def void_judgments(
    info: Info,
    given: Annotated[
        VoidJudgmentsInput, strawberry.argument(name="input", description="Which, and why.")
    ],
) -> VoidJudgmentsResult:
    """Void judgments."""
    call = await _begin(info, given)
    others = (given.worker, given.tasks, given.since, given.until)
    if given.sequences is not None:
        if any(other is not None for other in others):
            raise InvalidInput("sequences", "they say it all: leave the other conditions out")
        return await call.carry_out(VoidJudgmentsPayload, VoidJudgments(tuple(given.sequences)))
    selection = Selection(
        worker=None if given.worker is None else call.worker(given.worker),
        tasks=None if given.tasks is None else call.tasks(given.tasks),
        since=None if given.since is None else with_offset("since", given.since),
        until=None if given.until is None else with_offset("until", given.until),
    )
    return await call.carry_out(VoidJudgmentsPayload, VoidJudgments((), selection))


async def correct_gold(
    info: Info,
    given: Annotated[
        CorrectGoldInput, strawberry.argument(name="input", description="Which, and why.")
    ],
) -> CorrectGoldResult:
    """Correct gold."""
    call = await _begin(info, given)
    answers = call.answers(given.labels, given.also_right)
    explanations = texts_of(given.explanations, len(answers))
    act = ChangeGold(call.tasks(given.tasks), answers, explanations)
    return await call.carry_out(CorrectGoldPayload, act)


async def adjudicate_task(
    info: Info,
    given: Annotated[
        AdjudicateTaskInput, strawberry.argument(name="input", description="Which, and why.")
    ],
) -> AdjudicateTaskResult:
    """Adjudicate tasks."""
    call = await _begin(info, given)
    answers = call.answers(given.labels, given.also_right)
    explanations = texts_of(given.explanations, len(answers))
    act = AdjudicateTasks(call.tasks(given.tasks), answers, given.checks, explanations)
    return await call.carry_out(AdjudicateTaskPayload, act)


async def set_gold_state(
    info: Info,
    given: Annotated[
        SetGoldStateInput, strawberry.argument(name="input", description="Which, and why.")
    ],
) -> SetGoldStateResult:
    """Let gold come into a state."""
    call = await _begin(info, given)
    act = MoveGold(call.tasks(given.tasks), given.state.value)
    return await call.carry_out(SetGoldStatePayload, act)


async def withdraw_gold(
    info: Info,
    given: Annotated[
        WithdrawGoldInput, strawberry.argument(name="input", description="Which, and why.")
    ],
) -> WithdrawGoldResult:
    """Withdraw gold."""
    call = await _begin(info, given)
    tasks = call.tasks(given.tasks)
    return await call.carry_out(WithdrawGoldPayload, ChangeGold(tasks, (WITHDRAWN,) * len(tasks)))


async def reopen_task(
    info: Info,
    given: Annotated[
        ReopenTaskInput, strawberry.argument(name="input", description="Which, and why.")
    ],
) -> ReopenTaskResult:
    """Reopen tasks."""
    call = await _begin(info, given)
    tasks = call.tasks(given.tasks)
    return await call.carry_out(ReopenTaskPayload, ReopenTasks(tasks, given.judgments))


@dataclass(frozen=True, slots=True)
class _Call:
    """A call of one of these mutations, and the names in it."""

    context: Context
    shard: Shard
    given: ActInput

    def worker(self, name: str) -> int:
        """The worker of this name. Raises UnknownWorker."""
        return self.workers([name])[0]

    def workers(self, names: Sequence[str]) -> tuple[int, ...]:
        """The workers of these names. Raises UnknownWorker."""
        workers = tuple(self.shard.worker_ids(names).tolist())
        if workers and min(workers) < 0:
            raise UnknownWorker
        return workers

    def tasks(self, names: Sequence[str]) -> tuple[int, ...]:
        """The tasks of these names. Raises UnknownTask."""
        tasks = tuple(self.shard.task_ids(names).tolist())
        if tasks and min(tasks) < 0:
            raise UnknownTask
        return tasks

    def answers(
        self, names: Sequence[str], also: Sequence[Sequence[str]] | None
    ) -> tuple[int, ...]:
        """The answers that these labels are, with those that are right as well. Raises
        UnknownLabel."""
        answers = answers_of(self.shard.project.label_ids, names, also)
        if UNKNOWN in answers:
            raise UnknownLabel
        return tuple(answers)

    async def carry_out(self, payload: type[R], act: Act) -> R:
        """Decide on the act, or foresee what it would change."""
        context, shard, given = self.context, self.shard, self.given
        if given.dry_run:
            done = await shard.staff.foresee(act)
        elif not shard.writable:
            raise ProjectTaken
        else:
            evidence: Any = {} if given.evidence is None else given.evidence
            cause = Cause(context.actor, given.reason, evidence, given.client_id)
            done = await shard.staff.decide(act, cause)
        return payload(
            sequence=None if done.seq is None else LogSequence(done.seq),
            duplicate=done.duplicate,
            effect=_effect(done.effect),
        )


async def _begin(info: Info, given: ActInput) -> _Call:
    context = admin_of(info)
    return _Call(context, await shard_of(context, given.project), given)


def _effect(told: Mapping[str, Any]) -> Effect:
    return Effect(
        judgments=told["judgments"],
        leases=told["leases"],
        posteriors=told["posteriors"],
        labels=told["labels"],
        statuses=told["statuses"],
        reputations=told["reputations"],
        tasks=[
            TaskEffect(
                task=ID(each["task"]), before=_moment(each["before"]), after=_moment(each["after"])
            )
            for each in told["tasks"]
        ],
        workers=[
            WorkerEffect(
                worker=ID(each["worker"]),
                accuracy_before=each["before"],
                accuracy_after=each["after"],
            )
            for each in told["workers"]
        ],
    )


def _moment(told: Mapping[str, Any]) -> TaskMoment:
    return TaskMoment(
        label=told["label"],
        confidence=told["confidence"],
        status=TaskStatus(told["status"]),
        judgments=told["judgments"],
    )

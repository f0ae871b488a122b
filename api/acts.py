"""What staff take back or give back, and say of workers: decisions of the log, with reasons."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

WITHDRAWN: Final = -1  # instead of a label


@dataclass(frozen=True, slots=True)
class Cause:
    """Who decides, and why. `client_id` is the caller's own: the same one decides only once."""

    actor: str
    reason: str
    evidence: Mapping[str, Any]
    client_id: str


@dataclass(frozen=True, slots=True)
class VoidWorker:
    """All judgments of a worker count no more, and it gets no tasks."""

    worker: int


@dataclass(frozen=True, slots=True)
class RestoreWorker:
    """A voided worker takes part again, with every judgment that was voided with it."""

    worker: int


@dataclass(frozen=True, slots=True)
class JoinWorkers:
    """Workers count as one from now on, together with those whom they are joined with already.

    On a task that several of them judged one judgment counts: of the answer that most of them gave
    the earliest; a group that is there already has one answer.
    """

    workers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SplitWorkers:
    """The groups of these workers count as one no more; what was muted counts again."""

    workers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """Judgments of a worker, or of tasks, or both, that came from `since` on, before `until`;
    None sets no condition."""

    worker: int | None
    tasks: tuple[int, ...] | None
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class VoidJudgments:
    """Judgments (seqs), live or muted, count no more, nor do those that they had replaced.

    With a selection the seqs are found out, when the act is decided for the first time.
    """

    seqs: tuple[int, ...]
    selection: Selection | None = None


@dataclass(frozen=True, slots=True)
class ChangeGold:
    """Other answers (`engine.truths`) of gold tasks become known, or WITHDRAWN: none is known.
    explanations: why they are right, one for each, or none at all."""

    tasks: tuple[int, ...]
    answers: tuple[int, ...]
    explanations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AdjudicateTasks:
    """An expert says the answers of tasks. checks: whether they are hidden among other tasks from
    then on, to check workers by. explanations: as of `ChangeGold`."""

    tasks: tuple[int, ...]
    answers: tuple[int, ...]
    checks: bool
    explanations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MoveGold:
    """Gold tasks come into a state, one of `api.gold_book.STATES`."""

    tasks: tuple[int, ...]
    state: str


@dataclass(frozen=True, slots=True)
class ReopenTasks:
    """Tasks get so many further judgments before anything may settle them."""

    tasks: tuple[int, ...]
    judgments: int


Act = (
    VoidWorker
    | RestoreWorker
    | JoinWorkers
    | SplitWorkers
    | VoidJudgments
    | ChangeGold
    | AdjudicateTasks
    | MoveGold
    | ReopenTasks
)


@dataclass(frozen=True, slots=True)
class HoldStatus:
    """A worker's status, an index into the engine's STATUSES, is what staff says, not the tests."""

    worker: int
    status: int


@dataclass(frozen=True, slots=True)
class FreeStatus:
    """A worker's status is what the tests say again."""

    worker: int


@dataclass(frozen=True, slots=True)
class LiftPause:
    """A worker's pause or ban ends. Nothing is forgotten: it takes more evidence to pause again."""

    worker: int


@dataclass(frozen=True, slots=True)
class Appeal:
    """A paused, banned or voided worker asks staff to look again; the reason is its message."""

    worker: int


@dataclass(frozen=True, slots=True)
class AnswerAppeal:
    """Staff answers a worker's open appeal; one that is granted lifts the pause or ban, and
    restores a voided worker."""

    worker: int
    granted: bool


@dataclass(frozen=True, slots=True)
class AcceptPace:
    """The pace at which a worker judges now is all right: staff resolved the alert about it."""

    worker: int


@dataclass(frozen=True, slots=True)
class Contest:
    """A worker stands by what it judged of a task, whatever is said of it; the reason is its
    message."""

    worker: int
    task: int


Ruling = HoldStatus | FreeStatus | LiftPause | Appeal | AnswerAppeal | AcceptPace | Contest


class Row(NamedTuple):
    """A judgment that a decision holds back, or gives back; `seq` -1 where it was not asked for.

    `decision`: that which gives it back, -1 for the act's own. `turns`: whether it counts no more,
    or counts again, by this; no other decision holds it back. `mutes`: it is given back, and muted
    by this, since another one of its worker's group counts. `seconds` None where they are not
    known or do not matter.
    """

    seq: int
    task: int
    worker: int
    label: int
    seconds: float | None = None
    decision: int = -1
    turns: bool = True
    mutes: bool = False


def digest(act: Act | Ruling) -> str:
    """What tells two acts apart, for a client id that is used again."""
    if isinstance(act, VoidJudgments) and act.selection is not None:
        act = replace(act, seqs=())  # a repetition would find others
    return hashlib.sha256(repr(act).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of an act.

    `seq` of its decision, None while there is none. `duplicate`: it was decided before. `effect` as
    `api.foresight` tells it. `more`: rows are left, for which the act must be asked again.
    """

    seq: int | None
    duplicate: bool
    effect: Mapping[str, Any]
    more: bool

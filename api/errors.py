"""Everything the service refuses, with a stable code and what to do about it.

A refusal of a whole call is raised as a `Refused`; a refusal of one row of a batch is a `Code` in a
column of the answer. Both take their words from `MESSAGES`.
"""

from api.codes import MESSAGES, Code
from api.lacks import WORDS, Lack


def spoken(knob: str) -> str:
    """A knob as the API calls it: `minJudgments` for `min_judgments`."""
    first, *others = knob.split("_")
    return first + "".join(map(str.capitalize, others))


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """A call that was refused as a whole; nothing of it was stored, unless its code says so.

    `facts` fill the placeholders of the message and are readable as attributes.
    """

    code: Code

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        self.message = MESSAGES[self.code].format(**facts)
        super().__init__(self.message)


class RetryLater(Refused):
    """A refusal that ends by itself: try again after `retry_after` seconds."""

    def __init__(self, retry_after: float, **facts: object) -> None:
        self.retry_after = retry_after
        super().__init__(retry_after=round(retry_after, 3), **facts)


class Overloaded(RetryLater):
    """The inbox stayed full up to the caller's deadline."""

    code = Code.OVERLOADED


class NoTasks(RetryLater):
    """No task for this worker now, and what is lacking."""

    code = Code.NO_TASKS

    def __init__(self, retry_after: float, lack: Lack) -> None:
        self.lack = lack
        super().__init__(retry_after, why=WORDS[lack])

    @property
    def finished(self) -> bool:
        """Whether no task of the project is open any more."""
        return self.lack == Lack.FINISHED


class LeaseLimit(Refused):
    """The worker holds as many leases as the policy allows."""

    code = Code.LEASE_LIMIT

    def __init__(self, held: int, limit: int) -> None:
        self.held, self.limit = held, limit
        super().__init__(held=held, limit=limit)


class BudgetSpent(Refused):
    """No further judgment can be paid; `retry_after` seconds may help, None: waiting does not."""

    code = Code.BUDGET_SPENT

    def __init__(self, retry_after: float | None) -> None:
        self.retry_after = retry_after
        super().__init__()


class UnknownWorker(Refused):
    """No worker has this id."""

    code = Code.UNKNOWN_WORKER


class UnknownTask(Refused):
    """No task has this id."""

    code = Code.UNKNOWN_TASK


class UnknownLabel(Refused):
    """No label has this id."""

    code = Code.UNKNOWN_LABEL


class EmptyBatch(Refused):
    """A batch without rows."""

    code = Code.EMPTY_BATCH


class TooManyRows(Refused):
    """A batch that is larger than one call may be."""

    code = Code.TOO_MANY_ROWS

    def __init__(self, rows: int, limit: int) -> None:
        self.rows, self.limit = rows, limit
        super().__init__(rows=rows, limit=limit)


class UnevenColumns(Refused):
    """Parallel columns of different lengths."""

    code = Code.UNEVEN_COLUMNS


class InvalidText(Refused):
    """A text that cannot be stored."""

    code = Code.INVALID_TEXT

    def __init__(self, field: str) -> None:
        self.field = field
        super().__init__(field=field)


class Unavailable(Refused):
    """The database failed while the call was under way: the outcome is unknown."""

    code = Code.UNAVAILABLE


class ProjectTaken(Refused):
    """Another process holds the project's lock."""

    code = Code.PROJECT_TAKEN


class UnknownProject(Refused):
    """No project has this id."""

    code = Code.UNKNOWN_PROJECT


class ProjectExists(Refused):
    """The project's id is in use."""

    code = Code.PROJECT_EXISTS


class InvalidLabels(Refused):
    """Too few or too many labels, or two with one id."""

    code = Code.INVALID_LABELS

    def __init__(self, limit: int, reason: str) -> None:
        super().__init__(limit=limit, reason=reason)


class InvalidPolicy(Refused):
    """A knob with a value outside of its range, or of a name nobody knows."""

    code = Code.INVALID_POLICY

    def __init__(self, field: str, reason: str) -> None:
        self.field, self.reason = field, reason
        super().__init__(field=spoken(field), reason=reason)


class PolicyConflict(Refused):
    """The policy has another version than the caller expected."""

    code = Code.POLICY_CONFLICT

    def __init__(self, expected: int, found: int) -> None:
        self.expected, self.found = expected, found
        super().__init__(expected=expected, found=found)


class InvalidInput(Refused):
    """An input that no later moment makes right."""

    code = Code.INVALID_INPUT

    def __init__(self, field: str, reason: str) -> None:
        self.field, self.reason = field, reason
        super().__init__(field=field, reason=reason)


class Forbidden(Refused):
    """A matter of rights: the key's role or project does not allow it."""

    code = Code.FORBIDDEN

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason=reason)


class UnknownKey(Refused):
    """No key has this id, or not for the caller."""

    code = Code.UNKNOWN_KEY


class KeyRevoked(Refused):
    """A repeated createKey whose key was revoked in between."""

    code = Code.KEY_REVOKED


class KeyExists(Refused):
    """A createKey whose client id made a key of another role, project or worker."""

    code = Code.KEY_EXISTS


class WorkerVoided(Refused):
    """A voided worker asks for tasks."""

    code = Code.WORKER_VOIDED


class WorkerPaused(Refused):
    """A paused worker asks for tasks."""

    code = Code.WORKER_PAUSED


class WorkerBanned(Refused):
    """A banned worker asks for tasks."""

    code = Code.WORKER_BANNED


class NotHeld(Refused):
    """A worker whose status is to be freed is not held by staff."""

    code = Code.NOT_HELD


class NotPaused(Refused):
    """A worker whose pause is to be lifted is neither paused nor banned; or one who appeals is not
    voided either."""

    code = Code.NOT_PAUSED


class AppealOpen(Refused):
    """A worker appeals who has an open appeal."""

    code = Code.APPEAL_OPEN


class ContestOpen(Refused):
    """A worker contests a judgment again while staff have it before them."""

    code = Code.CONTEST_OPEN


class TooManyContests(Refused):
    """A worker contests more judgments than staff can be asked to look at."""

    code = Code.TOO_MANY_CONTESTS


class NoAppeal(Refused):
    """An appeal is to be answered that there is not."""

    code = Code.NO_APPEAL


class AlreadyVoided(Refused):
    """A worker who is to be voided was voided before."""

    code = Code.ALREADY_VOIDED

    def __init__(self, decision: int) -> None:
        super().__init__(decision=decision)


class NotVoided(Refused):
    """A worker who is to be restored is not voided."""

    code = Code.NOT_VOIDED


class LeaseNotFound(Refused):
    """There is no such lease, or none of this worker that led to a judgment."""

    code = Code.LEASE_NOT_FOUND


class JudgmentNotLive(Refused):
    """A judgment that is to be voided does not count."""

    code = Code.JUDGMENT_NOT_LIVE

    def __init__(self, judgment: int) -> None:
        super().__init__(judgment=judgment)


class NotGold(Refused):
    """A task whose gold is to change has none."""

    code = Code.NOT_GOLD

    def __init__(self, task: str) -> None:
        super().__init__(task=task)


class TaskIsGold(Refused):
    """A task that is to be reopened is gold."""

    code = Code.TASK_IS_GOLD

    def __init__(self, task: str) -> None:
        super().__init__(task=task)


class DecisionExists(Refused):
    """The client id of a decision was used for another one."""

    code = Code.DECISION_EXISTS


class NotYet(Refused):
    """The past that is asked for lies in the future."""

    code = Code.NOT_YET

    def __init__(self, latest: int) -> None:
        super().__init__(latest=latest)


class TooLongAgo(Refused):
    """The past that is asked for takes too long to read."""

    code = Code.TOO_LONG_AGO

    def __init__(self, rows: int, limit: int, nearest: int) -> None:
        super().__init__(rows=f"{rows:,}", limit=f"{limit:,}", nearest=nearest)

"""Stable codes of everything the service refuses, and what to do about each."""

from collections.abc import Mapping
from enum import StrEnum


class Code(StrEnum):
    """Stable codes of refusals; clients switch on them."""

    # one row of a batch
    UNKNOWN_TASK = "UNKNOWN_TASK"
    UNKNOWN_LABEL = "UNKNOWN_LABEL"
    UNKNOWN_WORKER = "UNKNOWN_WORKER"
    LEASE_REQUIRED = "LEASE_REQUIRED"
    LEASE_NOT_FOUND = "LEASE_NOT_FOUND"
    LEASE_FOREIGN = "LEASE_FOREIGN"
    LEASE_OTHER_TASK = "LEASE_OTHER_TASK"
    LEASE_EXPIRED = "LEASE_EXPIRED"
    LEASE_RELEASED = "LEASE_RELEASED"
    LEASE_USED = "LEASE_USED"
    TASK_CLOSED = "TASK_CLOSED"
    OVERLAP_FULL = "OVERLAP_FULL"
    BUDGET_SPENT = "BUDGET_SPENT"
    SHARE_REACHED = "SHARE_REACHED"
    COHORT_FULL = "COHORT_FULL"
    CLIENT_ID_REUSED = "CLIENT_ID_REUSED"
    DUPLICATE = "DUPLICATE"
    WORKER_VOIDED = "WORKER_VOIDED"
    WORKER_PAUSED = "WORKER_PAUSED"
    WORKER_BANNED = "WORKER_BANNED"
    INVALID_TEXT = "INVALID_TEXT"
    INVALID_JSON = "INVALID_JSON"
    INVALID_PRIORITY = "INVALID_PRIORITY"
    INVALID_DEMAND = "INVALID_DEMAND"
    # a whole call
    OVERLOADED = "OVERLOADED"
    EMPTY_BATCH = "EMPTY_BATCH"
    TOO_MANY_ROWS = "TOO_MANY_ROWS"
    UNEVEN_COLUMNS = "UNEVEN_COLUMNS"
    NO_TASKS = "NO_TASKS"
    LEASE_LIMIT = "LEASE_LIMIT"
    UNAVAILABLE = "UNAVAILABLE"
    PROJECT_TAKEN = "PROJECT_TAKEN"
    UNKNOWN_PROJECT = "UNKNOWN_PROJECT"
    PROJECT_EXISTS = "PROJECT_EXISTS"
    INVALID_LABELS = "INVALID_LABELS"
    INVALID_POLICY = "INVALID_POLICY"
    POLICY_CONFLICT = "POLICY_CONFLICT"
    INVALID_INPUT = "INVALID_INPUT"
    FORBIDDEN = "FORBIDDEN"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    KEY_REVOKED = "KEY_REVOKED"
    KEY_EXISTS = "KEY_EXISTS"
    ALREADY_VOIDED = "ALREADY_VOIDED"
    NOT_VOIDED = "NOT_VOIDED"
    ALREADY_JOINED = "ALREADY_JOINED"
    NOT_JOINED = "NOT_JOINED"
    JUDGMENT_NOT_LIVE = "JUDGMENT_NOT_LIVE"
    NOT_GOLD = "NOT_GOLD"
    TASK_IS_GOLD = "TASK_IS_GOLD"
    UNKNOWN_ALERT = "UNKNOWN_ALERT"
    ALERT_HANDLED = "ALERT_HANDLED"
    DECISION_EXISTS = "DECISION_EXISTS"
    NOT_YET = "NOT_YET"
    TOO_LONG_AGO = "TOO_LONG_AGO"
    NOT_HELD = "NOT_HELD"
    NOT_PAUSED = "NOT_PAUSED"
    APPEAL_OPEN = "APPEAL_OPEN"
    CONTEST_OPEN = "CONTEST_OPEN"
    TOO_MANY_CONTESTS = "TOO_MANY_CONTESTS"
    NO_APPEAL = "NO_APPEAL"


MESSAGES: Mapping[str, str] = {
    Code.UNKNOWN_TASK: "The project has no such task. Add it with addTasks, or correct the id.",
    Code.UNKNOWN_LABEL: "The project has no such label. Use one of the project's labels.",
    Code.UNKNOWN_WORKER: "The project has no such worker. Correct the id, or create a key "
    "for the worker first.",
    Code.LEASE_REQUIRED: "This project takes judgments against leases only. Call leaseTasks, and "
    "send the lease's id.",
    Code.LEASE_NOT_FOUND: "There is no such lease. Send the id that leaseTasks gave.",
    Code.LEASE_FOREIGN: "The lease belongs to another worker. Lease a task of your own.",
    Code.LEASE_OTHER_TASK: "The lease is for another task. Send the lease of this task, or leave "
    "the task away.",
    Code.LEASE_EXPIRED: "The lease ran out before the judgment came, and its task may be with "
    "another worker. Lease again; raise the policy's leaseSeconds if this happens "
    "often.",
    Code.LEASE_RELEASED: "The lease was given back. Lease the task again.",
    Code.LEASE_USED: "The lease was used up by a judgment, so there is nothing to give back.",
    Code.TASK_CLOSED: "The worker's judgment of this task stands: the time to replace it is over, "
    "or the project does not allow that.",
    Code.OVERLAP_FULL: "The task has all the judgments and leases its overlap allows. Take another "
    "task, or raise the policy's overlap.",
    Code.BUDGET_SPENT: "The project has spent its budget or that of this UTC day, or open leases "
    "hold the rest of it. Wait as long as retryAfter says; where it says nothing, raise "
    "the budgets in the policy.",
    Code.SHARE_REACHED: "The worker has given as many judgments of the project, or answers with "
    "this label, as one worker may. Let others judge, or raise the policy's workerShare or "
    "labelShare.",
    Code.COHORT_FULL: "The worker's cohort has given as many judgments of the task as it may. Take "
    "another task, or raise the policy's cohortOverlap.",
    Code.CLIENT_ID_REUSED: "This worker has used this client id for another judgment. Use a new id "
    "for each judgment, and the same one only to repeat it.",
    Code.DUPLICATE: "The same judgment was there already; nothing was added.",
    Code.WORKER_VOIDED: "The worker was voided: it gets no tasks, and its judgments do not count. "
    "It can appeal; staff can take that back with unvoidWorker.",
    Code.WORKER_PAUSED: "The worker is paused, because its work does not look good enough: it gets "
    "no tasks, but may finish those it holds. It can appeal; staff can lift the pause.",
    Code.WORKER_BANNED: "The worker is banned, because its work does not look good enough: it gets "
    "no tasks, and its judgments are not taken. It can appeal; staff can lift the ban.",
    Code.INVALID_TEXT: "{field} is empty, longer than 500 characters, or has characters that "
    "cannot be stored (NUL or a lone surrogate). Correct it.",
    Code.INVALID_JSON: "{field} must be a JSON object, without NUL characters, lone surrogates and "
    "numbers beyond 64 bits, and not nested too deeply. Correct it.",
    Code.INVALID_PRIORITY: "The priority is not a whole number from 0 to 9. Correct it.",
    Code.INVALID_DEMAND: "`skills` and `languages` in the attributes are what a task asks of "
    "workers: lists of at most 50 names. A project has at most 1,000 different demands. Correct "
    "them.",
    Code.OVERLOADED: "The project has more work waiting than it can take. Nothing was stored: send "
    "the same again in {retry_after:g} s.",
    Code.EMPTY_BATCH: "The batch has no rows. Send at least one.",
    Code.TOO_MANY_ROWS: "The batch has {rows} rows, and {limit} is the most. Nothing was stored: "
    "send it in parts.",
    Code.UNEVEN_COLUMNS: "The columns differ in length. Send one value a row in each column, null "
    "where there is none.",
    Code.NO_TASKS: "There is no task for this worker now: {why}. Ask again in {retry_after:g} s.",
    Code.LEASE_LIMIT: "The worker holds {held} leases, and {limit} is the most. Submit or release "
    "some first.",
    Code.UNAVAILABLE: "The database did not answer, so it is not known whether this was stored. "
    "Send the same again with the same ids: nothing is counted twice.",
    Code.PROJECT_TAKEN: "Another process writes this project. Send writes there; reads work here.",
    Code.UNKNOWN_PROJECT: "There is no such project. Create it with createProject, or correct the "
    "id.",
    Code.PROJECT_EXISTS: "There is a project with this id already, and it differs. Choose another "
    "id.",
    Code.INVALID_LABELS: "A project needs 2 to {limit} labels, each with an id of its own: "
    "{reason}.",
    Code.INVALID_POLICY: "The policy's {field} is not valid: {reason}.",
    Code.POLICY_CONFLICT: "The policy is at version {found}, not {expected}: somebody changed it. "
    "Read it again, then repeat the change.",
    Code.INVALID_INPUT: "{field} is not valid: {reason}.",
    Code.FORBIDDEN: "This key may not do that: {reason}.",
    Code.UNKNOWN_KEY: "There is no such key, or it is of another project. Look it up with keys.",
    Code.KEY_REVOKED: "The key that this client id made was revoked. Use a new client id to make a "
    "new key.",
    Code.KEY_EXISTS: "There is a key with this client id already, and it is for something else. "
    "Use a new client id.",
    Code.ALREADY_VOIDED: "The worker is voided already, by decision {decision}.",
    Code.NOT_VOIDED: "The worker is not voided, so there is nothing to take back.",
    Code.ALREADY_JOINED: "These workers count as one already, by decision {decision}.",
    Code.NOT_JOINED: "One of the workers is joined with nobody, so there is nothing to split.",
    Code.JUDGMENT_NOT_LIVE: "Judgment {judgment} does not count: it was replaced by a revision or "
    "voided, or the project has none such. Nothing was voided: read the judgments again.",
    Code.NOT_GOLD: "Task {task} is not gold, so there is nothing to correct or withdraw. Use "
    "setGold to make it gold.",
    Code.TASK_IS_GOLD: "The answer of task {task} is known, so more judgments would settle "
    "nothing. Withdraw its gold first.",
    Code.UNKNOWN_ALERT: "The project has no such alert. Read alerts, and use the sequence of one.",
    Code.ALERT_HANDLED: "The alert was handled already, by decision {decision}. Read it again.",
    Code.DECISION_EXISTS: "There is a decision with this client id already, and it is for "
    "something else. Use a new client id.",
    Code.NOT_YET: "The log ends at {latest}, so asOf lies in the future. Ask for an earlier "
    "moment, or leave it out.",
    Code.TOO_LONG_AGO: "To answer as of then, {rows} entries of the log would have to be read, "
    "and {limit} is the most. Ask for a later moment: from {nearest} on there is a snapshot.",
    Code.NOT_HELD: "The worker's status is not held by staff, so there is nothing to free.",
    Code.NOT_PAUSED: "The worker is neither paused nor banned nor voided, so there is nothing to "
    "lift and nothing to appeal against.",
    Code.CONTEST_OPEN: "Staff have this judgment before them already. Wait until they have looked.",
    Code.TOO_MANY_CONTESTS: "Staff have as many contested judgments of the worker before them as "
    "the policy allows (`openContests`). Wait until they have looked at some.",
    Code.APPEAL_OPEN: "An appeal of the worker is open already. Wait for its answer.",
    Code.NO_APPEAL: "No appeal of the worker is open, so there is nothing to answer.",
}

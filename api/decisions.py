"""The kinds of decisions in the log."""

from typing import Final

GOLD_SET: Final = "GOLD_SET"
GOLD_WITHDRAWN: Final = "GOLD_WITHDRAWN"
GOLD_STATE: Final = "GOLD_STATE"
GOLD_KINDS: Final = frozenset({GOLD_SET, GOLD_WITHDRAWN, GOLD_STATE})
GOLD_SUSPECTED: Final = "GOLD_SUSPECTED"  # of the engine: what speaks against gold
TASKS_ADDED: Final = "TASKS_ADDED"
WORKERS_ADDED: Final = "WORKERS_ADDED"
WORKER_DECLARED: Final = "WORKER_DECLARED"  # of staff: the attributes of a worker
POLICY_CHANGED: Final = "POLICY_CHANGED"
WORKER_VOIDED: Final = "WORKER_VOIDED"
WORKER_RESTORED: Final = "WORKER_RESTORED"
JUDGMENTS_VOIDED: Final = "JUDGMENTS_VOIDED"
TASK_REOPENED: Final = "TASK_REOPENED"
WORKERS_JOINED: Final = "WORKERS_JOINED"
WORKERS_SPLIT: Final = "WORKERS_SPLIT"
REFIT: Final = "REFIT"

# Of the engine: what its tests come to.
STATUS_CHANGED: Final = "STATUS_CHANGED"
PROJECT_CHANGED: Final = "PROJECT_CHANGED"
# Of the engine: what its search for fraud comes to.
FRAUD_FOUND: Final = "FRAUD_FOUND"
# Of the engine: what confidence was learned to mean.
CALIBRATED: Final = "CALIBRATED"
# Of staff and workers: what is said of a worker's status.
STATUS_HELD: Final = "STATUS_HELD"
STATUS_FREED: Final = "STATUS_FREED"
PAUSE_LIFTED: Final = "PAUSE_LIFTED"
JUDGMENT_CONTESTED: Final = "JUDGMENT_CONTESTED"
WORKER_APPEALED: Final = "WORKER_APPEALED"
APPEAL_ANSWERED: Final = "APPEAL_ANSWERED"
# Of staff: what becomes of alerts.
ALERT_ACKNOWLEDGED: Final = "ALERT_ACKNOWLEDGED"
ALERT_RESOLVED: Final = "ALERT_RESOLVED"

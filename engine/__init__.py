"""Truth inference: mathematics and memory, no clock, no files, no network."""

from engine.categorical import Categorical
from engine.events import GOLD, JUDGE, RETRACT, Consensus, Events, Outcome, Totals, WorkerStats
from engine.queue import TaskQueue
from engine.sequential import StatusTests
from engine.verdicts import STATUSES, Findings, StatusRules, Transitions, Turn
from engine.warm import warm_up

__all__ = [
    "GOLD",
    "JUDGE",
    "RETRACT",
    "STATUSES",
    "Categorical",
    "Consensus",
    "Events",
    "Findings",
    "Outcome",
    "StatusRules",
    "StatusTests",
    "TaskQueue",
    "Totals",
    "Transitions",
    "Turn",
    "WorkerStats",
    "warm_up",
]

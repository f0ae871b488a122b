"""Truth inference: mathematics and memory, no clock, no files, no network."""

from engine.categorical import Categorical
from engine.events import GOLD, JUDGE, RETRACT, Consensus, Events, Outcome, Totals, WorkerStats
from engine.queue import TaskQueue
from engine.warm import warm_up

__all__ = [
    "GOLD",
    "JUDGE",
    "RETRACT",
    "Categorical",
    "Consensus",
    "Events",
    "Outcome",
    "TaskQueue",
    "Totals",
    "WorkerStats",
    "warm_up",
]

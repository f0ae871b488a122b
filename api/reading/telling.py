"""What of its status a worker is told, and when: never so soon that it points at one judgment.

A status that turns right after a judgment tells that this one was gold, and how it was answered. So
what a worker is told moves only when it has made so many more judgments, as the policy says. What
cannot be hid is told at once: that there are no tasks for it, and what staff decided.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from asyncpg import Record

from api.reading.views import Views

_AT_ONCE: Final = frozenset({"PAUSED", "BANNED"})


@dataclass(frozen=True, slots=True)
class Told:
    """A status. since: None where the moment would tell too much. decision: what led to it."""

    status: str
    since: datetime | None
    decision: Record | None


def tell(views: Views, worker: int, turns: Sequence[Record]) -> Told:
    """What to tell a worker of its status. turns: the decisions that changed it, latest first."""
    now = views.workers(np.array([worker], np.int32))
    status, latest = now.status[0], turns[0] if turns else None
    if worker in views.memory.vetting.held:
        return Told(status, None, None)
    # The tests may be ahead of the log, by a flush.
    if status in _AT_ONCE:
        if latest is None or latest["body"]["to"] != status:
            return Told(status, None, None)
        return Told(status, latest["created_at"], latest)
    if latest is None:
        return Told("QUIZ" if views.project.policy.quiz else "ACTIVE", None, None)
    judgments, every = int(now.judgments[0]), views.project.policy.tell_every
    seen = judgments - judgments % every
    for turn in turns:
        if turn["body"]["evidence"]["judgments"] <= seen:
            # From a pause only staff leads back soon, and the worker notices at once.
            shown = status if turn["body"]["to"] in _AT_ONCE else turn["body"]["to"]
            return Told(shown, None, turn)
        if turn["body"]["from"] in _AT_ONCE:
            return Told(turn["body"]["to"], None, turn)
    return Told(turns[-1]["body"]["from"], None, None)

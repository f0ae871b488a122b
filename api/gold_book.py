"""The book of gold: tasks whose answers are known, and which of them may be hidden among others.

It follows from the decisions of the log. The label model and the status tests know the answer
alone; the book knows where it comes from, its state, and what spoke against it.
"""

from array import array
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from api.decisions import GOLD_STATE, GOLD_WITHDRAWN
from api.rows import Int32s
from api.standing import room

_NOWHERE: Final = -1


class GoldSource(StrEnum):
    """Who says that the answer is known."""

    IMPORTED = "IMPORTED"
    EXPERT = "EXPERT"


class GoldState(StrEnum):
    """Whether gold is hidden among other tasks."""

    ACTIVE = "ACTIVE"
    QUARANTINED = "QUARANTINED"
    RETIRED = "RETIRED"


SOURCES: Final = tuple(GoldSource)
STATES: Final = tuple(GoldState)
ACTIVE: Final = STATES.index(GoldState.ACTIVE)
QUARANTINED: Final = STATES.index(GoldState.QUARANTINED)
RETIRED: Final = STATES.index(GoldState.RETIRED)


class GoldBook:
    """Columns by task, as of the last commit, longer than what is in use.

    label: the known answer, -1 where the task is no gold; that of quarantined gold stays here while
    nothing else knows it. source, state: places in SOURCES and STATES. decided: seq of
    the decision that set it. Active gold is also listed by
    label, for those who look for some.
    """

    def __init__(self, labels: int) -> None:
        self.label = np.zeros(0, np.int16)
        self.source = np.zeros(0, np.int8)
        self.state = np.zeros(0, np.int8)
        self.decided = np.zeros(0, np.int64)
        self.suspected: dict[int, int] = {}  # answers that a task had when it was suspected last
        self._active = [array("i") for _ in range(labels)]
        self._place = np.zeros(0, np.int32)  # in the list of its label

    def take(self, kind: str, seq: int, task: int, body: Mapping[str, Any]) -> None:
        """Let a decision of one of GOLD_KINDS take effect."""
        self._reserve(task + 1)
        self._strike(task)
        if kind == GOLD_STATE:
            self.state[task] = STATES.index(body["state"])
        elif kind == GOLD_WITHDRAWN:
            self.label[task] = -1
        else:
            source, state = GoldSource.IMPORTED, GoldState.ACTIVE
            if self.known(task):  # another answer does not bring back what was retired
                source = SOURCES[self.source[task]]
                state = GoldState.RETIRED if self.state[task] == RETIRED else state
            self.label[task] = body["label"]
            self.source[task] = SOURCES.index(body.get("source", source))
            self.state[task] = STATES.index(body.get("state", state))
            self.decided[task] = seq
        if self.label[task] >= 0 and self.state[task] == ACTIVE:
            listed = self._active[self.label[task]]
            self._place[task] = len(listed)
            listed.append(task)

    def known(self, task: int) -> bool:
        """Whether the task is gold, in any state."""
        return task < len(self.label) and bool(self.label[task] >= 0)

    def quarantined(self, tasks: Int32s) -> NDArray[np.bool_]:
        """Which of the tasks are gold in quarantine; nobody gets these."""
        found = np.zeros(len(tasks), np.bool_)
        known = tasks < len(self.label)
        some = tasks[known]
        found[known] = (self.label[some] >= 0) & (self.state[some] == QUARANTINED)
        return found

    def suspect(self, task: int, answers: int) -> None:
        """Take note that a task was suspected when it had so many answers."""
        self.suspected[task] = answers

    def active(self, label: int) -> Sequence[int]:
        """The active gold of a label, in no particular order; for reading only."""
        return self._active[label]

    def active_counts(self) -> list[int]:
        """How much active gold there is of each label."""
        return [len(tasks) for tasks in self._active]

    def tasks(self) -> Int32s:
        """All gold, in any state."""
        return np.flatnonzero(self.label >= 0).astype(np.int32)

    def columns(self) -> dict[str, Any]:
        """Everything, as arrays, for a snapshot; see `recall`."""
        tasks = self.tasks()
        return {
            "task": tasks,
            "label": self.label[tasks],
            "source": self.source[tasks],
            "state": self.state[tasks],
            "decided": self.decided[tasks],
            "suspected": np.array(list(self.suspected.items()), np.int32).reshape(-1, 2),
            "active": np.array([task for tasks in self._active for task in tasks], np.int32),
        }

    def recall(self, columns: Mapping[str, Any]) -> None:
        """Take over what `columns` gave, into an empty book."""
        tasks = columns["task"]
        if len(tasks) == 0:
            return
        self._reserve(int(tasks[-1]) + 1)
        for name in ("label", "source", "state", "decided"):
            getattr(self, name)[tasks] = columns[name]
        self.suspected = dict(columns["suspected"].tolist())
        for task in columns["active"].tolist():
            listed = self._active[self.label[task]]
            self._place[task] = len(listed)
            listed.append(task)

    def _strike(self, task: int) -> None:
        """Take a task off the list of active gold, if it is on it."""
        place = int(self._place[task])
        if place == _NOWHERE:
            return
        listed = self._active[self.label[task]]
        last = listed.pop()
        if last != task:
            listed[place] = last
            self._place[last] = place
        self._place[task] = _NOWHERE

    def _reserve(self, tasks: int) -> None:
        filled = len(self.label)
        if tasks <= filled:
            return
        self.label = room(self.label, tasks)
        self.source = room(self.source, tasks)
        self.state = room(self.state, tasks)
        self.decided = room(self.decided, tasks)
        self._place = room(self._place, tasks)
        self.label[filled:] = -1
        self._place[filled:] = _NOWHERE

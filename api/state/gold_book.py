"""The book of gold: tasks whose answers are known, and which of them may be hidden among others.

It follows from the decisions of the log. Label model and status tests are told the answers by which
workers are measured, those of active gold. The answer of retired gold stands, and measures nobody:
those who saw it last may have known it, and what an expert had to decide is harder than the rest.
That of quarantined gold is in doubt, and counts for nothing.
"""

import json
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from api.decisions import GOLD_STATE, GOLD_WITHDRAWN
from api.rows import Int32s
from api.state.standing import room
from engine.truths import UNKNOWN, accepts, labels_in

_NOWHERE: Final = -1


class GoldSource(StrEnum):
    """Who says that the answer is known."""

    IMPORTED = "IMPORTED"
    EXPERT = "EXPERT"
    CONSENSUS = "CONSENSUS"


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

    answer: the known answer as `engine.truths` has it, -1 where the task is no gold. source, state:
    places in SOURCES and STATES. decided: seq of the decision that set it. Active gold is also
    listed by class, for those who look for some: by its label, and where several are right in a
    class of its own, the last one.
    """

    def __init__(self, labels: int) -> None:
        self.labels = labels
        self.answer = np.zeros(0, np.int16)
        self.source = np.zeros(0, np.int8)
        self.state = np.zeros(0, np.int8)
        self.decided = np.zeros(0, np.int64)
        self.suspected: dict[int, int] = {}  # answers that a task had when it was suspected last
        self.given_back: Counter[int] = Counter()  # leases of gold that ended unanswered, by task
        self._spent: list[set[int]] = [set() for _ in range(labels + 1)]  # of the active gold
        self._limit = 0  # exposures from which on gold is spent
        self.audits: set[int] = set()  # gold from consensus that staff have to confirm
        self.audited = [0, 0]  # of it, confirmed and found wrong
        self.explained: dict[int, str] = {}  # why the answer is right, as far as it is told
        self._active = [array("i") for _ in range(labels + 1)]
        self._place = np.zeros(0, np.int32)  # in the list of its class

    def take(self, kind: str, seq: int, task: int, body: Mapping[str, Any]) -> None:
        """Let a decision of one of GOLD_KINDS take effect, with a body of `api.gold_answers`."""
        self._reserve(task + 1)
        self._strike(task)
        self._audit(kind, task, body)
        if kind == GOLD_STATE:
            self.state[task] = STATES.index(body["state"])
        elif kind == GOLD_WITHDRAWN:
            self.answer[task] = UNKNOWN
            self.explained.pop(task, None)
        else:
            self.answer[task] = body.get("answer", body["label"])
            self.source[task] = SOURCES.index(body.get("source", GoldSource.IMPORTED))
            self.state[task] = STATES.index(body.get("state", GoldState.ACTIVE))
            self.decided[task] = seq
            self.explained.pop(task, None)
            if "explanation" in body:
                self.explained[task] = body["explanation"]
        if self.answer[task] >= 0 and self.state[task] == ACTIVE:
            self._list(task)

    def _audit(self, kind: str, task: int, body: Mapping[str, Any]) -> None:
        """Count what becomes of gold that is audited: staff give its answer, or another one."""
        if task in self.audits and not (kind == GOLD_STATE and body["label"] == UNKNOWN):
            self.audits.discard(task)
            told = body.get("answer", body.get("label"))
            self.audited[0 if told == self.answer[task] else 1] += 1
        if body.get("audit"):
            self.audits.add(task)

    def known(self, task: int) -> bool:
        """Whether the task is gold, in any state."""
        return task < len(self.answer) and bool(self.answer[task] >= 0)

    def told(self, task: int) -> dict[str, Any] | None:
        """The body of a decision that would change nothing; None where the task is no gold."""
        if not self.known(task):
            return None
        answer, measured = int(self.answer[task]), self.state[task] == ACTIVE
        body: dict[str, Any] = {
            "label": answer if measured else UNKNOWN,
            "answer": answer,
            "source": SOURCES[self.source[task]].value,
            "state": STATES[self.state[task]].value,
        }
        text = self.explained.get(task)
        return body if text is None else {**body, "explanation": text}

    def measures(self, task: int) -> bool:
        """Whether workers are measured by the task."""
        return self.known(task) and bool(self.state[task] == ACTIVE)

    def class_of(self, task: int) -> int:
        """The class of gold: its label, or where several are right the number of labels."""
        return min(int(self.answer[task]), self.labels)

    def classes(self, tasks: Int32s) -> Int32s:
        """The class of each of the tasks by which workers are measured, -1 of others."""
        found = np.full(len(tasks), UNKNOWN, np.int32)
        within = tasks < len(self.answer)
        some = tasks[within]
        answers = np.where(self.state[some] == ACTIVE, self.answer[some], UNKNOWN)
        found[within] = np.minimum(answers, self.labels)
        return found

    def accepted(self, task: int) -> list[int]:
        """The labels that are right, none where the task is no gold."""
        return labels_in(int(self.answer[task]), self.labels) if self.known(task) else []

    def right(self, task: int, given: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Which of the labels that were given to a gold task are right."""
        return accepts(int(self.answer[task]), given, self.labels)

    def standing(self, task: int) -> int:
        """The answer that stands though it is not observed: nobody is measured by it, or several
        are right; else UNKNOWN."""
        if not self.known(task) or self.state[task] == QUARANTINED:
            return UNKNOWN
        answer = int(self.answer[task])
        return answer if self.state[task] == RETIRED or answer >= self.labels else UNKNOWN

    def quarantined(self, tasks: Int32s) -> NDArray[np.bool_]:
        """Which of the tasks are gold in quarantine; nobody gets these."""
        found = np.zeros(len(tasks), np.bool_)
        known = tasks < len(self.answer)
        some = tasks[known]
        found[known] = (self.answer[some] >= 0) & (self.state[some] == QUARANTINED)
        return found

    def suspect(self, task: int, answers: int) -> None:
        """Take note that a task was suspected when it had so many answers."""
        self.suspected[task] = answers

    def spend(self, task: int) -> None:
        """Take active gold out of what is drawn from: enough workers have seen it. It comes back
        with `allow`, or when another decision lists it anew."""
        which = self.class_of(task)
        self._strike(task)
        self._spent[which].add(task)

    def allow(self, exposures: int) -> None:
        """Follow the policy: gold is spent after so many exposures."""
        if exposures == self._limit:
            return
        self._limit = exposures
        for tasks in self._spent:
            for task in sorted(tasks):
                self._list(task)
            tasks.clear()

    def drawn(self, which: int) -> Sequence[int]:
        """The active gold of a class that is not known to be spent, in no particular order; for
        reading only."""
        return self._active[which]

    def active_counts(self) -> list[int]:
        """How much active gold there is of each class."""
        return [
            len(tasks) + len(spent) for tasks, spent in zip(self._active, self._spent, strict=True)
        ]

    def any_drawn(self) -> bool:
        """Whether there is gold left to draw from."""
        return any(self._active)

    def tasks(self) -> Int32s:
        """All gold, in any state."""
        return np.flatnonzero(self.answer >= 0).astype(np.int32)

    def columns(self) -> dict[str, Any]:
        """Everything, as arrays, for a snapshot; see `recall`."""
        tasks = self.tasks()
        return {
            "task": tasks,
            "answer": self.answer[tasks],
            "source": self.source[tasks],
            "state": self.state[tasks],
            "decided": self.decided[tasks],
            "suspected": np.array(list(self.suspected.items()), np.int32).reshape(-1, 2),
            "audits": np.array(sorted(self.audits), np.int32),
            "audited": np.array(self.audited, np.int64),
            "explained": np.frombuffer(json.dumps(list(self.explained.items())).encode(), np.uint8),
        }

    def recall(self, columns: Mapping[str, Any]) -> None:
        """Take over what `columns` gave, into an empty book."""
        tasks = columns["task"]
        self.audits = set(columns["audits"].tolist())
        self.audited = columns["audited"].tolist()
        if len(tasks) == 0:
            return
        self._reserve(int(tasks[-1]) + 1)
        for name in ("answer", "source", "state", "decided"):
            getattr(self, name)[tasks] = columns[name]
        self.suspected = dict(columns["suspected"].tolist())
        self.explained = dict(json.loads(columns["explained"].tobytes()))
        for task in tasks[self.state[tasks] == ACTIVE].tolist():
            self._list(task)

    def _list(self, task: int) -> None:
        listed = self._active[self.class_of(task)]
        self._place[task] = len(listed)
        listed.append(task)

    def _strike(self, task: int) -> None:
        """Take a task off the list of active gold, if it is on it."""
        place = int(self._place[task])
        if place == _NOWHERE:
            for spent in self._spent:
                spent.discard(task)
            return
        listed = self._active[self.class_of(task)]
        last = listed.pop()
        if last != task:
            listed[place] = last
            self._place[last] = place
        self._place[task] = _NOWHERE

    def _reserve(self, tasks: int) -> None:
        filled = len(self.answer)
        if tasks <= filled:
            return
        self.answer = room(self.answer, tasks)
        self.source = room(self.source, tasks)
        self.state = room(self.state, tasks)
        self.decided = room(self.decided, tasks)
        self._place = room(self._place, tasks)
        self.answer[filled:] = UNKNOWN
        self._place[filled:] = _NOWHERE

"""Known answers of tasks: one label, or any of several, as one number; and those that only stand.

An answer is the number of its label, or, where any of several labels is right, the number of labels
plus a bit for each of these. A model observes single labels. What it cannot observe, or is not to
learn from, stands beside it: the posterior is restricted to what is right.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from engine.events import GOLD, Events
from engine.kernels.evidence import SEVERAL

Labels = npt.NDArray[np.int16]
Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

UNKNOWN = -1
NOWHERE = np.zeros(0, np.intp)


def answer_of(right: Sequence[int], labels: int) -> int:
    """The number that stands for these labels, of so many. Raises ValueError for none, for one that
    does not exist, and for several of more than SEVERAL."""
    if not right or min(right) < 0 or max(right) >= labels:
        raise ValueError("an answer is one label of the project or more")
    if len(set(right)) == 1:
        return right[0]
    if labels > SEVERAL:
        raise ValueError(f"several labels can be right of {SEVERAL} labels at most")
    return labels + sum(1 << label for label in set(right))


def is_answer(number: int, labels: int) -> bool:
    """Whether a number stands for labels of a project with so many."""
    if number < labels:
        return number >= 0
    several = number - labels
    return labels <= SEVERAL and several < 1 << labels and several.bit_count() > 1


def labels_in(answer: int, labels: int) -> list[int]:
    """The labels that are right; none where the answer is UNKNOWN."""
    if answer < labels:
        return [answer] if answer >= 0 else []
    return [label for label in range(labels) if (answer - labels) >> label & 1]


def accepts(answer: int, given: npt.NDArray[np.integer], labels: int) -> npt.NDArray[np.bool_]:
    """Which of the labels that were given, [n], are right."""
    return np.isin(given, labels_in(answer, labels))


def observed(events: Events, labels: int) -> Events:
    """The events as a model observes them: an answer of several labels is not known to it."""
    several = (events.kind == GOLD) & (events.label >= labels)
    if not several.any():
        return events
    return replace(events, label=np.where(several, UNKNOWN, events.label).astype(np.int16))


class Truths:
    """Answers of tasks that stand, and from which nothing is learned."""

    def __init__(self, labels: int) -> None:
        self.labels = labels
        self._answer = np.zeros(0, np.int16)

    def put(self, task: int, answer: int) -> None:
        """Let an answer stand, or with UNKNOWN none any more."""
        if task >= len(self._answer):
            if answer == UNKNOWN:
                return
            longer = np.full(max(task + 1, 2 * len(self._answer), 64), UNKNOWN, np.int16)
            longer[: len(self._answer)] = self._answer
            self._answer = longer
        self._answer[task] = answer

    def of(self, tasks: Ints) -> Labels:
        """The answer that stands of each of the tasks, or UNKNOWN."""
        found = np.full(len(tasks), UNKNOWN, np.int16)
        known = tasks < len(self._answer)
        found[known] = self._answer[tasks[known]]
        return found

    def standing(self, tasks: Ints) -> npt.NDArray[np.intp]:
        """Places in `tasks` of those of which an answer stands."""
        if len(self._answer) == 0:
            return NOWHERE
        return np.flatnonzero(self.of(tasks) != UNKNOWN)

    def restrict(self, tasks: Ints, posterior: Floats) -> Floats:
        """The posteriors [n, labels] of the tasks; where an answer stands, with nothing left for
        what is wrong, and even among what is right if nothing was left for that."""
        stand = self.standing(tasks)
        if len(stand):
            posterior[stand] = self._restricted(self.of(tasks[stand]), posterior[stand])
        return posterior

    def _restricted(self, answers: Labels, posterior: Floats) -> Floats:
        right = np.zeros(posterior.shape, np.bool_)
        for row, answer in enumerate(answers.tolist()):
            right[row, labels_in(answer, self.labels)] = True
        left = np.where(right, posterior, 0.0)
        total = left.sum(1, keepdims=True)
        even = right / right.sum(1, keepdims=True)
        restricted: Floats = np.where(total > 0, left / np.where(total > 0, total, 1.0), even)
        return restricted

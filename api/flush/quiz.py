"""What a worker in the quiz is told of its answer, where the policy wants that."""

from dataclasses import dataclass

import numpy as np

from api.flush.gold_choice import in_quiz
from api.memory import Memory


@dataclass(frozen=True, slots=True)
class Feedback:
    """Whether an answer was right, all labels that are, and why."""

    right: bool
    labels: list[int]
    explanation: str | None


def learns(memory: Memory, worker: int) -> bool:
    """Whether the worker is told of its answers to gold now."""
    policy = memory.project.policy
    return policy.quiz and policy.quiz_feedback and in_quiz(memory, worker)


def feedback(memory: Memory, task: int, label: int) -> Feedback | None:
    """What is told of an answer; None where the task checks nobody."""
    book = memory.gold
    if not book.measures(task):
        return None
    right = bool(book.right(task, np.array([label], np.int16))[0])
    return Feedback(right, book.accepted(task), book.explained.get(task))

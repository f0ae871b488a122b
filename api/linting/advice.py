"""What a policy is held against, and what is said of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from api.budget import NOTHING_PAID, Cost
from api.state.alerts import Severity
from engine.calibration import Calibration


@dataclass(frozen=True, slots=True)
class Facts:
    """What a policy is held against. Workers are those who get tasks now.

    accuracy: mean expected accuracy of those who judged, weighed by their judgments; None before
    any. held_to: the accuracy on gold that is enough now, and the one that is too little. life:
    median judgments of the people who judged; 0 before any. gold: active gold tasks by label.
    seconds, slow: the median time of the last judgments and the one that nine in ten stay below;
    None where no time is known. calibration: what confidence means now. judged: judgments of the
    open tasks. paid: what all of them cost.
    """

    labels: int
    open_tasks: int
    people: int
    models: int
    accuracy: float | None
    held_to: tuple[float, float]
    life: float
    gold: tuple[int, ...]
    seconds: float | None
    slow: float | None
    calibration: Calibration
    judged: int = 0
    paid: Cost = NOTHING_PAID


@dataclass(frozen=True, slots=True)
class Advice:
    """Something to change. code: stable. todo: what to do about it."""

    code: str
    severity: Severity
    knob: str
    text: str
    todo: str


Found = Iterator[Advice]

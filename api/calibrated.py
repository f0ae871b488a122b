"""What a project's confidence was learned to mean last, as the log has it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from engine.calibrating import Error
from engine.calibration import Calibration


@dataclass(frozen=True, slots=True)
class Calibrated:
    """calibration: None before anything was learned. gold, held_out: gold tasks and held-out
    judgments that it rests on. judgments, gold_judgments, gold_right: those there were, of all, of
    gold, and right ones of gold. error: how far off it was on gold, None where there was too
    little. seq: of the decision."""

    calibration: Calibration | None = None
    gold: int = 0
    held_out: int = 0
    judgments: int = 0
    gold_judgments: int = 0
    gold_right: int = 0
    error: Error | None = None
    seq: int = 0

    @classmethod
    def of(cls, body: Mapping[str, Any], seq: int) -> Self:
        """That of a decision's body."""
        off = body["error"]
        return cls(
            calibration=Calibration(*body["parameters"]),
            gold=body["gold"],
            held_out=body["held_out"],
            judgments=body["judgments"],
            gold_judgments=body["gold_judgments"],
            gold_right=body.get("gold_right", 0),
            error=None if off is None else Error(*off),
            seq=seq,
        )

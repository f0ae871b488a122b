"""The policy of a project: every knob with its default, its range and what it does."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from api.errors import InvalidPolicy


def _knob(default: object, low: float, high: float, meaning: str) -> Any:
    return field(default=default, metadata={"low": low, "high": high, "meaning": meaning})


def _switch(default: bool, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True, slots=True)
class Policy:
    """All the knobs of a project. Raises `InvalidPolicy` when a value is outside of its range."""

    overlap: int = _knob(
        3, 1, 1000, "Most judgments a task gets; open leases count, so it is never exceeded."
    )
    min_judgments: int | None = _knob(
        None, 1, 1000, "Judgments before confidence may settle a task; null means the overlap."
    )
    target_confidence: float = _knob(
        0.95, 0.5, 1.0, "Confidence of the consensus from which a task counts as settled."
    )
    lease_seconds: float = _knob(
        600.0, 1.0, 604_800.0, "Seconds a worker has for a leased task before it goes back."
    )
    leases_per_worker: int = _knob(20, 1, 1000, "Most leases one worker may hold at a time.")
    require_lease: bool = _switch(True, "Whether workers may judge only what they have leased.")
    allow_revision: bool = _switch(
        True, "Whether a worker may replace its judgment while the task is open."
    )

    def __post_init__(self) -> None:
        for knob in fields(self):
            _check(knob.name, getattr(self, knob.name))
        if self.min_judgments is not None and self.min_judgments > self.overlap:
            raise InvalidPolicy("min_judgments", f"it is above the overlap, {self.overlap}")

    @property
    def enough(self) -> int:
        """Judgments from which confidence may settle a task."""
        return self.overlap if self.min_judgments is None else self.min_judgments

    def changed(self, changes: Mapping[str, object]) -> "Policy":
        """Return the policy with some knobs set anew; `InvalidPolicy` names the wrong one."""
        for name in changes:
            if name not in KNOBS:
                raise InvalidPolicy(name, "there is no knob of this name")
        return replace(self, **changes)  # type: ignore[arg-type]  # __post_init__ checks them

    def to_json(self) -> dict[str, Any]:
        """Return the knobs as plain values, as they are stored."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> "Policy":
        """Return the policy from stored knobs; those that came later have their defaults."""
        return cls().changed(stored)


KNOBS = {knob.name: knob for knob in fields(Policy)}


def _check(name: str, value: object) -> None:
    knob = KNOBS[name]
    if value is None and knob.default is None:
        return
    if isinstance(knob.default, bool):
        if not isinstance(value, bool):
            raise InvalidPolicy(name, "it must be true or false")
        return
    whole = not isinstance(knob.default, float)
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise InvalidPolicy(name, f"it must be a {'whole number' if whole else 'number'}")
    low, high = knob.metadata["low"], knob.metadata["high"]
    if not low <= value <= high:
        raise InvalidPolicy(name, f"it must lie between {low:g} and {high:g}")

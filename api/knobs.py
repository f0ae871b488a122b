"""The kinds of knobs a policy has: each is a field that bears its range and what it does."""

from dataclasses import Field, field
from typing import Any, Final

from api.errors import InvalidPolicy

LONGEST_NAME: Final = 200  # characters


def number(
    default: object, low: float, high: float, meaning: str, *, whole: bool | None = None
) -> Any:
    """A number from `low` to `high`; a whole one if its default is, unless `whole` says."""
    if whole is None:
        whole = not isinstance(default, float)
    metadata = {"low": low, "high": high, "meaning": meaning, "whole": whole}
    return field(default=default, metadata=metadata)


def switch(default: bool, meaning: str) -> Any:
    """Something that is on or off."""
    return field(default=default, metadata={"meaning": meaning})


def named(meaning: str) -> Any:
    """A name, or None."""
    return field(default=None, metadata={"meaning": meaning, "name": True})


def choice(default: str, meaning: str, **options: str) -> Any:
    """One of the options, each with what it means."""
    return field(default=default, metadata={"meaning": meaning, "options": options})


def check(knob: Field[Any], value: object) -> None:
    """Raise `InvalidPolicy` where a value is none that a knob, a field made here, may have."""
    name = knob.name
    if value is None and knob.default is None:
        return
    if isinstance(knob.default, bool):
        if not isinstance(value, bool):
            raise InvalidPolicy(name, "it must be true or false")
        return
    if isinstance(knob.default, str):
        options = knob.metadata["options"]
        if value not in options:
            raise InvalidPolicy(name, f"it must be one of {', '.join(options)}")
        return
    if "name" in knob.metadata:
        if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME:
            raise InvalidPolicy(name, f"it must be a name of at most {LONGEST_NAME} characters")
        return
    whole = knob.metadata["whole"]
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise InvalidPolicy(name, f"it must be a {'whole number' if whole else 'number'}")
    low, high = knob.metadata["low"], knob.metadata["high"]
    if not low <= value <= high:
        raise InvalidPolicy(name, f"it must lie between {low:g} and {high:g}")

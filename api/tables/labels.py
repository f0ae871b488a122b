"""The order of labels."""

import re
from decimal import Decimal

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def is_number(text: str) -> bool:
    """Tell whether a label is written as a number."""
    return _NUMBER.fullmatch(text) is not None


def natural(text: str) -> tuple[object, ...]:
    """Sort key: numbers by value, then words by letter, with numbers within them by value."""
    if is_number(text):
        return (0, Decimal(text), text)
    parts = re.split(r"([0-9]+)", text.casefold())
    return (1, [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts], text)

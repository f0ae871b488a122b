"""Typed values, as JSON and Parquet have them, into the text that CSV would hold."""

from datetime import date, datetime, time
from decimal import Decimal

from api.tables.records import BLANKS

# Whole numbers from here on are not exact in a double: two ids could have become one.
EXACT = 2**53


class Unfit(Exception):  # noqa: N818 - never leaves this package
    """A value that is no id and no label; the message says why."""


def text_of(value: object) -> str:
    """Write a value as text; "" where there is none.

    Whole numbers lose their decimal point, since a column of whole numbers with gaps is often
    stored as floating point. Raises Unfit.
    """
    if isinstance(value, str):
        return value.strip(BLANKS)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if value != value:  # noqa: PLR0124 - not a number
            return ""
        if value in {float("inf"), float("-inf")}:
            raise Unfit("is infinite")
        if not value.is_integer():
            return repr(value)
        if abs(value) >= EXACT:
            raise Unfit("is too large a number to be exact: write it as text, in quotes")
        return str(int(value))
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    raise Unfit("is a list" if isinstance(value, list) else "is an object")

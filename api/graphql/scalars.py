"""The scalars beyond GraphQL's own, and how global ids are written."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from strawberry import ID
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from api.errors import InvalidInput

Json = NewType("Json", object)
Sequence = NewType("Sequence", int)
Amount = NewType("Amount", int)

LARGEST_EXACT = 2**53 - 1  # what a JSON number bears without loss in every language


def _sequence(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_EXACT:
        return value
    raise GraphQLError(f"A Sequence is a whole number from 0 to {LARGEST_EXACT}.")


def _amount(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_EXACT:
        return value
    raise GraphQLError(f"An Amount is a whole number from 0 to {LARGEST_EXACT}.")


def _moment(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise GraphQLError("A DateTime is a date with time and offset.")


def _parse_moment(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise GraphQLError("A DateTime looks like 2026-03-01T12:00:00+00:00.") from error


def with_offset(name: str, moment: datetime) -> datetime:
    """The moment, if it tells its offset. Raises InvalidInput."""
    if moment.tzinfo is None:
        raise InvalidInput(name, "it has no offset: write 2026-03-01T12:00:00+00:00")
    return moment


SCALARS: dict[object, ScalarDefinition] = {
    Json: strawberry.scalar(
        name="JSON",
        description="Any JSON value: an object, a list, a string, a number, true, false or null.",
        serialize=lambda value: value,
        parse_value=lambda value: value,
    ),
    Sequence: strawberry.scalar(
        name="Sequence",
        description=(
            "A position in a project's log: a whole number up to 2^53 - 1, larger for later events."
        ),
        serialize=_sequence,
        parse_value=_sequence,
    ),
    Amount: strawberry.scalar(
        name="Amount",
        description="How much of something: a whole number up to 2^53 - 1. Money is in the "
        "smallest unit that you count in.",
        serialize=_amount,
        parse_value=_amount,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment in ISO 8601 with its offset, as in 2026-03-01T12:00:00+00:00.",
        serialize=_moment,
        parse_value=_parse_moment,
    ),
}

CONFIG = StrawberryConfig(scalar_map=SCALARS)


def encode(plain: bytes) -> str:
    """Opaque text for ids and cursors: clients are not to look inside."""
    return urlsafe_b64encode(plain).decode().rstrip("=")


def decode(text: str) -> bytes:
    """What `encode` was given; ValueError if the text is none of ours."""
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))


def global_id(kind: str, *parts: int) -> ID:
    """The opaque id of a node: unique over all types and projects."""
    return ID(encode(":".join((kind, *map(str, parts))).encode()))


def parse_global_id(text: str) -> tuple[str, tuple[int, ...]] | None:
    """Type name and numbers of a global id, or None if it is none of ours."""
    try:
        kind, *numbers = decode(text).decode("ascii").split(":")
        return kind, tuple(int(number) for number in numbers)
    except ValueError:
        return None

"""Relay connections over keysets: a cursor is the sort key of its row, so pages stay stable while
rows come in, and page 1,000 costs what page 1 does."""

from collections.abc import Sequence as Rows
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Generic, TypeVar

import orjson
import strawberry
from strawberry import field

from api.errors import InvalidInput
from api.graphql.enums import described_enum
from api.graphql.scalars import decode, encode

LARGEST_PAGE = 500
T = TypeVar("T")

First = Annotated[
    int,
    strawberry.argument(description=f"How many at most, from 1 to {LARGEST_PAGE}."),
]
After = Annotated[
    str | None,
    strawberry.argument(description="`endCursor` of the page before, with the same order."),
]


@described_enum(
    "Which end comes first.",
    ASC="The smallest first.",
    DESC="The largest first.",
)
class Direction(Enum):
    """Ascending or descending."""

    ASC = "ASC"
    DESC = "DESC"


@strawberry.type(description="Where a page ends, and whether another follows.")
class PageInfo:
    """Relay's PageInfo."""

    has_next_page: bool = field(description="Whether there are more.")
    has_previous_page: bool = field(description="Whether this page began after a cursor.")
    start_cursor: str | None = field(description="Cursor of the first edge; null without any.")
    end_cursor: str | None = field(
        description="Cursor of the last edge: give it as `after` for the next page."
    )


@strawberry.type(description="One object of a page.")
class Edge(Generic[T]):
    """Relay's edge."""

    cursor: str = field(description="Where the page that follows this object begins.")
    node: T = field(description="The object.")


@strawberry.type(description="One page of a list, in the order that was asked for.")
class Connection(Generic[T]):
    """Relay's connection."""

    edges: list[Edge[T]] = field(description="The page.")
    page_info: PageInfo = field(description="Where it ends, and whether another follows.")
    total_count: int | None = field(
        description="How many there are over all pages; null where counting would be a long scan."
    )


Key = Any  # int, float or str


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was asked for: at most `first` rows that sort after `after`."""

    first: int
    after: tuple[Key, ...] | None


def page(first: int, after: str | None, order: str, kind: type[Key], *, ties: bool = False) -> Page:
    """Check what the caller asked for.

    `order` names the list and its order: a cursor of another one is refused. `kind` is the type of
    the sort key; with `ties` an int follows that breaks them.
    """
    if not 1 <= first <= LARGEST_PAGE:
        raise InvalidInput("first", f"it must lie between 1 and {LARGEST_PAGE}")
    if after is None:
        return Page(first, None)
    try:
        found, *key = orjson.loads(decode(after))
    except (ValueError, TypeError):
        raise InvalidInput("after", "it is not a cursor that this list gave") from None
    kinds = [kind, int] if ties else [kind]
    if found != order or [type(part) for part in key] != kinds:
        raise InvalidInput("after", "it is a cursor of another list, or of another order")
    return Page(first, tuple(key))


def connection(
    asked: Page, order: str, nodes: Rows[T], keys: Rows[tuple[Key, ...]], total: int | None
) -> Connection[T]:
    """Make a page of what was read: one row more than asked for says that another page follows."""
    more = len(nodes) > asked.first
    edges = [
        Edge(cursor=encode(orjson.dumps([order, *key])), node=node)
        for node, key in zip(nodes[: asked.first], keys, strict=False)
    ]
    return Connection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=more,
            has_previous_page=asked.after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        total_count=total,
    )

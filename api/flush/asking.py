"""How a request gets to the writer of a project."""

import asyncio
from typing import Protocol, TypeVar

from api.flush.requests import Request

_T = TypeVar("_T")


class Ask(Protocol):
    """Lets the writer carry a request out, and waits for its answer. Raises `Refused`."""

    async def __call__(self, request: Request, future: asyncio.Future[_T]) -> _T:
        """Carry out the request that bears this future."""

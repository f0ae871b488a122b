"""What waits for the next flush of a shard: bounded in rows, first come first served."""

import asyncio
from collections import deque

from api.errors import Overloaded
from api.flush.requests import Request, alone, row_count


class Inbox:
    """Requests in order of arrival. When it is full, callers wait in line for a place.

    `capacity` in rows; a request larger than that is let in when nothing else waits.
    """

    def __init__(self, capacity: int, patience: float) -> None:
        self._capacity = capacity
        self._patience = patience
        self._requests: deque[tuple[Request, int]] = deque()
        self._rows = 0
        self._line: deque[tuple[asyncio.Future[None], Request, int]] = deque()
        self._arrived = asyncio.Event()

    def __len__(self) -> int:
        return len(self._requests) + len(self._line)

    async def put(self, request: Request) -> None:
        """Put a request in; raises `Overloaded`, with nothing put, when patience runs out."""
        rows = row_count(request)
        if not self._line and self._fits(rows):
            self._enter(request, rows)
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        ticket = (place, request, rows)
        self._line.append(ticket)
        try:
            async with asyncio.timeout(self._patience):
                await place
        except TimeoutError:
            # The place may have come in the same turn of the loop as the timeout.
            if place.cancelled():
                raise Overloaded(retry_after=self._patience / 5) from None
        finally:
            if place.cancelled() and ticket in self._line:
                self._line.remove(ticket)

    def put_now(self, request: Request) -> None:
        """Put a request in that cannot wait: one that the shard makes itself."""
        self._enter(request, row_count(request))

    def take(self, rows: int) -> list[Request]:
        """Take requests of up to so many rows together, at least one if any waits.

        A change of policy is taken alone, so that what follows it is planned under the new one.
        """
        taken: list[Request] = []
        total = 0
        while self._requests:
            request, size = self._requests[0]
            if taken and (total + size > rows or alone(request) or alone(taken[0])):
                break
            self._requests.popleft()
            taken.append(request)
            total += size
        self._rows -= total
        self._admit()
        if not self._requests:
            self._arrived.clear()
        return taken

    def drain(self) -> list[Request]:
        """Take everything, also what waits in line."""
        taken: list[Request] = []
        while self._requests:
            taken += self.take(self._rows + 1)
        return taken

    async def wait(self, seconds: float) -> None:
        """Return when something waits, or after so many seconds."""
        if self._requests:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._arrived.wait()
        except TimeoutError:
            return

    def wake(self) -> None:
        """Let `wait` return."""
        self._arrived.set()

    def _fits(self, rows: int) -> bool:
        return self._rows == 0 or self._rows + rows <= self._capacity

    def _enter(self, request: Request, rows: int) -> None:
        self._requests.append((request, rows))
        self._rows += rows
        self._arrived.set()

    def _admit(self) -> None:
        while self._line:
            place, request, rows = self._line[0]
            if not place.done():
                if not self._fits(rows):
                    return
                self._enter(request, rows)
                place.set_result(None)
            self._line.popleft()

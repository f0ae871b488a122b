"""Waiting for what has to happen: a test never counts on its having happened within a time."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

PATIENCE = 900.0  # seconds; only a test that fails takes as long, however slow the machine is
PAUSE = 0.02  # seconds between two looks

T = TypeVar("T")


async def eventually(holds: Callable[[], Awaitable[object] | object]) -> None:
    """Return once it holds. Raises TimeoutError after PATIENCE."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = holds()
            if await found if inspect.isawaitable(found) else found:
                return
            await asyncio.sleep(PAUSE)


async def soon(awaitable: Awaitable[T]) -> T:
    """What is awaited. Raises TimeoutError after PATIENCE."""
    async with asyncio.timeout(PATIENCE):
        return await awaitable


def wait_until(holds: Callable[[], object]) -> None:
    """Return once it holds, in a test without an event loop. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"it did not happen within {PATIENCE:g} s")
        time.sleep(PAUSE)

"""Fixtures of the tests that need a server."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from api.upkeep import finder
from tests.api.serving import Serving, serving


@pytest.fixture(autouse=True)
def unsearched(monkeypatch: pytest.MonkeyPatch) -> None:
    """No search for fraud but where a test asks for one: what it enters comes at any time."""
    monkeypatch.setattr(finder, "FEWEST", 1 << 60)


@pytest_asyncio.fixture
async def server(database_url: str) -> AsyncIterator[Serving]:
    async with serving(database_url) as running:
        yield running

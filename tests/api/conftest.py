"""Fixtures of the tests that need a server."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.api.serving import Serving, serving


@pytest_asyncio.fixture
async def server(database_url: str) -> AsyncIterator[Serving]:
    async with serving(database_url) as running:
        yield running

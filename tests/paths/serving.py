"""A server in a process of its own, as a user starts it, which a test may kill."""

import asyncio
import os
import signal
import socket
import sys
from typing import Any, Self

import asyncpg
import httpx

from api.keys import Keys, Role
from tests.waiting import PATIENCE

MAIN = "from api.cli import main; main()"


class RefusalError(Exception):
    """The server's expected refusal; `code` says which."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def admin_token(database_url: str) -> str:
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        return await Keys(pool).create(Role.ADMIN, name="test")


class ServerProcess:
    """`basanite serve` on one database and port; it can be killed and started again.

    As a context it is killed at the end, whatever happened.
    """

    def __init__(self, database_url: str) -> None:
        self.database_url = database_url
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            await self.kill()

    async def start(self) -> None:
        """Start and wait until it is ready."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            MAIN,
            "serve",
            "--port",
            str(self.port),
            "--database-url",
            self.database_url,
            stdout=asyncio.subprocess.DEVNULL,
            env={**os.environ, "BASANITE_LOG_LEVEL": "error"},
        )
        async with asyncio.timeout(PATIENCE), httpx.AsyncClient() as client:
            while True:
                assert self._process.returncode is None, "the server ended before it was ready"
                try:
                    if (await client.get(f"{self.url}/readyz")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> int:
        """Ask it to stop; returns its exit status."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        return await self._process.wait()


async def ask(
    client: httpx.AsyncClient, url: str, token: str, query: str, **variables: Any
) -> dict[str, Any]:
    """The single field of the answer. Raises RefusalError, or what httpx raises."""
    response = await client.post(
        f"{url}/graphql",
        json={"query": query, "variables": variables},
        headers={"Authorization": f"Bearer {token}"},
    )
    body = response.json()
    assert "errors" not in body, body
    (field,) = body["data"].values()
    if isinstance(field, dict) and "code" in field:
        raise RefusalError(field["code"], field["message"])
    answer: dict[str, Any] = field
    return answer

"""Speaking graphql-transport-ws to a server, message by message."""

import contextlib
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.api.serving import SUBMIT, Data, Serving
from tests.waiting import PATIENCE, soon

QUALITY = """
subscription ($after: Sequence, $interval: Float! = 0.1) {
  qualityFeed(project: "p", after: $after, interval: $interval) {
    cursor
    quality { judgments judgmentsPerSecond tasks { total open settled } meanConfidence sequence }
  }
}
"""
TASKS = """
subscription ($after: Sequence) {
  taskFeed(project: "p", after: $after) {
    cursor tasks { externalId judgmentCount gold status consensus { label } }
  }
}
"""
WORKERS = """
subscription ($after: Sequence) {
  workerFeed(project: "p", after: $after) { cursor workers { externalId judgmentCount } }
}
"""


class Socket:
    """One connection, spoken to in messages."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._early = deque[Data]()  # came before an answer that was waited for

    async def send(self, **message: Any) -> None:
        await self.connection.send(orjson.dumps(message).decode())

    async def receive(self) -> Data:
        return self._early.popleft() if self._early else await self._next()

    async def _next(self) -> Data:
        text = await soon(self.connection.recv())
        assert isinstance(text, str)
        message: Data = orjson.loads(text)
        return message

    async def start(self, operation_id: str, query: str, **variables: Any) -> None:
        payload = {"query": query, "variables": variables}
        await self.send(id=operation_id, type="subscribe", payload=payload)

    async def begun(self) -> None:
        """Wait until the server has begun all that was started: it answers in order."""
        await self.send(type="ping")
        while (message := await self._next()) != {"type": "pong"}:
            self._early.append(message)

    async def closed(self) -> tuple[int | None, str]:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await soon(self.connection.recv())
        return self.connection.close_code, self.connection.close_reason or ""

    async def is_alive(self) -> bool:
        await self.send(type="ping")
        return await self.receive() == {"type": "pong"}


@asynccontextmanager
async def plain(server: Serving, protocol: str = "graphql-transport-ws") -> AsyncIterator[Socket]:
    async with connect(
        server.websocket_url,
        subprotocols=[Subprotocol(protocol)],
        proxy=None,
        max_size=None,
        open_timeout=PATIENCE,
        ping_interval=None,
    ) as connection:
        yield Socket(connection)


@asynccontextmanager
async def ready(server: Serving, token: str | None = None) -> AsyncIterator[Socket]:
    async with plain(server) as socket:
        await socket.send(type="connection_init", payload=server.headers(token))
        assert await socket.receive() == {"type": "connection_ack"}
        yield socket


async def judge(server: Serving, worker: str, task: str, label: str = "cat") -> Data:
    given = {"project": "p", "worker": worker, "task": task, "label": label}
    return await server.do(SUBMIT, given)

"""A client of the GraphQL API, for our own commands."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit, urlunsplit

import orjson
import websockets

from api.frontend.connection import Answer, Connections, Unreachable

PATH: Final = "/graphql"
PROTOCOL: Final = "graphql-transport-ws"
TRANSIENT: Final = frozenset({"OVERLOADED", "UNAVAILABLE"})
GATEWAY: Final = frozenset({502, 503, 504})  # a proxy before a server that is away
PAGE: Final = 500  # most that a page of a list holds

Data = dict[str, Any]


class CallFailed(Exception):  # noqa: N818 - the name says what happened
    """A call cannot succeed as it is; the message says why and what to do."""


class CallRefused(CallFailed):
    """The server refused a mutation; `code` is its stable code."""

    def __init__(self, code: str, message: str, retry_after: float | None) -> None:
        self.code, self.retry_after = code, retry_after
        super().__init__(f"{message} ({code})")


class Client:
    """Calls one server with a key.

    Calls are repeated, with the same input and so the same client ids, while the server is away or
    asks to wait; after `patience` seconds of that they raise CallFailed.
    """

    def __init__(self, url: str, token: str, patience: float = 30.0) -> None:
        try:
            self._connections = Connections(endpoint(url))
        except ValueError as error:
            raise CallFailed(f"{error}.") from None
        self.url = self._connections.url
        self._token = token
        self._patience = patience

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._connections.close()

    async def execute(
        self, document: str, variables: Mapping[str, Any] | None = None, token: str | None = None
    ) -> Data:
        """Run a query or mutation, and return its data. `token` speaks for another than our key."""
        body = orjson.dumps({"query": document, "variables": variables})
        deadline, tries = time.monotonic() + self._patience, 0
        while True:
            try:
                answer = await self._connections.post(body, token or self._token)
                if answer.status not in GATEWAY:
                    return _data(answer, self.url)
                reason = f"{self.url} answers with status {answer.status}"
            except Unreachable as error:
                reason = str(error)
            tries += 1
            await self._wait(0.05 * 2 ** min(tries, 5), deadline, f"{reason}. Does the server run?")

    async def mutate(
        self, document: str, given: Mapping[str, Any], token: str | None = None
    ) -> Data:
        """Run a mutation and return its payload.

        Its one variable is $input, and it selects code, message and retryAfter of a Refusal.
        Raises CallRefused where the server refuses for good.
        """
        deadline = time.monotonic() + self._patience
        while True:
            data = await self.execute(document, {"input": given}, token)
            (payload,) = data.values()
            if "code" not in payload:
                return dict(payload)
            code, retry_after = payload["code"], payload["retryAfter"]
            if code not in TRANSIENT:
                raise CallRefused(code, payload["message"], retry_after)
            await self._wait(retry_after or 0.5, deadline, payload["message"])

    async def nodes(
        self, document: str, variables: Mapping[str, Any] | None = None
    ) -> AsyncIterator[Data]:
        """Every node of a list, page after page.

        The document has one field, a connection, and the variables $first and $after.
        """
        after = None
        while True:
            data = await self.execute(
                document, {**(variables or {}), "first": PAGE, "after": after}
            )
            (found,) = data.values()
            for edge in found["edges"]:
                yield edge["node"]
            if not found["pageInfo"]["hasNextPage"]:
                return
            after = found["pageInfo"]["endCursor"]

    async def subscribe(
        self, document: str, variables: Mapping[str, Any] | None = None
    ) -> AsyncGenerator[Data, None]:
        """Events of a subscription, as data; to be closed after use. Raises CallFailed."""
        parts = urlsplit(self.url)
        address = urlunsplit(parts._replace(scheme=parts.scheme.replace("http", "ws", 1)))
        try:
            async with websockets.connect(
                address, subprotocols=[websockets.Subprotocol(PROTOCOL)], max_size=None, proxy=None
            ) as socket:
                authorization = f"Bearer {self._token}"
                await _send(socket, "connection_init", payload={"authorization": authorization})
                payload = {"query": document, "variables": variables}
                async for message in socket:
                    received = orjson.loads(message)
                    match received["type"]:
                        case "connection_ack":
                            await _send(socket, "subscribe", id="1", payload=payload)
                        case "next":
                            yield _checked(received["payload"])
                        case "error":
                            raise CallFailed(_messages(received["payload"]))
                        case "ping":
                            await _send(socket, "pong")
                        case "complete":
                            return
        except websockets.ConnectionClosed as error:
            raise CallFailed(f"The feed of {self.url} ended: {error}.") from error
        except (OSError, websockets.WebSocketException) as error:
            raise CallFailed(f"No feed from {self.url}: {error}.") from error

    async def _wait(self, seconds: float, deadline: float, reason: str) -> None:
        # Spread, so that callers who were turned away together do not come back together.
        seconds *= random.uniform(0.5, 1.5)  # noqa: S311 - nothing secret
        if time.monotonic() + seconds > deadline:
            raise CallFailed(reason)
        await asyncio.sleep(seconds)


def endpoint(url: str) -> str:
    """The address of the endpoint, where only the server's is given."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") or PATH))


async def _send(socket: websockets.ClientConnection, kind: str, **members: Any) -> None:
    await socket.send(orjson.dumps({"type": kind, **members}).decode())


def _data(answer: Answer, url: str) -> Data:
    try:
        response = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        response = None
    if not isinstance(response, dict) or not response.keys() & {"data", "errors"}:
        raise CallFailed(
            f"{url} answers with status {answer.status} and no GraphQL: is this the address of a "
            "Basanite server?"
        )
    return _checked(response)


def _checked(response: Data) -> Data:
    if response.get("errors"):
        raise CallFailed(_messages(response["errors"]))
    return dict(response["data"])


def _messages(errors: list[Data]) -> str:
    return " ".join(error["message"] for error in errors)

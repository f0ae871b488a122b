"""HTTP requests over kept-alive connections with as little Python as there can be.

No task and no future for a request: a load generator shares its cores with what it measures.
"""

import asyncio
from collections.abc import Callable
from typing import Final, cast

import httptools
import orjson

PATH: Final = "/graphql"

Done = Callable[["Wire", int, bytes], None]


class Lost(Exception):  # noqa: N818 - the name says what happened
    """The server closed a connection under load."""


class Wire(asyncio.Protocol):
    """One connection with one request at a time; done(wire, status, body) takes the answers."""

    def __init__(self, done: Done, lost: Callable[[], None]) -> None:
        self.intended = 0.0  # when the request under way was meant to be sent
        self._done = done
        self._lost = lost
        self._parts: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport

    def send(self, request: bytes, intended: float) -> None:
        """Send a request that was meant for this time."""
        self.intended = intended
        self._transport.write(request)

    def close(self) -> None:
        """Hang up."""
        self._lost = lambda: None
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        del exc
        self._lost()

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        self._parts.append(body)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts = []
        self._done(self, self._parser.get_status_code(), body)


class Requests:
    """Makes the bytes of requests of one document."""

    def __init__(self, token: str, document: str) -> None:
        self._head = (
            f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()
        self._query = b'{"query":' + orjson.dumps(document) + b',"variables":{"input":'

    def of(self, given: object) -> bytes:
        """The request with this input."""
        body = b"%b%b}}" % (self._query, orjson.dumps(given))
        return b"%b%d\r\n\r\n%b" % (self._head, len(body), body)

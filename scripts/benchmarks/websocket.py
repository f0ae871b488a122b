"""A subscriber on a WebSocket with as little Python as there can be.

Frames are read by hand: a thousand sockets of a library would be slower than the server they watch.
"""

import asyncio
import struct
from collections.abc import Callable
from typing import Final, cast

import orjson

from scripts.benchmarks.wire import PATH

_UPGRADE: Final = (
    f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
).encode()
_TEXT: Final = 1
_NO_MASK: Final = bytes(4)  # XOR with zeros leaves the text as it is


class Subscriber(asyncio.Protocol):
    """One WebSocket with one subscription; seen(event) gets each event's text."""

    def __init__(self, token: str, query: str, project: str, seen: Callable[[bytes], None]) -> None:
        self.subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._token = token
        self._payload = {"query": query, "variables": {"project": project}}
        self._seen = seen
        self._buffer = bytearray()
        self._upgraded = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(_UPGRADE)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self._buffer += data
        if not self._upgraded:
            head, end, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                raise ConnectionError(head.decode(errors="replace"))
            self._upgraded = True
            self._buffer[:] = rest
            authorization = f"Bearer {self._token}"
            self._send({"type": "connection_init", "payload": {"authorization": authorization}})
        while (frame := self._frame()) is not None:
            self._message(frame)

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def _message(self, text: bytes) -> None:
        if b'"type":"next"' in text:
            self._seen(text)
            return
        match orjson.loads(text)["type"]:
            case "connection_ack":
                self._send({"type": "subscribe", "id": "1", "payload": self._payload})
                self.subscribed.set_result(None)
            case "ping":
                self._send({"type": "pong"})
            case "error" | "complete":
                raise ConnectionError(text.decode())

    def _frame(self) -> bytes | None:
        """The next whole frame's text; frames of the protocol itself are empty."""
        data = self._buffer
        if len(data) < 2:
            return None
        size, start = data[1], 2
        if size == 126:
            start = 4
            if len(data) < start:
                return None
            (size,) = struct.unpack_from("!H", data, 2)
        elif size == 127:
            start = 10
            if len(data) < start:
                return None
            (size,) = struct.unpack_from("!Q", data, 2)
        if len(data) < start + size:
            return None
        is_text = data[0] & 0x0F == _TEXT
        text = bytes(data[start : start + size])
        del data[: start + size]
        return text if is_text else b'{"type":"frame"}'

    def _send(self, message: object) -> None:
        text = orjson.dumps(message)
        size = len(text)
        head = struct.pack("!BB", 0x81, 0x80 | size) if size < 126 else b""
        head = head or struct.pack("!BBH", 0x81, 0x80 | 126, size)
        self._transport.write(head + _NO_MASK + text)

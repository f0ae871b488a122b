"""GraphQL over WebSocket, subprotocol graphql-transport-ws."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from api.graphql.answering import Answering, Malformed, read_request
from api.graphql.context import Context
from api.graphql.over_http import Rejected, authenticate
from api.keys import Caller
from api.service import Service

PROTOCOL = "graphql-transport-ws"
LONGEST_ID = 200  # characters of an operation's id

Message = dict[str, Any]


class Closed(Exception):  # noqa: N818 - the name says what happened
    """The connection has to be closed, with a code of the protocol."""

    def __init__(self, code: int, reason: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(reason)


class OverWebSocket:
    """The ASGI application of the endpoint, for WebSockets."""

    def __init__(self, answering: Answering, service: Service, patience: float = 10.0) -> None:
        self._answering = answering
        self._service = service
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; `connection_init` must come within `patience` seconds."""
        socket = WebSocket(scope, receive, send)
        if PROTOCOL not in scope["subprotocols"]:
            await socket.accept()
            await socket.close(4406, f"Subprotocol not acceptable: use {PROTOCOL}")
            return
        await socket.accept(PROTOCOL)
        connection = _Connection(socket, self._answering, self._service)
        try:
            await connection.serve(self._patience)
        except Closed as closed:
            # The peer may have gone in the same moment.
            with contextlib.suppress(RuntimeError, WebSocketDisconnect, OSError):
                await socket.close(closed.code, closed.reason)
        except WebSocketDisconnect:
            pass
        finally:
            await connection.end()


class _Connection:
    def __init__(self, socket: WebSocket, answering: Answering, service: Service) -> None:
        self._socket = socket
        self._answering = answering
        self._service = service
        self._context: Context | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._late = False

    async def serve(self, patience: float) -> None:
        try:
            async with asyncio.timeout(patience):
                await self._until_ready()
        except TimeoutError:
            raise Closed(4408, "Connection initialisation timeout") from None
        while True:
            await self._handle(await self._receive())

    async def end(self) -> None:
        tasks = list(self._operations.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _until_ready(self) -> None:
        while self._context is None:
            await self._handle(await self._receive())

    async def _receive(self) -> Message:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        text = message.get("text")
        if text is None:
            raise Closed(4400, "Messages must be text frames")
        try:
            parsed = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise Closed(4400, "Messages must be valid JSON") from None
        if not isinstance(parsed, dict) or not isinstance(parsed.get("type"), str):
            raise Closed(4400, "Messages must be objects with a type")
        return parsed

    async def _send(self, message: Message) -> None:
        await self._socket.send_text(orjson.dumps(message).decode())

    async def _handle(self, message: Message) -> None:
        match message["type"]:
            case "connection_init":
                await self._initialise(message)
            case "ping":
                await self._send({"type": "pong"})
            case "pong":
                pass
            case "subscribe":
                await self._subscribe(message)
            case "complete":
                task = self._operations.pop(_id(message), None)
                if task is not None:
                    task.cancel()
            case unknown:
                raise Closed(4400, f"Unknown message type: {unknown[:50]}")

    async def _initialise(self, message: Message) -> None:
        if self._context is not None:
            raise Closed(4429, "Too many initialisation requests")
        payload = message.get("payload")
        if payload is not None and not isinstance(payload, dict):
            raise Closed(4400, "The payload of connection_init must be an object")
        try:
            caller = await self._caller(payload or {})
        except Rejected as rejected:
            raise Closed(4403, f"Forbidden: {rejected.message}"[:120]) from None
        self._context = Context(self._service, caller)
        await self._send({"type": "connection_ack"})

    async def _caller(self, payload: Message) -> Caller:
        members = {str(name).lower(): value for name, value in payload.items()}
        authorization = members.get("authorization")
        if authorization is None:
            authorization = self._socket.headers.get("authorization", "")
        return await authenticate(self._service, str(authorization))

    async def _subscribe(self, message: Message) -> None:
        operation_id = _id(message)
        if self._context is None:
            raise Closed(4401, "Unauthorized: send connection_init first")
        if operation_id in self._operations:
            raise Closed(4409, f"Subscriber for {operation_id[:50]} already exists")
        limit = self._service.settings.subscriptions
        if len(self._operations) >= limit:
            text = f"This connection runs {limit} operations, the most it may: complete one first."
            await self._refuse(operation_id, {"message": text, "extensions": {"code": "BUSY"}})
            return
        task = asyncio.create_task(self._run(operation_id, message.get("payload"), self._context))
        self._operations[operation_id] = task

    async def _run(self, operation_id: str, payload: object, context: Context) -> None:
        try:
            await self._answer(operation_id, payload, context)
        except Malformed as malformed:
            await self._refuse(operation_id, {"message": str(malformed)})
        except Rejected as rejected:
            error = {"message": rejected.message, "extensions": {"code": rejected.code}}
            await self._refuse(operation_id, error)
        except (WebSocketDisconnect, RuntimeError, OSError):
            pass  # the peer has gone, and `serve` learns it too

    async def _answer(self, operation_id: str, payload: object, context: Context) -> None:
        if not self._service.keys.works(context.caller):
            message = "The key was revoked. Ask an admin for a new one."
            raise Rejected(401, "UNAUTHENTICATED", message)
        request = read_request(payload)
        operation = self._answering.find(request)
        stream = (
            operation
            if isinstance(operation, dict)
            else await self._answering.subscribe(operation, request, context)
        )
        if not isinstance(stream, AsyncGenerator):
            await self._refuse(operation_id, *stream["errors"])
            return
        try:
            head = b'{"id":' + orjson.dumps(operation_id) + b',"type":"next","payload":'
            async for response in stream:
                text = (head + self._answering.encodings.encode(response) + b"}").decode()
                # Waits while the peer does not read: the feed conflates, nothing piles up.
                await self._socket.send_text(text)
        finally:
            await stream.aclose()
        self._forget(operation_id)
        await self._send({"id": operation_id, "type": "complete"})

    async def _refuse(self, operation_id: str, *errors: Message) -> None:
        self._forget(operation_id)
        await self._send({"id": operation_id, "type": "error", "payload": list(errors)})

    def _forget(self, operation_id: str) -> None:
        # Before the last message, so that its reader may use the id again at once. A task that was
        # replaced by a later one of the same id must not take that one out.
        if self._operations.get(operation_id) is asyncio.current_task():
            del self._operations[operation_id]


def _id(message: Message) -> str:
    found = message.get("id")
    if not isinstance(found, str) or not 0 < len(found) <= LONGEST_ID:
        raise Closed(4400, "The message needs an id")
    return found

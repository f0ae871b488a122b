"""GraphQL over HTTP: POST for everything, GET for queries, server-sent events for feeds.

Written as a bare ASGI application: on the way of a single judgment, request and response objects
would cost as much as its execution.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

import orjson
from graphql import OperationType
from starlette.types import Receive, Scope, Send

from api.graphql.answering import Answering, Malformed, Request, Response, read_request
from api.graphql.binding import LOST
from api.graphql.context import Context
from api.graphql.over_sse import send_events
from api.keys import Caller
from api.service import Service

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
EVENTS = "text/event-stream"

DISCARD_SECONDS = 10.0  # that a body which is too long is read to its end, and thrown away

HINT = b"""<!doctype html><meta charset="utf-8"><title>Basanite</title>
<p>This is Basanite's GraphQL endpoint. Point a GraphQL client at this address, with an API key in
the header <code>Authorization: Bearer &lt;token&gt;</code>; <code>basanite keys create</code> makes
one. The schema can be introspected. Feeds come over WebSocket (graphql-transport-ws) or
server-sent events.</p>
"""


class Rejected(Exception):  # noqa: N818 - the name says what happened
    """A request that is answered by a status of HTTP, and a GraphQL error that says why."""

    def __init__(self, status: int, code: str, message: str, *headers: tuple[bytes, bytes]) -> None:
        self.status, self.code, self.message, self.headers = status, code, message, headers
        super().__init__(message)


class OverHttp:
    """The ASGI application of the endpoint, for HTTP."""

    def __init__(self, answering: Answering, service: Service) -> None:
        self._answering = answering
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = dict(scope["headers"])
        accepted = _accepted(headers.get(b"accept", b""))
        try:
            if _is_browser(scope, headers):
                await _send(send, 200, b"text/html; charset=utf-8", HINT)
                return
            service = self._service
            authorization = headers.get(b"authorization", b"").decode("latin1")
            caller = await authenticate(service, authorization)
            request = await _request(scope, headers, receive, service.settings.body_bytes)
            context = Context(service, caller)
            operation = self._answering.find(request)
            if isinstance(operation, dict):
                await _respond(send, accepted, operation)
                return
            if operation.type is not OperationType.QUERY and scope["method"] == "GET":
                message = "GET is for queries. Send this operation by POST."
                raise Rejected(405, "METHOD_NOT_ALLOWED", message, (b"allow", b"POST"))
            if accepted == EVENTS:
                stream = await self._answering.subscribe(operation, request, context)
                if isinstance(stream, AsyncGenerator):
                    encode = self._answering.encodings.encode
                    await send_events(stream, encode, receive, send, service.closing)
                else:
                    await _respond(send, accepted, stream)
                return
            if operation.type is OperationType.SUBSCRIPTION:
                message = (
                    "Subscriptions need `Accept: text/event-stream`, or a WebSocket with the "
                    "subprotocol graphql-transport-ws."
                )
                raise Rejected(400, "STREAM_NEEDED", message)
            await _respond(
                send, accepted, await self._answering.execute(operation, request, context)
            )
        except Rejected as rejected:
            error = {"message": rejected.message, "extensions": {"code": rejected.code}}
            body = orjson.dumps({"errors": [error]})
            await _send(send, rejected.status, _content_type(accepted), body, rejected.headers)


async def authenticate(service: Service, authorization: str) -> Caller:
    """The caller whose token a header or a connection bears. Raises Rejected."""
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        token = token.strip()
        try:
            caller = service.keys.verified(token) or await service.keys.verify(token)
        except LOST as error:
            message = "The database does not answer. Nothing was done: try again a little later."
            raise Rejected(503, "UNAVAILABLE", message, (b"retry-after", b"1")) from error
        if caller is not None:
            return caller
    message = (
        "This key is unknown or was revoked. Ask an admin for another one."
        if authorization
        else "Send an API key: `Authorization: Bearer <token>`."
    )
    raise Rejected(401, "UNAUTHENTICATED", message, (b"www-authenticate", b"Bearer"))


async def _request(
    scope: Scope, headers: dict[bytes, bytes], receive: Receive, limit: int
) -> Request:
    try:
        if scope["method"] == "POST":
            _check_content(headers)
            body = await _body(headers, receive, limit)
            return read_request(_parsed(body, "body"))
        if scope["method"] == "GET":
            return read_request(_query_members(scope["query_string"]))
    except Malformed as malformed:
        raise Rejected(400, "BAD_REQUEST", str(malformed)) from malformed
    message = "Send GraphQL requests by POST; queries may come by GET too."
    raise Rejected(405, "METHOD_NOT_ALLOWED", message, (b"allow", b"GET, POST"))


def _check_content(headers: dict[bytes, bytes]) -> None:
    media_type, _, parameters = headers.get(b"content-type", b"").partition(b";")
    if media_type.strip().lower() != b"application/json":
        message = "Send JSON, with the header `Content-Type: application/json`."
        raise Rejected(415, "UNSUPPORTED_MEDIA_TYPE", message)
    name, _, charset = parameters.partition(b"=")
    charset = charset.strip(b' "').lower()
    if name.strip().lower() == b"charset" and charset not in {b"utf-8", b"utf8"}:
        raise Rejected(415, "UNSUPPORTED_MEDIA_TYPE", "Send JSON in UTF-8.")
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise Rejected(415, "UNSUPPORTED_MEDIA_TYPE", "Send the body without content encoding.")


async def _body(headers: dict[bytes, bytes], receive: Receive, limit: int) -> bytes:
    announced = headers.get(b"content-length", b"0")
    size = int(announced) if announced.isdigit() else 0
    parts: list[bytes] = []
    while size <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Malformed("The body did not arrive completely.")
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)
        size = sum(map(len, parts))
    text = (
        f"The body is longer than {limit:,} bytes, the most that this server takes "
        "(BASANITE_BODY_BYTES). Nothing was stored: send it in parts."
    )
    # Who still sends when the connection closes never reads why.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_SECONDS):
            while (await receive()).get("more_body"):
                pass
    raise Rejected(413, "BODY_TOO_LARGE", text, (b"connection", b"close"))


def _parsed(text: bytes | str, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"The {what} is not valid JSON: {error}.") from error


def _query_members(query_string: bytes) -> dict[str, Any]:
    try:
        found = parse_qs(query_string.decode("ascii"), keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise Malformed("The address cannot be read.") from error
    members: dict[str, Any] = {name: values[-1] for name, values in found.items()}
    for name in ("variables", "extensions"):
        if members.get(name):
            members[name] = _parsed(members[name], name)
        else:
            members.pop(name, None)
    if not members.get("operationName"):
        members.pop("operationName", None)
    return members


@lru_cache(maxsize=1000)
def _accepted(accept: bytes) -> str:
    """Which of our media types a client prefers; JSON for whoever does not say."""
    best, quality = JSON, 0.0
    for part in accept.decode("latin1").lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if name not in {JSON, GRAPHQL, EVENTS}:
            continue
        found = _quality(parameters)
        if found > quality:
            best, quality = name, found
    return best


def _quality(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _is_browser(scope: Scope, headers: dict[bytes, bytes]) -> bool:
    return (
        scope["method"] == "GET"
        and b"text/html" in headers.get(b"accept", b"")
        and b"query=" not in scope["query_string"]
    )


async def _respond(send: Send, media_type: str, response: Response) -> None:
    # What did not begin to execute is a failed request, but for clients of the older media type.
    status = 400 if media_type != JSON and "data" not in response else 200
    await _send(send, status, _content_type(media_type), orjson.dumps(response))


def _content_type(media_type: str) -> bytes:
    if media_type == EVENTS:
        media_type = JSON
    return media_type.encode() + b"; charset=utf-8"


async def _send(
    send: Send,
    status: int,
    content_type: bytes,
    body: bytes,
    headers: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", content_type),
                (b"content-length", b"%d" % len(body)),
                *headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})

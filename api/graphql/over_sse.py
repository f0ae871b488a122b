"""Results as server-sent events: GraphQL over SSE, one connection an operation."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable

from starlette.types import Receive, Send

from api.graphql.answering import Response

KEEP_ALIVE = 12.0  # seconds; proxies give up on silent connections after 30 or 60

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


async def send_events(
    stream: AsyncGenerator[Response, None],
    encode: Callable[[Response], bytes],
    receive: Receive,
    send: Send,
    closing: asyncio.Event,
) -> None:
    """Send a stream of responses until it ends, the client goes or the server closes.

    The stream is asked for the next response when the one before has gone out, so a slow client
    slows its own feed down and nothing piles up.
    """
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    work = asyncio.create_task(_send_all(stream, encode, send))
    ends = {
        work,
        asyncio.create_task(_gone(receive)),
        asyncio.create_task(closing.wait()),
    }
    try:
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if work in done:
            work.result()
    finally:
        for task in ends:
            task.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
        await stream.aclose()
    with contextlib.suppress(OSError):
        await send({"type": "http.response.body", "body": b"event: complete\ndata:\n\n"})


async def _send_all(
    stream: AsyncGenerator[Response, None], encode: Callable[[Response], bytes], send: Send
) -> None:
    following = asyncio.ensure_future(anext(stream, None))
    try:
        while True:
            done, _ = await asyncio.wait({following}, timeout=KEEP_ALIVE)
            if not done:
                await send({"type": "http.response.body", "body": b":\n\n", "more_body": True})
                continue
            response = following.result()
            if response is None:
                return
            event = b"event: next\ndata: " + encode(response) + b"\n\n"
            await send({"type": "http.response.body", "body": event, "more_body": True})
            following = asyncio.ensure_future(anext(stream, None))
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

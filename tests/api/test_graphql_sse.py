"""Feeds as server-sent events: one connection an operation."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import orjson
import pytest

from api.graphql import over_sse
from tests.api.serving import SUBMIT, Serving, serving
from tests.waiting import eventually, soon

TASKS = """
subscription ($after: Sequence) {
  taskFeed(project: "p", after: $after) { cursor tasks { externalId judgmentCount } }
}
"""


async def events(
    server: Serving, query: str, **variables: Any
) -> AsyncGenerator[tuple[str, Any], None]:
    """Events of an operation: (name, data); comments have the name ''."""
    headers = server.headers() | {"accept": "text/event-stream"}
    body = {"query": query, "variables": variables}
    async with server.client.stream("POST", server.url, json=body, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        text = ""
        async for part in answer.aiter_text():
            text += part
            while "\n\n" in text:
                event, text = text.split("\n\n", 1)
                if event.startswith(":"):
                    yield "", None
                    continue
                name, data = event.split("\n", 1)
                data = data.removeprefix("data:").strip()
                yield name.removeprefix("event: "), orjson.loads(data) if data else None


async def test_a_query_is_a_stream_of_one(server: Serving) -> None:
    found = [event async for event in events(server, "{ me { role } }")]
    assert found == [("next", {"data": {"me": {"role": "ADMIN"}}}), ("complete", None)]


async def test_a_feed_by_get_and_by_post(server: Serving) -> None:
    await server.make_project()
    await server.add_tasks("p", "a")
    given = {"project": "p", "worker": "w", "task": "a", "label": "cat"}
    await server.do(SUBMIT, {**given})
    feed = events(server, TASKS, after=0)
    name, data = await anext(feed)
    assert name == "next"
    assert data["data"]["taskFeed"]["tasks"] == [{"externalId": "a", "judgmentCount": 1}]
    cursor = data["data"]["taskFeed"]["cursor"]
    await server.do(SUBMIT, given | {"worker": "v"})
    told = [{"externalId": "a", "judgmentCount": 1}]
    while told[0]["judgmentCount"] == 1:  # the first judgment may be told of twice
        _, data = await soon(anext(feed))
        told = data["data"]["taskFeed"]["tasks"]
    assert told == [{"externalId": "a", "judgmentCount": 2}]
    await feed.aclose()
    resumed = events(server, TASKS, after=cursor)
    _, data = await soon(anext(resumed))
    assert data["data"]["taskFeed"]["tasks"] == [{"externalId": "a", "judgmentCount": 2}]
    await resumed.aclose()


async def test_what_cannot_begin_is_an_error_of_http(server: Serving) -> None:
    for query, status in (
        ("{", 400),
        ("{ noSuchField }", 400),
        ('subscription { taskFeed(project: "nowhere") { cursor } }', 400),
    ):
        answer = await server.post({"query": query}, Accept="text/event-stream")
        assert answer.status_code == status
        assert answer.json()["errors"][0]["message"]
    plain = await server.post({"query": TASKS})
    assert plain.status_code == 400
    assert "text/event-stream" in plain.json()["errors"][0]["message"]
    headers = {"accept": "text/event-stream"}
    answer = await server.client.post(server.url, json={"query": TASKS}, headers=headers)
    assert answer.status_code == 401


async def test_silent_feeds_stay_alive(server: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(over_sse, "KEEP_ALIVE", 0.05)
    await server.make_project()
    await server.add_tasks("p", "a")
    feed = events(server, TASKS)
    silences = 0
    while silences < 3:
        name, _ = await soon(anext(feed))
        silences += name == ""
    await server.do(SUBMIT, {"project": "p", "worker": "w", "task": "a", "label": "cat"})
    async for name, _ in feed:
        if name == "next":
            break
    await feed.aclose()


async def test_a_client_that_leaves_ends_its_feed(server: Serving) -> None:
    await server.make_project()
    for _ in range(5):
        feed = events(server, 'subscription { qualityFeed(project: "p") { cursor } }')
        await anext(feed)
        await feed.aclose()

    await eventually(lambda: not any("_send_all" in repr(task) for task in asyncio.all_tasks()))


async def test_stopping_the_server_completes_the_feeds(database_url: str) -> None:
    async with serving(database_url) as server:
        await server.make_project()
        feed = events(server, 'subscription { qualityFeed(project: "p") { cursor } }')
        assert (await anext(feed))[0] == "next"
        server.stop()
        rest = [name async for name, _ in feed]
        assert rest[-1] == "complete"

"""The protocol graphql-transport-ws, and the feeds over it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.api.serving import (
    CREATE_KEY,
    REVOKE_KEY,
    SET_GOLD,
    SUBMIT,
    SUBMIT_MANY,
    Data,
    Serving,
    serving,
)

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

    async def send(self, **message: Any) -> None:
        await self.connection.send(orjson.dumps(message).decode())

    async def receive(self, seconds: float = 5.0) -> Data:
        text = await asyncio.wait_for(self.connection.recv(), seconds)
        assert isinstance(text, str)
        message: Data = orjson.loads(text)
        return message

    async def start(self, operation_id: str, query: str, **variables: Any) -> None:
        payload = {"query": query, "variables": variables}
        await self.send(id=operation_id, type="subscribe", payload=payload)

    async def closed(self) -> tuple[int | None, str]:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await asyncio.wait_for(self.connection.recv(), 5)
        return self.connection.close_code, self.connection.close_reason or ""

    async def is_alive(self) -> bool:
        await self.send(type="ping")
        return await self.receive() == {"type": "pong"}


@asynccontextmanager
async def plain(server: Serving, protocol: str = "graphql-transport-ws") -> AsyncIterator[Socket]:
    async with connect(
        server.websocket_url, subprotocols=[Subprotocol(protocol)], proxy=None, max_size=None
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


async def test_queries_and_mutations(server: Serving) -> None:
    async with ready(server) as socket:
        await socket.start("1", "{ me { role } }")
        assert await socket.receive() == {
            "id": "1",
            "type": "next",
            "payload": {"data": {"me": {"role": "ADMIN"}}},
        }
        assert await socket.receive() == {"id": "1", "type": "complete"}
        await server.make_project()
        await server.add_tasks("p", "a")
        given = {"project": "p", "worker": "w", "task": "a", "label": "cat"}
        await socket.start("1", SUBMIT, input=given)
        answer = await socket.receive()
        assert answer["payload"]["data"]["submitJudgment"]["consensus"]["label"] == "cat"


async def test_pings_and_pongs(server: Serving) -> None:
    async with plain(server) as socket:
        assert await socket.is_alive()
        await socket.send(type="pong", payload={"a": 1})
        await socket.send(type="ping", payload={"a": 1})
        assert (await socket.receive())["type"] == "pong"


async def test_a_bad_subscribe_keeps_the_socket(server: Serving) -> None:
    async with ready(server) as socket:
        payloads: list[Any] = [
            {"query": "{"},
            {"query": "{ noSuchField }"},
            {"query": 5},
            {},
            None,
            [],
            {"query": "{ me { role } }", "variables": []},
            {"query": "{ me { role } }", "operationName": "B"},
            {"query": "query ($a: Int!) { me { role } }", "variables": {"a": "x"}},
            {"query": 'subscription { qualityFeed(project: "nowhere") { cursor } }'},
            {"query": QUALITY, "variables": {"interval": 0.001}},
            {"query": QUALITY, "variables": {"after": -1}},
        ]
        for payload in payloads:
            await socket.send(id="1", type="subscribe", payload=payload)
            answer = await socket.receive()
            assert answer["id"] == "1"
            assert answer["type"] == "error"
            assert answer["payload"][0]["message"]
        assert await socket.is_alive()


async def test_operations_by_id(server: Serving) -> None:
    await server.make_project()
    async with ready(server) as socket:
        await socket.start("a", QUALITY)
        assert (await socket.receive())["type"] == "next"
        await socket.send(id="a", type="complete")
        await socket.start("a", QUALITY)
        assert (await socket.receive())["id"] == "a"
        await socket.send(id="unknown", type="complete")
        assert await socket.is_alive()
        await socket.start("a", QUALITY)
        assert (await socket.closed())[0] == 4409


async def test_closing_codes(server: Serving) -> None:
    async with plain(server) as socket:
        await socket.start("1", "{ me { role } }")
        assert (await socket.closed())[0] == 4401
    async with plain(server) as socket:
        await socket.send(type="connection_init")
        assert (await socket.closed())[0] == 4403
    async with plain(server) as socket:
        await socket.send(type="connection_init", payload={"Authorization": "Bearer bsn_a_b"})
        assert (await socket.closed())[0] == 4403
    async with ready(server) as socket:
        await socket.send(type="connection_init", payload=server.headers())
        assert (await socket.closed())[0] == 4429
    async with plain(server, "graphql-ws") as socket:
        assert (await socket.closed())[0] == 4406
    for text in (
        "{",
        "[]",
        "5",
        "{}",
        '{"type": 1}',
        '{"type": "nonsense"}',
        '{"type": "subscribe"}',
        '{"type": "subscribe", "id": 5, "payload": {"query": "{ me { role } }"}}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ me { role } }"}}',
        '{"type": "complete"}',
        '{"type": "connection_init", "payload": []}',
        b'{"type": "ping"}',
    ):
        async with plain(server) as socket:
            await socket.connection.send(text)
            assert (await socket.closed())[0] == 4400, text


async def test_silence_ends_the_connection(server: Serving) -> None:
    server.app._over_websocket._patience = 0.2
    async with plain(server) as socket:
        assert (await socket.closed())[0] == 4408
    async with ready(server) as socket:
        await asyncio.sleep(0.4)
        assert await socket.is_alive()


async def test_the_key_may_come_in_the_handshake(server: Serving) -> None:
    async with connect(
        server.websocket_url,
        subprotocols=[Subprotocol("graphql-transport-ws")],
        additional_headers=server.headers(),
        proxy=None,
    ) as connection:
        socket = Socket(connection)
        await socket.send(type="connection_init")
        assert await socket.receive() == {"type": "connection_ack"}
        await socket.start("1", "{ me { role } }")
        assert (await socket.receive())["payload"]["data"] == {"me": {"role": "ADMIN"}}


async def test_workers_get_no_feed(server: Serving) -> None:
    await server.make_project()
    token = await server.worker_key("p", "ann")
    async with ready(server, token) as socket:
        for query in (QUALITY, TASKS, WORKERS):
            await socket.start("1", query)
            answer = await socket.receive()
            assert answer["type"] == "error"
            assert answer["payload"][0]["extensions"]["code"] == "FORBIDDEN"
        assert await socket.is_alive()


async def test_a_bound_key_gets_no_feed_of_another_project(server: Serving) -> None:
    await server.make_project("p")
    await server.make_project("q")
    bound = (await server.do(CREATE_KEY, {"role": "ADMIN", "project": "q"}))["token"]
    async with ready(server, bound) as socket:
        await socket.start("1", TASKS)
        answer = await socket.receive()
        assert answer["payload"][0]["extensions"]["code"] == "UNKNOWN_PROJECT"


async def test_a_revoked_key_ends_its_feeds(server: Serving) -> None:
    await server.make_project()
    await server.add_tasks("p", "a", "b")
    token = (await server.do(CREATE_KEY, {"role": "ADMIN"}))["token"]
    async with ready(server, token) as socket:
        await socket.start("1", TASKS)
        await asyncio.sleep(0.1)
        await server.do(REVOKE_KEY, {"keyId": token.split("_")[1]})
        await judge(server, "w", "a")
        answer = await socket.receive()
        while "data" in answer["payload"]:  # sent before the key was revoked
            for task in answer["payload"]["data"]["taskFeed"]["tasks"]:
                assert task["judgmentCount"] == 0
            answer = await socket.receive()
        assert answer["payload"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert await socket.receive() == {"id": "1", "type": "complete"}
        await socket.start("2", "{ me { role } }")
        answer = await socket.receive()
        assert answer["type"] == "error"
        assert answer["payload"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_the_quality_feed_follows_the_project(server: Serving) -> None:
    await server.make_project()
    await server.add_tasks("p", "a", "b")
    async with ready(server) as socket:
        await socket.start("1", QUALITY)
        first = (await socket.receive())["payload"]["data"]["qualityFeed"]
        assert first["quality"]["tasks"] == {"total": 2, "open": 2, "settled": 0}
        assert first["quality"]["meanConfidence"] is None
        await judge(server, "w", "a")
        while True:
            event = (await socket.receive())["payload"]["data"]["qualityFeed"]
            if event["quality"]["judgments"] == 1:
                break
        assert event["cursor"] > first["cursor"]
        assert event["quality"]["meanConfidence"] > 0


@pytest.mark.parametrize("ahead", [0, -1, 1_000_000])
async def test_a_resumed_feed_begins_with_how_things_stand(server: Serving, ahead: int) -> None:
    await server.make_project()
    await server.add_tasks("p", "a")
    async with ready(server) as socket:
        await socket.start("1", QUALITY)
        first = (await socket.receive())["payload"]["data"]["qualityFeed"]
        cursor = first["cursor"] + ahead
        await socket.start("2", QUALITY, after=cursor)
        again = await socket.receive()
        assert again["id"] == "2"
        assert again["payload"]["data"]["qualityFeed"]["quality"] == first["quality"]
    if ahead <= 0:
        return
    await asyncio.sleep(0.3)
    async with ready(server) as socket:
        await socket.start("1", TASKS, after=cursor)
        await asyncio.sleep(0.2)
        await judge(server, "w", "a")
        (task,) = (await socket.receive())["payload"]["data"]["taskFeed"]["tasks"]
        assert task["externalId"] == "a"


async def test_feeds_tell_what_changed_within_a_quarter_second(server: Serving) -> None:
    await server.make_project()
    await server.add_tasks("p", "a", "b")
    await asyncio.sleep(0.3)  # what is new is news too
    async with ready(server) as socket:
        await socket.start("tasks", TASKS)
        await socket.start("workers", WORKERS)
        await asyncio.sleep(0.2)
        await judge(server, "w", "b", "dog")
        answers = {}
        for _ in range(2):
            answer = await socket.receive(0.5)
            answers[answer["id"]] = answer["payload"]["data"]
        (task,) = answers["tasks"]["taskFeed"]["tasks"]
        assert (task["externalId"], task["judgmentCount"]) == ("b", 1)
        assert task["consensus"] == {"label": "dog"}
        (worker,) = answers["workers"]["workerFeed"]["workers"]
        assert worker == {"externalId": "w", "judgmentCount": 1}


async def test_resuming_by_cursor_loses_nothing(server: Serving) -> None:
    """A subscriber that keeps losing its connection ends up with the state of every task."""
    await server.make_project(overlap=50)
    names = [f"t{k}" for k in range(40)]
    await server.add_tasks("p", *names)
    done = asyncio.Event()
    seen: dict[str, int] = {}
    cursor = 0

    async def work() -> None:
        for round_ in range(30):
            given = {
                "project": "p",
                "workers": [f"w{round_}"],
                "tasks": names[round_ % 7 :: 3],
                "labels": ["cat"] * len(names[round_ % 7 :: 3]),
            }
            await server.do(SUBMIT_MANY, given)
            await asyncio.sleep(0.03)
        await server.do(SET_GOLD, {"project": "p", "tasks": ["t39"], "labels": ["dog"]})
        done.set()

    async def watch_a_little(events: int) -> None:
        nonlocal cursor
        async with ready(server) as socket:
            await socket.start("1", TASKS, after=cursor)
            for _ in range(events):
                try:
                    answer = await socket.receive(0.6)
                except TimeoutError:
                    return
                event = answer["payload"]["data"]["taskFeed"]
                assert event["cursor"] >= cursor
                for task in event["tasks"]:
                    assert task["judgmentCount"] >= seen.get(task["externalId"], 0)
                    seen[task["externalId"]] = task["judgmentCount"]
                cursor = event["cursor"]

    working = asyncio.create_task(work())
    while not done.is_set():
        await watch_a_little(2)
    await watch_a_little(50)
    await working
    query = '{ tasks(project: "p", first: 500) { edges { node { externalId judgmentCount } } } }'
    await asyncio.sleep(1.2)
    edges = (await server.data(query))["tasks"]["edges"]
    assert seen == {edge["node"]["externalId"]: edge["node"]["judgmentCount"] for edge in edges}


async def test_a_large_change_comes_in_parts_and_resumes(server: Serving) -> None:
    await server.make_project()
    names = [f"t{k:04}" for k in range(1200)]
    await server.add_tasks("p", *names)
    given = {"project": "p", "workers": ["w"], "tasks": names, "labels": ["cat"] * len(names)}
    await server.do(SUBMIT_MANY, given)
    async with ready(server) as socket:
        await socket.start("1", TASKS, after=0)
        first = (await socket.receive())["payload"]["data"]["taskFeed"]
        assert len(first["tasks"]) == 500
    seen = {task["externalId"] for task in first["tasks"]}
    cursor = first["cursor"]
    async with ready(server) as socket:
        await socket.start("1", TASKS, after=cursor)
        while len(seen) < len(names):
            event = (await socket.receive())["payload"]["data"]["taskFeed"]
            seen |= {task["externalId"] for task in event["tasks"]}
    assert seen == set(names)


async def test_a_slow_subscriber_gets_the_latest_not_a_queue(server: Serving) -> None:
    """It reads nothing while hundreds of changes go by, and is then told of each once or twice."""
    await server.make_project(overlap=1000)
    names = [f"t{k}" for k in range(400)]
    await server.add_tasks("p", *names, attributes={"filler": "x" * 2000})
    query = TASKS.replace("externalId", "externalId attributes")
    async with ready(server) as socket:
        await socket.start("1", query)
        await asyncio.sleep(0.2)
        rounds = 60
        for round_ in range(rounds):
            given = {
                "project": "p",
                "workers": [f"w{round_}"],
                "tasks": names,
                "labels": ["cat"] * len(names),
            }
            await server.do(SUBMIT_MANY, given)
            socket.connection.transport.pause_reading()  # as a client that hangs
            await asyncio.sleep(0.1)
        socket.connection.transport.resume_reading()
        events = 0
        counts: dict[str, int] = {}
        while not counts or min(counts.values()) < rounds:
            event = (await socket.receive())["payload"]["data"]["taskFeed"]
            events += 1
            counts |= {task["externalId"]: task["judgmentCount"] for task in event["tasks"]}
        assert len(counts) == len(names)
        assert events < rounds / 2


async def test_operations_at_a_time_are_limited(database_url: str) -> None:
    async with serving(database_url, subscriptions=3) as server:
        await server.make_project()
        async with ready(server) as socket:
            for name in "abc":
                await socket.start(name, TASKS)
            await socket.start("d", TASKS)
            answer = await socket.receive()
            assert (answer["id"], answer["type"]) == ("d", "error")
            assert "3 operations" in answer["payload"][0]["message"]
            await socket.send(id="a", type="complete")
            await socket.start("d", "{ me { role } }")
            assert (await socket.receive())["type"] == "next"


async def test_many_sockets_come_and_go(server: Serving) -> None:
    await server.make_project()
    await server.add_tasks("p", "a")

    async def visit(k: int) -> None:
        async with ready(server) as socket:
            await socket.start("1", QUALITY)
            await socket.receive()
            if k % 2:
                socket.connection.transport.abort()

    await asyncio.gather(*(visit(k) for k in range(40)))
    await judge(server, "w", "a")
    assert (await server.data("{ me { role } }"))["me"]["role"] == "ADMIN"


async def test_stopping_the_server_ends_the_sockets(database_url: str) -> None:
    async with serving(database_url) as server:
        await server.make_project()
        async with plain(server) as socket:
            await socket.send(type="connection_init", payload=server.headers())
            await socket.start("1", QUALITY)
            leaving = asyncio.create_task(socket.closed())
            await asyncio.sleep(0.2)
            server.stop()
            code, _ = await leaving
            assert code == 1012

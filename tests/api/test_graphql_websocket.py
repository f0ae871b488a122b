"""The protocol graphql-transport-ws."""

import asyncio
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.api.serving import SUBMIT, Serving, serving
from tests.api.sockets import QUALITY, TASKS, Socket, judge, plain, ready


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
    over_websocket = server.app._over_websocket
    over_websocket._patience = 0.2
    async with plain(server) as socket:
        assert (await socket.closed())[0] == 4408
    while True:  # until it is patient enough for this machine to say who is there in time
        async with plain(server) as socket:
            await socket.send(type="connection_init", payload=server.headers())
            try:
                assert await socket.receive() == {"type": "connection_ack"}
            except ConnectionClosed:
                over_websocket._patience *= 2
                continue
            await asyncio.sleep(2 * over_websocket._patience)
            assert await socket.is_alive()
            return


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
            await socket.begun()
            server.stop()
            assert (await socket.closed())[0] == 1012

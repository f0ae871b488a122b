"""Our own client: against the real server, and against servers that behave badly."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

import orjson
import pytest

from api.frontend.client import CallFailed, CallRefused, Client, endpoint
from api.frontend.connection import Connections, Unreachable
from api.frontend.documents import ADD_TASKS, CREATE_KEY, CREATE_PROJECT, LEASE, SUBMIT, add_tasks
from tests.api.serving import Serving

GOOD = b'{"data":{"a":1}}'


def response(body: bytes, status: str = "200 OK", *headers: str, length: bool = True) -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def raw_server(handle: Callable[[bytes], Awaitable[bytes | None]]) -> AsyncIterator[str]:
    """A server that answers each request with the bytes it is told, or hangs up for None."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                (length,) = [
                    int(line.split(b":")[1])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length")
                ]
                answer = await handle(await reader.readexactly(length))
                if answer is None:
                    break
                writer.write(answer)
                if b"Connection: close" in answer or b"HTTP/1.0" in answer:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.close()


def answers(*given: bytes | None) -> tuple[Callable[[bytes], Awaitable[bytes | None]], list[bytes]]:
    """A handler that gives these answers in turn, and what it was sent."""
    turns, received = iter(given), list[bytes]()

    async def handle(body: bytes) -> bytes | None:
        received.append(body)
        return next(turns)

    return handle, received


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http://here:8000", "http://here:8000/graphql"),
        ("http://here:8000/", "http://here:8000/graphql"),
        ("here:8000", "http://here:8000/graphql"),
        ("https://here/labels/graphql", "https://here/labels/graphql"),
    ],
)
def test_the_address_of_the_server_is_enough(given: str, expected: str) -> None:
    assert endpoint(given) == expected


def test_what_is_no_address_is_said_so() -> None:
    for url in ("ftp://here", "http://", "http://:80/graphql"):
        with pytest.raises(CallFailed, match="not an address"):
            Client(url, "token")


@pytest.mark.parametrize(
    "answer",
    [
        response(GOOD),
        response(GOOD, "200 OK", "Connection: close"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b'7\r\n{"data"\r\n9\r\n:{"a":1}}\r\n0\r\n\r\n',
        b"HTTP/1.0 200 OK\r\nContent-Length: 16\r\n\r\n" + GOOD,
    ],
)
async def test_answers_come_in_many_shapes(answer: bytes) -> None:
    handle, received = answers(*[answer] * 5)
    async with raw_server(handle) as url, Client(url, "token") as client:
        for number in range(5):
            assert await client.execute("{ a }", {"n": number}) == {"a": 1}
    assert [orjson.loads(body)["variables"]["n"] for body in received] == list(range(5))


async def test_a_call_is_repeated_as_it_was_until_it_is_answered() -> None:
    busy = orjson.dumps(
        {"data": {"do": {"code": "OVERLOADED", "message": "Busy.", "retryAfter": 0.01}}}
    )
    done = orjson.dumps({"data": {"do": {"fine": True}}})
    handle, received = answers(
        None,
        response(b"gone", "502 Bad Gateway"),
        response(busy),
        None,
        response(done),
    )
    async with raw_server(handle) as url, Client(url, "token") as client:
        assert await client.mutate("mutation", {"clientId": "7"}) == {"fine": True}
    assert len(received) == 5
    assert len(set(received)) == 1


async def test_patience_ends() -> None:
    busy = {"data": {"do": {"code": "OVERLOADED", "message": "Busy.", "retryAfter": 0.05}}}

    async def always(_body: bytes) -> bytes:
        return response(orjson.dumps(busy))

    async with raw_server(always) as url, Client(url, "token", patience=0.3) as client:
        with pytest.raises(CallFailed, match="Busy"):
            await client.mutate("mutation", {})
    async with Client(url, "token", patience=0.3) as client:  # nobody is there any more
        with pytest.raises(CallFailed, match="Does the server run"):
            await client.execute("{ a }")


async def test_no_answer_is_not_waited_for_for_ever() -> None:
    async def never(_body: bytes) -> bytes:
        await asyncio.sleep(3600)
        return b""

    async with raw_server(never) as url:
        connections = Connections(url, seconds=0.1)
        with pytest.raises(Unreachable, match="did not answer"):
            await connections.post(b"{}", "token")
        await connections.close()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"detail": "no"}', b""])
async def test_what_is_no_graphql_is_said_so(body: bytes) -> None:
    handle, _ = answers(response(body, "404 Not Found"))
    async with raw_server(handle) as url, Client(url, "token") as client:
        with pytest.raises(CallFailed, match="status 404"):
            await client.execute("{ a }")


async def test_garbage_is_an_error_and_no_hang() -> None:
    async def garbage(_body: bytes) -> bytes:
        return b"\x00\x01\x02 not http \r\n\r\n"

    async with raw_server(garbage) as url:
        connections = Connections(url)
        with pytest.raises(Unreachable):
            await connections.post(b"{}", "token")
        await connections.close()


async def test_many_calls_at_once_get_their_own_answers() -> None:
    async def echo(body: bytes) -> bytes:
        number = orjson.loads(body)["variables"]["n"]
        await asyncio.sleep(0.001 * (number % 7))
        return response(orjson.dumps({"data": {"n": number}}))

    async with raw_server(echo) as url, Client(url, "token") as client:
        found = await asyncio.gather(*(client.execute("{ n }", {"n": n}) for n in range(300)))
        cancelled = [asyncio.ensure_future(client.execute("{ n }", {"n": 6})) for _ in range(50)]
        await asyncio.sleep(0.003)
        for call in cancelled:
            call.cancel()
        await asyncio.gather(*cancelled, return_exceptions=True)
        again = await asyncio.gather(*(client.execute("{ n }", {"n": n}) for n in range(300)))
    assert [each["n"] for each in found] == [each["n"] for each in again] == list(range(300))


async def test_the_calls_of_our_commands_fit_the_real_server(server: Serving) -> None:
    async with Client(server.url, server.token) as client:
        project = {"externalId": "p", "labels": [{"externalId": "a"}, {"externalId": "b"}]}
        await client.mutate(CREATE_PROJECT, project)
        tasks = [{"externalId": f"t{n}", "payload": {"n": n}} for n in range(2_345)]
        bad = {"externalId": "", "payload": {}}
        assert await add_tasks(client, "p", [*tasks, bad]) == {""}
        again = await client.mutate(ADD_TASKS, {"project": "p", "tasks": tasks[:2_000]})
        assert again["added"] == 0
        assert await add_tasks(client, "p", tasks) == set()
        key = {"role": "WORKER", "project": "p", "worker": "w"}
        token = (await client.mutate(CREATE_KEY, key))["token"]
        lease = (await client.mutate(LEASE, {"count": 1}, token))["leases"][0]
        given = {"leaseId": lease["id"], "label": "a", "clientId": "1"}
        assert await client.mutate(SUBMIT, given, token) == {"duplicate": False}
        assert await client.mutate(SUBMIT, given, token) == {"duplicate": True}
        with pytest.raises(CallRefused, match="no such label") as refused:
            await client.mutate(SUBMIT, {**given, "clientId": "2", "label": "?"}, token)
        assert refused.value.code == "UNKNOWN_LABEL"
        with pytest.raises(CallRefused) as refused:
            await client.mutate(ADD_TASKS, {"project": "p", "tasks": []}, token)
        assert refused.value.code == "FORBIDDEN"
        names = 'query ($first: Int!, $after: String) { tasks(project: "p", first: $first, '
        names += "after: $after) { edges { node { externalId } } "
        names += "pageInfo { hasNextPage endCursor } } }"
        found = [node["externalId"] async for node in client.nodes(names)]
        assert found == [task["externalId"] for task in tasks]


async def test_a_wrong_key_and_a_wrong_document_are_explained(server: Serving) -> None:
    async with Client(server.url, "bsn_0_0") as client:
        with pytest.raises(CallFailed, match="key is unknown or was revoked"):
            await client.execute("{ me { role } }")
        with pytest.raises(CallFailed, match="ended"):
            async with aclosing(client.subscribe("subscription { x }")) as events:
                await anext(events)
    async with Client(server.url, server.token) as client:
        with pytest.raises(CallFailed, match="nothing"):
            await client.execute("{ nothing }")


async def test_a_feed_is_followed_and_its_end_is_an_error(server: Serving) -> None:
    await server.make_project("p")
    feed = 'subscription { qualityFeed(project: "p") { quality { tasks { total } } } }'
    async with Client(server.url, server.token) as client:
        with pytest.raises(CallFailed, match="Cannot query field"):
            async with aclosing(client.subscribe("subscription { nothing }")) as events:
                await anext(events)
        async with aclosing(client.subscribe(feed)) as events:
            first = await anext(events)
            assert first["qualityFeed"]["quality"]["tasks"]["total"] == 0
            await add_tasks(client, "p", [{"externalId": "t", "payload": {}}])
            async for event in events:
                if event["qualityFeed"]["quality"]["tasks"]["total"] == 1:
                    break
    async with Client("http://127.0.0.1:9", "token") as client:
        with pytest.raises(CallFailed, match="No feed"):
            async with aclosing(client.subscribe(feed)) as events:
                await anext(events)

"""GraphQL over HTTP: the audits of the specification, and bodies of every kind."""

import asyncio
import json
from typing import Any

import graphql
import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.graphql.guards import FIELDS, ROOT_FIELDS
from tests.api.serving import Serving, serving
from tests.waiting import PATIENCE

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
TYPENAME = {"query": "{ __typename }"}
BY_NAME = "query Type($name: String!) { __type(name: $name) { name } }"
WRONG_FIELD = {"query": "{ noSuchField }"}
WRONG_VARIABLE = {"query": "query Q($id: ID!) { __typename }", "variables": {"id": None}}


def is_response(body: Any) -> bool:
    """Whether something is a GraphQL response as the specification wants it."""
    if not isinstance(body, dict) or not body or set(body) - {"data", "errors", "extensions"}:
        return False
    if "errors" not in body:
        return "data" in body
    errors = body["errors"]
    return (
        isinstance(errors, list)
        and len(errors) > 0
        and all(isinstance(error["message"], str) and error["message"] for error in errors)
    )


async def test_media_types(server: Serving) -> None:
    for accept, answered in (
        (GRAPHQL, GRAPHQL),
        (JSON, JSON),
        ("*/*", JSON),
        ("text/html, application/json;q=0.2, application/graphql-response+json;q=0.9", GRAPHQL),
        (f"{JSON}, {GRAPHQL};q=0.5", JSON),
        (f"{GRAPHQL};q=nonsense, {JSON};q=0.1", JSON),
        ("image/png", JSON),
    ):
        answer = await server.post(TYPENAME, Accept=accept)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == f"{answered}; charset=utf-8"
        assert answer.json() == {"data": {"__typename": "Query"}}
    request = server.client.build_request(
        "POST", server.url, json=TYPENAME, headers=server.headers()
    )
    del request.headers["accept"]
    answer = await server.client.send(request)
    assert answer.headers["content-type"].startswith(JSON)


async def test_text_is_utf_8_both_ways(server: Serving) -> None:
    for content_type in (JSON, f"{JSON}; charset=utf-8", f'{JSON};charset="UTF-8"'):
        body = {"query": '{ __type(name: "Run🏃Swim🏊") { name } }'}
        answer = await server.post(body, content_type=content_type)
        assert answer.status_code == 200
    other = await server.post(TYPENAME, content_type=f"{JSON}; charset=latin-1")
    assert other.status_code == 415


async def test_get_is_for_queries(server: Serving) -> None:
    async def get(**parameters: str) -> httpx.Response:
        return await server.client.get(server.url, params=parameters, headers=server.headers())

    assert (await get(query="{ __typename }")).json() == {"data": {"__typename": "Query"}}
    named = await get(query=BY_NAME, variables='{"name": "Task"}', operationName="Type")
    assert named.json() == {"data": {"__type": {"name": "Task"}}}
    for query in ("mutation { __typename }", "subscription { qualityFeed { cursor } }"):
        answer = await get(query=query)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "POST"
        assert is_response(answer.json())
    assert (await get(query="{ __typename }", variables="{")).status_code == 400
    assert (await get(query="{ __typename }", variables="[1]")).status_code == 400
    assert (await get(q="{ __typename }")).status_code == 400
    assert (await get()).status_code == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_other_methods_are_refused(server: Serving, method: str) -> None:
    answer = await server.client.request(method, server.url, headers=server.headers())
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"


@pytest.mark.parametrize("accept", [JSON, GRAPHQL, "text/event-stream"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{ "not a JSON',
        b"null",
        b"true",
        b"5",
        b'"{ __typename }"',
        b"[]",
        b'[{"query": "{ __typename }"}]',
        b"{}",
        b'{"qeury": "{ __typename }"}',
        b'{"query": null}',
        b'{"query": 0}',
        b'{"query": ["array"]}',
        b'{"query": {"obj": "ect"}}',
        b'{"query": "{ __typename }", "variables": "string"}',
        b'{"query": "{ __typename }", "variables": 0}',
        b'{"query": "{ __typename }", "variables": false}',
        b'{"query": "{ __typename }", "variables": ["array"]}',
        b'{"query": "{ __typename }", "operationName": 0}',
        b'{"query": "{ __typename }", "operationName": {"a": 1}}',
        b'{"query": "{ __typename }", "extensions": "string"}',
        b'{"query": "{ __typename }", "extensions": ["array"]}',
        b'{"query": "\xff"}',
        b'{"query": "{ __typename }", "variables": {"a": NaN}}',
    ],
)
async def test_malformed_requests_are_400(server: Serving, body: bytes, accept: str) -> None:
    headers = server.headers() | {"content-type": JSON, "accept": accept}
    answer = await server.client.post(server.url, content=body, headers=headers)
    assert answer.status_code == 400
    assert is_response(answer.json())
    assert "data" not in answer.json()


async def test_null_members_are_as_good_as_none(server: Serving) -> None:
    for member in ("variables", "operationName", "extensions"):
        for accept in (JSON, GRAPHQL):
            answer = await server.post(TYPENAME | {member: None}, Accept=accept)
            assert answer.json() == {"data": {"__typename": "Query"}}
    answer = await server.post(TYPENAME | {"extensions": {"some": "value"}, "more": 1})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"query": "{"},
        {"query": ""},
        {"query": "# nothing"},
        WRONG_FIELD,
        WRONG_VARIABLE,
        {"query": "query A { __typename } query B { __typename }"},
        {"query": "query A { __typename }", "operationName": "B"},
        {"query": "query A { __typename }", "operationName": ""},
        {"query": "fragment F on Query { __typename }"},
        {"query": "type T { a: Int }"},
    ],
)
async def test_what_cannot_begin_has_no_data(server: Serving, body: dict[str, Any]) -> None:
    plain = await server.post(body, Accept=JSON)
    modern = await server.post(body, Accept=GRAPHQL)
    assert (plain.status_code, modern.status_code) == (200, 400)
    for answer in (plain, modern):
        assert is_response(answer.json())
        assert "data" not in answer.json()


async def test_what_fails_on_the_way_has_data(server: Serving) -> None:
    body = {"query": '{ tasks(project: "nowhere") { totalCount } }'}
    for accept in (JSON, GRAPHQL):
        answer = await server.post(body, Accept=accept)
        assert answer.status_code == 200
        assert answer.json()["data"] is None
        assert answer.json()["errors"][0]["path"] == ["tasks"]


async def test_content_must_be_json(server: Serving) -> None:
    for content_type in ("text/plain", "application/graphql", "multipart/form-data", ""):
        headers = server.headers() | {"content-type": content_type}
        answer = await server.client.post(server.url, content=json.dumps(TYPENAME), headers=headers)
        assert answer.status_code == 415
        assert is_response(answer.json())
    assert (await server.post(TYPENAME, content_encoding="gzip")).status_code == 415


async def test_long_bodies_are_refused_with_the_limit(database_url: str) -> None:
    async with serving(database_url, body_bytes=2000) as server:
        for length in (3_000, 20_000_000):
            long = {"query": "{ __typename }", "variables": {"a": "x" * length}}
            answer = await server.post(long)
            assert answer.status_code == 413
            assert "2,000" in answer.json()["errors"][0]["message"]

        async def chunks() -> Any:
            for _ in range(10):
                yield b"x" * 3_000_000

        headers = server.headers() | {"content-type": JSON}
        answer = await server.client.post(server.url, content=chunks(), headers=headers)
        assert answer.status_code == 413
        assert (await server.post(TYPENAME)).status_code == 200


async def test_a_browser_gets_a_hint(server: Serving) -> None:
    answer = await server.client.get(server.url, headers={"accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "GraphQL endpoint" in answer.text


async def test_health_and_readiness(server: Serving) -> None:
    base = server.url.removesuffix("/graphql")
    assert (await server.client.get(base + "/healthz")).text == "alive\n"
    await server.make_project()
    ready = (await server.client.get(base + "/readyz")).json()
    assert ready == {"ready": True, "database": True, "projects": {"p": "writable"}}
    assert (await server.client.get(base + "/nowhere")).status_code == 404
    server.service.closing.set()
    assert (await server.client.get(base + "/readyz")).status_code == 503


async def test_unexpected_errors_are_masked(
    server: Serving, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(server.service.shards, "all", broken)
    response = await server.ask("{ projects { totalCount } }")
    assert response["data"] is None
    error = response["errors"][0]
    assert "secret" not in orjson.dumps(response).decode()
    assert error["extensions"]["code"] == "INTERNAL"
    assert error["extensions"]["id"] in caplog.text
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ " + " ".join(f"a{n}: __typename" for n in range(ROOT_FIELDS + 1)) + " }", "LARGE"),
        ("{ me { " + " ".join(f"a{n}: role" for n in range(FIELDS + 1)) + " } }", "LARGE"),
        (
            "{ me { ...a } } "
            + " ".join(
                f"fragment {name} on Me {{ {f'...{chr(ord(name) + 1)} ' * 9} }}"
                for name in "abcdefgh"
            )
            + " fragment i on Me { role keyId }",
            "LARGE",
        ),
        ("{ __schema { a: types { name } b: types { name } } }", "LARGE"),
        ("{ a: __schema { types { name } } }", "LARGE"),
        ("{ me { role } " * 5_000, None),
        ("{" * 10_000, None),
        ("{ me { ...a } } fragment a on Me { ...b } fragment b on Me { ...a }", None),
        ("{ __schema " + "{ types { fields { type " * 20 + "{ name }" + "}" * 60 + " }", None),
    ],
)
async def test_documents_that_would_exhaust_the_server(
    server: Serving, query: str, code: str | None
) -> None:
    answer = await server.post({"query": query}, Accept=GRAPHQL)
    assert answer.status_code == 400
    assert is_response(answer.json())
    if code:
        codes = [error.get("extensions", {}).get("code") for error in answer.json()["errors"]]
        assert "OPERATION_TOO_LARGE" in codes
    assert answer.elapsed.total_seconds() < 2


async def test_introspection_works(server: Serving) -> None:
    from graphql import build_client_schema, get_introspection_query

    data = await server.data(get_introspection_query(input_value_deprecation=True))
    schema = build_client_schema(data)  # type: ignore[arg-type]  # it is what it says
    assert schema.query_type is not None
    assert "submitJudgments" in schema.mutation_type.fields  # type: ignore[union-attr]


async def test_documents_are_read_once(server: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += 1
        return graphql.parse(*args, **kwargs)

    monkeypatch.setattr("api.graphql.documents.parse", counted)
    for _ in range(5):
        await server.data("{ me { role keyId } }")
    assert count == 1


async def test_clients_that_leave_in_the_middle(server: Serving) -> None:
    host, port = server.url.split("/")[2].split(":")
    for part in (
        b"POST /graphql HTTP/1.1\r\n",
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n{",
        b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
        b"\x00\x01\x02",
    ):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(part)
        await writer.drain()
        writer.close()
    assert (await server.post(TYPENAME)).status_code == 200


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=10,
)
WORDS = st.sampled_from(
    [
        "{", "}", "(", ")", ":", "$", "!", "[", "]", "...", "@", "|", "&", "=", "query", "mutation",
        "subscription", "fragment", "on", "__typename", "me", "tasks", "task", "submitJudgment",
        "input", "leaseTasks", "project", "edges", "node", "first", "after", "id", "true", "null",
        "1", "-0.5e9", '"x"', '"""', "$a", "$input", "ID", "SubmitJudgmentInput", "__schema",
        "types", "#", "\\u0000", "é", "@skip(if: true)", "@include(if: $a)",
    ]
)  # fmt: skip
COLUMNS = st.sampled_from(
    ["project", "workers", "tasks", "labels", "leaseIds", "clientIds", "seconds", "x"]
)
BODIES = st.one_of(
    VALUES,
    st.fixed_dictionaries(
        {"query": st.lists(WORDS, max_size=30).map(" ".join) | st.text(max_size=40)},
        optional={"variables": VALUES, "operationName": VALUES, "extensions": VALUES},
    ),
    st.fixed_dictionaries(
        {
            "query": st.just(
                "mutation ($input: SubmitJudgmentsInput!) { submitJudgments(input: $input) "
                "{ __typename ... on Refusal { code } } }"
            ),
            "variables": st.fixed_dictionaries(
                {
                    "input": st.dictionaries(
                        COLUMNS,
                        VALUES
                        | st.just("p")
                        | st.lists(st.sampled_from(["a", "cat", 1, None]), max_size=3),
                        max_size=7,
                    )
                }
            ),
        }
    ),
)


async def test_no_body_breaks_the_server(server: Serving, caplog: pytest.LogCaptureFixture) -> None:
    """Fuzz: never a 5xx, always a GraphQL response, and nothing unexpected in the log."""
    await server.make_project(labels=("cat", "1"))
    await server.add_tasks("p", "a", "1")
    loop = asyncio.get_running_loop()

    async def send(body: Any) -> None:
        try:
            content = json.dumps(body).encode()
        except UnicodeEncodeError:
            content = json.dumps(body).encode("utf-8", "surrogatepass")
        headers = server.headers() | {"content-type": JSON}
        answer = await server.client.post(server.url, content=content, headers=headers)
        assert answer.status_code in {200, 400}, answer.text
        assert is_response(answer.json()), answer.text
        assert "INTERNAL" not in answer.text, (body, caplog.text)

    @given(body=BODIES)
    @settings(
        max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    def fuzz(body: Any) -> None:
        asyncio.run_coroutine_threadsafe(send(body), loop).result(PATIENCE)

    await asyncio.to_thread(fuzz)
    assert (await server.post(TYPENAME)).json() == {"data": {"__typename": "Query"}}

"""Alerts over HTTP, WebSocket and server-sent events."""

import pytest

from api.frontend.documents import JOIN_WORKERS, VOID_WORKER
from api.shard import Shard
from tests.api.findings import copying, enter, status
from tests.api.serving import SUBMIT_MANY, Data, Serving
from tests.api.sockets import ready
from tests.api.test_graphql_sse import events
from tests.waiting import soon

ALERT = """
  sequence kind severity state workers tasks explanation evidence
  suggestion { act words } raisedAt
  acknowledged { sequence actor note at } resolved { sequence actor note at }
"""
ONE = f"""
query ($sequence: Sequence!, $asOf: AsOf) {{
  alert(project: "p", sequence: $sequence, asOf: $asOf) {{ {ALERT} }}
}}
"""
LIST = f"""
query ($first: Int! = 50, $after: String, $state: [AlertState!], $kind: [AlertKind!],
       $worker: ID, $asOf: AsOf) {{
  alerts(project: "p", first: $first, after: $after, state: $state, kind: $kind, worker: $worker,
         asOf: $asOf) {{
    totalCount edges {{ cursor node {{ {ALERT} }} }} pageInfo {{ hasNextPage endCursor }}
  }}
}}
"""
HANDLE = f"""
mutation ($input: HandleAlertInput!) {{
  %s(input: $input) {{
    __typename
    ... on AlertHandled {{ sequence duplicate alert {{ {ALERT} }} }}
    ... on Refusal {{ code message }}
  }}
}}
"""
FEED = """
subscription ($after: Sequence) {
  alertFeed(project: "p", after: $after) { cursor alerts { sequence state } }
}
"""


async def project(server: Serving) -> Shard:
    await server.make_project(overlap=3, requireLease=False)
    await server.add_tasks("p", "a", "b")
    for worker in ("ann", "bob", "eve"):
        rows = {"workers": [worker], "tasks": ["a", "b"], "labels": ["cat", "dog"]}
        await server.do(SUBMIT_MANY, {"project": "p"} | rows)
    return server.service.shards.get("p")


async def handle(server: Serving, how: str, **given: object) -> Data:
    common = {"project": "p", "note": "seen", "clientId": "1"}
    return await server.do(HANDLE % how, common | given)


async def test_an_alert_is_read_acknowledged_and_resolved(server: Serving) -> None:
    shard = await project(server)
    seq = await enter(shard, "FRAUD_FOUND", None, copying(0, 2, tasks=(1,)))
    found = (await server.data(ONE, {"sequence": seq}))["alert"]
    assert (found["kind"], found["severity"], found["state"]) == ("COPYING", "HIGH", "OPEN")
    assert (found["workers"], found["tasks"]) == (["ann", "eve"], ["b"])
    assert found["explanation"].startswith("ann, eve: 2 workers gave the same 31 wrong answers")
    assert found["evidence"]["shared"] == 31
    assert found["evidence"]["tasks"] == ["b"]
    assert found["evidence"]["examples"] == [{"task": "b", "label": "cat"}]
    words = 'joinWorkers(workers: ["ann", "eve"])'
    assert found["suggestion"] == {"act": "JOIN", "words": words}
    before = {"sequence": shard.seq}
    given = {"project": "p", "workers": ["ann", "eve"], "reason": "x", "clientId": "0"}
    await server.do(JOIN_WORKERS, given)
    joined = (await server.data(ONE, {"sequence": seq}))["alert"]
    assert "splitWorkers" in joined["suggestion"]["words"]
    one = await enter(shard, "FRAUD_FOUND", None, copying(1))
    given = {"project": "p", "worker": "bob", "reason": "x", "clientId": "v"}
    await server.do(VOID_WORKER, given)
    voided = (await server.data(ONE, {"sequence": one}))["alert"]
    words = 'All are voided already. Where that is wrong: unvoidWorker(worker: "bob").'
    assert voided["suggestion"] == {"act": "LOOK", "words": words}

    done = await handle(server, "acknowledgeAlert", alert=seq)
    assert (done["__typename"], done["duplicate"]) == ("AcknowledgeAlertPayload", False)
    assert done["alert"]["state"] == "ACKNOWLEDGED"
    assert done["alert"]["acknowledged"]["note"] == "seen"
    assert done["alert"]["acknowledged"]["actor"].startswith("key:")
    again = await handle(server, "acknowledgeAlert", alert=seq)
    assert again == done | {"duplicate": True}
    refused = await handle(server, "acknowledgeAlert", alert=seq, clientId="2")
    assert (refused["__typename"], refused["code"]) == ("Conflict", "ALERT_HANDLED")
    other = await handle(server, "resolveAlert", alert=seq)
    assert other["code"] == "DECISION_EXISTS"
    done = await handle(server, "resolveAlert", alert=seq, clientId="3", note="joined")
    assert done["alert"]["resolved"]["note"] == "joined"

    then = await server.data(ONE, {"sequence": seq, "asOf": before})
    assert then["alert"] == found
    assert (await server.data(ONE, {"sequence": seq + 1}))["alert"] is None
    wrong: tuple[tuple[Data, str], ...] = (
        ({"alert": seq + 1}, "UNKNOWN_ALERT"),
        ({"alert": seq, "note": " "}, "INVALID_INPUT"),
        ({"alert": seq, "note": "a\0b"}, "INVALID_TEXT"),
        ({"alert": seq, "clientId": ""}, "INVALID_TEXT"),
    )
    for more, code in wrong:
        answer = await handle(server, "resolveAlert", **{"clientId": "4"} | more)
        assert answer.get("code") == code, answer


async def test_alerts_are_listed_newest_first(server: Serving) -> None:
    shard = await project(server)
    seqs = [await enter(shard, "FRAUD_FOUND", None, copying(worker)) for worker in (0, 1, 2, 0)]
    paused = await enter(shard, "STATUS_CHANGED", 1, status("ACTIVE", "PAUSED"))
    newest_first = [paused, *reversed(seqs)]
    found: list[int] = []
    after = None
    while True:
        page = (await server.data(LIST, {"first": 2, "after": after}))["alerts"]
        assert page["totalCount"] == len(shard.alerts)
        found += [edge["node"]["sequence"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
        await enter(shard, "STATUS_CHANGED", 2, status("ACTIVE", "PAUSED"))  # comes before them
    assert found == newest_first

    async def listed(**conditions: object) -> list[int]:
        page = (await server.data(LIST, conditions))["alerts"]
        assert page["totalCount"] == len(page["edges"])
        return [edge["node"]["sequence"] for edge in page["edges"]]

    assert await listed(kind=["WORKER_PAUSED"], worker="bob") == [paused]
    was = status("WATCH", "WATCH", hurried=True)
    body = {**was, "evidence": {**was["evidence"], "rush": 30.0}}
    hurried = await enter(shard, "STATUS_CHANGED", 2, body)
    told = (await server.data(ONE, {"sequence": hurried}))["alert"]
    assert told["explanation"].startswith("eve began to rush: ")
    assert told["explanation"].endswith("The evidence for it weighs more than 1,000,000 to 1.")
    moved = {"of": "LABELS", "label": "cat", "before": 0.3, "after": 0.6, "evidence": 9.0}
    await enter(shard, "PROJECT_CHANGED", None, {"alarm": True, **moved})
    changed = (await server.data(LIST, {"kind": ["PROJECT_CHANGED"]}))["alerts"]["edges"][0]["node"]
    assert changed["evidence"] == moved | {"since": None}
    assert await listed(worker="ann") == [seqs[3], seqs[0]]
    assert await listed(worker="ann", state=["OPEN"]) == [seqs[3]]
    assert await listed(asOf={"sequence": seqs[1]}) == [seqs[1], seqs[0]]
    wrong = await server.ask(LIST, {"worker": "nobody"})
    assert wrong["errors"][0]["extensions"]["code"] == "UNKNOWN_WORKER"


async def test_workers_see_no_alerts(server: Serving) -> None:
    shard = await project(server)
    seq = await enter(shard, "FRAUD_FOUND", None, copying(0))
    key = await server.worker_key("p", "ann")
    for query, given in ((ONE, {"sequence": seq}), (LIST, {})):
        answer = await server.ask(query, given, key)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    said = {"alert": seq, "note": "no", "clientId": "1"}
    refused = await server.do(HANDLE % "resolveAlert", said, key)
    assert (refused["__typename"], refused["code"]) == ("Forbidden", "FORBIDDEN")
    async with ready(server, key) as socket:
        await socket.start("1", FEED)
        answer = await socket.receive()
        assert answer["payload"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize("way", ["socket", "sse"])
async def test_the_feed_resumes_where_it_was_left(server: Serving, way: str) -> None:
    shard = await project(server)
    begun = shard.seq
    first = await enter(shard, "FRAUD_FOUND", None, copying(0))
    second = await enter(shard, "FRAUD_FOUND", None, copying(1))
    await handle(server, "resolveAlert", alert=first)

    async def one(after: int) -> Data:
        if way == "sse":
            _, data = await soon(anext(events(server, FEED, after=after)))
            return dict(data["data"]["alertFeed"])
        async with ready(server) as socket:
            await socket.start("1", FEED, after=after)
            return dict((await socket.receive())["payload"]["data"]["alertFeed"])

    cursor, states = begun, dict[int, str]()

    async def follow(wanted: dict[int, str]) -> None:
        """A feed tells how things stand, perhaps before its cursor has come so far: read on."""
        nonlocal cursor
        while states != wanted:
            told = await one(cursor)
            assert told["cursor"] > cursor
            cursor = told["cursor"]
            states.update({each["sequence"]: each["state"] for each in told["alerts"]})

    await follow({first: "RESOLVED", second: "OPEN"})
    await handle(server, "acknowledgeAlert", alert=second, clientId="2")
    await follow({first: "RESOLVED", second: "ACKNOWLEDGED"})

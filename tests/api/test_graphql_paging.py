"""Lists: every row once, in order, whatever comes in meanwhile; filters, orders and cursors."""

import asyncio
from typing import Any

import asyncpg
import pytest

from tests.api.rig import derived_written
from tests.api.serving import CREATE_KEY, SUBMIT_MANY, Data, Serving

TASKS = """
query ($filter: TaskFilter, $order: TaskOrder, $first: Int, $after: String) {
  tasks(project: "p", filter: $filter, order: $order, first: $first, after: $after) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { id externalId priority status judgmentCount consensus { confidence } } }
  }
}
"""
WORKERS = """
query ($filter: WorkerFilter, $order: WorkerOrder, $first: Int, $after: String) {
  workers(project: "p", filter: $filter, order: $order, first: $first, after: $after) {
    totalCount
    pageInfo { hasNextPage endCursor }
    edges { node { externalId judgmentCount reputation { accuracy { value low high } } } }
  }
}
"""


async def walk(server: Serving, query: str, first: int, **variables: Any) -> list[Data]:
    """All nodes, page by page."""
    nodes: list[Data] = []
    after = None
    while True:
        (page,) = (await server.data(query, variables | {"first": first, "after": after})).values()
        nodes += [edge["node"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return nodes
        assert len(page["edges"]) == first


async def settle_down(server: Serving) -> None:
    """Let the tables behind the lists catch up."""
    await derived_written(server.service.shards.get("p"))


async def fill(server: Serving) -> None:
    await server.make_project(overlap=10)
    for k in range(30):
        await server.add_tasks(
            "p", f"t{k:02}", priority=k % 4, attributes={"lang": "fi" if k % 3 else "sv"}
        )
    rows = [(f"w{w}", f"t{t:02}") for w in range(6) for t in range(0, 30, w + 1)]
    given = {
        "project": "p",
        "workers": [worker for worker, _ in rows],
        "tasks": [task for _, task in rows],
        "labels": [
            "dog" if (int(task[1:]) + int(worker[1:])) % 5 == 0 else "cat" for worker, task in rows
        ],
    }
    answer = await server.do(SUBMIT_MANY, given)
    assert answer["refused"] == 0
    await settle_down(server)


async def test_tasks_in_every_order(server: Serving) -> None:
    await fill(server)
    names = [f"t{k:02}" for k in range(30)]
    for by in ("AGE", "PRIORITY", "CONFIDENCE"):
        ways: dict[str, list[Data]] = {}
        for direction, sizes in (("ASC", (1, 30)), ("DESC", (4, 500))):
            for first in sizes:
                nodes = await walk(server, TASKS, first, order={"by": by, "direction": direction})
                assert sorted(node["externalId"] for node in nodes) == names
                known = ways.setdefault(direction, nodes)
                assert nodes == known
        assert ways["DESC"] == ways["ASC"][::-1]
        keys = {
            "AGE": [node["externalId"] for node in ways["ASC"]],
            "PRIORITY": [node["priority"] for node in ways["ASC"]],
            "CONFIDENCE": [
                round((node["consensus"] or {"confidence": 0})["confidence"], 6)
                for node in ways["ASC"]
            ],
        }[by]
        assert keys == sorted(keys)


async def test_workers_in_every_order(server: Serving) -> None:
    await fill(server)
    for by in ("AGE", "ACCURACY", "JUDGMENTS", "STATUS"):
        ways: dict[str, list[Data]] = {}
        for direction, sizes in (("ASC", (1, 6)), ("DESC", (4, 500))):
            for first in sizes:
                nodes = await walk(server, WORKERS, first, order={"by": by, "direction": direction})
                assert sorted(node["externalId"] for node in nodes) == [f"w{w}" for w in range(6)]
                assert nodes == ways.setdefault(direction, nodes)
        assert ways["DESC"] == ways["ASC"][::-1]
    counts = [
        node["judgmentCount"] for node in await walk(server, WORKERS, 3, order={"by": "JUDGMENTS"})
    ]
    assert counts == sorted(counts)


async def test_tasks_without_a_derived_row_are_listed_in_every_order(
    server: Serving, database_url: str
) -> None:
    await fill(server)
    everything = await walk(server, TASKS, 500)

    async def check(names: list[str]) -> None:
        for by in ("AGE", "PRIORITY", "CONFIDENCE"):
            ways = []
            for direction in ("ASC", "DESC"):
                order = {"by": by, "direction": direction}
                nodes = await walk(server, TASKS, 500, order=order)
                assert sorted(node["externalId"] for node in nodes) == names
                assert await walk(server, TASKS, 7, order=order) == nodes
                ways.append(nodes)
            assert ways[1] == ways[0][::-1]

    names = [node["externalId"] for node in everything]
    connection = await asyncpg.connect(database_url)
    try:
        # As it is before the first write, and after some.
        await connection.execute("delete from task_state where task_id > 17")
        await check(names)
        await connection.execute("truncate task_state")
        await check(names)
        assert await walk(server, TASKS, 7) == everything
        assert len(await walk(server, TASKS, 7, filter={"status": ["OPEN"]})) == 30
        assert await walk(server, TASKS, 7, filter={"status": ["SETTLED"]}) == []
        await server.add_tasks("p", "fresh", priority=9, attributes={"lang": "se"})
        for by in ("AGE", "PRIORITY", "CONFIDENCE"):
            variables = {"filter": {"slice": {"lang": "se"}}, "order": {"by": by}}
            (found,) = await walk(server, TASKS, 7, **variables)
            assert found["externalId"] == "fresh"
    finally:
        await connection.close()


async def test_workers_without_a_derived_row_are_listed_in_every_order(
    server: Serving, database_url: str
) -> None:
    await fill(server)
    names = [f"w{w}" for w in range(6)]
    connection = await asyncpg.connect(database_url)
    try:
        for lose in ("delete from worker_state where worker_id in (1, 4)", "truncate worker_state"):
            await connection.execute(lose)
            for by in ("AGE", "ACCURACY", "JUDGMENTS", "STATUS"):
                ways = []
                for direction in ("ASC", "DESC"):
                    order = {"by": by, "direction": direction}
                    nodes = await walk(server, WORKERS, 2, order=order)
                    assert sorted(node["externalId"] for node in nodes) == names
                    ways.append(nodes)
                assert ways[1] == ways[0][::-1]
        assert len(await walk(server, WORKERS, 7, filter={"status": ["ACTIVE"]})) == 6
        assert await walk(server, WORKERS, 7, filter={"judgmentsAtLeast": 1}) == []
        for unknown in ({"accuracyBelow": 2.0}, {"accuracyAtLeast": 0.0}):
            assert await walk(server, WORKERS, 7, filter=unknown) == []
    finally:
        await connection.close()
    await server.worker_key("p", "fresh")
    for by in ("AGE", "ACCURACY", "JUDGMENTS", "STATUS"):
        assert "fresh" in [
            n["externalId"] for n in await walk(server, WORKERS, 4, order={"by": by})
        ]


async def test_filters(server: Serving) -> None:
    await fill(server)
    everything = await walk(server, TASKS, 500)
    for status in ("OPEN", "SETTLED", "CONTESTED"):
        page = (await server.data(TASKS, {"filter": {"status": [status]}, "first": 500}))["tasks"]
        found = {edge["node"]["externalId"] for edge in page["edges"]}
        assert found == {node["externalId"] for node in everything if node["status"] == status}
        assert page["totalCount"] == len(found)
    below = await walk(server, TASKS, 7, filter={"confidenceBelow": 0.9})
    assert {node["externalId"] for node in below} == {
        node["externalId"]
        for node in everything
        if not node["consensus"] or node["consensus"]["confidence"] < 0.9
    }
    swedish = await walk(server, TASKS, 4, filter={"slice": {"lang": "sv"}})
    assert [node["externalId"] for node in swedish] == [f"t{k:02}" for k in range(0, 30, 3)]
    dogs = await walk(server, TASKS, 500, filter={"label": "dog"})
    assert len(dogs) < 30
    page = (await server.data(WORKERS, {"filter": {"judgmentsAtLeast": 10}}))["workers"]
    assert {edge["node"]["externalId"] for edge in page["edges"]} == {"w0", "w1", "w2"}
    assert page["totalCount"] is None
    low = await walk(server, WORKERS, 2, filter={"accuracyBelow": 2.0, "accuracyAtLeast": 0.0})
    assert len(low) == 6
    assert await walk(server, WORKERS, 2, filter={"cohort": {"vendor": "acme"}}) == []


VOID_WORKER = """
mutation ($input: VoidWorkerInput!) {
  voidWorker(input: $input) { ... on Retraction { sequence } ... on Refusal { code } }
}
"""


async def test_workers_are_filtered_by_kind_and_whether_they_are_voided(server: Serving) -> None:
    await fill(server)
    assert "key" in await server.do(
        CREATE_KEY, {"role": "WORKER", "project": "p", "worker": "gpt", "kind": "MODEL"}
    )
    void = {"project": "p", "worker": "w1", "reason": "a bot", "clientId": "1"}
    assert (await server.do(VOID_WORKER, void))["sequence"]
    await derived_written(server.service.shards.get("p"))
    people = [f"w{k}" for k in range(6)]
    for given, expected in (
        ({"kind": ["MODEL"]}, ["gpt"]),
        ({"kind": ["HUMAN", "MODEL"]}, [*people, "gpt"]),
        ({"voided": True}, ["w1"]),
        ({"voided": False, "kind": ["HUMAN"]}, ["w0", *people[2:]]),
        ({"voided": True, "kind": ["MODEL"]}, []),
    ):
        for by in ("AGE", "STATUS", "ACCURACY"):
            nodes = await walk(server, WORKERS, 2, filter=given, order={"by": by})
            assert sorted(node["externalId"] for node in nodes) == sorted(expected)


@pytest.mark.parametrize(
    ("variables", "field"),
    [
        ({"first": 0}, "first"),
        ({"first": 501}, "first"),
        ({"first": -1}, "first"),
        ({"after": "nonsense"}, "after"),
        ({"after": ""}, "after"),
        ({"after": "WyJ0YXNrcyJd"}, "after"),
        ({"after": "bnVsbA"}, "after"),
        ({"filter": {"label": "cow"}}, "filter.label"),
        ({"filter": {"slice": [1]}}, "filter.slice"),
    ],
)
async def test_bad_arguments_are_named(server: Serving, variables: Data, field: str) -> None:
    await server.make_project()
    response = await server.ask(TASKS, {"first": 5} | variables)
    error = response["errors"][0]
    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert error["message"].startswith(field)


async def test_a_cursor_belongs_to_its_list_and_order(server: Serving) -> None:
    await server.make_project()
    await server.add_tasks("p", "a", "b")
    await settle_down(server)
    cursor = (await server.data(TASKS, {"first": 1}))["tasks"]["pageInfo"]["endCursor"]
    assert cursor
    for query, variables in (
        (TASKS, {"order": {"by": "PRIORITY"}}),
        (TASKS, {"order": {"direction": "DESC"}}),
        (WORKERS, {}),
    ):
        response = await server.ask(query, {"first": 1, "after": cursor} | variables)
        assert response["errors"][0]["extensions"]["code"] == "INVALID_INPUT"


async def test_pages_stay_stable_while_tasks_come_in(server: Serving) -> None:
    await server.make_project()
    before = [f"a{k:03}" for k in range(60)]
    await server.add_tasks("p", *before)
    await settle_down(server)
    done = asyncio.Event()

    async def keep_adding() -> None:
        k = 0
        while not done.is_set():
            await server.add_tasks("p", *[f"b{k + j:05}" for j in range(5)])
            k += 5
            await asyncio.sleep(0.005)

    adding = asyncio.create_task(keep_adding())
    try:
        for order in ({"by": "AGE"}, {"by": "PRIORITY"}, {"by": "CONFIDENCE"}):
            variables: Data = {"order": order, "first": 4}
            seen: list[str] = []
            after = None
            while len([name for name in seen if name < "b"]) < len(before):
                page = (await server.data(TASKS, variables | {"after": after}))["tasks"]
                seen += [edge["node"]["externalId"] for edge in page["edges"]]
                after = page["pageInfo"]["endCursor"]
            assert len(seen) == len(set(seen))
            assert [name for name in seen if name < "b"] == before
    finally:
        done.set()
        await adding


async def test_nodes_are_found_by_their_global_id(server: Serving) -> None:
    await fill(server)
    node = """
    query ($id: ID!) {
      node(id: $id) {
        id __typename
        ... on Task { externalId } ... on Worker { externalId } ... on Project { externalId }
      }
    }"""
    task = (await walk(server, TASKS, 1))[0]
    found = (await server.data(node, {"id": task["id"]}))["node"]
    assert found == {"id": task["id"], "__typename": "Task", "externalId": task["externalId"]}
    for wrong in ("", "x", "VGFzazoxOjk5OQ", "VGFzazox", "Vm9pZDoxOjE", "VGFzazotMTotMQ", "é"):
        assert (await server.data(node, {"id": wrong}))["node"] is None


async def test_a_revised_judgment_is_shown_once(server: Serving) -> None:
    await server.make_project()
    await server.add_tasks("p", "a")
    for worker, label in (("w", "cat"), ("v", "cat"), ("w", "dog"), ("w", "cat"), ("w", "dog")):
        given = {"project": "p", "workers": [worker], "tasks": ["a"], "labels": [label]}
        assert (await server.do(SUBMIT_MANY, given))["accepted"] == 1
    query = """{
      task(project: "p", externalId: "a") {
        judgmentCount judgments { label worker { externalId } }
      }
    }"""
    task = (await server.data(query))["task"]
    assert task == {
        "judgmentCount": 2,
        "judgments": [
            {"label": "cat", "worker": {"externalId": "v"}},
            {"label": "dog", "worker": {"externalId": "w"}},
        ],
    }


async def test_a_worker_shows_its_confusion(server: Serving) -> None:
    await fill(server)
    query = """query ($name: ID!) {
      worker(project: "p", externalId: $name) {
        judgmentCount
        reputation { confusion { truth answer count } }
      }
    }"""
    worker = (await server.data(query, {"name": "w0"}))["worker"]
    cells = worker["reputation"]["confusion"]
    # A task that nobody else has judged says nothing of who errs.
    assert 0 < sum(cell["count"] for cell in cells) <= worker["judgmentCount"]
    assert {cell["answer"] for cell in cells} == {"cat", "dog"}
    assert (await server.data(query, {"name": "nobody"}))["worker"] is None


async def test_a_task_shows_its_judgments_and_probabilities(server: Serving) -> None:
    await fill(server)
    query = """{
      task(project: "p", externalId: "t12") {
        judgmentCount
        consensus { label probabilities { label probability } }
        judgments { label seconds sequence createdAt worker { externalId judgmentCount } }
      }
      tasks(project: "p", first: 500) { edges { node { judgmentCount judgments { label } } } }
    }"""
    data = await server.data(query)
    task = data["task"]
    assert len(task["judgments"]) == task["judgmentCount"] == 5
    assert sum(one["probability"] for one in task["consensus"]["probabilities"]) == pytest.approx(1)
    assert [one["worker"]["externalId"] for one in task["judgments"]] == [
        "w0",
        "w1",
        "w2",
        "w3",
        "w5",
    ]
    for edge in data["tasks"]["edges"]:
        assert len(edge["node"]["judgments"]) == edge["node"]["judgmentCount"]

"""The live feeds, as subscribers over WebSocket see them."""

import asyncio

import pytest

from tests.api.serving import CREATE_KEY, REVOKE_KEY, SET_GOLD, SUBMIT_MANY, Data, Serving
from tests.api.sockets import QUALITY, TASKS, WORKERS, judge, ready
from tests.waiting import PATIENCE


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
        await socket.begun()
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
    async with ready(server) as socket:
        await socket.start("1", TASKS, after=cursor)
        await socket.begun()
        await judge(server, "w", "a")
        (task,) = (await socket.receive())["payload"]["data"]["taskFeed"]["tasks"]
        assert task["externalId"] == "a"


async def test_feeds_tell_what_changed(server: Serving) -> None:
    await server.make_project()
    await server.add_tasks("p", "a", "b")
    async with ready(server) as socket:
        await socket.start("tasks", TASKS)
        await socket.start("workers", WORKERS)
        await socket.begun()
        await judge(server, "w", "b", "dog")
        told: dict[str, Data] = {}
        # What is new is news too, and may come before the judgment of it.
        while not {"b", "w"} <= told.keys() or told["b"]["judgmentCount"] == 0:
            (event,) = (await socket.receive())["payload"]["data"].values()
            found = event.get("tasks") or event.get("workers")
            told |= {each["externalId"]: each for each in found}
    assert told["b"]["consensus"] == {"label": "dog"}
    assert told["w"] == {"externalId": "w", "judgmentCount": 1}
    if "a" in told:
        assert told["a"]["judgmentCount"] == 0


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

    async def watch_a_little(events: int, seconds: float) -> None:
        """Leave after some events, or when none comes for so long."""
        nonlocal cursor
        async with ready(server) as socket:
            await socket.start("1", TASKS, after=cursor)
            for _ in range(events):
                try:
                    async with asyncio.timeout(seconds):
                        answer = await socket.receive()
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
        await watch_a_little(2, 0.3)
    await working
    query = '{ tasks(project: "p", first: 500) { edges { node { externalId judgmentCount } } } }'
    edges = (await server.data(query))["tasks"]["edges"]
    stand = {edge["node"]["externalId"]: edge["node"]["judgmentCount"] for edge in edges}
    while seen != stand:
        assert cursor < server.service.shards.get("p").seq, "all was told"
        await watch_a_little(1, PATIENCE)


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
        await socket.begun()
        rounds = 40
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

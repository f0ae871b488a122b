"""`basanite tasks` against a running server: tasks decided and reopened, gold corrected."""

from pathlib import Path

from tests.api.rig import learned
from tests.api.serving import ADD_TASKS, SUBMIT_MANY, UPDATE_POLICY, Data, Serving, serving
from tests.paths.commands import Ran, basanite
from tests.waiting import eventually

TASK = """
query ($task: ID!) {
  task(externalId: $task, project: "p") { status gold consensus { label confidence } }
}
"""


async def test_staff_change_gold_and_reopen_on_the_command_line(
    database_url: str, tmp_path: Path
) -> None:
    async with serving(database_url) as server:
        await server.make_project(overlap=2, requireLease=False)
        await server.add_tasks("p", "a")
        await server.add_tasks("p", "[b]", gold="dog")
        for worker in ("ann", "eve"):
            rows = {"workers": [worker], "tasks": ["a", "[b]"], "labels": ["cat", "cat"]}
            await server.do(SUBMIT_MANY, {"project": "p"} | rows)
        await learned(server.service.shards.get("p"))  # what is foreseen leans on it

        async def tasks(*arguments: str) -> Ran:
            common = ("--project", "p", "--reason", "a look", "--url", server.url)
            return await basanite(tmp_path, "tasks", *arguments, *common, "--key", server.token)

        foreseen = await tasks("correct", "[b]", "cat", "--dry-run")
        assert (foreseen.status, "nothing was stored" in foreseen.text) == (0, True)
        assert "dog → cat" in foreseen.text
        assert (await read(server, "[b]"))["gold"] == "dog"
        assert (await tasks("correct", "[b]", "cat")).status == 0
        assert (await read(server, "[b]"))["gold"] == "cat"
        assert (await tasks("withdraw", "[b]")).status == 0
        assert (await read(server, "[b]"))["gold"] is None
        refused = await tasks("withdraw", "[b]", "a")
        assert (refused.status, "NOT_GOLD" in refused.text) == (1, True)
        reopened = await tasks("reopen", "a", "[b]", "--judgments", "2")
        assert reopened.status == 0
        assert {(await read(server, task))["status"] for task in ("a", "[b]")} == {"OPEN"}


QUEUE = """
query ($first: Int!, $after: String) {
  adjudicationQueue(project: "p", first: $first, after: $after) {
    totalCount edges { node { externalId status } } pageInfo { hasNextPage endCursor }
  }
}
"""


async def queued(server: Serving, first: int = 50) -> list[str]:
    """The adjudication queue, page after page."""
    found: list[str] = []
    after = None
    while True:
        page = (await server.data(QUEUE, {"first": first, "after": after}))["adjudicationQueue"]
        found += [edge["node"]["externalId"] for edge in page["edges"]]
        assert all(edge["node"]["status"] == "CONTESTED" for edge in page["edges"])
        if not page["pageInfo"]["hasNextPage"]:
            assert page["totalCount"] == len(found)
            return found
        after = page["pageInfo"]["endCursor"]


async def test_an_expert_decides_what_is_contested_the_most_urgent_first(
    database_url: str, tmp_path: Path
) -> None:
    async with serving(database_url) as server:
        await server.make_project(overlap=3, targetConfidence=1.0, requireLease=False)
        priorities = {"a": 2, "b": 7, "c": 2, "d": 2, "e": 7, "sure": 2}
        tasks = [
            {"externalId": name, "payload": {"show": f"<{name}>"}, "priority": priority}
            for name, priority in priorities.items()
        ]
        await server.do(ADD_TASKS, {"project": "p", "tasks": tasks})
        await server.add_tasks("p", "two")
        for worker, labels in (("ann", "ccdcdc"), ("eve", "ccdddc"), ("bob", "cdcccc")):
            said = [{"c": "cat", "d": "dog"}[label] for label in labels]
            rows = {"workers": [worker], "tasks": list(priorities), "labels": said}
            await server.do(SUBMIT_MANY, {"project": "p"} | rows)
        rows = {"workers": ["ann", "eve"], "tasks": ["two"] * 2, "labels": ["cat", "dog"]}
        await server.do(SUBMIT_MANY, {"project": "p"} | rows)
        confidence = {
            name: (await read(server, name))["consensus"]["confidence"] for name in priorities
        }
        places = list(priorities)
        order = sorted(
            places, key=lambda name: (-priorities[name], confidence[name], places.index(name))
        )
        assert await queued(server) == await queued(server, first=1) == order
        await learned(server.service.shards.get("p"))  # what is shown of workers leans on it

        async def command(*arguments: str, typed: str | None = None) -> Ran:
            common = ("--project", "p", "--url", server.url, "--key", server.token)
            return await basanite(tmp_path, "tasks", *arguments, *common, typed=typed)

        listed = await command("queue", "--most", "2")
        assert [line.split()[:3] for line in listed.text.splitlines()[1:3]] == [
            [name, str(priorities[name]), "3"] for name in order[:2]
        ]
        assert "6 are contested" in listed.text
        # The first by its number, the second is skipped, for the third a slip, and then its label.
        deciding = ("adjudicate", "--reason", "I looked")
        done = await command(*deciding, typed="2\ns\ncow\ncat\nq\n")
        assert done.status == 0, done.text
        assert "2 decided" in done.text
        shown = [
            line.split()[1].strip(",") for line in done.text.splitlines() if "contested" in line
        ]
        assert (shown[:2], len(set(shown))) == (order[:2], 4)
        for told in (f"<{order[0]}>", "ann", "eve", "bob", "That is none of them"):
            assert told in done.text
        for name, label in ((shown[0], "dog"), (shown[2], "cat")):
            task = await read(server, name)
            assert (task["gold"], task["status"]) == (label, "SETTLED")
        left = await queued(server)  # in another order, maybe: what is decided teaches
        assert sorted(left) == sorted({*order} - {shown[0], shown[2]})
        # A later decision opens a task again, or contests it; and so does another policy.
        assert (await command("reopen", left[0], "--reason", "why")).status == 0
        assert sorted(await queued(server)) == sorted(left[1:])
        assert (await command("withdraw", shown[2], "--reason", "no")).status == 0
        assert sorted(await queued(server)) == sorted([*left[1:], shown[2]])
        last = await command("adjudicate", shown[2], "dog", "--reason", "I looked again")
        assert (last.status, sorted(await queued(server))) == (0, sorted(left[1:]))
        memory = server.service.shards.get("p").memory
        for policy, there in (
            ({"overlap": 2, "targetConfidence": 0.99}, True),
            ({"overlap": 9}, False),
        ):
            await server.do(UPDATE_POLICY, {"project": "p", "policy": policy})
            await eventually(lambda: not memory.sweeping)
            assert ("two" in await queued(server)) == there
        assert "None is contested" in (await command(*deciding, typed="")).text


async def read(server: Serving, task: str) -> Data:
    return dict((await server.data(TASK, {"task": task}))["task"])

"""`basanite tasks` against a running server: gold corrected and withdrawn, tasks reopened."""

from pathlib import Path

from tests.api.rig import learned
from tests.api.serving import SUBMIT_MANY, Serving, serving
from tests.paths.commands import Ran, basanite

TASK = """
query ($task: ID!) { task(externalId: $task, project: "p") { status gold consensus { label } } }
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


async def read(server: Serving, task: str) -> dict[str, object]:
    return dict((await server.data(TASK, {"task": task}))["task"])

"""`basanite join` against a running server: foreseen, decided, split again."""

from pathlib import Path

from tests.api.rig import learned
from tests.api.serving import SUBMIT_MANY, Serving, serving
from tests.paths.commands import Ran, basanite

WORKER = """
query { worker(externalId: "[eve]", project: "p") { joinedWith judgmentCount } }
"""


async def project(server: Serving) -> None:
    await server.make_project(overlap=3, requireLease=False)
    await server.add_tasks("p", *"abcd")
    for worker, label in (("ann", "cat"), ("[eve]", "dog")):
        rows = {"workers": [worker], "tasks": [*"abcd"], "labels": [label] * 4}
        answer = await server.do(SUBMIT_MANY, {"project": "p"} | rows)
        assert answer["accepted"] == 4
    await learned(server.service.shards.get("p"))  # what is foreseen leans on it


async def test_staff_join_and_split_on_the_command_line(database_url: str, tmp_path: Path) -> None:
    async with serving(database_url) as server:
        await project(server)

        async def join(*arguments: str) -> Ran:
            common = ("--project", "p", "--reason", "copies", "--url", server.url)
            return await basanite(tmp_path, "join", *arguments, *common, "--key", server.token)

        foreseen = await join("workers", "ann", "[eve]", "--dry-run")
        assert (foreseen.status, "nothing was stored" in foreseen.text) == (0, True)
        done = await join("workers", "ann", "[eve]", "--id", "1")
        assert (done.status, "4  judgments\n" in done.text) == (0, True)
        assert done.text.partition("  ")[2] == foreseen.text.partition("  ")[2]  # the same effect
        joined = (await server.data(WORKER))["worker"]
        assert joined == {"joinedWith": ["ann"], "judgmentCount": 0}
        elsewhere = ("--project", "p", "--url", server.url, "--key", server.token)
        shown = await basanite(tmp_path, "worker", "[eve]", *elsewhere)
        assert "Counts as one with ann\n" in shown.text
        refused = await join("workers", "[eve]", "ann")
        assert (refused.status, "ALREADY_JOINED" in refused.text) == (1, True)
        back = await join("split", "[eve]")
        assert (back.status, "4  judgments\n" in back.text) == (0, True)
        apart = (await server.data(WORKER))["worker"]
        assert apart == {"joinedWith": [], "judgmentCount": 4}
        refused = await join("split", "ann")
        assert (refused.status, "NOT_JOINED" in refused.text) == (1, True)

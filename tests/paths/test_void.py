"""`basanite void` against a running server: foreseen, decided, taken back."""

import json
from pathlib import Path

from tests.api.rig import learned
from tests.api.serving import SUBMIT_MANY, Serving, serving
from tests.paths.commands import Ran, basanite

TASK = """
query { task(externalId: "a", project: "p") { judgmentCount consensus { label } } }
"""
WORKER = """
query { worker(externalId: "[eve]", project: "p") { voided judgmentCount } }
"""


async def project(server: Serving) -> None:
    await server.make_project(overlap=3, requireLease=False)
    await server.add_tasks("p", *"abcd")
    for worker, label in (("ann", "cat"), ("[eve]", "dog")):
        rows = {"workers": [worker], "tasks": [*"abcd"], "labels": [label] * 4}
        answer = await server.do(SUBMIT_MANY, {"project": "p"} | rows)
        assert answer["accepted"] == 4
    await learned(server.service.shards.get("p"))  # what is foreseen leans on it


async def test_staff_void_and_restore_on_the_command_line(
    database_url: str, tmp_path: Path
) -> None:
    async with serving(database_url) as server:
        await project(server)

        async def void(*arguments: str) -> Ran:
            common = ("--project", "p", "--reason", "a [bot]", "--url", server.url)
            return await basanite(tmp_path, "void", *arguments, *common, "--key", server.token)

        plain = json.loads((await void("worker", "[eve]", "--dry-run", "--json")).text)
        assert (plain["sequence"], plain["effect"]["judgments"]) == (None, 4)
        foreseen = await void("worker", "[eve]", "--dry-run")
        assert (foreseen.status, "nothing was stored" in foreseen.text) == (0, True)
        assert (await server.data(WORKER))["worker"] == {"voided": False, "judgmentCount": 4}
        done = await void("worker", "[eve]", "--id", "first [1]")
        assert done.status == 0
        assert "with the id first [1]" in done.text
        assert "4  judgments\n" in done.text
        assert done.text.partition("  ")[2] == foreseen.text.partition("  ")[2]  # the same effect
        assert (await server.data(WORKER))["worker"] == {"voided": True, "judgmentCount": 0}
        again = await void("worker", "[eve]", "--id", "first [1]")
        assert "was taken before" in again.text
        refused = await void("worker", "[eve]")
        assert (refused.status, "ALREADY_VOIDED" in refused.text) == (1, True)
        back = await void("restore", "[eve]")
        assert (back.status, "4  judgments\n" in back.text) == (0, True)
        assert (await server.data(WORKER))["worker"] == {"voided": False, "judgmentCount": 4}
        some = await void("judgments", "--worker", "ann", "--task", "a", "--since", "2020-01-01")
        assert (some.status, "1  judgments\n" in some.text) == (0, True)
        assert "\n a " in some.text
        task = (await server.data(TASK))["task"]
        assert task == {"judgmentCount": 1, "consensus": {"label": "dog"}}


async def test_what_cannot_be_is_said(tmp_path: Path) -> None:
    alone = await basanite(tmp_path, "void", "worker", "eve", "--project", "p")
    assert (alone.status, "--reason" in alone.text) == (2, True)
    keyless = ("--project", "p", "--reason", "x", "--url", "http://127.0.0.1:9")
    half = await basanite(tmp_path, "void", "restore", "eve", *keyless)
    assert (half.status, "--key" in half.text) == (1, True)

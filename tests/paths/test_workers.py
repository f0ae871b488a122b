"""`basanite workers` and `basanite worker` against a running server."""

import json
from pathlib import Path

from tests.api.serving import serving
from tests.api.test_graphql_reputation import fill
from tests.paths.commands import Ran, basanite


async def test_workers_are_shown_on_the_command_line(database_url: str, tmp_path: Path) -> None:
    async with serving(database_url) as server:
        await fill(server)

        async def show(*arguments: str) -> Ran:
            common = ("--project", "p", "--url", server.url, "--key", server.token)
            return await basanite(tmp_path, *arguments, *common)

        best = await show("workers", "--order", "judgments", "--descending", "--most", "2")
        assert best.status == 0, best.text
        assert "There are more; --most 4 shows more" in best.text
        shown = await show("workers", "--json", "--judgments", "40", "--at-least", "0.0")
        names = {node["externalId"] for node in json.loads(shown.text)}
        assert names == {"a", "b", "c", "d", "tires", "says cat"}
        people = await show("workers", "--kind", "human", "--not-voided", "--most", "9")
        assert sum(f" {name} " in people.text for name in ("a", "tires", "says cat")) == 3
        shown = await show("workers", "--kind", "model", "--voided", "--json")
        assert json.loads(shown.text) == []
        address = {"BASANITE_URL": server.url, "BASANITE_KEY": server.token}
        every = await basanite(tmp_path, "projects", **address)
        assert every.text.split("\n")[1].split()[0] == "p"
        nobody = await show("workers", "--status", "banned", "--below", "0.01", "--json")
        assert json.loads(nobody.text) == []
        one = await show("worker", "says cat")
        assert one.status == 0, one.text
        assert one.text.startswith("says cat, a person: ")
        for words in (
            ", 40 judgments\n",
            "4 of 8 answers to gold are right",
            "median seconds",
            "under the floor",
        ):
            assert words in one.text
        assert "say cat" in one.text
        early = await show("worker", "says cat", "--as-of", str(server.service.shards.get("p").seq))
        assert early.text == one.text
        past = await show("worker", "says cat", "--as-of", "2020-01-01")
        assert (past.status, "has no worker" in past.text) == (1, True)
        never = await show("worker", "says cat", "--as-of", "soon")
        assert (never.status, "not soon" in never.text) == (1, True)
        full = json.loads((await show("worker", "tires", "--json")).text)
        assert full["reputation"]["trend"]["high"] < 0
        port = server.url.rpartition(":")[2].partition("/")[0]
        made = ("--role", "worker", "--worker", "gpt", "--model", "--port", port)
        key = await basanite(
            *(tmp_path, "keys", "create", "--project", "p", *made, "--database-url", database_url)
        )
        assert key.status == 0, key.text
        assert (await show("worker", "gpt")).text.startswith("gpt, a model: active, 0 judgments")
        unknown = await show("worker", "[nobody]")
        assert (unknown.status, "has no worker [nobody]" in unknown.text) == (1, True)
        elsewhere = ("--url", server.url, "--key", server.token)
        lost = await basanite(tmp_path, "workers", "--project", "none", *elsewhere)
        assert (lost.status, "no such project" in lost.text) == (1, True)

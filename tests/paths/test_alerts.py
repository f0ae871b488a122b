"""`basanite alerts` against a running server: listed, shown, handled and watched."""

import json
from pathlib import Path

from tests.api.findings import copying, enter
from tests.api.serving import SUBMIT_MANY, Serving, serving
from tests.paths.commands import Ran, basanite, start, until


async def project(server: Serving) -> None:
    await server.make_project(requireLease=False)
    await server.add_tasks("p", "a", "[b]")
    for worker in ("ann", "[eve]"):
        rows = {"workers": [worker], "tasks": ["a", "[b]"], "labels": ["cat", "dog"]}
        answer = await server.do(SUBMIT_MANY, {"project": "p"} | rows)
        assert answer["accepted"] == 2


async def test_staff_handle_alerts_on_the_command_line(database_url: str, tmp_path: Path) -> None:
    async with serving(database_url) as server:
        await project(server)
        shard = server.service.shards.get("p")
        common = ("--project", "p", "--url", server.url, "--key", server.token)

        async def alerts(*arguments: str) -> Ran:
            return await basanite(tmp_path, "alerts", *arguments, *common)

        none = await alerts("list")
        assert (none.status, "no such alerts" in none.text) == (0, True)
        seq = await enter(shard, "FRAUD_FOUND", None, copying(0, 1, tasks=(1,)))
        listed = await alerts("list")
        assert (listed.status, f"{seq} " in listed.text) == (0, True)
        assert "COPYING: ann, [eve]: 2 workers gave" in listed.text
        (plain,) = json.loads((await alerts("list", "--json")).text)
        assert (plain["sequence"], plain["kind"]) == (seq, "COPYING")
        assert json.loads((await alerts("show", str(seq), "--json")).text) == plain
        shown = await alerts("show", str(seq))
        assert 'What to do: joinWorkers(workers: ["ann", "[eve]"])' in shown.text
        assert "Tasks: [b]" in shown.text
        assert '"shared": 31' in shown.text
        said = ("--note", "I ask [them]", "--id", "1")
        done = await alerts("acknowledge", str(seq), *said)
        assert f"alert {seq} is acknowledged." in done.text
        again = await alerts("acknowledge", str(seq), *said)
        assert "was taken before" in again.text
        assert ": I ask [them]" in (await alerts("show", str(seq))).text
        await alerts("resolve", str(seq), "--note", "joined")
        assert "no such alerts" in (await alerts("list")).text
        assert f"{seq} " in (await alerts("list", "--state", "resolved")).text
        refused = await alerts("resolve", str(seq), "--note", "again")
        assert (refused.status, "ALERT_HANDLED" in refused.text) == (1, True)
        missing = await alerts("show", str(seq + 100))
        assert (missing.status, "no alert" in missing.text) == (1, True)
        some = await alerts("list", "--state", "resolved", "--kind", "copying")
        assert f"{seq} " in some.text
        others = await alerts("list", "--state", "resolved", "--kind", "TOO_FAST")
        assert "no such alerts" in others.text
        unknown = await alerts("list", "--kind", "odd")
        assert (unknown.status, "--kind is one of" in unknown.text) == (1, True)
        wrong = await alerts("list", "--state", "new")
        assert (wrong.status, "OPEN" in wrong.text) == (1, True)

        watching = await start(tmp_path, "alerts", "watch", "--after", "0", *common)
        text = await until(watching, f"{seq} resolved COPYING")
        later = await enter(shard, "FRAUD_FOUND", None, copying(1))
        text += await until(watching, f"{later} open COPYING: \\[eve\\]: 1 workers gave")
        watching.terminate()
        await watching.wait()
        assert "cursor" in text

"""`basanite policy` against a running server."""

from pathlib import Path

import orjson

from tests.api.serving import serving
from tests.paths.commands import Ran, basanite


async def test_a_policy_is_shown_changed_and_told_of(database_url: str, tmp_path: Path) -> None:
    async with serving(database_url) as server:
        await server.make_project(overlap=4)

        async def policy(*arguments: str) -> Ran:
            common = ("--project", "p", "--url", server.url, "--key", server.token)
            return await basanite(tmp_path, "policy", *arguments, *common)

        shown = await policy("show")
        assert (shown.status, "Policy of p, version 1" in shown.text) == (0, True)
        assert "Quiz and hidden gold" in shown.text
        line = next(line for line in shown.text.splitlines() if " overlap " in line)
        assert line.split()[:4] == ["overlap", "4", "not", "3"]
        knobs = ("overlap=5", "minJudgments=2", "tellWorkers=NOTHING", "quiz=true")
        changed = await policy("set", *knobs, "--preset", "few-experts", "--version", "1")
        assert (changed.status, "is at version 2" in changed.text) == (0, True)
        assert [line.split()[0] for line in changed.text.splitlines() if " not " in line] == [
            *("overlap", "minJudgments", "quiz", "tellWorkers"),
        ]
        told = orjson.loads((await policy("history", "--json")).text)
        assert [(each["version"], each["preset"]) for each in told] == [(2, "FEW_EXPERTS")]
        changes = {each["knob"]: (each["before"], each["after"]) for each in told[0]["changes"]}
        assert changes["overlap"] == (4, 5)
        assert changes["actOnStatus"] == (True, False)
        held_to = '{ project(externalId: "p") { heldTo { acceptable unacceptable } } }'
        bars = (await server.data(held_to))["project"]["heldTo"]
        assert 0.5 < bars["unacceptable"] < bars["acceptable"] <= 0.8
        late = await policy("set", "overlap=6", "--version", "1")
        assert (late.status, "POLICY_CONFLICT" in late.text) == (1, True)
        assert (await policy("set")).status == 1
        await server.service.shards.get("p").add_workers(["ann"])
        advice = await policy("lint", "quiz=false", "statusEvidence=GOLD")
        assert advice.status == 3
        assert "HIGH   minJudgments, NEVER_SETTLES" in advice.text
        assert "HIGH   statusEvidence, STATUS_WITHOUT_GOLD" in advice.text


async def test_presets_are_listed_without_a_server(tmp_path: Path) -> None:
    listed = await basanite(tmp_path, "policy", "presets")
    assert listed.status == 0
    assert {"BALANCED", "OPEN_CROWD"} <= {line.split(".")[0] for line in listed.text.splitlines()}

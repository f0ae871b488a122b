"""`basanite status` against a running server."""

from pathlib import Path

from tests.api.rig import recorded
from tests.api.serving import SET_GOLD, SUBMIT_MANY, Serving, serving
from tests.paths.commands import Ran, basanite

TASKS = [f"t{number}" for number in range(20)]
APPEAL = """
mutation ($input: AppealInput!) {
  appeal(input: $input) { __typename ... on Refusal { code message } }
}
"""


async def paused_worker(server: Serving) -> str:
    """A project whose worker eve is paused; returns her key."""
    await server.make_project(overlap=3, requireLease=False, banError=0.0)
    await server.add_tasks("p", *TASKS)
    gold = {"project": "p", "tasks": TASKS, "labels": ["cat"] * len(TASKS)}
    assert (await server.do(SET_GOLD, gold))["refused"] == 0
    token = await server.worker_key("p", "[eve]")
    rows = {"project": "p", "tasks": TASKS, "labels": ["dog"] * len(TASKS)}
    assert (await server.do(SUBMIT_MANY, rows, token))["accepted"] == len(TASKS)
    await recorded(server.service.shards.get("p"))
    return token


async def test_staff_speaks_about_workers_on_the_command_line(
    database_url: str, tmp_path: Path
) -> None:
    async with serving(database_url) as server:
        token = await paused_worker(server)

        async def status(*arguments: str) -> Ran:
            common = ("--project", "p", "--url", server.url, "--key", server.token)
            return await basanite(tmp_path, "status", *arguments, *common)

        why = ("--reason", "a [look]")
        held = await status("set", "[eve]", "trusted", *why, "--id", "first [1]")
        assert (held.status, "[eve] is trusted" in held.text) == (0, True)
        assert "with the id first [1]" in held.text
        again = await status("set", "[eve]", "trusted", *why, "--id", "first [1]")
        assert "was taken before" in again.text
        freed = await status("free", "[eve]", *why)
        assert (freed.status, "[eve] is paused" in freed.text) == (0, True)
        refused = await status("free", "[eve]", *why)
        assert (refused.status, "NOT_HELD" in refused.text) == (1, True)
        told = await status("history", "[eve]")
        assert (told.status, "[eve] is paused." in told.text) == (0, True)
        lines = [line for line in told.text.splitlines() if "decision" in line]
        assert "status freed, a [look]" in lines[1]
        assert "engine: status changed, watch → paused" in told.text
        assert "judgments of gold tasks are right." in told.text
        assert (await status("history", "nobody")).status == 1
        assert "No appeal is open." in (await status("appeals")).text
        message = {"message": "It was [not] me.", "clientId": "1"}
        assert (await server.do(APPEAL, message, token))["__typename"] == "AppealPayload"
        assert "It was [not] me." in (await status("appeals")).text
        kept = await status("answer", "[eve]", "--refuse", *why)
        assert (kept.status, "[eve] is paused" in kept.text) == (0, True)
        lifted = await status("lift", "[eve]", *why)
        assert (lifted.status, "[eve] is watch" in lifted.text) == (0, True)


async def test_what_cannot_be_is_said(tmp_path: Path) -> None:
    alone = await basanite(tmp_path, "status", "lift", "eve", "--project", "p")
    assert (alone.status, "--reason" in alone.text) == (2, True)
    unknown = await basanite(tmp_path, "status", "set", "eve", "king", "--project", "p")
    assert (unknown.status, "king" in unknown.text) == (2, True)

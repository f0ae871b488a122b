"""Statuses over HTTP: what staff and workers see of them, and what they can do about them."""

import json
from typing import Any

import numpy as np

from tests.api.rig import derived_written, recorded
from tests.api.serving import LEASE, SET_GOLD, SUBMIT_MANY, UPDATE_POLICY, Data, Serving

RULE = """
mutation ($input: %sInput!) {
  %s(input: $input) {
    __typename
    ... on %sPayload { sequence duplicate worker { externalId status } }
    ... on Refusal { code message retryAfter }
  }
}
"""
APPEAL = """
mutation ($input: AppealInput!) {
  appeal(input: $input) {
    __typename
    ... on AppealPayload { duplicate standing { status appeal appealGranted } }
    ... on Refusal { code message retryAfter }
  }
}
"""
STANDING = """
query ($worker: ID!, $asOf: AsOf) {
  worker(externalId: $worker, project: "p", asOf: $asOf) {
    status
    standing {
      evidence { against judgments goldRight goldTotal }
      reasons worse hurried held appeal
      history { sequence kind actor before status cause granted reason evidence { against } }
    }
  }
}
"""
WORKERS = """
query ($status: [WorkerStatus!]) {
  workers(project: "p", filter: {status: $status}) { edges { node { externalId } } }
}
"""
APPEALS = '{ appeals(project: "p") { sequence worker message } }'
ME = "{ me { standing { status voided since reasons appeal appealGranted appealAnswer } } }"

TASKS = [f"t{number}" for number in range(40)]


async def project(server: Serving, **policy: Any) -> str:
    """All tasks are gold; returns the key of eve, who is always wrong."""
    await server.make_project(overlap=20, requireLease=False, **policy)
    await server.add_tasks("p", *TASKS)
    gold = {"project": "p", "tasks": TASKS, "labels": ["cat"] * len(TASKS)}
    assert (await server.do(SET_GOLD, gold))["changed"] == len(TASKS)
    return await server.worker_key("p", "eve")


async def pause(server: Serving, token: str) -> int:
    """Let eve be wrong until she is paused; returns how many judgments that took."""
    vetting = server.service.shards.get("p").memory.vetting
    done = 0
    while 0 not in vetting.barred:
        rows = {"project": "p", "tasks": [TASKS[done]], "labels": ["dog"]}
        assert (await server.do(SUBMIT_MANY, rows, token))["accepted"] == 1
        done += 1
    await recorded(server.service.shards.get("p"))
    return done


async def rule(server: Serving, name: str, client_id: str, **given: Any) -> Data:
    title = name[0].upper() + name[1:]
    common = {"project": "p", "worker": "eve", "reason": "a look", "clientId": client_id}
    return await server.do(RULE % (title, name, title), common | given)


async def test_staff_sees_why_a_worker_is_paused(server: Serving) -> None:
    token = await project(server)
    took = await pause(server, token)
    found = (await server.data(STANDING, {"worker": "eve"}))["worker"]
    standing = found["standing"]
    assert found["status"] == "PAUSED"
    assert (standing["evidence"]["goldRight"], standing["evidence"]["goldTotal"]) == (0, took)
    assert f"0 of {took} judgments of gold tasks are right." in standing["reasons"]
    last, first = standing["history"]
    assert (last["before"], last["status"], last["actor"]) == ("WATCH", "PAUSED", "engine")
    assert (first["before"], first["status"]) == ("ACTIVE", "WATCH")
    assert last["cause"] < last["sequence"]
    assert last["evidence"]["against"] > first["evidence"]["against"]
    then = {"worker": "eve", "asOf": {"sequence": first["sequence"]}}
    past = (await server.data(STANDING, then))["worker"]
    assert (past["status"], len(past["standing"]["history"])) == ("WATCH", 1)
    refused = await server.do(LEASE, {"project": "p", "count": 1}, token)
    assert (refused["code"], refused["__typename"]) == ("WORKER_PAUSED", "Forbidden")
    assert "appeal" in refused["message"]
    rows = {"project": "p", "tasks": [TASKS[-1]], "labels": ["dog"]}
    late = await server.do(SUBMIT_MANY, rows, token)
    assert late["codes"] == ["WORKER_PAUSED"]
    imported = await server.do(SUBMIT_MANY, rows | {"workers": ["eve"]})
    assert imported["accepted"] == 1


async def test_staff_decides_about_a_status(server: Serving) -> None:
    token = await project(server)
    await pause(server, token)
    held = await rule(server, "setWorkerStatus", "1", status="ACTIVE")
    assert held["worker"] == {"externalId": "eve", "status": "ACTIVE"}
    again = await rule(server, "setWorkerStatus", "1", status="ACTIVE")
    assert (again["sequence"], again["duplicate"]) == (held["sequence"], True)
    other = await rule(server, "setWorkerStatus", "1", status="BANNED")
    assert other["code"] == "DECISION_EXISTS"
    standing = (await server.data(STANDING, {"worker": "eve"}))["worker"]["standing"]
    assert standing["held"] == held["sequence"]
    freed = await rule(server, "freeWorkerStatus", "2")
    assert freed["worker"]["status"] == "PAUSED"
    assert (await rule(server, "freeWorkerStatus", "3"))["code"] == "NOT_HELD"
    lifted = await rule(server, "liftPause", "4")
    assert lifted["worker"]["status"] == "WATCH"
    assert (await rule(server, "liftPause", "5"))["code"] == "NOT_PAUSED"
    assert (await rule(server, "liftPause", "6", worker="nobody"))["code"] == "UNKNOWN_WORKER"
    assert (await rule(server, "liftPause", "7", reason=" "))["code"] == "INVALID_INPUT"
    await recorded(server.service.shards.get("p"))
    history = (await server.data(STANDING, {"worker": "eve"}))["worker"]["standing"]["history"]
    assert [each["kind"] for each in reversed(history)] == [
        *("STATUS_CHANGED", "STATUS_CHANGED", "STATUS_HELD", "STATUS_CHANGED", "STATUS_FREED"),
        *("STATUS_CHANGED", "PAUSE_LIFTED", "STATUS_CHANGED"),
    ]
    assert (history[1]["reason"], history[0]["cause"]) == ("a look", history[1]["sequence"])
    refused = await server.do(
        RULE % ("LiftPause", "liftPause", "LiftPause"),
        {"worker": "eve", "reason": "me", "clientId": "8"},
        token,
    )
    assert refused["code"] == "FORBIDDEN"


async def test_a_worker_appeals_and_reads_the_answer(server: Serving) -> None:
    token = await project(server)
    given = {"message": "My screen was broken.", "clientId": "1"}
    assert (await server.do(APPEAL, given, token))["code"] == "NOT_PAUSED"
    await pause(server, token)
    assert (await server.do(APPEAL, given))["code"] == "FORBIDDEN"
    appealed = await server.do(APPEAL, given, token)
    standing = {"status": "PAUSED", "appeal": "My screen was broken.", "appealGranted": None}
    assert appealed["standing"] == standing
    assert (await server.do(APPEAL, given, token))["duplicate"]
    second = await server.do(APPEAL, given | {"clientId": "2"}, token)
    assert second["code"] == "APPEAL_OPEN"
    (waiting,) = (await server.data(APPEALS))["appeals"]
    assert (waiting["worker"], waiting["message"]) == ("eve", "My screen was broken.")
    answer = await rule(server, "answerAppeal", "1", granted=True, reason="We saw it.")
    assert answer["worker"]["status"] == "WATCH"
    assert (await server.data(APPEALS))["appeals"] == []
    assert (await rule(server, "answerAppeal", "2", granted=True))["code"] == "NO_APPEAL"
    wordless = await server.do(APPEAL, {"message": " ", "clientId": "3"}, token)
    assert (wordless["code"], wordless["message"][:7]) == ("INVALID_INPUT", "message")
    own = (await server.data(ME, token=token))["me"]["standing"]
    assert (own["appealGranted"], own["appealAnswer"]) == (True, "We saw it.")


async def test_a_worker_sees_what_the_policy_tells_and_never_a_task(server: Serving) -> None:
    token = await project(server)
    took = await pause(server, token)
    own = (await server.data(ME, token=token))["me"]["standing"]
    assert (own["status"], own["reasons"]) == ("PAUSED", [])
    assert own["since"] is not None
    assert "gold" not in json.dumps(own)
    for telling, status in (("REASONS", "PAUSED"), ("NOTHING", None)):
        changes = {"project": "p", "policy": {"tellWorkers": telling}}
        assert "project" in await server.do(UPDATE_POLICY, changes)
        own = (await server.data(ME, token=token))["me"]["standing"]
        assert own["status"] == status
        told = f"0 of {took} judgments of gold tasks are right." in own["reasons"]
        assert told == (telling == "REASONS")
        assert not any(task in json.dumps(own["reasons"]).split() for task in TASKS)
    assert (await server.data("{ me { standing { status } } }"))["me"]["standing"] is None


async def test_a_status_that_turns_does_not_point_at_the_judgment_that_turned_it(
    server: Serving,
) -> None:
    token = await project(server, tellWorkers="REASONS", tellEvery=3)
    shard = server.service.shards.get("p")
    true, told = list[str](), list[str | None]()
    while "PAUSED" not in told:
        rows = {"project": "p", "tasks": [TASKS[len(told)]], "labels": ["dog"]}
        assert (await server.do(SUBMIT_MANY, rows, token))["accepted"] == 1
        await recorded(shard)
        own = (await server.data(ME, token=token))["me"]["standing"]
        true.append(shard.workers(np.zeros(1, np.int32)).status[0])
        told.append(own["status"])
        assert (own["since"] is None) == (told[-1] != "PAUSED")
        assert bool(own["reasons"]) == (told[-1] != "ACTIVE")
    watched = true.index("WATCH") + 1
    assert watched % 3, "it turns between two steps"
    assert told.index("WATCH") + 1 == watched + 3 - watched % 3
    assert told.index("PAUSED") == true.index("PAUSED")


async def test_workers_are_filtered_by_status(server: Serving) -> None:
    token = await project(server, quiz=True)
    await server.worker_key("p", "ann")
    await pause(server, token)

    async def found(*statuses: str) -> list[str]:
        page = (await server.data(WORKERS, {"status": statuses}))["workers"]
        return [edge["node"]["externalId"] for edge in page["edges"]]

    await derived(server)
    assert await found("PAUSED", "BANNED") == ["eve"]
    assert await found("QUIZ") == ["ann"]
    changes = {"project": "p", "policy": {"quiz": False}}
    assert "project" in await server.do(UPDATE_POLICY, changes)
    await derived(server)
    assert await found("ACTIVE") == ["ann"]


async def derived(server: Serving) -> None:
    shard = server.service.shards.get("p")
    await recorded(shard)
    await derived_written(shard)


async def test_statuses_and_their_knobs_must_make_sense(server: Serving) -> None:
    await server.make_project()
    for policy, name in (
        ({"pauseError": 0.2}, "pauseError"),
        ({"banError": 0.05}, "banError"),
        ({"unacceptableAccuracy": 0.9}, "unacceptableAccuracy"),
        ({"driftAlarms": 0.0}, "driftAlarms"),
    ):
        answer = await server.do(UPDATE_POLICY, {"project": "p", "policy": policy})
        assert answer["code"] == "INVALID_POLICY"
        assert name in answer["message"]


VOID = """
mutation ($input: VoidWorkerInput!) {
  voidWorker(input: $input) { ... on Retraction { sequence } ... on Refusal { code } }
}
"""
BACK = '{ worker(externalId: "eve", project: "p") { voided judgmentCount } }'


async def test_a_voided_worker_knows_it_and_appeals(server: Serving) -> None:
    token = await project(server)
    rows = {"project": "p", "tasks": TASKS[:3], "labels": ["cat"] * 3}
    assert (await server.do(SUBMIT_MANY, rows, token))["accepted"] == 3
    own = (await server.data(ME, token=token))["me"]["standing"]
    assert (own["status"], own["voided"], own["since"]) == ("ACTIVE", False, None)
    void = {"project": "p", "worker": "eve", "reason": "a bot", "clientId": "1"}
    assert (await server.do(VOID, void))["sequence"]
    own = (await server.data(ME, token=token))["me"]["standing"]
    assert (own["status"], own["voided"]) == (None, True)
    assert own["since"] is not None
    given = {"message": "I am no bot.", "clientId": "1"}
    appealed = await server.do(APPEAL, given, token)
    assert appealed["standing"]["appeal"] == "I am no bot."
    unopened = await rule(server, "answerAppeal", "2", worker="eve", granted=False)
    assert unopened["worker"] == {"externalId": "eve", "status": "ACTIVE"}
    assert (await server.data(BACK))["worker"] == {"voided": True, "judgmentCount": 0}
    assert (await server.do(APPEAL, given | {"clientId": "2"}, token))["standing"]
    answer = await rule(server, "answerAppeal", "3", granted=True)
    assert (await server.data(BACK))["worker"] == {"voided": False, "judgmentCount": 3}
    again = await rule(server, "answerAppeal", "3", granted=True)
    assert (again["sequence"], again["duplicate"]) == (answer["sequence"], True)
    own = (await server.data(ME, token=token))["me"]["standing"]
    assert (own["status"], own["voided"], own["appealGranted"]) == ("ACTIVE", False, True)
    assert (await server.do(VOID, void | {"clientId": "4"}))["sequence"]
    again = await rule(server, "answerAppeal", "3", granted=True)
    assert again["duplicate"]
    assert (await server.data(BACK))["worker"]["voided"]


async def test_who_is_told_nothing_learns_nothing_from_refusals(server: Serving) -> None:
    token = await project(server, tellWorkers="NOTHING")
    honest = await server.worker_key("p", "ann")
    took = await pause(server, token)

    async def tries(key: str) -> tuple[str | None, list[str], Data]:
        leased = await server.do(LEASE, {"project": "p", "count": 1}, key)
        rows = {"project": "p", "tasks": [TASKS[0], TASKS[-1]], "labels": ["cat", "dog"]}
        appealed = await server.do(APPEAL, {"message": "?", "clientId": "1"}, key)
        return leased.get("code"), (await server.do(SUBMIT_MANY, rows, key))["codes"], appealed

    leased, codes, appealed = await tries(token)
    assert (leased, codes) == ("NO_TASKS", ["TASK_CLOSED", "OVERLAP_FULL"])
    everyone = appealed["standing"]
    assert everyone == (await tries(honest))[2]["standing"]
    assert everyone["status"] is None
    shard = server.service.shards.get("p")
    assert shard.memory.model.judgment_count == took + 2
    void = {"project": "p", "worker": "eve", "reason": "a bot", "clientId": "1"}
    assert (await server.do(VOID, void))["sequence"]
    own = (await server.data(ME, token=token))["me"]["standing"]
    assert (own["status"], own["voided"], own["since"]) == (None, None, None)
    leased, codes, appealed = await tries(token)
    assert (leased, codes) == ("NO_TASKS", ["OVERLAP_FULL", "OVERLAP_FULL"])

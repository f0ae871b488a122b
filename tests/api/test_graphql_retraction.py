"""Acts of staff over HTTP: foreseen, decided once, and taken back."""

from typing import Any

import pytest

from tests.api.rig import learned
from tests.api.serving import LEASE, SET_GOLD, SUBMIT, SUBMIT_MANY, UPDATE_POLICY, Data, Serving

RETRACTION = """
mutation ($input: %sInput!) {
  %s(input: $input) {
    __typename
    ... on Retraction {
      sequence duplicate
      effect {
        judgments leases posteriors labels statuses reputations
        tasks {
          task
          before { label confidence status judgments }
          after { label confidence status judgments }
        }
        workers { worker accuracyBefore accuracyAfter }
      }
    }
    ... on Refusal { code message retryAfter }
  }
}
"""
TASK = """
query ($task: ID!) {
  task(externalId: $task, project: "p") {
    status judgmentCount openLeases gold consensus { label confidence }
    judgments { sequence label worker { externalId } }
  }
}
"""
WORKER = """
query ($worker: ID!) {
  worker(externalId: $worker, project: "p") {
    voided status judgmentCount openLeases reputation { accuracy { value } }
  }
}
"""


async def act(server: Serving, name: str, **given: Any) -> Data:
    title = name[0].upper() + name[1:]
    common = {"project": "p", "reason": "to see what happens", "clientId": "1"}
    return await server.do(RETRACTION % (title, name), common | given)


async def project(server: Serving) -> None:
    """Tasks a to d; ann and bob say cat, eve dog; nobody has judged e."""
    await server.make_project(overlap=3, requireLease=False)
    await server.add_tasks("p", *"abcde")
    for worker, label in (("ann", "cat"), ("bob", "cat"), ("eve", "dog")):
        rows = {"workers": [worker], "tasks": [*"abcd"], "labels": [label] * 4}
        answer = await server.do(SUBMIT_MANY, {"project": "p"} | rows)
        assert answer["accepted"] == 4
    await learned(server.service.shards.get("p"))  # what is foreseen leans on it


async def test_a_worker_is_voided_and_restored(server: Serving) -> None:
    await project(server)
    held = await server.do(LEASE, {"project": "p", "worker": "eve", "count": 5})
    assert len(held["leases"]) == 1
    before = await server.data(TASK, {"task": "a"})
    foreseen = await act(server, "voidWorker", worker="eve", dryRun=True)
    assert (foreseen["__typename"], foreseen["sequence"]) == ("VoidWorkerPayload", None)
    assert await server.data(TASK, {"task": "a"}) == before
    done = await act(server, "voidWorker", worker="eve", evidence={"alert": 7})
    assert (done["effect"], done["duplicate"]) == (foreseen["effect"], False)
    effect = done["effect"]
    assert (effect["judgments"], effect["leases"]) == (4, 1)
    assert 1 <= effect["posteriors"] <= 4
    assert effect["statuses"] == len({each["task"] for each in effect["tasks"]}) == 4
    now = (await server.data(TASK, {"task": "a"}))["task"]
    (told,) = (each for each in effect["tasks"] if each["task"] == "a")
    assert told["after"] == {
        "label": now["consensus"]["label"],
        "confidence": pytest.approx(now["consensus"]["confidence"], abs=0.1),  # a refit may end
        "status": now["status"],
        "judgments": now["judgmentCount"],
    }
    assert [each["worker"]["externalId"] for each in now["judgments"]] == ["ann", "bob"]
    eve = (await server.data(WORKER, {"worker": "eve"}))["worker"]
    assert (eve["voided"], eve["judgmentCount"], eve["openLeases"]) == (True, 0, 0)
    assert await act(server, "voidWorker", worker="eve") == done | {"duplicate": True}
    again = await act(server, "voidWorker", worker="eve", clientId="2")
    assert (again["__typename"], again["code"]) == ("Conflict", "ALREADY_VOIDED")
    other = await act(server, "voidWorker", worker="ann")
    assert (other["__typename"], other["code"]) == ("Conflict", "DECISION_EXISTS")

    key = await server.worker_key("p", "eve")
    assert (await server.do(LEASE, {"count": 1}, key))["code"] == "WORKER_VOIDED"
    judgment = {"task": "e", "label": "cat"}
    refused = await server.do(SUBMIT, judgment, key)
    assert (refused["__typename"], refused["code"]) == ("Forbidden", "WORKER_VOIDED")
    back = await act(server, "unvoidWorker", worker="eve", clientId="3")
    assert back["effect"]["judgments"] == 4
    restored = await server.data(TASK, {"task": "a"})
    assert restored["task"]["status"] == before["task"]["status"]
    assert restored["task"]["judgments"] == before["task"]["judgments"]
    assert (await server.do(SUBMIT, judgment, key))["__typename"] == "SubmitJudgmentPayload"
    assert (await act(server, "unvoidWorker", worker="eve", clientId="4"))["code"] == "NOT_VOIDED"


async def test_judgments_are_voided_and_given_anew(server: Serving) -> None:
    await project(server)
    judgments = (await server.data(TASK, {"task": "a"}))["task"]["judgments"]
    sequence = judgments[-1]["sequence"]
    done = await act(server, "voidJudgments", sequences=[sequence])
    assert done["effect"]["judgments"] == 1
    left = (await server.data(TASK, {"task": "a"}))["task"]["judgments"]
    assert left == judgments[:-1]
    refused = await act(server, "voidJudgments", sequences=[sequence], clientId="2")
    assert (refused["__typename"], refused["code"]) == ("Conflict", "JUDGMENT_NOT_LIVE")
    again = {"project": "p", "worker": "eve", "task": "a", "label": "cat"}
    new = await server.do(SUBMIT, again)
    assert (new["duplicate"], new["consensus"]["label"]) == (False, "cat")
    now = (await server.data(TASK, {"task": "a"}))["task"]
    assert [each["sequence"] for each in now["judgments"]][-1] == new["sequence"]

    chosen = {"worker": "eve", "tasks": ["b", "c"], "clientId": "3"}
    done = await act(server, "voidJudgments", **chosen)
    assert done["effect"]["judgments"] == 2
    assert await act(server, "voidJudgments", **chosen) == done | {"duplicate": True}
    empty = await act(server, "voidJudgments", tasks=["b"], until="2020-01-01T00:00:00+00:00")
    assert empty["code"] == "DECISION_EXISTS"
    empty = await act(
        server, "voidJudgments", tasks=["b"], until="2020-01-01T00:00:00+00:00", clientId="4"
    )
    assert empty["code"] == "EMPTY_BATCH"
    rest = {"tasks": ["b"], "since": "2020-01-01T00:00:00+00:00", "clientId": "5"}
    assert (await act(server, "voidJudgments", **rest))["effect"]["judgments"] == 2
    now = (await server.data(TASK, {"task": "b"}))["task"]
    assert (now["status"], now["judgments"], now["consensus"]) == ("OPEN", [], None)


GOLD = """
query ($task: ID!) {
  task(externalId: $task, project: "p") { status gold goldState goldSource consensus { label } }
}
"""


async def test_staff_say_the_answer_of_a_task_and_whether_it_checks_workers(
    server: Serving,
) -> None:
    await project(server)
    assert (await act(server, "setGoldState", tasks=["a"], state="RETIRED"))["code"] == "NOT_GOLD"
    foreseen = await act(server, "adjudicateTask", tasks=["a"], labels=["dog"], dryRun=True)
    done = await act(server, "adjudicateTask", tasks=["a"], labels=["dog"])
    assert (done["effect"], done["effect"]["labels"]) == (foreseen["effect"], 1)
    known = {"status": "SETTLED", "gold": "dog", "consensus": {"label": "dog"}}
    expert = known | {"goldSource": "EXPERT", "goldState": "RETIRED"}
    assert (await server.data(GOLD, {"task": "a"}))["task"] == expert
    await act(server, "setGoldState", tasks=["a"], state="ACTIVE", clientId="2")
    task = (await server.data(GOLD, {"task": "a"}))["task"]
    assert task == expert | {"goldState": "ACTIVE"}
    await act(server, "setGoldState", tasks=["a"], state="QUARANTINED", clientId="3")
    task = (await server.data(GOLD, {"task": "a"}))["task"]
    assert (task["gold"], task["goldState"], task["consensus"]) == (
        None,
        "QUARANTINED",
        {"label": "cat"},
    )
    # A correction brings it back, and so does its being set again.
    await act(server, "correctGold", tasks=["a"], labels=["cat"], clientId="4")
    task = (await server.data(GOLD, {"task": "a"}))["task"]
    assert (task["gold"], task["goldState"]) == ("cat", "ACTIVE")
    await act(server, "setGoldState", tasks=["a"], state="QUARANTINED", clientId="5")
    await server.do(SET_GOLD, {"project": "p", "tasks": ["a"], "labels": [None]})
    assert (await server.data(GOLD, {"task": "a"}))["task"]["goldState"] is None


async def test_gold_is_corrected_and_withdrawn(server: Serving) -> None:
    await project(server)
    refused = await act(server, "correctGold", tasks=["a"], labels=["cat"])
    assert (refused["__typename"], refused["code"]) == ("Conflict", "NOT_GOLD")
    await server.do(SET_GOLD, {"project": "p", "tasks": ["a", "b"], "labels": ["dog", "dog"]})
    done = await act(server, "correctGold", tasks=["a", "b"], labels=["cat", "cat"])
    assert (done["effect"]["labels"], done["effect"]["statuses"]) == (2, 0)
    assert (await server.data(TASK, {"task": "a"}))["task"]["gold"] == "cat"
    assert (await act(server, "reopenTask", tasks=["a"], clientId="2"))["code"] == "TASK_IS_GOLD"
    done = await act(server, "withdrawGold", tasks=["b"], clientId="3")
    assert done["effect"]["tasks"][0]["task"] == "b"
    assert (await server.data(TASK, {"task": "b"}))["task"]["gold"] is None


async def test_a_task_is_reopened_for_further_judgments(server: Serving) -> None:
    await project(server)
    assert (await server.data(TASK, {"task": "a"}))["task"]["status"] != "OPEN"
    done = await act(server, "reopenTask", tasks=["a"], judgments=2)
    assert done["effect"]["statuses"] == 1
    assert done["effect"]["tasks"][0]["after"]["status"] == "OPEN"
    for worker, is_open in (("fay", True), ("gus", False)):
        judgment = {"project": "p", "worker": worker, "task": "a", "label": "cat"}
        answer = await server.do(SUBMIT, judgment)
        assert answer["__typename"] == "SubmitJudgmentPayload"
        assert (answer["status"] == "OPEN") == is_open
    full = {"project": "p", "worker": "hal", "task": "a", "label": "cat"}
    assert (await server.do(SUBMIT, full))["code"] == "OVERLAP_FULL"


@pytest.mark.parametrize(
    ("name", "given", "code"),
    [
        ("voidWorker", {"worker": "nobody"}, "UNKNOWN_WORKER"),
        ("voidWorker", {"worker": "ann", "reason": " "}, "INVALID_INPUT"),
        ("voidWorker", {"worker": "ann", "reason": "a\0b"}, "INVALID_TEXT"),
        ("voidWorker", {"worker": "ann", "clientId": ""}, "INVALID_TEXT"),
        ("voidWorker", {"worker": "ann", "evidence": [1]}, "INVALID_INPUT"),
        ("voidJudgments", {}, "INVALID_INPUT"),
        ("voidJudgments", {"sequences": []}, "EMPTY_BATCH"),
        ("voidJudgments", {"sequences": [1, 1]}, "INVALID_INPUT"),
        ("voidJudgments", {"sequences": [2**53 - 1]}, "JUDGMENT_NOT_LIVE"),
        ("voidJudgments", {"sequences": [1], "worker": "ann"}, "INVALID_INPUT"),
        ("voidJudgments", {"worker": "ann", "since": "2026-03-01T12:00:00"}, "INVALID_INPUT"),
        ("joinWorkers", {"workers": ["ann", "nobody"]}, "UNKNOWN_WORKER"),
        ("joinWorkers", {"workers": ["ann"]}, "INVALID_INPUT"),
        ("joinWorkers", {"workers": ["ann", "ann"]}, "INVALID_INPUT"),
        ("joinWorkers", {"workers": []}, "EMPTY_BATCH"),
        ("splitWorkers", {"workers": ["ann"]}, "NOT_JOINED"),
        ("correctGold", {"tasks": ["a"], "labels": ["cow"]}, "UNKNOWN_LABEL"),
        ("correctGold", {"tasks": ["a", "b"], "labels": ["cat"]}, "UNEVEN_COLUMNS"),
        ("withdrawGold", {"tasks": ["z"]}, "UNKNOWN_TASK"),
        ("reopenTask", {"tasks": ["a", "a"]}, "INVALID_INPUT"),
        ("reopenTask", {"tasks": ["a"], "judgments": 0}, "INVALID_INPUT"),
        ("reopenTask", {"tasks": []}, "EMPTY_BATCH"),
    ],
)
async def test_impossible_acts_are_refused(
    server: Serving, name: str, given: Data, code: str
) -> None:
    await project(server)
    for dry_run in (False, True):
        if dry_run and given.keys() & {"reason", "clientId", "evidence"}:
            continue
        answer = await act(server, name, **given, dryRun=dry_run)
        assert answer.get("code") == code, answer


AS_OF = """
query ($project: ID!, $asOf: AsOf) {
  project(externalId: $project, asOf: $asOf) {
    policy { version overlap }
    quality {
      judgments workers openLeases sequence
      tasks { total open settled contested }
    }
  }
  task(externalId: "a", project: $project, asOf: $asOf) {
    status judgmentCount openLeases gold consensus { label confidence }
    judgments { sequence label worker { externalId voided } }
  }
  worker(externalId: "eve", project: $project, asOf: $asOf) {
    voided judgmentCount openLeases reputation { accuracy { value low high } goldRight }
  }
}
"""


async def test_the_past_is_as_it_was(server: Serving) -> None:
    """Every answer is kept, and is the same when it is asked for later, by sequence."""
    answers = []

    async def look() -> None:
        await learned(server.service.shards.get("p"))
        now = await server.data(AS_OF, {"project": "p"})
        answers.append((now["project"]["quality"]["sequence"], now))

    await project(server)
    await look()
    await server.do(LEASE, {"project": "p", "worker": "eve", "count": 1})
    await look()
    await server.do(SET_GOLD, {"project": "p", "tasks": ["a"], "labels": ["dog"]})
    await look()
    await act(server, "voidWorker", worker="eve")
    await look()
    await server.do(UPDATE_POLICY, {"project": "p", "policy": {"overlap": 5}})
    await server.add_tasks("p", "x", "y")
    await look()
    await act(server, "correctGold", tasks=["a"], labels=["cat"], clientId="2")
    await act(server, "reopenTask", tasks=["b"], judgments=4, clientId="3")
    await look()
    await act(server, "unvoidWorker", worker="eve", clientId="4")
    rows = {"workers": ["fay"], "tasks": ["a", "b", "x"], "labels": ["cat"] * 3}
    await server.do(SUBMIT_MANY, {"project": "p"} | rows)
    await look()
    for sequence, answer in reversed(answers):
        then = await server.data(AS_OF, {"project": "p", "asOf": {"sequence": sequence}})
        assert then == answer
    first = await server.data(AS_OF, {"project": "p", "asOf": {"sequence": 0}})
    assert (first["task"], first["worker"]) == (None, None)
    assert first["project"]["quality"]["tasks"]["total"] == 0


async def test_the_past_has_bounds(server: Serving) -> None:
    await project(server)
    latest = (await server.data(AS_OF, {"project": "p"}))["project"]["quality"]["sequence"]
    for as_of, code in (
        ({"sequence": latest + 1}, "NOT_YET"),
        ({"time": "2500-01-01T00:00:00+00:00"}, "NOT_YET"),
        ({"time": "2026-01-01T00:00:00"}, "INVALID_INPUT"),
        ({"time": "2026-01-01T00:00:00+00:00", "sequence": 1}, "INVALID_INPUT"),
        ({}, "INVALID_INPUT"),
    ):
        answer = await server.ask(AS_OF, {"project": "p", "asOf": as_of})
        assert {error["extensions"]["code"] for error in answer["errors"]} == {code}
    long_ago = {"time": "2020-01-01T00:00:00+00:00"}
    then = await server.data(AS_OF, {"project": "p", "asOf": long_ago})
    assert then == {"project": None, "task": None, "worker": None}
    key = await server.worker_key("p", "ann")
    answer = await server.ask(AS_OF, {"project": "p", "asOf": long_ago}, key)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"FORBIDDEN"}


async def test_workers_are_joined_and_split(server: Serving) -> None:
    await project(server)
    before = await server.data(TASK, {"task": "a"})
    done = await act(server, "joinWorkers", workers=["ann", "eve"], reason="copies")
    assert (done["__typename"], done["effect"]["judgments"]) == ("JoinWorkersPayload", 4)
    now = (await server.data(TASK, {"task": "a"}))["task"]
    assert [each["worker"]["externalId"] for each in now["judgments"]] == ["ann", "bob"]
    muted = before["task"]["judgments"][-1]["sequence"]
    voided = await act(server, "voidJudgments", sequences=[muted], clientId="2")
    assert (voided["effect"]["judgments"], voided["effect"]["labels"]) == (0, 0)
    back = await act(server, "splitWorkers", workers=["eve"], clientId="3")
    assert (back["__typename"], back["effect"]["judgments"]) == ("SplitWorkersPayload", 3)
    for task, judges in (("a", ["ann", "bob"]), ("b", ["ann", "bob", "eve"])):
        now = (await server.data(TASK, {"task": task}))["task"]
        assert [each["worker"]["externalId"] for each in now["judgments"]] == judges

"""Leases and judgments: what a front-end does all day, and what is refused of it."""

import uuid
from datetime import UTC, datetime

import asyncpg
import pytest

from tests.api.serving import (
    ADD_TASKS,
    LEASE,
    RELEASE,
    SET_GOLD,
    SUBMIT,
    SUBMIT_MANY,
    UPDATE_POLICY,
    Data,
    Serving,
)
from tests.waiting import eventually


async def test_seconds_that_cannot_be_true_are_refused(server: Serving, database_url: str) -> None:
    await server.make_project()
    seconds = [0, 604_800, None, -5, 1e300, 604_801, -0.001]
    names = [f"t{k}" for k in range(len(seconds))]
    await server.add_tasks("p", *names)
    columns: Data = {"tasks": names, "labels": ["cat"] * len(names), "seconds": seconds}
    answer = await server.do(SUBMIT_MANY, {"project": "p", "workers": ["w"]} | columns)
    assert [each["row"] for each in answer["refusals"]] == [3, 4, 5, 6]
    for refusal in answer["refusals"]:
        assert refusal["code"] == "INVALID_INPUT"
        assert refusal["message"].startswith("seconds is not valid: it must be a number from 0")
    for value in seconds[3:]:
        given = {"project": "p", "worker": "w", "task": "t3", "label": "cat", "seconds": value}
        refused = await server.do(SUBMIT, given)
        assert (refused["__typename"], refused["code"]) == ("InvalidInput", "INVALID_INPUT")
        assert refused["message"].startswith("seconds is not valid")
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch("select seconds from judgment order by seq")
        assert [row["seconds"] for row in rows] == seconds[:3]
        for wrong in ("-1", "'inf'", "'nan'"):
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.execute(f"update judgment set seconds = {wrong}")
    finally:
        await connection.close()


async def test_a_worker_leases_judges_and_sees_nothing_else(server: Serving) -> None:
    await server.make_project()
    await server.add_tasks("p", "a", "b")
    token = await server.worker_key("p", "ann")
    leased = await server.do(LEASE, {"count": 2}, token)
    assert [lease["task"] for lease in leased["leases"]] == [None, None]
    assert leased["labels"] == [
        {"externalId": "cat", "name": "cat"},
        {"externalId": "dog", "name": "dog"},
    ]
    given = {"leaseId": leased["leases"][0]["id"], "label": "cat", "clientId": "1", "seconds": 2}
    judged = await server.do(SUBMIT, given, token)
    assert judged["__typename"] == "SubmitJudgmentPayload"
    kept = [judged[name] for name in ("sequence", "status", "consensus")]
    assert (kept, judged["duplicate"]) == ([None] * 3, False)
    again = await server.do(SUBMIT, given, token)
    assert (again["sequence"], again["duplicate"]) == (None, True)
    reused = await server.do(SUBMIT, given | {"label": "dog"}, token)
    assert reused["code"] == "CLIENT_ID_REUSED"


async def test_single_submissions_are_refused_with_a_reason(server: Serving) -> None:
    await server.make_project(overlap=1)
    await server.add_tasks("p", "a", "b")
    ann = await server.worker_key("p", "ann")
    bob = await server.worker_key("p", "bob")
    lease = (await server.do(LEASE, {}, ann))["leases"][0]["id"]

    async def code(given: Data, token: str | None) -> str:
        answer = await server.do(SUBMIT, given, token)
        assert answer["__typename"] != "SubmitJudgmentPayload"
        return str(answer["code"])

    judged = {"label": "cat"}
    assert await code(judged, ann) == "LEASE_REQUIRED"
    assert await code(judged | {"leaseId": "nonsense"}, ann) == "LEASE_NOT_FOUND"
    assert await code(judged | {"leaseId": str(uuid.uuid4())}, ann) == "LEASE_NOT_FOUND"
    assert await code(judged | {"leaseId": lease}, bob) == "LEASE_FOREIGN"
    assert await code({"leaseId": lease, "label": "cow"}, ann) == "UNKNOWN_LABEL"
    assert await code(judged | {"leaseId": lease, "task": "a"}, ann) == "FORBIDDEN"
    assert await code(judged | {"leaseId": lease, "worker": "ann"}, ann) == "FORBIDDEN"
    assert await code(judged | {"leaseId": lease, "project": "q"}, ann) == "UNKNOWN_PROJECT"
    admin = {"project": "p", "worker": "eve", "label": "cat"}
    assert await code(admin, None) == "INVALID_INPUT"
    assert await code(admin | {"task": "z"}, None) == "UNKNOWN_TASK"
    assert await code(admin | {"task": "a"}, None) == "OVERLAP_FULL"
    assert await code({"project": "p", "task": "b", "label": "cat"}, None) == "INVALID_INPUT"
    assert await code({"worker": "eve", "task": "b", "label": "cat"}, None) == "INVALID_INPUT"


async def test_batches_answer_row_by_row(server: Serving) -> None:
    await server.make_project(overlap=2)
    await server.add_tasks("p", "a", "b")
    given = {
        "project": "p",
        "workers": ["w1", "w2", "w3", "w1", "w1", "w1"],
        "tasks": ["a", "a", "a", "z", "b", "b"],
        "labels": ["cat", "cat", "cat", "cat", "cow", "dog"],
        "clientIds": ["1", "2", "3", "4", "5", None],
    }
    answer = await server.do(SUBMIT_MANY, given)
    assert (answer["accepted"], answer["duplicates"], answer["refused"]) == (3, 0, 3)
    assert answer["codes"] == [None, None, "OVERLAP_FULL", "UNKNOWN_TASK", "UNKNOWN_LABEL", None]
    assert [number is None for number in answer["sequences"]] == [
        code is not None for code in answer["codes"]
    ]
    assert [refusal["row"] for refusal in answer["refusals"]] == [2, 3, 4]
    assert answer["consensus"]["labels"][0] == "cat"
    assert answer["consensus"]["statuses"][3] is None
    again = await server.do(SUBMIT_MANY, given)
    assert (again["accepted"], again["duplicates"], again["refused"]) == (0, 3, 3)
    stored = [number for number in answer["sequences"] if number]
    assert [number for number in again["sequences"] if number] == stored


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"workers": ["w"], "tasks": [], "labels": []}, "EMPTY_BATCH"),
        ({"workers": ["w"], "tasks": ["a"], "labels": ["cat", "dog"]}, "UNEVEN_COLUMNS"),
        ({"workers": ["w", "v"], "tasks": ["a"], "labels": ["cat"]}, "UNEVEN_COLUMNS"),
        ({"workers": ["w"], "tasks": ["a"], "labels": ["cat"], "seconds": []}, "UNEVEN_COLUMNS"),
        ({"workers": [], "tasks": ["a"], "labels": ["cat"]}, "INVALID_INPUT"),
        ({"tasks": ["a"], "labels": ["cat"]}, "INVALID_INPUT"),
        ({"workers": ["w"], "labels": ["cat"]}, "INVALID_INPUT"),
        ({"workers": ["\x00"], "tasks": ["a"], "labels": ["cat"]}, "INVALID_TEXT"),
        ({"workers": ["w"], "tasks": ["a"] * 31, "labels": ["cat"] * 31}, "TOO_MANY_ROWS"),
    ],
)
async def test_impossible_batches_are_refused_as_a_whole(
    database_url: str, given: Data, code: str
) -> None:
    from tests.api.serving import serving

    async with serving(database_url, batch_rows=30) as server:
        await server.make_project()
        await server.add_tasks("p", "a")
        answer = await server.do(SUBMIT_MANY, {"project": "p"} | given)
        assert (answer["__typename"], answer["code"]) == ("InvalidInput", code)
        if code == "TOO_MANY_ROWS":
            assert "31" in answer["message"]
            assert "30" in answer["message"]


async def test_a_batch_of_100_000_rows_is_refused_with_its_limit(server: Serving) -> None:
    await server.make_project()
    rows = 100_000
    given = {"project": "p", "workers": ["w"], "tasks": ["a"] * rows, "labels": ["cat"] * rows}
    answer = await server.do(SUBMIT_MANY, given)
    assert answer["code"] == "TOO_MANY_ROWS"
    assert str(server.service.settings.batch_rows) in answer["message"]


async def test_numbers_stand_for_ids(server: Serving) -> None:
    await server.make_project("7", labels=("0", "1"))
    await server.add_tasks("7", "12")
    given = {"project": 7, "workers": [3], "tasks": [12], "labels": [1]}
    answer = await server.do(SUBMIT_MANY, given)
    assert answer["accepted"] == 1
    assert answer["consensus"]["labels"] == ["1"]


async def test_leases_are_limited_released_and_run_out(server: Serving) -> None:
    await server.make_project(leasesPerWorker=2)
    await server.add_tasks("p", "a", "b", "c")
    ann = await server.worker_key("p", "ann")
    held = [lease["id"] for lease in (await server.do(LEASE, {"count": 5}, ann))["leases"]]
    assert len(held) == 2
    assert (await server.do(LEASE, {}, ann))["code"] == "LEASE_LIMIT"
    released = await server.do(RELEASE, {"leaseIds": [held[0], "nonsense"]}, ann)
    assert released["released"] == 1
    assert released["refusals"][0]["code"] == "LEASE_NOT_FOUND"
    bob = await server.worker_key("p", "bob")
    stolen = await server.do(RELEASE, {"leaseIds": [held[1]]}, bob)
    assert stolen["refusals"][0]["code"] == "LEASE_FOREIGN"
    await server.do(UPDATE_POLICY, {"project": "p", "policy": {"leaseSeconds": 1}})
    (brief,) = (await server.do(LEASE, {}, ann))["leases"]
    await eventually(lambda: datetime.now(UTC) > datetime.fromisoformat(brief["expiresAt"]))
    late = await server.do(SUBMIT, {"leaseId": brief["id"], "label": "cat"}, ann)
    assert (late["__typename"], late["code"]) == ("Conflict", "LEASE_EXPIRED")
    for count in (0, -1, 100_000):
        assert (await server.do(LEASE, {"count": count}, ann))["code"] == "INVALID_INPUT"


async def test_no_tasks_tells_when_to_come_back(server: Serving) -> None:
    await server.make_project()
    ann = await server.worker_key("p", "ann")
    answer = await server.do(LEASE, {}, ann)
    assert (answer["__typename"], answer["code"]) == ("TryLater", "NO_TASKS")
    assert answer["retryAfter"] > 0
    assert answer["reason"] == "FINISHED"


async def test_staff_says_what_a_worker_can(server: Serving) -> None:
    await server.make_project(overlap=5)
    task = {"externalId": "a", "payload": {}, "attributes": {"skills": ["law"]}}
    await server.do(ADD_TASKS, {"project": "p", "tasks": [task]})
    ann = await server.worker_key("p", "ann")
    refused = await server.do(LEASE, {}, ann)
    assert (refused["code"], refused["reason"]) == ("NO_TASKS", "NOT_ELIGIBLE")
    mutation = """mutation ($input: SetWorkerAttributesInput!) {
        setWorkerAttributes(input: $input) { __typename ... on Refusal { code message } } }"""
    given = {"project": "p", "worker": "ann", "attributes": {"skills": ["law"]}}
    assert (await server.do(mutation, given, ann))["code"] == "FORBIDDEN"
    assert (await server.do(mutation, given | {"attributes": [1]}))["code"] == "INVALID_INPUT"
    done = await server.do(mutation, given)
    assert done["__typename"] == "SetWorkerAttributesPayload"
    assert len((await server.do(LEASE, {}, ann))["leases"]) == 1


async def test_me_shows_the_leases_that_a_worker_holds(server: Serving) -> None:
    await server.make_project()
    await server.add_tasks("p", "a", "b")
    token = await server.worker_key("p", "ann")
    leases = (await server.do(LEASE, {"count": 2}, token))["leases"]
    await server.do(SUBMIT, {"leaseId": leases[0]["id"], "label": "cat"}, token)
    query = "{ me { keyId role project worker leases { id payload expiresAt task } } }"
    me = (await server.data(query, token=token))["me"]
    assert me["leases"] == [leases[1]]
    assert (me["role"], me["project"], me["worker"]) == ("WORKER", "p", "ann")
    admin = (await server.data(query))["me"]
    assert (admin["role"], admin["project"], admin["leases"]) == ("ADMIN", None, [])


async def test_a_lease_whose_answer_was_lost_is_resumed(server: Serving) -> None:
    await server.make_project(leasesPerWorker=3)
    await server.add_tasks("p", "a", "b", "c", "d")
    given = {"project": "p", "worker": "ann", "count": 2, "resume": True}
    first = await server.do(LEASE, given)
    assert await server.do(LEASE, given) == first
    more = await server.do(LEASE, given | {"count": 10})
    assert more["leases"][:2] == first["leases"]
    assert len(more["leases"]) == 3
    assert (await server.do(LEASE, given | {"count": 10})) == more
    assert (await server.do(LEASE, given | {"resume": False}))["code"] == "LEASE_LIMIT"
    await server.do(SUBMIT, {"project": "p", "worker": "ann", "task": "a", "label": "cat"})
    left = await server.do(LEASE, given | {"count": 1})
    assert left["leases"][0] in more["leases"]


async def test_what_settled_a_task_is_told_and_whether_waiting_brings_a_budget_back(
    server: Serving,
) -> None:
    await server.make_project(
        overlap=3, minJudgments=2, targetConfidence=0.999, price=10, moneyBudget=50, labelValue=11
    )
    await server.add_tasks("p", "a", "b", "c", "d", "e")
    keys = [await server.worker_key("p", name) for name in ("ann", "bob")]
    both = {"workers": ["ann", "bob"], "tasks": ["a", "a"], "labels": ["cat", "cat"]}
    assert (await server.do(SUBMIT_MANY, {"project": "p"} | both))["accepted"] == 2

    async def settled_by(task: str) -> str | None:
        query = f'{{ task(project: "p", externalId: "{task}") {{ settledBy }} }}'
        found: str | None = (await server.data(query))["task"]["settledBy"]
        return found

    assert [await settled_by(task) for task in "ab"] == ["COST", None]
    held = (await server.do(LEASE, {"count": 5}, keys[0]))["leases"]
    assert len(held) == 3  # 30 of 50 are left
    refused = await server.do(LEASE, {"count": 1}, keys[1])
    assert refused["code"] == "BUDGET_SPENT"
    assert refused["retryAfter"] > 0  # they may come back
    for lease in held:
        given = {"leaseId": lease["id"], "label": "dog"}
        assert (await server.do(SUBMIT, given, keys[0]))["duplicate"] is False
    refused = await server.do(LEASE, {"count": 1}, keys[1])
    assert (refused["code"], refused["retryAfter"]) == ("BUDGET_SPENT", None)
    await server.do(SET_GOLD, {"project": "p", "tasks": ["b"], "labels": ["dog"]})
    await server.do(UPDATE_POLICY, {"project": "p", "policy": {"targetConfidence": 0.5}})
    assert [await settled_by(task) for task in "ab"] == ["CONFIDENCE", "GOLD"]

"""Every mutation: what it does, what it refuses, and that repeating it does no harm."""

import asyncio
import uuid

import asyncpg
import pytest

from tests.api.serving import (
    ADD_TASKS,
    CREATE_KEY,
    CREATE_PROJECT,
    LEASE,
    RELEASE,
    REVOKE_KEY,
    SET_GOLD,
    SUBMIT,
    SUBMIT_MANY,
    UPDATE_POLICY,
    Data,
    Serving,
)

TWO = [{"externalId": "cat"}, {"externalId": "dog"}]


async def test_a_project_is_created_once(server: Serving) -> None:
    given = {"externalId": "p", "labels": TWO, "policy": {"overlap": 5}, "attributes": {"a": 1}}
    first = await server.do(CREATE_PROJECT, given)
    assert first["project"]["policy"] == {"version": 1, "overlap": 5}
    assert await server.do(CREATE_PROJECT, given) == first
    other = await server.do(CREATE_PROJECT, given | {"labels": [*TWO, {"externalId": "cow"}]})
    assert (other["__typename"], other["code"]) == ("Conflict", "PROJECT_EXISTS")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"labels": TWO[:1]}, "INVALID_LABELS"),
        ({"labels": [TWO[0], TWO[0]]}, "INVALID_LABELS"),
        ({"labels": TWO, "policy": {"overlap": 0}}, "INVALID_POLICY"),
        ({"labels": TWO, "policy": {"targetConfidence": 2}}, "INVALID_POLICY"),
        ({"labels": TWO, "policy": {"overlap": None}}, "INVALID_POLICY"),
        ({"labels": TWO, "attributes": [1]}, "INVALID_INPUT"),
        ({"labels": TWO, "externalId": ""}, "INVALID_TEXT"),
        ({"labels": TWO, "externalId": "\x00"}, "INVALID_TEXT"),
        ({"labels": TWO, "externalId": "x" * 1000}, "INVALID_TEXT"),
    ],
)
async def test_impossible_projects_are_refused(server: Serving, given: Data, code: str) -> None:
    answer = await server.do(CREATE_PROJECT, {"externalId": "p"} | given)
    assert (answer["__typename"], answer["code"]) == ("InvalidInput", code)
    assert answer["retryAfter"] is None
    assert len(answer["message"]) > 20


async def test_refusals_name_what_is_wrong(server: Serving) -> None:
    for given, words in (
        ({"labels": [*TWO, TWO[1]]}, "dog is there twice"),
        ({"labels": TWO, "policy": {"targetConfidence": 2}}, "policy's targetConfidence"),
        ({"labels": TWO, "externalId": ""}, "externalId is empty"),
        ({"labels": [*TWO, {"externalId": "\x00"}]}, "labels, row 2, externalId"),
    ):
        answer = await server.do(CREATE_PROJECT, {"externalId": "p"} | given)
        assert words in answer["message"]
    await server.make_project()
    tasks: list[Data] = [
        {"externalId": "a", "payload": 5},
        {"externalId": "b", "payload": {}, "attributes": []},
        {"externalId": "", "payload": {}},
    ]
    answer = await server.do(ADD_TASKS, {"project": "p", "tasks": tasks})
    for refusal, words in zip(
        answer["refusals"],
        ("payload must be a JSON object", "attributes must be a", "externalId is empty"),
        strict=True,
    ):
        assert refusal["message"].startswith(words)
    await server.add_tasks("p", "t")
    rows = {"project": "p", "workers": ["w", ""], "tasks": ["t"] * 2, "labels": ["cat"] * 2}
    assert "workers, row 1" in (await server.do(SUBMIT_MANY, rows))["message"]
    one = {"project": "p", "worker": "w", "task": "t", "label": "cat", "clientId": ""}
    assert (await server.do(SUBMIT, one))["message"].startswith("clientId is empty")


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


async def test_a_policy_changes_version_by_version(server: Serving) -> None:
    await server.make_project()
    given = {"project": "p", "policy": {"overlap": 7, "minJudgments": 2}}
    answer = await server.do(UPDATE_POLICY, given)
    assert answer["project"]["policy"]["version"] == 2
    assert answer["project"]["policy"]["minJudgments"] == 2
    again = {"project": "p", "policy": {"minJudgments": None}, "expectedVersion": 2}
    answer = await server.do(UPDATE_POLICY, again)
    assert answer["project"]["policy"]["minJudgments"] is None
    assert answer["project"]["policy"]["overlap"] == 7
    stale = await server.do(UPDATE_POLICY, again | {"expectedVersion": 1})
    assert (stale["__typename"], stale["code"]) == ("Conflict", "POLICY_CONFLICT")
    wrong = await server.do(UPDATE_POLICY, {"project": "p", "policy": {"leaseSeconds": -1}})
    assert wrong["code"] == "INVALID_POLICY"


async def test_tasks_are_added_once_and_bad_rows_refused(server: Serving) -> None:
    await server.make_project()
    tasks = [
        {"externalId": "a", "payload": {"x": 1}, "attributes": {"lang": "fi"}, "priority": 9},
        {"externalId": "b", "payload": {}, "gold": "dog"},
        {"externalId": "c", "payload": [1]},
        {"externalId": "d", "payload": {}, "priority": 10},
        {"externalId": "e", "payload": {}, "gold": "cow"},
        {"externalId": "", "payload": {}},
        {"externalId": "f", "payload": {}, "attributes": "no"},
    ]
    answer = await server.do(ADD_TASKS, {"project": "p", "tasks": tasks})
    assert (answer["added"], answer["existing"], answer["refused"]) == (2, 0, 5)
    codes = [(refusal["row"], refusal["code"]) for refusal in answer["refusals"]]
    assert codes == [
        (2, "INVALID_JSON"),
        (3, "INVALID_PRIORITY"),
        (4, "UNKNOWN_LABEL"),
        (5, "INVALID_TEXT"),
        (6, "INVALID_JSON"),
    ]
    again = await server.do(ADD_TASKS, {"project": "p", "tasks": tasks[:2]})
    assert (again["added"], again["existing"]) == (0, 2)
    empty = await server.do(ADD_TASKS, {"project": "p", "tasks": []})
    assert empty["code"] == "EMPTY_BATCH"


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
    assert (judged["status"], judged["consensus"], judged["duplicate"]) == (None, None, False)
    again = await server.do(SUBMIT, given, token)
    assert (again["sequence"], again["duplicate"]) == (judged["sequence"], True)
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


async def test_gold_is_set_and_withdrawn(server: Serving) -> None:
    await server.make_project()
    await server.add_tasks("p", "a", "b")
    given = {"project": "p", "tasks": ["a", "z", "b"], "labels": ["cat", "cat", "cow"]}
    answer = await server.do(SET_GOLD, given)
    assert (answer["changed"], answer["refused"]) == (1, 2)
    assert [refusal["code"] for refusal in answer["refusals"]] == ["UNKNOWN_TASK", "UNKNOWN_LABEL"]
    look = '{ task(project: "p", externalId: "a") { gold status consensus { label } } }'
    task = (await server.data(look))["task"]
    assert task == {"gold": "cat", "status": "SETTLED", "consensus": {"label": "cat"}}
    await server.do(SET_GOLD, {"project": "p", "tasks": ["a"], "labels": [None]})
    task = (await server.data(look))["task"]
    assert task == {"gold": None, "status": "OPEN", "consensus": None}
    assert (await server.do(SET_GOLD, given | {"labels": []}))["code"] == "UNEVEN_COLUMNS"
    empty = await server.do(SET_GOLD, {"project": "p", "tasks": [], "labels": []})
    assert empty["code"] == "EMPTY_BATCH"


async def test_leases_are_limited_released_and_run_out(server: Serving) -> None:
    await server.make_project(leasesPerWorker=2, leaseSeconds=1)
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
    await asyncio.sleep(1.2)
    late = await server.do(SUBMIT, {"leaseId": held[1], "label": "cat"}, ann)
    assert (late["__typename"], late["code"]) == ("Conflict", "LEASE_EXPIRED")
    for count in (0, -1, 100_000):
        assert (await server.do(LEASE, {"count": count}, ann))["code"] == "INVALID_INPUT"


async def test_no_tasks_tells_when_to_come_back(server: Serving) -> None:
    await server.make_project()
    ann = await server.worker_key("p", "ann")
    answer = await server.do(LEASE, {}, ann)
    assert (answer["__typename"], answer["code"]) == ("TryLater", "NO_TASKS")
    assert answer["retryAfter"] > 0


async def test_keys_are_created_repeated_and_revoked(server: Serving) -> None:
    await server.make_project()
    given = {"role": "WORKER", "project": "p", "worker": "ann", "name": "x", "clientId": "1"}
    first = await server.do(CREATE_KEY, given)
    assert first["key"]["project"] == "p"
    assert first["key"]["worker"] == "ann"
    again = await server.do(CREATE_KEY, given)
    assert again["key"]["id"] == first["key"]["id"]
    assert again["token"] != first["token"]
    me = "{ me { role project worker labels { externalId } leases { id } } }"
    assert (await server.data(me, token=again["token"]))["me"]["worker"] == "ann"
    assert (await server.post({"query": me}, first["token"])).status_code == 401
    other = await server.do(CREATE_KEY, given | {"worker": "bob"})
    assert other["code"] == "KEY_EXISTS"
    revoked = await server.do(REVOKE_KEY, {"keyId": first["key"]["id"]})
    assert revoked["key"]["revokedAt"] is not None
    assert await server.do(REVOKE_KEY, {"keyId": first["key"]["id"]}) == revoked
    assert (await server.post({"query": me}, again["token"])).status_code == 401
    assert (await server.do(CREATE_KEY, given))["code"] == "KEY_REVOKED"
    assert (await server.do(REVOKE_KEY, {"keyId": "none"}))["code"] == "UNKNOWN_KEY"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"role": "WORKER", "project": "p"}, "INVALID_INPUT"),
        ({"role": "WORKER", "worker": "ann"}, "INVALID_INPUT"),
        ({"role": "WORKER", "project": "q", "worker": "ann"}, "UNKNOWN_PROJECT"),
        ({"role": "ADMIN", "project": "p", "worker": "ann"}, "INVALID_INPUT"),
        ({"role": "ADMIN", "project": "q"}, "UNKNOWN_PROJECT"),
        ({"role": "WORKER", "project": "p", "worker": ""}, "INVALID_TEXT"),
        ({"role": "ADMIN", "name": "\x00"}, "INVALID_TEXT"),
    ],
)
async def test_impossible_keys_are_refused(server: Serving, given: Data, code: str) -> None:
    await server.make_project()
    assert (await server.do(CREATE_KEY, given))["code"] == code


async def test_a_revocation_elsewhere_counts_within_a_second(
    server: Serving, database_url: str
) -> None:
    from api.keys import Keys
    from db.connect import create_pool

    await server.make_project()
    token = await server.worker_key("p", "ann")
    assert (await server.post({"query": "{ me { role } }"}, token)).status_code == 200
    pool = await create_pool(database_url, size=1)
    await Keys(pool).revoke(token.split("_")[1])
    await pool.close()
    await asyncio.sleep(1)
    assert (await server.post({"query": "{ me { role } }"}, token)).status_code == 401


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


async def test_without_the_database_calls_are_to_be_repeated(
    server: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise ConnectionRefusedError

    await server.make_project()
    await server.data("{ me { role } }")
    with monkeypatch.context() as patched:
        patched.setattr(type(server.service.pool), "acquire", away)
        response = await server.ask('{ tasks(project: "p") { totalCount } }')
        answer = await server.do(CREATE_KEY, {"role": "ADMIN"})
        unknown = await server.post({"query": "{ __typename }"}, "bsn_a_b")
    assert response["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
    assert (answer["__typename"], answer["code"]) == ("TryLater", "UNAVAILABLE")
    assert answer["retryAfter"] > 0
    assert unknown.status_code == 503
    assert unknown.headers["retry-after"] == "1"
    assert unknown.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"

"""What admins change, what is refused of it, and that repeating it does no harm."""

import pytest

from tests.api.serving import (
    ADD_TASKS,
    CREATE_KEY,
    CREATE_PROJECT,
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

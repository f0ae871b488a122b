"""Nobody gets further than their key: roles, projects, and everything a WORKER must not learn."""

from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    get_named_type,
)

from api.graphql.schema import text
from tests.api.serving import (
    ADD_TASKS,
    CREATE_KEY,
    CREATE_PROJECT,
    LEASE,
    REVOKE_KEY,
    SET_GOLD,
    SUBMIT,
    SUBMIT_MANY,
    UPDATE_POLICY,
    Data,
    Serving,
)

SCHEMA: GraphQLSchema = build_schema(text())
WORKER_MAY = {
    *("me", "leaseTasks", "submitJudgment", "submitJudgments", "releaseLeases", "appeal"),
    "contestJudgment",
}


def everything(type_: Any, depth: int = 5) -> str:
    """A selection of all fields of a type, as deep as it goes."""
    type_ = get_named_type(type_)
    if isinstance(type_, GraphQLUnionType):
        parts = [f"... on {one.name} {everything(one, depth)}" for one in type_.types]
        # The refusals share their fields, the payloads do not.
        return "{ __typename " + " ".join(parts) + " }"
    if isinstance(type_, GraphQLInterfaceType):
        parts = [
            f"... on {one.name} {everything(one, depth)}"
            for one in SCHEMA.get_possible_types(type_)
        ]
        return "{ __typename " + " ".join(f"a{n}: __typename" for n, _ in enumerate(parts)) + " }"
    if not isinstance(type_, GraphQLObjectType):
        return ""
    if depth == 0:
        return "{ __typename }"
    return (
        "{ "
        + " ".join(
            f"{name} {everything(field.type, depth - 1)}" for name, field in type_.fields.items()
        )
        + " }"
    )


def example(type_: Any) -> Any:
    """A plausible value of an input type."""
    if isinstance(type_, GraphQLNonNull):
        return example(type_.of_type)
    if isinstance(type_, GraphQLList):
        return [example(type_.of_type)]
    if isinstance(type_, GraphQLInputObjectType):
        return {
            name: example(field.type)
            for name, field in type_.fields.items()
            if isinstance(field.type, GraphQLNonNull)
        }
    if isinstance(type_, GraphQLEnumType):
        return next(iter(type_.values))
    known = {"Int": 1, "Sequence": 1, "Float": 0.5, "Boolean": True, "JSON": {}}
    return known.get(type_.name, "p")


def call(name: str, field: GraphQLField, **given: Any) -> tuple[str, Data]:
    """A document that selects all of a root field, and its variables."""
    required = {
        argument: given.get(argument, example(definition.type))
        for argument, definition in field.args.items()
        if argument in given or isinstance(definition.type, GraphQLNonNull)
    }
    heads = ", ".join(f"${one}: {field.args[one].type}" for one in required)
    arguments = ", ".join(f"{one}: ${one}" for one in required)
    head, argument_list = (f"({heads})", f"({arguments})") if required else ("", "")
    return f"{head} {{ {name}{argument_list} {everything(field.type)} }}", required


def roots(kind: str) -> list[tuple[str, GraphQLField]]:
    root = {"query": SCHEMA.query_type, "mutation": SCHEMA.mutation_type}[kind]
    assert root is not None
    return list(root.fields.items())


async def test_without_a_key_nothing_is_answered(server: Serving) -> None:
    for authorization in ("", "Bearer", "Bearer x", "Basic abc", "Bearer bsn_a_b", "Bearer bsn__"):
        for query in ("{ __typename }", "{ me { role } }", "{ __schema { types { name } } }"):
            answer = await server.client.post(
                server.url, json={"query": query}, headers={"Authorization": authorization}
            )
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
            assert "data" not in answer.json()


async def test_a_changed_secret_is_no_key(server: Serving) -> None:
    prefix, key_id, secret = server.token.split("_", 2)
    for wrong in (
        f"{prefix}_{key_id}_{secret[:-1]}",
        f"{prefix}_{key_id}_{secret}x",
        f"{prefix}_{key_id}_" + "A" * len(secret),
        f"{prefix}_{key_id.upper()}_{secret}",
        f"x{server.token}",
    ):
        assert (await server.post({"query": "{ __typename }"}, wrong)).status_code == 401
    assert (await server.post({"query": "{ __typename }"})).status_code == 200


@pytest.mark.parametrize("name", [name for name, _ in roots("query")])
async def test_a_worker_reads_nothing_but_itself(server: Serving, name: str) -> None:
    await server.make_project()
    await server.add_tasks("p", "p", gold="cat")
    token = await server.worker_key("p", "ann")
    field = dict(roots("query"))[name]
    for given in ({}, {"project": "p"}, {"project": "q"}):
        known = {key: value for key, value in given.items() if key in field.args}
        query, variables = call(name, field, **known)
        response = await server.ask(f"query {query}", variables, token)
        if name in WORKER_MAY:
            assert "errors" not in response
        else:
            assert response["errors"][0]["extensions"]["code"] == "FORBIDDEN", response
            assert not response["data"] or response["data"][name] is None


@pytest.mark.parametrize("name", [name for name, _ in roots("mutation")])
async def test_a_worker_changes_nothing_but_its_own(server: Serving, name: str) -> None:
    await server.make_project()
    token = await server.worker_key("p", "ann")
    field = dict(roots("mutation"))[name]
    query, variables = call(name, field)
    # Fields of one name in two payloads may differ in type, so the payload is left out.
    query = query.split("{", 1)[0] + "{ " + name + "(input: $input) { __typename "
    query += "... on Refusal { code message } } }"
    answer = (await server.data(f"mutation {query}", variables, token))[name]
    if name in WORKER_MAY:
        assert answer.get("code") != "FORBIDDEN"
    else:
        assert (answer["__typename"], answer["code"]) == ("Forbidden", "FORBIDDEN")


async def test_a_worker_cannot_speak_for_another(server: Serving) -> None:
    await server.make_project()
    await server.add_tasks("p", "a")
    ann = await server.worker_key("p", "ann")
    for worker in ("bob", "ann", ""):
        for mutation, given in (
            (LEASE, {"worker": worker}),
            (SUBMIT, {"worker": worker, "task": "a", "label": "cat"}),
            (SUBMIT_MANY, {"workers": [worker], "tasks": ["a"], "labels": ["cat"]}),
            (SUBMIT_MANY, {"workers": [], "tasks": ["a"], "labels": ["cat"]}),
        ):
            answer = await server.do(mutation, given, ann)
            assert answer["code"] == "FORBIDDEN", (mutation, answer)


async def test_a_workers_answers_never_bear_consensus(server: Serving) -> None:
    await server.make_project(requireLease=False)
    await server.add_tasks("p", "a", "b")
    ann = await server.worker_key("p", "ann")
    one = await server.do(SUBMIT, {"task": "a", "label": "cat"}, ann)
    assert one["__typename"] == "SubmitJudgmentPayload"
    assert (one["consensus"], one["status"]) == (None, None)
    many = await server.do(SUBMIT_MANY, {"tasks": ["a", "b"], "labels": ["cat", "dog"]}, ann)
    assert (many["accepted"], many["duplicates"]) == (1, 1)
    assert many["consensus"] is None


async def test_gold_looks_like_any_other_task_to_a_worker(server: Serving) -> None:
    await server.make_project(goldRate=1.0)
    await server.add_tasks("p", "plain")
    await server.add_tasks("p", "golden", gold="cat")
    ann = await server.worker_key("p", "ann")
    leases = (await server.do(LEASE, {"count": 2}, ann))["leases"]
    plain, golden = sorted(leases, key=lambda lease: str(lease["payload"]["name"]), reverse=True)
    assert plain.keys() == golden.keys()
    assert {name for name, value in plain.items() if value is None} == {
        name for name, value in golden.items() if value is None
    }
    answers = [
        await server.do(SUBMIT, {"leaseId": lease["id"], "label": "dog"}, ann)
        for lease in (plain, golden)
    ]
    assert answers[0] == answers[1]


async def test_a_key_of_one_project_sees_no_other(server: Serving) -> None:
    for project in ("p", "q"):
        await server.make_project(project)
        await server.add_tasks(project, "a")
    bound = (await server.do(CREATE_KEY, {"role": "ADMIN", "project": "p"}))["token"]
    foreign = "{ projects { edges { node { id externalId } } } keys { edges { node { id } } } }"
    seen = await server.data(foreign, token=bound)
    assert [edge["node"]["externalId"] for edge in seen["projects"]["edges"]] == ["p"]
    everything_else = await server.data(foreign)
    ids = [edge["node"]["id"] for edge in everything_else["projects"]["edges"]]
    assert len(ids) == 2
    task = """{
      task(project: "q", externalId: "a") { id }
      worker(project: "q", externalId: "w") { id }
    }"""
    await server.do(SUBMIT, {"project": "q", "worker": "w", "task": "a", "label": "cat"})
    nodes = await server.data(task)
    for node_id in (ids[1], nodes["task"]["id"], nodes["worker"]["id"]):
        node = "query ($id: ID!) { node(id: $id) { __typename id } }"
        assert (await server.data(node, {"id": node_id}))["node"] is not None
        assert (await server.data(node, {"id": node_id}, bound))["node"] is None
    for query in (
        '{ tasks(project: "q") { totalCount } }',
        '{ workers(project: "q") { totalCount } }',
        '{ task(project: "q", externalId: "a") { id } }',
        '{ keys(project: "q") { totalCount } }',
    ):
        error = (await server.ask(query, token=bound))["errors"][0]
        unknown = (await server.ask(query.replace('"q"', '"nowhere"'), token=bound))["errors"][0]
        assert error["extensions"]["code"] == "UNKNOWN_PROJECT"
        assert error["message"] == unknown["message"]
    assert (await server.data('{ project(externalId: "q") { id } }', token=bound))[
        "project"
    ] is None


async def test_a_key_of_one_project_changes_no_other(server: Serving) -> None:
    for name in ("p", "q"):
        await server.make_project(name)
        await server.add_tasks(name, "a")
    bound = (await server.do(CREATE_KEY, {"role": "ADMIN", "project": "p"}))["token"]
    foreign = await server.worker_key("q", "ann")
    task = {"externalId": "b", "payload": {}}
    for mutation, given in (
        (ADD_TASKS, {"tasks": [task]}),
        (SET_GOLD, {"tasks": ["a"], "labels": ["cat"]}),
        (UPDATE_POLICY, {"policy": {"overlap": 9}}),
        (LEASE, {"worker": "w"}),
        (SUBMIT, {"worker": "w", "task": "a", "label": "cat"}),
        (SUBMIT_MANY, {"workers": ["w"], "tasks": ["a"], "labels": ["cat"]}),
        (CREATE_KEY, {"role": "ADMIN"}),
        (CREATE_KEY, {"role": "WORKER", "worker": "w"}),
    ):
        answer = await server.do(mutation, given | {"project": "q"}, bound)
        assert answer.get("code") == "UNKNOWN_PROJECT", (mutation, answer)
        assert "code" not in await server.do(mutation, given, bound)
    key_id = foreign.split("_")[1]
    assert (await server.do(REVOKE_KEY, {"keyId": key_id}, bound))["code"] == "UNKNOWN_KEY"
    project = {"externalId": "r", "labels": [{"externalId": "1"}, {"externalId": "2"}]}
    assert (await server.do(CREATE_PROJECT, project, bound))["code"] == "FORBIDDEN"


async def test_keys_made_by_a_bound_key_are_bound(server: Serving) -> None:
    await server.make_project("p")
    await server.make_project("q")
    bound = (await server.do(CREATE_KEY, {"role": "ADMIN", "project": "p"}))["token"]
    made = await server.do(CREATE_KEY, {"role": "ADMIN"}, bound)
    assert made["key"]["project"] == "p"
    # Client ids of two projects never meet, nor those of bound and unbound keys.
    given = {"role": "ADMIN", "clientId": "1"}
    ids = {
        (await server.do(CREATE_KEY, given, token))["key"]["id"]
        for token in (bound, (await server.do(CREATE_KEY, given | {"project": "q"}))["token"], None)
    }
    assert len(ids) == 3


async def test_leases_of_another_project_do_not_exist(server: Serving) -> None:
    for project in ("p", "q"):
        await server.make_project(project)
        await server.add_tasks(project, "a")
    mine, other = await server.worker_key("p", "ann"), await server.worker_key("q", "ann")
    lease = (await server.do(LEASE, {}, other))["leases"][0]["id"]
    answer = await server.do(SUBMIT, {"leaseId": lease, "label": "cat"}, mine)
    assert answer["code"] == "LEASE_NOT_FOUND"

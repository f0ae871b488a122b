"""Our short cuts through graphql-core give what it gives, for good and bad values alike."""

from collections.abc import Mapping
from datetime import UTC, datetime
from inspect import isawaitable
from typing import Any

import pytest
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLInputType,
    GraphQLSchema,
    Undefined,
    execute,
    parse,
    type_from_ast,
)
from graphql.language import parse_type
from graphql.utilities import coerce_input_value
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strawberry import ID

from api.codes import Code
from api.errors import Overloaded, UnknownProject
from api.graphql import binding
from api.graphql.coercion import coercion
from api.graphql.documents import Documents
from api.graphql.judgment import (
    ConsensusColumns,
    SubmitJudgmentPayload,
    SubmitJudgmentsPayload,
)
from api.graphql.operations import Operation
from api.graphql.paging import Connection, Edge, PageInfo
from api.graphql.refusals import Conflict, RowRefusal, TryLater, refusal
from api.graphql.reputation import Estimate, Reputation
from api.graphql.scalars import Json, Sequence
from api.graphql.schema import build
from api.graphql.standing import WorkerStatus
from api.graphql.task import Consensus, Judgment, LabelProbability, Task, TaskStatus
from api.graphql.worker import Worker, WorkerKind

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CAT = ID("cat")
WORKER = Worker(
    id=ID("w"),
    external_id=ID("ann"),
    kind=WorkerKind.HUMAN,
    status=WorkerStatus.ACTIVE,
    voided=False,
    joined_with=[],
    attributes=Json({"a": [1, None]}),
    created_at=NOW,
    judgment_count=3,
    open_leases=0,
    reputation=Reputation(
        accuracy=Estimate(value=0.5, low=0.25, high=0.75),
        bits=Estimate(value=1.0, low=0.5, high=1.5),
        agreement=None,
        gold_accuracy=Estimate(value=0.5, low=0.1, high=0.9),
        gold_right=1,
        gold_total=2,
    ),
)


def task(**changed: Any) -> Task:
    fields: dict[str, Any] = {
        "id": "t",
        "external_id": "1",
        "payload": {"url": "x"},
        "attributes": {},
        "priority": 1,
        "created_at": NOW,
        "status": TaskStatus.OPEN,
        "settled_by": None,
        "judgment_count": 1,
        "open_leases": 0,
        "gold": None,
        "gold_state": None,
        "gold_source": None,
        "accepted_labels": [],
        "gold_explanation": None,
        "consensus": Consensus(
            label=CAT,
            confidence=0.75,
            probabilities=[LabelProbability(label=CAT, probability=0.75)],
        ),
        "judgments": [
            Judgment(sequence=Sequence(5), worker=WORKER, label=CAT, seconds=None, created_at=NOW)
        ],
    }
    return Task(**fields | changed)


def page(*tasks: Any) -> Connection[Task]:
    return Connection(
        edges=[Edge(cursor=str(n), node=one) for n, one in enumerate(tasks)],
        page_info=PageInfo(
            has_next_page=False, has_previous_page=False, start_cursor=None, end_cursor="x"
        ),
        total_count=None,
    )


TASKS = """
query {
  tasks {
    __typename totalCount pageInfo { hasNextPage end: endCursor }
    edges {
      cursor
      node {
        ...known
        ... on Node { id __typename }
        consensus { label }
        judgments {
          sequence seconds createdAt
          worker { kind attributes reputation { agreement { low } bits { value } } }
        }
      }
    }
  }
}
fragment known on Task {
  externalId payload priority createdAt status gold
  consensus { confidence probabilities { probability label } }
}
"""
DIRECTIVES = TASKS.replace("cursor\n", "cursor @include(if: $yes)\n").replace(
    "query", "query ($yes: Boolean = true)"
)
SUBMIT = """
mutation ($input: SubmitJudgmentInput!) {
  submitJudgment(input: $input) {
    ... on SubmitJudgmentPayload { sequence duplicate status consensus { label confidence } }
    ... on Refusal { code message retryAfter }
    ... on TryLater { __typename }
  }
}
"""
MANY = """
mutation ($input: SubmitJudgmentsInput!) {
  submitJudgments(input: $input) {
    ... on SubmitJudgmentsPayload {
      accepted codes sequences refusals { row code message }
      consensus { labels confidences statuses }
    }
    ... on Refusal { code }
  }
}
"""
INPUT = {"input": {"label": "cat"}}
INPUTS = {"input": {"labels": ["cat"]}}


def columns(**changed: Any) -> SubmitJudgmentsPayload:
    fields: dict[str, Any] = {
        "accepted": 1,
        "duplicates": 0,
        "refused": 1,
        "refusals": [RowRefusal(row=1, code=Code.UNKNOWN_TASK, message="no")],
        "codes": [None, Code.UNKNOWN_TASK],
        "sequences": [7, None],
        "consensus": ConsensusColumns(
            labels=[CAT, None],
            confidences=[0.5, None],
            statuses=[TaskStatus.OPEN, None],
        ),
    }
    return SubmitJudgmentsPayload(**fields | changed)


CASES: list[tuple[str, Mapping[str, Any] | None, Any]] = [
    (TASKS, None, page()),
    (TASKS, None, page(task(), task(consensus=None, judgments=[]))),
    (DIRECTIVES, None, page(task())),
    (DIRECTIVES, {"yes": False}, page(task())),
    (TASKS, None, None),
    (TASKS, None, page(None)),
    (TASKS, None, page(task(external_id=None))),
    (TASKS, None, page(task(external_id=12))),
    (TASKS, None, page(task(priority=2**40))),
    (TASKS, None, page(task(priority="1"))),
    (TASKS, None, page(task(priority=True))),
    (TASKS, None, page(task(status="NONSENSE"))),
    (TASKS, None, page(task(status="SETTLED"))),
    (TASKS, None, page(task(created_at="now"))),
    (TASKS, None, page(task(payload=None))),
    (TASKS, None, page(task(consensus=Consensus(label=CAT, confidence=float("nan"))))),
    (TASKS, None, page(task(consensus=Consensus(label=CAT, confidence=1)))),
    (TASKS, None, page(task(judgments=None))),
    (TASKS, None, page(task(judgments=[None]))),
    (TASKS, None, page(object())),
    (TASKS, None, ValueError("no")),
    (
        SUBMIT,
        INPUT,
        SubmitJudgmentPayload(sequence=Sequence(1), duplicate=False, status=None, consensus=None),
    ),
    (
        SUBMIT,
        INPUT,
        SubmitJudgmentPayload(sequence=Sequence(-1), duplicate=False, status=None, consensus=None),
    ),
    (SUBMIT, INPUT, TryLater(code=Code.OVERLOADED, message="m", retry_after=1.5)),
    (SUBMIT, INPUT, Conflict(code=Code.OVERLAP_FULL, message="m")),
    (SUBMIT, INPUT, task()),
    (MANY, INPUTS, columns()),
    (MANY, INPUTS, columns(codes=["UNKNOWN_TASK", "X"])),
    (MANY, INPUTS, columns(refusals=[None])),
    (MANY, INPUTS, columns(consensus=None, sequences=(1, 2))),
]


@pytest.mark.parametrize("case", range(len(CASES)))
async def test_answers_are_those_of_graphql_core(
    case: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, variables, value = CASES[case]
    schema = build()
    for root in (schema.query_type, schema.mutation_type):
        assert root is not None
        for field in root.fields.values():
            monkeypatch.setattr(field, "resolve", lambda *_, **__: _given(value))
    operation = Documents(schema).get(text).pick(None)
    assert isinstance(operation, Operation)
    assert operation._plans.keys() <= {"tasks", "submitJudgment", "submitJudgments"}
    assert bool(operation._plans) == (text is not DIRECTIVES)
    ours = await _result(operation.execute(variables, None))
    theirs = await _result(
        execute(schema, parse(text), variable_values=dict(variables or {}), context_value=None)
    )
    assert ours.formatted == theirs.formatted


def _given(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value


async def _result(result: Any) -> ExecutionResult:
    found = await result if isawaitable(result) else result
    assert isinstance(found, ExecutionResult)
    return found


def test_answers_keep_the_order_of_the_selections() -> None:
    text = "{ tasks { totalCount __typename edges { node { id __typename gold } cursor } } }"
    operation = Documents(build()).get(text).pick(None)
    assert isinstance(operation, Operation)
    answer = operation._plans["tasks"](page(task()))
    assert list(answer) == ["totalCount", "__typename", "edges"]
    assert list(answer["edges"][0]) == ["node", "cursor"]
    assert list(answer["edges"][0]["node"]) == ["id", "__typename", "gold"]


TYPES = [
    "ID", "ID!", "[ID!]", "[ID!]!", "[ID]", "[ID]!", "Int", "Int!", "[Int!]!", "Float", "[Float]",
    "Boolean!", "String", "[String!]", "JSON", "JSON!", "Sequence", "DateTime", "TaskStatus",
    "[TaskStatus!]", "[[ID!]!]!", "SubmitJudgmentInput!", "SubmitJudgmentsInput", "AddTasksInput!",
    "CreateProjectInput", "TaskOrder", "PolicyChanges!", "TaskFilter",
]  # fmt: skip
NAMES = st.sampled_from(
    [
        "project", "worker", "workers", "task", "tasks", "label", "labels", "externalId", "payload",
        "by", "direction", "overlap", "status", "clientIds", "seconds", "requireLease", "policy",
        "priority", "gold", "x",
    ]
)  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from(["cat", "OPEN", "ASC", "AGE", "", "2026-03-01T12:00:00Z", "é\x00"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=500, deadline=None)
@given(name=st.sampled_from(TYPES), value=VALUES)
@example(name="[Float]", value=[2**53 + 1])
def test_variables_become_what_graphql_core_makes_of_them(name: str, value: Any) -> None:
    """Whatever ours accepts, graphql-core accepts, with the same result."""
    type_: GraphQLInputType = type_from_ast(build(), parse_type(name))  # type: ignore[assignment]
    theirs = coerce_input_value(value, type_)
    try:
        ours = coercion(type_)(value)
    except Exception:  # left to graphql-core
        return
    assert theirs is not Undefined
    assert repr(ours) == repr(theirs)
    assert type(ours) is type(theirs)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("[ID!]!", ["a", "b"]),
        ("[ID!]!", [1, "b"]),
        ("[ID]", ["a", None]),
        ("SubmitJudgmentsInput!", {"labels": ["cat"], "seconds": [1, None, 2.5]}),
        ("TaskOrder", {"by": "PRIORITY", "direction": "DESC"}),
        ("AddTasksInput!", {"tasks": [{"externalId": 1, "payload": {}}]}),
    ],
)
def test_what_is_plain_takes_the_short_way(name: str, value: Any) -> None:
    type_: GraphQLInputType = type_from_ast(build(), parse_type(name))  # type: ignore[assignment]
    assert coercion(type_)(value) == coerce_input_value(value, type_)


async def test_variables_are_refused_as_graphql_core_does() -> None:
    schema = build()
    text = """query ($a: Int = 5, $b: ID!, $c: TaskOrder) {
      tasks(first: $a, project: $b, order: $c) { totalCount }
    }"""
    operation = Documents(schema).get(text).pick(None)
    assert isinstance(operation, Operation)
    wrong: list[dict[str, Any]] = [
        {},
        {"b": None},
        {"b": []},
        {"b": "p", "a": 1.5},
        {"b": "p", "c": {"by": "X"}},
    ]
    for variables in wrong:
        ours = await _result(operation.execute(variables, None))
        theirs = await _result(execute(schema, parse(text), variable_values=variables))
        assert ours.errors
        assert ours.formatted == theirs.formatted


def test_refusals_become_answers_of_their_kind() -> None:
    later = refusal(Overloaded(retry_after=2.0))
    assert isinstance(later, TryLater)
    assert later.retry_after == 2.0
    assert refusal(UnknownProject()).__class__.__name__ == "NotFound"


async def test_refused_queries_are_errors_with_the_code() -> None:
    async def refusing(_info: Any) -> None:
        raise Overloaded(retry_after=2.0)

    field: Any = None
    with pytest.raises(GraphQLError) as caught:
        await binding._called(refusing, field)(None, None)
    assert caught.value.extensions == {"code": "OVERLOADED", "retryAfter": 2.0}


def test_every_root_field_can_be_planned() -> None:
    """An argument or a resolver below a root field would send each answer the slow way."""
    schema: GraphQLSchema = build()
    for type_ in schema.type_map.values():
        if type_ in {schema.query_type, schema.mutation_type, schema.subscription_type}:
            continue
        for field in getattr(type_, "fields", {}).values():
            assert not getattr(field, "args", None) or type_.name.startswith("__")

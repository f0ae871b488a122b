"""The schema: described throughout, as committed, and complete."""

from pathlib import Path

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    is_introspection_type,
    is_specified_scalar_type,
)

from api.codes import MESSAGES, Code
from api.graphql.refusals import KINDS, RETRY_AFTER, TryLater
from api.graphql.schema import build, text

COMMITTED = Path(__file__).parents[2] / "api" / "graphql" / "schema.graphql"


def test_the_committed_schema_is_that_of_the_code() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == text()


def test_everything_is_described() -> None:
    bare = []
    for name, type_ in build().type_map.items():
        if is_introspection_type(type_) or is_specified_scalar_type(type_):
            continue
        described = {name: type_.description}
        if isinstance(type_, GraphQLEnumType):
            described |= {f"{name}.{one}": value.description for one, value in type_.values.items()}
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for one, field in type_.fields.items():
                described[f"{name}.{one}"] = field.description
                for argument, definition in getattr(field, "args", {}).items():
                    described[f"{name}.{one}({argument})"] = definition.description
        for what, description in described.items():
            plain = description or ""
            if (
                len(plain) < 6
                or plain[-1] not in ".}"
                or not (plain[0].isupper() or plain[0] in "`<")
            ):
                bare.append((what, description))
    assert bare == []


def test_every_mutation_takes_one_input_and_may_be_refused() -> None:
    mutation = build().mutation_type
    assert mutation is not None
    refusals = {"InvalidInput", "NotFound", "Forbidden", "Conflict", "TryLater"}
    for name, field in mutation.fields.items():
        assert list(field.args) == ["input"]
        result = field.type.of_type
        assert isinstance(result, GraphQLUnionType)
        title = name[0].upper() + name[1:]
        assert result.name == f"{title}Result"
        assert {one.name for one in result.types} == {f"{title}Payload", *refusals}


def test_every_refusal_code_has_a_message_and_a_kind() -> None:
    assert set(MESSAGES) == set(Code)
    assert set(RETRY_AFTER) <= {code for code, kind in KINDS.items() if kind is TryLater}


def test_names_are_of_one_style() -> None:
    for name, type_ in build().type_map.items():
        if is_introspection_type(type_):
            continue
        assert name[0].isupper()
        for one in getattr(type_, "fields", None) or {}:
            assert one[0].islower()
            assert "_" not in one

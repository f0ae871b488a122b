"""Our resolvers and classes put into the schema that strawberry has made of them.

Strawberry's own wrappers convert each argument by reflection on every call, 100 µs a mutation. Here
graphql-core builds the input classes while it coerces, leaf fields read an attribute, and a union
looks its type up by class.
"""

import logging
from collections.abc import Callable, Mapping
from inspect import iscoroutinefunction
from operator import attrgetter
from typing import Any

import asyncpg
import strawberry
from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from api.errors import Refused, Unavailable
from api.graphql.completion import ATTRIBUTE, CLASSES
from api.graphql.context import Info
from api.graphql.refusals import refusal
from db.errors import DatabaseError

BACKREF = GraphQLCoreConverter.DEFINITION_BACKREF

Resolver = Callable[..., Any]

# What a database that is away looks like to those who read from it.
LOST = (
    OSError,
    DatabaseError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)

logger = logging.getLogger(__name__)


def bind(schema: strawberry.Schema) -> GraphQLSchema:
    """Return the executable schema. It is strawberry's own, changed in place."""
    bound = schema._schema  # noqa: SLF001 - strawberry's way out to graphql-core
    roots = {bound.query_type, bound.mutation_type, bound.subscription_type}
    classes: dict[type, GraphQLObjectType] = {}
    for type_ in bound.type_map.values():
        if isinstance(type_, GraphQLInputObjectType):
            _bind_input(type_)
        elif isinstance(type_, GraphQLObjectType) and BACKREF in type_.extensions:
            if type_ in roots:
                for field in type_.fields.values():
                    _bind_root(field, is_mutation=type_ is bound.mutation_type)
            else:
                classes[type_.extensions[BACKREF].origin] = type_
                _bind_object(type_)
    for type_ in bound.type_map.values():
        if isinstance(type_, GraphQLUnionType | GraphQLInterfaceType):
            _bind_abstract(bound, type_, classes)
    return bound


def _bind_input(type_: GraphQLInputObjectType) -> None:
    make = type_.extensions[BACKREF].origin
    for field in type_.fields.values():
        field.out_name = field.extensions[BACKREF].python_name
        if field.default_value is None:
            # The class has the default. `= null` in the schema would say what optional says.
            field.default_value = Undefined
    type_.out_type = lambda values: make(**values)  # type: ignore[method-assign,assignment]


def _bind_object(type_: GraphQLObjectType) -> None:
    type_.is_type_of = None
    for field in type_.fields.values():
        name = field.extensions[BACKREF].python_name
        read = attrgetter(name)
        field.extensions[ATTRIBUTE] = name
        field.resolve = lambda source, _info, _read=read: _read(source)


def _bind_abstract(
    schema: GraphQLSchema,
    type_: GraphQLUnionType | GraphQLInterfaceType,
    classes: Mapping[type, GraphQLObjectType],
) -> None:
    possible = {
        class_: object_
        for class_, object_ in classes.items()
        if object_ in schema.get_possible_types(type_)
    }
    type_.extensions[CLASSES] = possible
    type_.resolve_type = lambda value, _info, _type: possible[type(value)].name


def _bind_root(field: GraphQLField, *, is_mutation: bool) -> None:
    definition: StrawberryField = field.extensions[BACKREF]
    if definition.base_resolver is None:
        raise TypeError(f"{definition.python_name} has no resolver")
    function: Any = definition.base_resolver.wrapped_func
    for argument in field.args.values():
        argument.out_name = argument.extensions[BACKREF].python_name
        if argument.default_value is None:
            argument.default_value = Undefined
    if definition.is_subscription:
        field.subscribe = _called(function, definition)
        field.resolve = lambda event, _info, **_args: event
    elif is_mutation:
        field.resolve = _refusable(function, definition)
    else:
        field.resolve = _called(function, definition)


def _called(function: Resolver, field: StrawberryField) -> Resolver:
    """A query or subscription: what is refused there is an error with the refusal's code."""
    if iscoroutinefunction(function):

        async def called_later(_source: Any, info: Any, **args: Any) -> Any:
            try:
                return await function(Info(info, field), **args)
            except Refused as refused:
                raise _error(refused) from refused
            except LOST as error:
                logger.warning("the database did not answer", exc_info=True)
                raise _error(Unavailable()) from error

        return called_later

    def called(_source: Any, info: Any, **args: Any) -> Any:
        try:
            return function(Info(info, field), **args)
        except Refused as refused:
            raise _error(refused) from refused

    return called


def _refusable(function: Resolver, field: StrawberryField) -> Resolver:
    """A mutation: what is refused there is an answer of the refusal's type."""

    async def refusable(_source: Any, info: Any, **args: Any) -> Any:
        try:
            return await function(Info(info, field), **args)
        except Refused as refused:
            return refusal(refused)
        except LOST:
            logger.warning("the database did not answer", exc_info=True)
            return refusal(Unavailable())

    return refusable


def _error(refused: Refused) -> GraphQLError:
    extensions: dict[str, Any] = {"code": refused.code.value}
    if (retry_after := getattr(refused, "retry_after", None)) is not None:
        extensions["retryAfter"] = retry_after
    return GraphQLError(refused.message, extensions=extensions)

"""Variables made into resolver arguments by functions that are compiled once per document.

graphql-core needs about 2 µs a value and looks at each value twice; a column of strings is accepted
here by one look at the set of its types. Only plainly valid values are accepted. Everything else
raises, and graphql-core decides: it knows the rarer conversions and says what is wrong.
"""

from collections.abc import Callable
from math import isfinite
from typing import Any, TypeAlias

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLString,
    is_required_input_field,
)

Coercion: TypeAlias = Callable[[Any], Any]

LARGEST_INT = 2**31 - 1


class NotPlain(Exception):  # noqa: N818 - the name says what happened
    """A value that is left to graphql-core."""


def coercion(type_: GraphQLInputType) -> Coercion:
    """Compile the coercion of variables of a type. It raises for what is not plainly valid."""
    if isinstance(type_, GraphQLNonNull):
        return _present(type_.of_type)
    present = _present(type_)
    return lambda value: None if value is None else present(value)


def _present(type_: GraphQLInputType) -> Coercion:
    """The coercion of a value that is not None; it raises when it gets None."""
    if isinstance(type_, GraphQLList):
        return _list(type_.of_type)
    if isinstance(type_, GraphQLInputObjectType):
        return _object(type_)
    if isinstance(type_, GraphQLEnumType):
        members = {name: type_.coerce_input_value(name) for name in type_.values}
        return lambda value: members[value]
    if isinstance(type_, GraphQLScalarType):
        return _PLAIN.get(type_.name) or _custom(type_)
    raise TypeError(type_)


def _list(type_: GraphQLInputType) -> Coercion:
    inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    item = coercion(type_)
    if inner is not GraphQLString and inner is not GraphQLID:
        return lambda values: [item(value) for value in _checked(values, list)]
    plain = {str} if inner is not type_ else {str, type(None)}

    def column(values: Any) -> list[Any]:
        if type(values) is not list:
            raise NotPlain
        if plain.issuperset(map(type, values)):
            return values
        return [item(value) for value in values]

    return column


def _object(type_: GraphQLInputObjectType) -> Coercion:
    make = type_.out_type
    known = {
        name: (field.out_name or name, coercion(field.type)) for name, field in type_.fields.items()
    }
    # Fields that are left out get their defaults from the class: they are the schema's.
    required = {name for name, field in type_.fields.items() if is_required_input_field(field)}

    def coerce(value: Any) -> Any:
        if type(value) is not dict or not required <= value.keys():
            raise NotPlain
        fields = {}
        for name, given in value.items():
            out_name, convert = known[name]
            fields[out_name] = convert(given)
        return make(fields)

    return coerce


def _custom(type_: GraphQLScalarType) -> Coercion:
    parse = type_.coerce_input_value

    def convert(value: Any) -> Any:
        if value is None:
            raise NotPlain
        return parse(value)

    return convert


def _checked(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise NotPlain
    return value


def _id(value: Any) -> str:
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    raise NotPlain


def _int(value: Any) -> int:
    if type(value) is not int or not -LARGEST_INT <= value <= LARGEST_INT:
        raise NotPlain
    return value


def _float(value: Any) -> float:
    if type(value) is float or type(value) is int:
        number = float(value)
        if isfinite(number) and number == value:
            return number
    raise NotPlain


_PLAIN: dict[str, Coercion] = {
    GraphQLString.name: lambda value: _checked(value, str),
    GraphQLBoolean.name: lambda value: _checked(value, bool),
    GraphQLID.name: _id,
    GraphQLInt.name: _int,
    GraphQLFloat.name: _float,
}

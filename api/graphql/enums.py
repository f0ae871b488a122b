"""Enums with a description for each value, which strawberry's own way would hide from the types."""

from collections.abc import Callable
from enum import Enum
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

E = TypeVar("E", bound=type[Enum])


def described_enum(description: str, name: str | None = None, **values: str) -> Callable[[E], E]:
    """Make a class an enum of the schema; `values` describes each member by its name."""

    def decorate(cls: E) -> E:
        strawberry.enum(cls, name=name, description=description)
        definition: StrawberryEnumDefinition = vars(cls)["__strawberry_definition__"]
        for value in definition.values:
            value.description = values[value.name]
        return cls

    return decorate

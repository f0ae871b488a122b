"""Limits that keep one document from exhausting the server."""

from collections.abc import Collection
from typing import Any

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationRule,
    specified_rules,
)

TOKENS = 4_000  # of one document; what is long belongs into variables
DEPTH = 15  # of fields within fields, introspection's own deep queries apart
FIELDS = 600  # of one operation, with its fragments spelt out
ROOT_FIELDS = 20  # of one operation: each may read a page from the database


class SizeRule(ValidationRule):
    """Refuses operations that are too deep or select too much.

    A page has at most 500 rows, and no list but that of a task's judgments lies within another, so
    a bound on the fields bounds the answer. Fragments are counted where they are spread, each once
    measured, so that fragments which spread fragments cost nothing to refuse.
    """

    def enter_document(self, node: DocumentNode, *_args: Any) -> None:
        """Measure every operation of the document."""
        fragments = {
            part.name.value: part
            for part in node.definitions
            if isinstance(part, FragmentDefinitionNode)
        }
        measured: dict[str, tuple[int, int]] = {}
        for operation in node.definitions:
            if not isinstance(operation, OperationDefinitionNode):
                continue
            depth, fields = _measure(operation.selection_set, fragments, measured, ())
            roots = _roots(operation.selection_set, fragments, set())
            for found, limit, what in (
                (depth, DEPTH, "levels deep"),
                (fields, FIELDS, "fields in all"),
                (roots, ROOT_FIELDS, "fields at its root"),
            ):
                if found > limit:
                    message = f"The operation has {found} {what}; {limit} is the most: split it."
                    extensions = {"code": "OPERATION_TOO_LARGE"}
                    self.report_error(GraphQLError(message, operation, extensions=extensions))


class IntrospectionRule(ValidationRule):
    """Refuses aliases within introspection: with them, one document walks the schema 300 times."""

    def enter_field(self, node: FieldNode, *_args: Any) -> None:
        """Look at one field."""
        parent = self.context.get_parent_type()
        introspects = node.name.value in {"__schema", "__type"} or (
            parent is not None and parent.name.startswith("__")
        )
        if node.alias and introspects:
            message = "Fields of introspection can't have aliases here: select each once."
            extensions = {"code": "OPERATION_TOO_LARGE"}
            self.report_error(GraphQLError(message, node, extensions=extensions))


Fragments = dict[str, FragmentDefinitionNode]


def _measure(
    selections: SelectionSetNode | None,
    fragments: Fragments,
    measured: dict[str, tuple[int, int]],
    within: tuple[str, ...],
) -> tuple[int, int]:
    depth = fields = 0
    for node in selections.selections if selections else ():
        if isinstance(node, FieldNode):
            if node.name.value.startswith("__"):
                below = (0, 0)  # bounded by graphql-core's rule on depth and by IntrospectionRule
            else:
                below = _measure(node.selection_set, fragments, measured, within)
            below = (below[0] + 1, below[1] + 1)
        elif isinstance(node, FragmentSpreadNode):
            name = node.name.value
            if name in within or name not in fragments:
                continue  # other rules refuse that
            if name not in measured:
                inner = fragments[name].selection_set
                measured[name] = _measure(inner, fragments, measured, (*within, name))
            below = measured[name]
        elif isinstance(node, InlineFragmentNode):
            below = _measure(node.selection_set, fragments, measured, within)
        else:
            continue
        depth = max(depth, below[0])
        fields += below[1]
    return depth, fields


def _roots(selections: SelectionSetNode, fragments: Fragments, seen: set[str]) -> int:
    count = 0
    for node in selections.selections:
        if isinstance(node, FieldNode):
            count += 1
        elif isinstance(node, InlineFragmentNode):
            count += _roots(node.selection_set, fragments, seen)
        elif (
            isinstance(node, FragmentSpreadNode)
            and node.name.value in fragments
            and node.name.value not in seen
        ):
            seen.add(node.name.value)
            count += _roots(fragments[node.name.value].selection_set, fragments, seen)
    return count


RULES: Collection[type[ASTValidationRule]] = (
    *specified_rules,
    SizeRule,
    IntrospectionRule,
)

"""One operation of a checked document, ready to be executed any number of times."""

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Mapping
from inspect import isawaitable
from typing import Any

from graphql import (
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
)
from graphql.execution import (
    Executor,
    create_source_event_stream,
    default_field_resolver,
    default_type_resolver,
    execute_subscription_event,
)
from graphql.execution.collect_fields import FieldDetailsList, FragmentDetails
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values
from graphql.pyutils import Path
from graphql.type import GraphQLOutputType, GraphQLResolveInfo
from strawberry.execution import optimized_is_awaitable

from api.graphql.coercion import coercion
from api.graphql.completion import Plan, Unplanned, plan


class PlannedExecutor(Executor[Any]):
    """graphql-core's executor, with plans for the values of root fields."""

    plans: Mapping[str, Plan]

    def complete_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Complete the value of a root field by its plan, or as graphql-core does."""
        if path.prev is None and path.key in self.plans and result is not None:
            try:
                return self.plans[str(path.key)](result)
            except Exception:  # noqa: S110 - graphql-core finds out what is wrong
                pass
        return super().complete_value(
            return_type, field_details_list, info, path, result, position_context
        )


class Operation:
    """A query, mutation or subscription with all that does not depend on its variables."""

    def __init__(
        self,
        schema: GraphQLSchema,
        node: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
    ) -> None:
        self.name = node.name.value if node.name else None
        self.type: OperationType = node.operation
        self._schema = schema
        self._node = node
        self._fragment_nodes = dict(fragments)
        self._fragments = {name: FragmentDetails(part) for name, part in fragments.items()}
        self._variables = [
            (signature, definition.default_value is not None, coercion(signature.type))
            for definition in node.variable_definitions or ()
            if not isinstance(signature := get_variable_signature(schema, definition), GraphQLError)
        ]
        self._plans = self._planned()
        self._latest: tuple[object, ExecutionResult] = (None, ExecutionResult())  # of a feed

    def execute(
        self, variables: Mapping[str, Any] | None, context: Any
    ) -> ExecutionResult | Awaitable[ExecutionResult]:
        """Execute a query or mutation. At once, or awaitable if a resolver is."""
        executor = self._executor(variables or {}, context)
        if isinstance(executor, list):
            return ExecutionResult(None, executor)
        return executor.execute_operation()  # type: ignore[return-value]  # never incremental

    async def subscribe(
        self, variables: Mapping[str, Any] | None, context: Any
    ) -> AsyncGenerator[ExecutionResult, None] | ExecutionResult:
        """Begin a subscription: its stream of results, or the errors that forbid it."""
        executor = self._executor(variables or {}, context)
        if isinstance(executor, list):
            return ExecutionResult(None, executor)
        events = create_source_event_stream(executor)
        if isawaitable(events):
            events = await events
        if isinstance(events, ExecutionResult):
            return events
        return self._results(executor, events)

    async def _results(
        self, executor: PlannedExecutor, events: AsyncIterable[Any]
    ) -> AsyncGenerator[ExecutionResult, None]:
        """The results of a subscription's events.

        With a thousand subscribers, completing the same event for each is most of a feed's work.
        Those who asked with the same document get the same result, by the plan of the one field
        that subscriptions have.
        """
        try:
            async for event in events:
                yield self._planned_result(event) or await _event_result(executor, event)
        finally:
            if isinstance(events, AsyncGenerator):
                await events.aclose()

    def _planned_result(self, event: object) -> ExecutionResult | None:
        if self._latest[0] is event:
            return self._latest[1]
        for key, completed in self._plans.items():
            try:
                result = ExecutionResult({key: completed(event)}, None)
            except Exception:  # graphql-core finds out what is wrong
                return None
            self._latest = event, result
            return result
        return None

    def _executor(
        self, variables: Mapping[str, Any], context: Any
    ) -> "PlannedExecutor | list[GraphQLError]":
        values = self._coerced(variables)
        if isinstance(values, list):
            return values
        executor = PlannedExecutor(
            self._schema,
            self._fragment_nodes,
            self._fragments,
            None,
            context,
            self._node,
            values,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]  # it is one
        )
        executor.plans = self._plans
        return executor

    def _coerced(self, variables: Mapping[str, Any]) -> VariableValues | list[GraphQLError]:
        try:
            sources = {}
            coerced = {}
            for signature, has_default, coerce in self._variables:
                name = signature.name
                if name in variables:
                    value = variables[name]
                    sources[name] = VariableValueSource(signature, value)
                    coerced[name] = coerce(value)
                elif has_default:
                    raise LookupError(name)
                else:
                    sources[name] = VariableValueSource(signature)
                    coerce(None)  # raises if the variable is required
            return VariableValues(sources, coerced)
        except Exception:  # graphql-core finds out what is wrong, if anything is
            return get_variable_values(
                self._schema, self._node.variable_definitions or (), dict(variables), max_errors=20
            )

    def _planned(self) -> dict[str, Plan]:
        root = self._schema.get_root_type(self.type)
        selections = self._node.selection_set.selections
        fields = [node for node in selections if isinstance(node, FieldNode)]
        if root is None or len(fields) < len(selections):
            return {}
        by_key: dict[str, list[FieldNode]] = {}
        for node in fields:
            by_key.setdefault((node.alias or node.name).value, []).append(node)
        plans = {}
        for key, nodes in by_key.items():
            field = root.fields.get(nodes[0].name.value)
            if field is None:
                continue
            try:
                plans[key] = plan(self._schema, self._fragment_nodes, field.type, nodes)
            except Unplanned:
                continue
        return plans


async def _event_result(executor: PlannedExecutor, event: object) -> ExecutionResult:
    result = execute_subscription_event(executor.build_per_event_executor(event))
    return await result if isawaitable(result) else result

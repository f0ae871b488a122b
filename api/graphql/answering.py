"""From a GraphQL request to its response, whatever carries the two."""

import logging
import secrets
from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError, GraphQLSchema, OperationType

from api.graphql.context import Context
from api.graphql.documents import Documents
from api.graphql.operations import Operation

logger = logging.getLogger(__name__)

Response = dict[str, Any]

ENCODINGS = 32  # that are kept: of the latest events of as many feeds and documents


class Malformed(Exception):  # noqa: N818 - the name says what happened
    """A request that is no GraphQL request; the text says why."""


@dataclass(frozen=True, slots=True)
class Request:
    """A GraphQL request as its sender meant it."""

    query: str
    variables: Mapping[str, Any] | None
    operation_name: str | None


def read_request(body: object) -> Request:
    """Check the members of a request's JSON. Raises Malformed."""
    if not isinstance(body, dict):
        raise Malformed("The body must be a JSON object with the member `query`.")
    query = body.get("query")
    variables = body.get("variables")
    operation_name = body.get("operationName")
    extensions = body.get("extensions")
    if not isinstance(query, str):
        raise Malformed("The member `query` must be there, and must be a string.")
    if variables is not None and not isinstance(variables, dict):
        raise Malformed("The member `variables` must be an object or null.")
    if operation_name is not None and not isinstance(operation_name, str):
        raise Malformed("The member `operationName` must be a string or null.")
    if extensions is not None and not isinstance(extensions, dict):
        raise Malformed("The member `extensions` must be an object or null.")
    return Request(query, variables, operation_name)


class Encodings:
    """Responses of feeds as JSON. The data of an event is the same object for all who asked alike,
    and is encoded once for them."""

    def __init__(self) -> None:
        self._latest: OrderedDict[int, tuple[object, bytes]] = OrderedDict()

    def encode(self, response: Response) -> bytes:
        """Return the response as JSON."""
        data = response.get("data")
        if data is None or "errors" in response:
            return orjson.dumps(response)
        known = self._latest.get(id(data))
        if known is not None and known[0] is data:
            return known[1]
        encoded = orjson.dumps(response)
        self._latest[id(data)] = data, encoded
        if len(self._latest) > ENCODINGS:
            self._latest.popitem(last=False)
        return encoded


class Answering:
    """Answers GraphQL requests over one schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._documents = Documents(schema)
        self.encodings = Encodings()

    def find(self, request: Request) -> Operation | Response:
        """The operation that a request asks for, or the response that refuses it."""
        document = self._documents.get(request.query)
        if document.errors:
            return {"errors": formatted(document.errors)}
        operation = document.pick(request.operation_name)
        if isinstance(operation, GraphQLError):
            return {"errors": formatted((operation,))}
        return operation

    async def execute(self, operation: Operation, request: Request, context: Context) -> Response:
        """Execute a query or mutation. The response has no data if it could not begin."""
        result = operation.execute(request.variables, context)
        if isawaitable(result):
            result = await result
        return response(result)

    async def subscribe(
        self, operation: Operation, request: Request, context: Context
    ) -> AsyncGenerator[Response, None] | Response:
        """Begin any operation as a stream of responses, or refuse it by a response without data.

        A query or mutation is a stream of one.
        """
        if operation.type is not OperationType.SUBSCRIPTION:
            only = await self.execute(operation, request, context)
            return only if "data" not in only else _one(only)
        results = await operation.subscribe(request.variables, context)
        if isinstance(results, ExecutionResult):
            return {"errors": formatted(results.errors or ())}
        return _responses(results)


def response(result: ExecutionResult) -> Response:
    """The response of a result; its data is left out where execution did not begin."""
    if not result.errors:
        return {"data": result.data}
    errors = formatted(result.errors)
    if result.data is None and not any(error.path for error in result.errors):
        return {"errors": errors}
    return {"data": result.data, "errors": errors}


def formatted(errors: "tuple[GraphQLError, ...] | list[GraphQLError]") -> list[dict[str, Any]]:
    """Errors as the client may see them: what is unexpected gets an id that the log bears too."""
    return [dict(error.formatted) if _is_expected(error) else _masked(error) for error in errors]


def _is_expected(error: GraphQLError) -> bool:
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause is None


def _masked(error: GraphQLError) -> dict[str, Any]:
    error_id = secrets.token_hex(6)
    logger.error("unexpected error %s", error_id, exc_info=error.original_error)
    masked: dict[str, Any] = {
        "message": f"Something went wrong here. The server's log says more under {error_id}.",
        "extensions": {"code": "INTERNAL", "id": error_id},
    }
    if error.path:
        masked["path"] = error.path
    if error.locations:
        masked["locations"] = [location.formatted for location in error.locations]
    return masked


async def _one(only: Response) -> AsyncGenerator[Response, None]:
    yield only


async def _responses(
    results: AsyncGenerator[ExecutionResult, None],
) -> AsyncGenerator[Response, None]:
    try:
        async for result in results:
            yield response(result)
    except GraphQLError as error:
        yield {"errors": formatted((error,))}
    except Exception as error:  # whatever a feed dies of, its reader is told
        yield {"errors": [_masked(GraphQLError(str(error), original_error=error))]}
    finally:
        await results.aclose()

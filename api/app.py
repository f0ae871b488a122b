"""The ASGI application: the GraphQL endpoint, and what an operator's tools ask for."""

import asyncio

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.graphql.answering import Answering
from api.graphql.over_http import OverHttp
from api.graphql.over_websocket import OverWebSocket
from api.graphql.schema import build
from api.service import Service
from db.reads import ping

GRAPHQL_PATH = "/graphql"
PING_SECONDS = 2.0  # that the database may take to say that it is there


class App:
    """Basanite over HTTP and WebSocket."""

    def __init__(self, service: Service) -> None:
        self._service = service
        answering = Answering(build())
        self._over_http = OverHttp(answering, service)
        self._over_websocket = OverWebSocket(answering, service)
        self._rest = Starlette(
            routes=[
                Route("/", _root),
                Route("/healthz", _health),
                Route("/readyz", self._readiness),
            ]
        )

    def end_streams(self) -> None:
        """End all feeds, so that a server that is to stop need not wait for them."""
        self._service.closing.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection. Routing is by hand where requests are many."""
        if scope["type"] == "http" and scope["path"] == GRAPHQL_PATH:
            await self._over_http(scope, receive, send)
        elif scope["type"] == "websocket" and scope["path"] == GRAPHQL_PATH:
            await self._over_websocket(scope, receive, send)
        else:
            await self._rest(scope, receive, send)

    async def _readiness(self, _request: Request) -> JSONResponse:
        """Whether requests can be served: the database answers, and each project is loaded."""
        service = self._service
        try:
            async with asyncio.timeout(PING_SECONDS):
                await ping(service.pool)
            database = True
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            database = False
        projects = {
            shard.project.external_id: "writable" if shard.writable else "read-only"
            for shard in service.shards.all()
        }
        ready = database and not service.closing.is_set()
        return JSONResponse(
            {"ready": ready, "database": database, "projects": projects},
            status_code=200 if ready else 503,
        )


async def _root(_request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"Basanite. The GraphQL endpoint is {GRAPHQL_PATH}.\n")


async def _health(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("alive\n")

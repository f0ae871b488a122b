"""The server that a command calls: the one it is told, or one of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from api.cli.options import DatabaseUrl, DataDir, fail, run, settings_of

if TYPE_CHECKING:
    from rich.console import Console

    from api.frontend.client import CallFailed, Client
    from api.settings import Settings

Url = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        envvar="BASANITE_URL",
        show_envvar=False,
        help="A running server; without it, one is started for this. Also BASANITE_URL.",
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        metavar="TOKEN",
        envvar="BASANITE_KEY",
        show_envvar=False,
        help="ADMIN key for the server at --url. Also BASANITE_KEY.",
    ),
]


TAKEN = " Is that `basanite serve`? Then give its address with --url, and a key with --key."

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Server:
    """Which server a command calls, and what one of its own works on."""

    url: Url = None
    key: Key = None
    database_url: DatabaseUrl = None
    data_dir: DataDir = None

    @property
    def settings(self) -> "Settings":
        """Those of a server of our own, or the end of the command."""
        return settings_of(database_url=self.database_url, data_dir=self.data_dir)

    def check(self) -> None:
        """End the command if only one of address and key is given."""
        if self.url is not None and self.key is None:
            fail("A server at --url takes an ADMIN key with --key: basanite keys create makes one.")
        if self.url is None and self.key is not None:
            fail("--key is for a server at --url: name that too.")


@asynccontextmanager
async def reach(server: Server, screen: "Console", purpose: str) -> "AsyncIterator[Client]":
    """A client of that server; `purpose` is what the key of our own is listed under."""
    from api.cli.own_server import own_server, starting
    from api.frontend.client import Client

    async with AsyncExitStack() as stack:
        url, key = server.url, server.key
        if url is None or key is None:
            with starting(screen) as report:
                own = await stack.enter_async_context(own_server(server.settings, report, purpose))
            url, key = own.url, own.token
        yield await stack.enter_async_context(Client(url, key))


def asked(
    work: "Callable[[Client], Awaitable[T]]",
    server: Server,
    screen: "Console",
    purpose: str,
) -> T:
    """What the work with a client of that server comes to; a call that fails ends the command."""
    from api.frontend.client import CallFailed

    server.check()

    async def reached() -> T:
        async with reach(server, screen, purpose) as client:
            return await work(client)

    try:
        return run(reached())
    except CallFailed as error:
        fail(told(error))


def told(error: "CallFailed") -> str:
    """Why a call failed, and what to do where another process writes the project."""
    from api.frontend.client import CallRefused

    taken = isinstance(error, CallRefused) and error.code == "PROJECT_TAKEN"
    return f"{error}{TAKEN if taken else ''}"

"""One process that serves: uvicorn around the application, and a stop that loses nothing."""

import asyncio
import contextlib
import errno
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn

from api.app import App
from api.service import Report, open_service
from api.settings import Settings
from engine import warm_up

GRACE = 20  # seconds that running requests may take when the server stops
BACKLOG = 2048


class PortTaken(Exception):  # noqa: N818 - the name says what happened
    """The port cannot be listened at; the message says what to do."""


class Server(uvicorn.Server):
    """uvicorn's server, which says when it is ready and ends the feeds when it is to stop."""

    def __init__(self, config: uvicorn.Config, app: App, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._app = app
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take connections, and say so."""
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, and let what runs finish."""
        self._app.end_streams()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `run_server`: uvicorn would raise them again, amid our clean-up."""
        yield


def run_server(settings: Settings, report: Report, announce: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM. `announce` gets the address once requests are taken.

    Raises PortTaken before anything is started, and DatabaseError.
    """
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    with _listen(settings) as listener:
        warm_up(lambda what, done, total: report(f"Engine: {what} ({done}/{total})"))
        loop_factory = None
        if sys.platform != "win32":
            import uvloop

            loop_factory = uvloop.new_event_loop
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(_serve(settings, listener, report, announce))


async def _serve(
    settings: Settings, listener: socket.socket, report: Report, announce: Callable[[str], None]
) -> None:
    stopped = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        if server is not None:
            server.handle_exit(number, frame)

    server: Server | None = None
    with _on_signals(stop):
        async with open_service(settings, report) as service:
            app = App(service)
            # What is there now stays. To search it for garbage would hold up all calls for 75 ms
            # and more, again and again.
            gc.collect()
            gc.freeze()
            server = Server(configuration(settings, app), app, lambda: announce(_url(listener)))
            if not stopped:
                await server.serve([listener])
            report("Storing what was accepted")


def configuration(settings: Settings, app: App) -> uvicorn.Config:
    """How uvicorn is to serve."""
    return uvicorn.Config(
        app,
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=settings.body_bytes,
        ws_per_message_deflate=False,  # it costs more time than it saves, once per subscriber
        lifespan="off",
        log_config=None,
        log_level=max(logging.WARNING, logging.getLevelName(settings.log_level.upper())),
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE,
        backlog=BACKLOG,
    )


@contextlib.contextmanager
def _on_signals(stop: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            reason = "another program listens there: stop it, or choose another --port"
        else:
            reason = error.strerror or str(error)
        message = f"Cannot listen at {settings.host}, port {settings.port}: {reason}."
        raise PortTaken(message) from error
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

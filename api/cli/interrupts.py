"""Ctrl-C and SIGTERM in commands that have something to take down."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, cast

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
INTERRUPTED: Final = 130  # exit status, as shells have it after Ctrl-C


class Interrupts:
    """What a signal does: `asked` is set while `graceful`, else the command is cancelled.

    Cancelling unwinds the command too, and so takes down what it started. A second signal always
    cancels.
    """

    def __init__(self, command: "asyncio.Task[object]") -> None:
        self.asked = asyncio.Event()
        self._command = command
        self._graceful = False

    def heard(self) -> None:
        """Take note of a signal."""
        if self._graceful and not self.asked.is_set():
            self.asked.set()
        else:
            self._command.cancel()

    @contextmanager
    def graceful(self) -> Iterator[None]:
        """A part of the command that looks at `asked` and ends in order."""
        self._graceful = True
        try:
            yield
        finally:
            self._graceful = False


@contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Handle the signals within; in the task that runs the command."""
    command = asyncio.current_task()
    found = Interrupts(cast("asyncio.Task[object]", command))
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        loop.add_signal_handler(number, found.heard)
    try:
        yield found
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])

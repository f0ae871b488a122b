"""Work beside the event loop: what becomes of it when it ends, fails, or is not waited for."""

import asyncio
import threading

import pytest

from api.beside.aside import aside
from tests.waiting import soon


async def test_what_the_work_returns_or_raises_comes_back() -> None:
    assert await soon(aside(threading.get_ident)) != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        await soon(aside(lambda: 1 // 0))


def test_the_loop_ends_while_the_work_goes_on() -> None:
    go_on, began, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        go_on.wait()
        ended.set()

    async def give_up() -> None:
        waiting = asyncio.create_task(aside(work))
        while not began.is_set():  # noqa: ASYNC110 - it is set by another thread
            await asyncio.sleep(0.001)
        waiting.cancel()

    asyncio.run(give_up())  # returns although the work has not ended
    assert not ended.is_set()
    go_on.set()
    assert ended.wait(900)

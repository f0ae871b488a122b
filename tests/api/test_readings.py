"""Readings are shared, and one that fails or is left is no harm to the others."""

import asyncio

import pytest

from api.reading import readings as module
from api.reading.readings import Readings


async def test_one_reading_serves_all_who_ask_for_the_same() -> None:
    readings, change, count = Readings(), object(), 0

    async def read() -> int:
        nonlocal count
        count += 1
        await asyncio.sleep(0.01)
        return count

    assert await asyncio.gather(*(readings.share("a", change, read) for _ in range(50))) == [1] * 50
    assert await readings.share("a", change, read) == 1
    assert await readings.share("b", change, read) == 2
    assert await readings.share("a", object(), read) == 3


async def test_a_reader_who_leaves_does_not_take_it_from_the_others() -> None:
    readings, change, go = Readings(), object(), asyncio.Event()

    async def read() -> str:
        await go.wait()
        return "x"

    leaving = asyncio.create_task(readings.share("a", change, read))
    staying = asyncio.create_task(readings.share("a", change, read))
    await asyncio.sleep(0)
    leaving.cancel()
    go.set()
    assert await staying == "x"
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_a_failure_is_told_and_not_kept() -> None:
    readings, change, count = Readings(), object(), 0

    async def read() -> int:
        nonlocal count
        count += 1
        if count == 1:
            raise OSError("gone")
        return count

    with pytest.raises(OSError, match="gone"):
        await readings.share("a", change, read)
    assert await readings.share("a", change, read) == 2


async def test_few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    readings = Readings()

    async def read() -> int:
        return 1

    for _ in range(10):
        assert await readings.share("a", object(), read) == 1
    assert len(readings._known) == 3


async def test_a_glance_lasts_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    readings, count = Readings(), 0

    def look() -> list[int]:
        nonlocal count
        count += 1
        return [count]

    monkeypatch.setattr(module, "FRESH", 3600.0)
    first = readings.glance("a", look)
    assert readings.glance("a", look) is first
    assert readings.glance("b", look) == [2]
    monkeypatch.setattr(module, "FRESH", -1.0)
    assert readings.glance("a", look) == [3]
    for name in "cdefg":
        readings.glance(name, look)
    assert len(readings._glances) == 3

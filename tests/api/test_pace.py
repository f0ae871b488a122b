"""Long work rests before it begins, longer the more there is to do."""

import time

import pytest

from api.beside.pace import MANY, Pace


def test_the_rest_grows_with_the_judgments_and_ends_by_itself() -> None:
    pace = Pace(rest=10, cost=1e-3)
    few, many = pace.left(100), pace.left(200)
    assert few == pytest.approx(1, abs=0.5)
    assert many - few == pytest.approx(1, abs=0.5)
    time.sleep(0.05)
    assert pace.left(200) < many - 0.04


def test_work_that_took_long_rests_long_and_quick_work_no_less_than_the_least() -> None:
    pace = Pace(rest=10, cost=1e-7)
    began = time.monotonic()
    with pace.work(MANY):
        time.sleep(0.1)
    took = time.monotonic() - began
    assert 0 < pace.left(2 * MANY) <= 20 * took
    assert pace.left(2 * MANY) > 1  # twenty times the 0.1 s, less what has gone by
    with pytest.raises(OSError, match="gone"), pace.work(100 * MANY):
        raise OSError("gone")
    assert 0 < pace.left(100 * MANY) <= 10 * 1e-7 * 100 * MANY


async def test_waiting_goes_on_while_judgments_come() -> None:
    pace = Pace(rest=1, cost=1e-3)
    counts = iter([20, 60, 60, 60, 60, 60])
    began = time.monotonic()
    await pace.wait(lambda: next(counts))
    assert time.monotonic() - began >= 0.055

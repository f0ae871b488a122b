"""The alarm that a worker rushes: it stands until the pace is back, or staff accepts it."""

import numpy as np
import pytest

from engine.events import RETRACT, Events
from engine.sequential import StatusTests

USUAL, HASTY = 12.0, 3.0


class Life:
    """Worker 0, whose judgments are right, and what they take."""

    def __init__(self) -> None:
        self.tests = StatusTests(4)
        self.made = 0
        self.rng = np.random.default_rng(7)

    def judge(self, count: int, seconds: float) -> list[bool]:
        """Make judgments; return the alarm after each."""
        alarms = []
        for task in range(self.made, self.made + count):
            took = np.array([seconds * self.rng.lognormal(0, 0.3)], np.float32)
            row = np.array([task], np.int32)
            self.tests.apply(Events.gold(row, np.zeros(1, np.int16)))
            self.tests.apply(Events.judgments(row, np.zeros(1), np.zeros(1)), took)
            alarms.append(self.hurried)
        self.made += count
        return alarms

    @property
    def hurried(self) -> bool:
        _, hurried = self.tests.alarms(np.zeros(1, np.int32))
        return bool(hurried[0])

    def void(self, first: int, end: int) -> None:
        """Take the judgments of these tasks back in parts."""
        task = np.arange(first, end, dtype=np.int32)
        zero = np.zeros(len(task), np.int32)
        kinds = np.full(len(task), RETRACT, np.uint8)
        events = Events(kinds, task, zero, zero.astype(np.int16))
        stood = self.hurried
        self.tests.apply(events, None, np.ones(len(task), np.bool_))
        assert self.hurried == stood
        self.tests.settle()


def test_an_alarm_stands_while_the_worker_goes_on_rushing() -> None:
    life = Life()
    assert not any(life.judge(200, USUAL))
    alarms = life.judge(400, HASTY)
    assert alarms.index(True) <= 32
    assert all(alarms[alarms.index(True) :])
    assert all(life.judge(16, USUAL))
    alarms = life.judge(64, USUAL)
    assert not alarms[-1]  # its pace is back
    assert not any(life.judge(200, USUAL))


def test_staff_accepts_a_pace_which_is_usual_from_then_on() -> None:
    life = Life()
    life.judge(200, USUAL)
    assert life.judge(100, HASTY)[-1]
    changed = life.tests.accept_pace(0)
    assert changed.hurried.tolist() == [False]
    assert not any(life.judge(200, HASTY))
    assert any(life.judge(100, HASTY / 4))
    again = StatusTests.from_state(life.tests.state())
    assert again.alarms(np.zeros(1, np.int32))[1].all()
    assert len(life.tests.accept_pace(0)) == 1
    assert len(life.tests.accept_pace(0)) == 0


@pytest.mark.parametrize(("first", "end"), [(200, 300), (0, 200)])
def test_an_alarm_ends_with_the_judgments_it_rests_on(first: int, end: int) -> None:
    life = Life()
    life.judge(200, USUAL)
    assert life.judge(100, HASTY)[-1]
    life.void(first, end)
    assert not life.hurried


def test_a_part_of_an_act_ends_no_alarm_and_raises_none() -> None:
    life = Life()
    life.judge(200, USUAL)
    assert life.judge(100, HASTY)[-1]
    life.void(100, 140)
    assert life.hurried

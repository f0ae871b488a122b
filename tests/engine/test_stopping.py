"""When a further judgment is not worth its price, against every sequence of answers by itself."""

from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.stopping import AHEAD, NEVER, enough, rise

ACCURACIES = st.floats(0.3, 0.99)
LABELS = st.integers(2, 4)


def naive_rise(confidence: float, accuracy: float, labels: int, judgments: int) -> float:
    """Every sequence of answers; label 0 is the likely one, 1 its rival."""

    def chance(truth: int, answer: int) -> float:
        return accuracy if answer == truth else (1 - accuracy) / (labels - 1)

    right = 0.0
    for answers in product(range(labels), repeat=judgments):
        label = confidence * prod(chance(0, answer) for answer in answers)
        rival = (1 - confidence) * prod(chance(1, answer) for answer in answers)
        right += max(label, rival)
    return right - confidence


@settings(deadline=None)
@given(st.floats(0, 1), ACCURACIES, LABELS, st.integers(1, 4))
def test_the_rise_is_the_twins(confidence: float, accuracy: float, labels: int, n: int) -> None:
    expected = naive_rise(confidence, accuracy, labels, n)
    assert rise(confidence, accuracy, labels, n) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, max_examples=50)
@given(ACCURACIES, LABELS, st.integers(1, 12), st.floats(1e-6, 0.3))
def test_it_goes_on_below_and_stops_above(
    accuracy: float, labels: int, overlap: int, least: float
) -> None:
    bars = enough(accuracy, labels, overlap, least)
    assert len(bars) == overlap + 1
    for judged, bar in enumerate(bars.tolist()):
        ahead = range(1, min(max(overlap - judged, 1), AHEAD) + 1)

        def best(confidence: float, ahead: range = ahead) -> float:
            return max(rise(confidence, accuracy, labels, n) / n for n in ahead)

        assert best(min(bar + 1e-6, 1.0)) < least
        assert bar < 1e-6 or best(bar - 1e-6) >= least
    assert np.all(np.diff(bars) <= 1e-9)  # with fewer judgments left there is less to hope for


def test_what_costs_nothing_is_always_worth_it() -> None:
    assert set(enough(0.8, 3, 5, 0.0).tolist()) == {NEVER}


def test_one_answer_is_followed_by_more_than_one_that_cannot_change_it() -> None:
    assert rise(0.8, 0.8, 2, 1) == pytest.approx(0.0, abs=1e-12)
    assert rise(0.8, 0.8, 2, 2) > 0.0
    assert enough(0.8, 2, 3, 0.01)[1] > 0.8

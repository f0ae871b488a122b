import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.agreement import krippendorff_alpha, score_against_gold
from tests import naive_agreement as naive

judgments = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), min_size=1, max_size=40)


@given(judgments)
def test_alpha_is_its_slow_twin(rows: list[tuple[int, int]]) -> None:
    tasks, labels = zip(*rows, strict=True)
    alpha = krippendorff_alpha(np.array(tasks, np.int32), np.array(labels, np.int16), 4)
    expected = naive.krippendorff_alpha(tasks, labels)
    assert alpha == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_alpha_of_the_paper_that_defines_it() -> None:
    # Krippendorff 2011, section C: four observers, twelve units, nominal alpha .743.
    units = [
        [1, 1, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4],
        [4, 4, 4, 4], [1, 1, 2, 1], [2, 2, 2, 2], [5, 5, 5], [1, 1], [3],
    ]  # fmt: skip
    task = np.repeat(np.arange(12), [len(unit) for unit in units]).astype(np.int32)
    label = np.concatenate(units).astype(np.int16) - 1
    assert krippendorff_alpha(task, label, 5) == pytest.approx(0.743, abs=5e-4)


def test_alpha_is_undefined_without_pairs_or_without_difference() -> None:
    one_each = krippendorff_alpha(np.arange(3, dtype=np.int32), np.array([0, 1, 0], np.int16), 2)
    all_same = krippendorff_alpha(np.zeros(3, np.int32), np.zeros(3, np.int16), 2)
    assert math.isnan(one_each)
    assert math.isnan(all_same)


@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 3), min_size=3, max_size=3), st.integers(0, 2)),
        min_size=1,
    )
)
def test_score_is_its_slow_twin(rows: list[tuple[list[int], int]]) -> None:
    scores, gold = zip(*rows, strict=True)
    points = score_against_gold(np.array(scores, np.float64), np.array(gold))
    assert points.tolist() == pytest.approx(naive.score_against_gold(scores, gold))

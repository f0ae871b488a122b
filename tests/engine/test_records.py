"""What reputations are made from, and the steps of that, against their slow twins."""

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Categorical
from engine.flattery import ACCURACY, GRID, bridge
from engine.kernels.reputation import CELLS, assess, quantiles, share_out
from engine.kernels.support import OCTAVES, octave
from engine.records import Heard, Records
from tests import naive_reputation as naive
from tests.engine.peopled import people
from tests.engine.test_categorical import Event, columns, new_pair, programs, run_naive


@given(st.floats(0, 1) | st.floats(1e-9, 1e-3).map(lambda p: 1 - p))
@settings(deadline=None)
def test_octave_is_the_power_of_two_of_the_odds(probability: float) -> None:
    # On a border between two, rounding decides.
    places = {naive.octave(probability * (1 + slip)) for slip in (-1e-12, 0, 1e-12)}
    assert octave(probability) in places


@given(programs(most=60))
@settings(max_examples=60, deadline=None)
def test_support_counts_the_answers_as_the_posteriors_are(
    program: tuple[int, list[Event]],
) -> None:
    labels, events = program
    model, twin = new_pair(labels)
    for event in events:
        model.apply(columns([event]))
        run_naive(twin, event)
    backed = naive.backed(twin)
    support = model.tables.support
    for worker in range(model.worker_count):
        answers = backed.get(worker, [])
        assert support[worker].sum() == len(answers)
        # One answer after the other moves at most to the next octave, where it lies on a border.
        places = np.repeat(np.arange(OCTAVES), support[worker])
        expected = np.array(sorted(naive.octave(p) for p in answers), int)
        assert np.abs(places - expected).max(initial=0) <= 1


@given(
    st.lists(st.integers(0, 3), min_size=OCTAVES, max_size=OCTAVES),
    st.floats(-3, 3),
)
@settings(deadline=None)
def test_likelihood_is_that_of_answers_with_unknown_truth(support: list[int], taken: float) -> None:
    nothing = np.zeros(1, np.int32)
    records = Records(
        np.array([support], np.int32), np.array([taken]), nothing, nothing, np.zeros((1, 2))
    )
    logs = records.likelihoods()[0]
    expected = [log(naive.likelihood(support, taken, float(a))) for a in ACCURACY]
    assert logs - logs[0] == pytest.approx(np.array(expected) - expected[0], abs=1e-6)


@given(st.integers(2, 4), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_others_are_heard_without_the_gold_and_the_answer_itself(labels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    task = np.repeat(people(12), 4)
    worker = np.concatenate([rng.permutation(7)[:4] for _ in range(12)]).astype(np.int32)
    label = rng.integers(labels, size=48).astype(np.int16)
    gold = np.where(np.arange(12) < 5, rng.integers(labels, size=12), -1).astype(np.int16)
    model = Categorical.fit(task, worker, label, labels, gold)
    heard = Heard.of(model)
    taken = Records.of(model, people(7)).taken
    accuracy = {w: 1 / (1 + np.exp(-taken[w])) for w in range(7)}
    assert len(heard.worker) == 20
    opinions = np.zeros((5, labels))
    for w, t, right, said in zip(*heard[:4], strict=True):
        votes = {int(v): int(k) for v, k in zip(*model.judgments_of(int(t)), strict=True)}
        expected, q = naive.hear_others(votes, int(w), model.prior().tolist(), accuracy, 3)
        assert said == pytest.approx(expected, abs=1e-9)
        assert right == (votes[int(w)] == gold[t])
        opinions[t] += np.array(q) / 4
    assert heard.opinions == pytest.approx(opinions)
    assert heard.truth.tolist() == gold[:5].tolist()


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_assess_is_bayes_rule(right: int, wrong: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    across = bridge(3, np.array([0.3, 0.1]), np.diag([20.0, 100.0]))
    assert across.sum(0) == pytest.approx(1)
    weights = rng.dirichlet(np.ones(CELLS))
    logs = rng.normal(0, 3, (1, CELLS))
    chances = np.zeros((1, CELLS))
    counts = np.array([[right], [wrong]], np.int32)
    assess(logs, across, weights, counts[0], counts[1], chances)
    expected = naive.assess(
        logs[0].tolist(), across.tolist(), weights.tolist(), right, wrong, GRID.tolist()
    )
    assert chances[0] == pytest.approx(expected, abs=1e-12)


@given(st.integers(0, 5), st.integers(1, 4), st.integers(0, 6), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_groups_share_out_what_there_is(n: int, groups: int, rounds: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    fits, start = rng.random((n, groups)) + 1e-3, rng.dirichlet(np.ones(groups))
    heights = np.empty(groups)
    share_out(fits, start, 2.0, rounds, heights)
    assert heights == pytest.approx(naive.share_out(fits.tolist(), start.tolist(), 2.0, rounds))
    assert heights.sum() == pytest.approx(1)


@given(st.integers(0, CELLS - 1), st.integers(1, 9), st.floats(0, 1), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_quantiles_are_the_twins(first: int, cells: int, share: float, seed: int) -> None:
    chances = np.zeros((2, CELLS))
    there = slice(first, min(first + cells, CELLS))
    chances[0, there] = 1.0
    chances[0] = np.random.default_rng(seed).dirichlet(chances[0] + 1e-3)
    chances[1, there] = 1 / len(chances[1, there])
    values = np.empty(2)
    quantiles(chances, share, values)
    for row, value in zip(chances.tolist(), values, strict=True):
        assert value == pytest.approx(naive.quantile(row, GRID.tolist(), share), abs=1e-9)


def test_quantiles_of_known_distributions() -> None:
    even = np.zeros((1, CELLS))
    even[0, 40] = 1.0
    value = np.empty(1)
    quantiles(even, 0.5, value)
    assert value[0] == pytest.approx(ACCURACY[40])
    ends = np.zeros((2, CELLS))
    ends[0, 0] = ends[1, -1] = 1.0
    values = np.empty(2)
    quantiles(ends, 0.0, values)
    assert values[0] == 0.0
    quantiles(ends, 1.0, values)
    assert values[1] == 1.0

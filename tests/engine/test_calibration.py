"""What confidence means: the map keeps its promises, and what is learned comes near the truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Categorical
from engine.calibrating import calibrate, distance, error, learn, surprise
from engine.calibration import Calibration
from engine.trust import ENOUGH_GOLD, LEAST_JUDGMENTS, Evidence, Sample
from scripts.benchmarks.crowds import PLANS, simulate
from tests.naive_calibration import confidence

SLACK = 1e-9


@settings(deadline=None)  # the first call compiles
@given(
    labels=st.integers(2, 1000),
    judgments=st.integers(0, 500),
    beliefs=st.lists(st.floats(0, 1), min_size=2, max_size=2),
    base=st.floats(-3, 3),
    gain=st.floats(0.1, 3),
    toll=st.floats(-2, 2),
)
def test_the_map_rises_with_the_belief_and_stays_above_chance(
    labels: int, judgments: int, beliefs: list[float], base: float, gain: float, toll: float
) -> None:
    low, high = sorted(beliefs)
    found = Calibration(base, gain, toll).confidence(
        np.array([low, high]), np.full(2, judgments, np.int32), labels
    )
    assert 1 / labels - SLACK <= found[0] <= found[1] + SLACK <= 1 + 2 * SLACK
    expected = [confidence(each, judgments, labels, base, gain, toll) for each in (low, high)]
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("labels", [2, 4, 40])
def test_consensus_keeps_its_label_and_gold_is_certain(labels: int) -> None:
    rng = np.random.default_rng(labels)
    task, worker = (index.ravel().astype(np.int32) for index in np.indices((60, 7)))
    label = rng.integers(0, labels, 420).astype(np.int16)
    label[rng.random(420) < 0.6] = 1
    gold = np.full(60, -1, np.int16)
    gold[:5] = 0
    model = Categorical.fit(task, worker, label, labels, gold)
    tasks = np.arange(61, dtype=np.int32)  # the last one nobody judged
    for base in (-3.0, 3.0):  # less than is believed, and more
        model.calibration = Calibration(base, 0.5, 0.2)
        now, shown = model.consensus(tasks), model.probabilities(tasks)
        np.testing.assert_allclose(shown.sum(1), 1)
        assert shown.min() >= -SLACK
        assert (now.label == model.beliefs(tasks).label).all()
        judged = now.label >= 0
        np.testing.assert_allclose(shown[judged].max(1), now.confidence[judged])
        best = shown[np.arange(60), now.label[:60]]
        np.testing.assert_allclose(best, now.confidence[:60])
        assert (now.confidence[:5] == 1).all()
        assert now.confidence[60] == 0


def test_a_state_keeps_what_confidence_means() -> None:
    model = Categorical(3)
    model.calibration = Calibration(0.5, 1.5, 0.25)
    assert Categorical.from_state(model.state()).calibration == model.calibration


def evidence(rng: np.random.Generator, truth: Calibration, gold: int) -> Evidence:
    belief = rng.beta(6, 1, gold)
    judgments = rng.integers(1, 6, gold).astype(np.int32)
    right = rng.random(gold) < truth.confidence(belief, judgments, 4)
    return Evidence(4, belief, judgments, right, np.zeros(0), np.zeros(0, np.bool_), np.zeros(0))


def test_without_evidence_nothing_is_learned_but_gold_overrides_as_it_grows() -> None:
    rng = np.random.default_rng(0)
    start, truth = Calibration.before(4), Calibration(-1.5, 0.6, 0.5)
    assert learn(evidence(rng, truth, 0)) == pytest.approx(start)
    belief, judgments = np.array([0.7, 0.95, 0.999]), np.full(3, 3, np.int32)
    goal = truth.confidence(belief, judgments, 4)
    off = [
        np.abs(learn(evidence(rng, truth, gold)).confidence(belief, judgments, 4) - goal).max()
        for gold in (0, 100, 20_000)
    ]
    assert off[0] > off[1] > off[2]
    assert off[2] < 0.02


def test_judgments_that_surprise_lower_the_start() -> None:
    nothing = np.zeros(0)
    foreseen = np.full(400, 0.8)
    seen = {
        share: Evidence(
            3,
            nothing,
            nothing.astype(np.int32),
            nothing.astype(np.bool_),
            foreseen,
            np.arange(400) < 400 * share,
            nothing,
        )
        for share in (0.6, 0.8)
    }
    assert surprise(seen[0.6]) < -0.5 < abs(surprise(seen[0.8])) - 0.4
    belief, judgments = np.array([0.95]), np.array([3], np.int32)
    low, high = (learn(each).confidence(belief, judgments, 3)[0] for each in seen.values())
    assert low < high


def test_gold_that_contradicts_sure_beliefs_is_believed() -> None:
    """Where all is sure a whole step of Newton's method once went to and fro for ever."""
    sure, judgments = np.full(60, 1 - 2e-6), np.full(60, 6, np.int32)
    right = np.arange(60) % 4 > 0
    seen = Evidence(3, sure, judgments, right, np.full(60, 0.95), np.ones(60, np.bool_), sure)
    assert learn(seen).confidence(sure, judgments, 3)[0] == pytest.approx(0.75, abs=0.05)


@pytest.mark.parametrize("tasks", [0, 1, 2, 7])
def test_of_few_tasks_all_is_looked_at(tasks: int) -> None:
    task = np.repeat(np.arange(tasks, dtype=np.int32), 2)
    worker = np.tile(np.arange(2, dtype=np.int32), tasks)
    model = Categorical.fit(task, worker, np.zeros(2 * tasks, np.int16), 3)
    seen = Sample.of(model).examine()
    assert len(seen.believed) == len(seen.met) == tasks
    assert (seen.believed > 1 / 3).all()
    assert (seen.believed <= 1).all()
    assert np.isfinite(learn(seen)).all()


def test_the_error_finds_what_is_off_and_is_unknown_without_gold() -> None:
    rng = np.random.default_rng(1)
    truth = Calibration.before(4)
    assert np.isnan(error(evidence(rng, truth, 19)).value)
    fair = error(evidence(rng, truth, 2000))
    assert 0 <= fair.low <= fair.value <= fair.high < 0.06


def test_hidden_gold_is_as_hard_as_tasks_without_gold() -> None:
    """What the model learned from gold must not leak into what it would believe without it."""
    found, really = [], []
    for seed in range(3):
        crowd = simulate(PLANS["demo, overlap 3"], seed)
        gold = crowd.gold(0.3)
        model = Categorical.fit(crowd.task, crowd.worker, crowd.label, crowd.labels, gold)
        seen = Sample.of(model).examine()
        tasks = np.flatnonzero(gold < 0).astype(np.int32)
        now = model.beliefs(tasks)
        found.append(seen.right.mean())
        really.append((now.label == crowd.truth[tasks]).mean())
        assert seen.believed.mean() == pytest.approx(now.confidence.mean(), abs=0.02)
    assert np.mean(found) == pytest.approx(np.mean(really), abs=0.035)


def test_of_a_large_project_a_part_is_looked_at_and_gold_is_not_thinned_with_it() -> None:
    rng = np.random.default_rng(3)
    tasks, overlap, workers = 50_000, 6, 250
    task = np.repeat(np.arange(tasks, dtype=np.int32), overlap)
    apart = np.tile(rng.permutation(workers)[:overlap].astype(np.int32), tasks)
    worker = (task + apart) % workers
    truth = rng.integers(0, 2, tasks).astype(np.int16)
    hard = rng.random(tasks) < 0.2  # nobody knows these
    right = rng.random(len(task)) < np.where(hard[task], 0.5, 0.85)
    label = np.where(right, truth[task], 1 - truth[task]).astype(np.int16)
    gold = np.full(tasks, -1, np.int16)
    gold[::20] = truth[::20]
    model = Categorical.fit(task, worker, label, 2, gold)
    sample = Sample.of(model)
    assert len(sample.task) < LEAST_JUDGMENTS + overlap * ENOUGH_GOLD
    assert np.count_nonzero(sample.gold >= 0) == len(gold[::20])
    assert np.count_nonzero(sample.gold[: sample.shown] >= 0) < len(gold[::20]) / 2
    calibrate(model)
    others = np.flatnonzero(gold < 0).astype(np.int32)
    now = model.consensus(others)
    assert distance(now.confidence, now.label == truth[others]).value < 0.03


def test_a_calibrated_crowd_is_as_often_right_as_it_says() -> None:
    off = []
    for seed in range(3):
        crowd = simulate(PLANS["specialists"], seed)
        gold = crowd.gold(0.05)
        model = Categorical.fit(crowd.task, crowd.worker, crowd.label, crowd.labels, gold)
        tasks = np.flatnonzero(gold < 0).astype(np.int32)
        believed = model.beliefs(tasks)
        right = believed.label == crowd.truth[tasks]
        calibrate(model)
        now = model.consensus(tasks)
        share = right.mean()
        off.append((believed.confidence.mean() - share, now.confidence.mean() - share))
    before, after = np.mean(off, axis=0)
    assert before > 0.06
    assert abs(after) < 0.03

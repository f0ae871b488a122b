"""Reputations against the truth, where it is known."""

import numpy as np
import pytest

from engine import RETRACT, Categorical, Events
from engine import crowd as crowds
from engine.kernels.support import OCTAVES
from engine.leaning import Leanings, biases
from engine.population import Population
from engine.records import Elsewhere, Records
from engine.reputation import everyone, reputations
from engine.trend import backing, trend
from tests import naive_reputation as naive
from tests.engine.peopled import judged, nobody_heard, people


def test_the_population_is_found_again() -> None:
    """Two groups of workers, known by gold alone: half at 0.9, half at 0.5."""
    rng = np.random.default_rng(5)
    share = np.repeat([0.9, 0.5], 200)
    right = rng.binomial(30, share).astype(np.int32)
    records = Records(
        np.zeros((400, OCTAVES), np.int32),
        np.zeros(400),
        right,
        (30 - right).astype(np.int32),
        np.zeros((400, 2)),
    )
    population = Population.learn(2, records, nobody_heard(2))
    assert population.accuracy == pytest.approx(0.7, abs=0.02)
    assert population.spread == pytest.approx(0.2, abs=0.03)
    assert population.strength == pytest.approx(0.7 * 0.3 / 0.04 - 1, abs=1.5)
    found = reputations(population, records, np.array([0.5, 0.5])).accuracy
    assert np.mean((found.low <= share) & (share <= found.high)) >= 0.93
    assert np.mean(found.high - found.low) < 0.26


def test_consensus_that_gold_refutes_flatters() -> None:
    """All agree; on gold their agreement is right, or wrong in two tasks of five."""
    found = []
    for wrong in (0, 12):
        labels = np.zeros((150, 6), np.int16)
        labels[np.random.default_rng(1).random(labels.shape) < 0.1] = 1
        gold = np.full(150, -1, np.int16)
        gold[:30] = 0
        gold[:wrong] = 2
        model = Categorical.fit(
            np.repeat(people(150), 6), np.tile(people(6), 150), labels.ravel(), 3, gold
        )
        found.append(Population.of(model))
    assert found[0].flattery < 0.2
    assert found[1].flattery > 0.4
    assert found[1].accuracy < found[0].accuracy - 0.1


def test_clickers_tell_nothing_and_the_able_much() -> None:
    model, accuracy, kind = judged(3, tasks=600)
    stats = reputations(Population.of(model), Records.of(model, people(40)), model.prior())
    clicks = kind >= crowds.WorkerKind.RANDOM
    able = kind == crowds.WorkerKind.EXPERT
    assert stats.bits.low[clicks].max() < 0.02
    assert stats.bits.value[clicks].max() < 0.1
    assert stats.bits.low[able].min() > 0.5
    assert stats.bits.value[able].min() > 4 * stats.bits.value[clicks].max()
    for estimate in (stats.accuracy, stats.bits, stats.agreement, stats.gold):
        assert np.all(estimate.low <= estimate.value + 1e-12)
        assert np.all(estimate.value <= estimate.high + 1e-12)
    covered = (stats.accuracy.low <= accuracy) & (accuracy <= stats.accuracy.high)
    assert covered.mean() >= 0.85


def test_intervals_hold_the_truth_and_narrow_with_gold() -> None:
    covered, widths = [], []
    for gold in (0.0, 0.3):
        for seed in range(4):
            model, accuracy, _ = judged(seed, gold=gold)
            population = Population.of(model)
            found = reputations(population, Records.of(model, people(40)), model.prior()).accuracy
            covered.append((found.low <= accuracy) & (accuracy <= found.high))
            widths.append(np.mean(found.high - found.low))
    assert 0.9 <= np.mean(covered) <= 0.995
    assert np.mean(widths[4:]) < np.mean(widths[:4])


@pytest.mark.parametrize("labels", [2, 5, 40])
def test_what_is_said_of_a_worker_is_the_same_whoever_is_asked_for_beside_it(labels: int) -> None:
    rng = np.random.default_rng(labels)
    task, worker = np.repeat(people(200), 7), rng.permutation(people(1400) % 60).astype(np.int32)
    label = ((task + (rng.random(1400) < 0.3)) % labels).astype(np.int16)
    gold = np.full(200, -1, np.int16)
    gold[:20] = people(20) % labels
    model = Categorical.fit(task, worker, label, labels, gold)
    population, prior = Population.of(model), model.prior()
    standing = rng.normal(0, 1, 40)
    elsewhere = Elsewhere(standing, np.where(standing > 0, 0.2, np.inf))
    together = everyone(population, model, elsewhere)
    leanings = Leanings.of(model) if labels <= 32 else None
    for some in (people(60), people(7), people(60)[59:], people(60)[13:14]):
        known = elsewhere.of(some)
        found = reputations(population, Records.of(model, some), prior, known)
        for name in ("accuracy", "bits", "agreement", "gold"):
            one, other = getattr(found, name), getattr(together, name)
            for end in ("value", "low", "high"):
                assert getattr(one, end).tobytes() == getattr(other, end)[some].tobytes()
        if leanings is not None:
            one, other = biases(model, leanings, some), biases(model, leanings, people(60))
            assert one.low.tobytes() == other.low[some].tobytes()
            assert one.value.tobytes() == other.value[some].tobytes()


def test_bits_are_those_of_the_matrix_that_is_meant() -> None:
    """Knows the truth with 0.6 and says the first label else."""
    prior = np.array([0.5, 0.3, 0.2])
    matrix = 0.6 * np.eye(3) + 0.4 * np.array([1.0, 0.0, 0.0])
    rows = prior[:, None] * matrix
    answers = 100_000 * rows.sum(0)
    right = int(100_000 * np.trace(rows))
    records = Records(
        np.zeros((1, OCTAVES), np.int32),
        np.zeros(1),
        np.array([right], np.int32),
        np.array([100_000 - right], np.int32),
        answers[None],
    )
    stats = reputations(Population.learn(3, records, nobody_heard(3)), records, prior)
    expected = naive.information(matrix.tolist(), prior.tolist())
    assert stats.bits.value[0] == pytest.approx(expected, abs=0.05)  # a cell of the grid


def test_a_new_worker_starts_at_the_population_and_what_is_known_of_it() -> None:
    rng = np.random.default_rng(2)
    skill = rng.normal(0, 1, 300)
    right = rng.binomial(40, 1 / (1 + np.exp(-1 - skill))).astype(np.int32)
    records = Records(
        np.zeros((300, OCTAVES), np.int32),
        np.zeros(300),
        right,
        (40 - right).astype(np.int32),
        np.zeros((300, 2)),
    )
    known = Elsewhere(skill + rng.normal(0, 0.3, 300), np.full(300, 0.09))
    unrelated = Elsewhere(rng.permutation(known.standing), known.variance)
    population = Population.learn(2, records, nobody_heard(2), known)
    assert population.slope >= 0.75
    assert Population.learn(2, records, nobody_heard(2), unrelated).slope == 0.0
    new = Records(*(np.zeros((3, *column.shape[1:]), column.dtype) for column in records))
    there = Elsewhere(np.array([1.5, -1.5, 0.0]), np.array([0.09, 0.09, np.inf]))
    start = reputations(population, new, np.array([0.5, 0.5]), there).accuracy
    assert start.value[0] > start.value[2] + 0.08
    assert start.value[1] < start.value[2] - 0.08
    assert start.high[2] - start.low[2] > start.high[0] - start.low[0]
    assert start.value[2] == pytest.approx(population.accuracy, abs=1e-6)


def test_extreme_records_stay_finite() -> None:
    support = np.zeros((4, OCTAVES), np.int32)
    support[0, -1] = support[1, 0] = support[2, 16] = 10_000_000
    right = np.array([0, 1_000_000, 0, 0], np.int32)
    wrong = np.array([1_000_000, 0, 0, 0], np.int32)
    records = Records(support, np.array([13.0, -13.0, 0.0, 0.0]), right, wrong, np.zeros((4, 1000)))
    for labels in (2, 1000):
        population = Population.learn(labels, records, nobody_heard(labels))
        prior = np.full(labels, 1 / labels)
        stats = reputations(population, records._replace(labels=np.zeros((4, labels))), prior)
        for estimate in (stats.accuracy, stats.bits, stats.agreement, stats.gold):
            assert np.all(np.isfinite(estimate.value))
            assert np.all(estimate.low <= estimate.high)
        # Consensus and gold contradict each other: gold is right.
        assert stats.accuracy.high[0] < 0.01
        assert stats.accuracy.low[1] > 0.99


@pytest.mark.parametrize("labels", [2, 5, 40])
def test_nothing_known_is_what_crowds_are_like(labels: int) -> None:
    model = Categorical(labels)
    population = Population.of(model)
    assert 0.55 < population.accuracy < 0.8
    stats = reputations(population, Records.of(model, people(1)), model.prior())
    assert stats.accuracy.value[0] == pytest.approx(population.accuracy, abs=1e-9)
    assert (stats.gold.low[0], stats.gold.high[0]) == (0.0, 1.0)


def test_a_restored_model_says_the_same() -> None:
    model, _, _ = judged(11)
    again = Categorical.from_state(model.state())
    ours, theirs = Population.of(model), Population.of(again)
    assert ours.bridge.tobytes() == theirs.bridge.tobytes()
    assert ours.weights.tobytes() == theirs.weights.tobytes()
    first = reputations(ours, Records.of(model, people(40)), model.prior())
    second = reputations(theirs, Records.of(again, people(40)), again.prior())
    assert first.accuracy.low.tobytes() == second.accuracy.low.tobytes()


def test_what_is_taken_back_leaves_no_trace() -> None:
    model, _, _ = judged(13, tasks=60)
    before = model.tables.support.sum(1)[:40].copy()
    task, worker = people(30), np.full(30, 41, np.int32)
    label = np.zeros(30, np.int16)
    model.apply(Events.judgments(task, worker, label))
    assert model.tables.support[41].sum() > 0
    model.apply(Events(np.full(30, RETRACT, np.uint8), task, worker, label))
    assert not model.tables.support[41].any()
    assert model.tables.support.sum(1)[:40].tolist() == before.tolist()


def test_bias_for_and_against_labels() -> None:
    """A worker who says the first label for a third of what is something else."""
    rng = np.random.default_rng(3)
    truth = rng.integers(3, size=400).astype(np.int16)
    labels = np.tile(truth[:, None], (1, 6))
    slips = rng.random(labels.shape) < 0.1
    labels[slips] = rng.integers(3, size=slips.sum())
    labels[rng.random(400) < 1 / 3, 0] = 0
    model = Categorical.fit(np.repeat(people(400), 6), np.tile(people(6), 400), labels.ravel(), 3)
    found = biases(model, Leanings.of(model), people(6))
    assert found.low[0, 0] > 0.1
    assert found.value[0, 0] == pytest.approx(2 / 9, abs=0.06)
    assert np.all(found.high[0, 1:] < 0)
    assert np.all(found.low[1:] <= 0)
    assert np.all(found.high[1:] >= 0)


def test_above_32_labels_there_is_no_bias() -> None:
    with pytest.raises(ValueError, match="32"):
        Leanings.of(Categorical(33))


def test_trend_holds_what_is_so() -> None:
    rng = np.random.default_rng(1)
    covered = []
    for drop in (0.0, -1.0):
        for _ in range(100):
            place = np.linspace(-0.5, 0.5, 150)
            accuracy = 1 / (1 + np.exp(-1.2 - drop * place))
            sure = rng.choice([0.6, 0.9, 0.99], 150)
            says = np.where(rng.random(150) < accuracy, 1, -1)
            says = np.where(rng.random(150) < sure, says, -says)
            found = trend(says * np.log(sure / (1 - sure)))
            true = drop * 0.7685 * (1 - 0.7685)
            covered.append(found.low <= true <= found.high)
    assert np.mean(covered) >= 0.9


@pytest.mark.parametrize("count", [0, 1, 2])
def test_trend_of_hardly_anything(count: int) -> None:
    found = trend(np.full(count, 5.0))
    assert found.low < 0 < found.high


def test_backing_takes_gold_for_what_it_is() -> None:
    labels = np.array([0, 0, 0, 0, 0, 1, 0, 1, 1], np.int16)
    task, worker = np.repeat(people(3), 3), np.tile(people(3), 3)
    gold = np.array([-1, 0, 0], np.int16)
    model = Categorical.fit(task, worker, labels, 2, gold)
    found = backing(model, 2, people(3))
    assert found[0] > 0
    assert found[1] == found[2] == -30.0
    with pytest.raises(ValueError, match="worker 5"):
        backing(model, 5, people(3))

"""The simulated crowd: does it have the properties that its docstring claims?"""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.crowd import (
    ITEM_SHARES,
    WORKER_SHARES,
    ItemKind,
    Items,
    WorkerKind,
    Workers,
    answer,
    answers,
    chances,
    draw_items,
    draw_workers,
    paces,
    throughput,
)

K = 4


def crowd(seed: int = 1, workers: int = 200, items: int = 2000) -> tuple[Workers, Items]:
    rng = np.random.default_rng(seed)
    return draw_workers(rng, workers, K), draw_items(rng, items, K)


def matrix(workers: Workers, items: Items, rng: np.random.Generator) -> npt.NDArray[np.int16]:
    """Everybody answers everything: [workers, items]."""
    w, i = np.indices((len(workers), len(items)))
    return answers(workers, items, w.ravel(), i.ravel(), rng).reshape(w.shape)


def test_the_same_seed_gives_the_same_crowd_and_answers() -> None:
    def run(seed: int) -> tuple[bytes, bytes, bytes, bytes]:
        rng = np.random.default_rng(seed)
        workers, items = draw_workers(rng, 50, K), draw_items(rng, 60, K)
        said = matrix(workers, items, rng)
        return (
            workers.skill.tobytes(),
            items.truth.tobytes(),
            said.tobytes(),
            paces(workers, 3, 9, rng).tobytes(),
        )

    assert run(5) == run(5)
    assert all(one != other for one, other in zip(run(5), run(6), strict=True))


@given(st.integers(6, 400), st.integers(2, 26), st.integers(0, 2**32))
def test_shares_are_kept_to_within_one(count: int, labels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    workers, items = draw_workers(rng, count, labels), draw_items(rng, count, labels)
    for kind, share in WORKER_SHARES.items():
        assert abs((workers.kind == kind).sum() - share * count) < 1
    for item_kind, share in ITEM_SHARES.items():
        assert abs((items.kind == item_kind).sum() - share * count) < 1
    assert len(workers) == len(items) == count
    assert (items.distractor != items.truth).all()
    assert items.truth.min() >= 0
    assert items.truth.max() < labels


def test_shares_can_be_chosen_and_must_make_sense() -> None:
    rng = np.random.default_rng(0)
    experts = draw_workers(rng, 7, K, {WorkerKind.EXPERT: 3.0})
    assert (experts.kind == WorkerKind.EXPERT).all()
    for shares in ({}, {WorkerKind.EXPERT: 0.0}, {WorkerKind.EXPERT: -1.0}):
        with pytest.raises(ValueError, match="shares"):
            draw_workers(rng, 7, K, shares)


@given(st.integers(2, 26), st.integers(0, 2**32))
def test_chances_are_probabilities(labels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    workers, items = draw_workers(rng, 40, labels), draw_items(rng, 40, labels)
    found = chances(workers, items, np.arange(40), np.arange(40), np.arange(40) * 1000)
    assert found.shape == (40, labels)
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


def test_a_fresh_worker_on_an_item_without_temptation_follows_the_logistic_curve() -> None:
    workers, items = crowd()
    plain = Items(
        K, items.kind, items.truth, items.difficulty, items.distractor, np.zeros(len(items))
    )
    honest = np.flatnonzero(workers.kind == WorkerKind.AVERAGE)
    w, i = np.repeat(honest, 10), np.tile(np.arange(10), len(honest))
    right = chances(workers, plain, w, i)[np.arange(len(w)), items.truth[i]]
    np.testing.assert_allclose(right, 1 / (1 + np.exp(items.difficulty[i] - workers.skill[w])))


def test_answers_are_drawn_with_these_chances() -> None:
    workers, items = crowd(workers=12, items=3)
    rng = np.random.default_rng(2)
    for worker in range(12):
        drawn = answers(workers, items, np.full(20_000, worker), 1, rng)
        found = np.bincount(drawn, minlength=K) / len(drawn)
        np.testing.assert_allclose(found, chances(workers, items, worker, 1)[0], atol=0.015)
    assert answer(workers, items, 2, 1, rng) in range(K)


def test_kinds_of_workers_differ_as_they_should() -> None:
    workers, items = crowd()
    said = matrix(workers, items, np.random.default_rng(3))
    right = (said == items.truth).mean(axis=1)
    mean = {kind: right[workers.kind == kind].mean() for kind in WorkerKind}
    assert mean[WorkerKind.EXPERT] > 0.9
    assert 0.7 < mean[WorkerKind.AVERAGE] < 0.9
    assert 0.45 < mean[WorkerKind.SLOPPY] < 0.7
    assert mean[WorkerKind.BIASED] < mean[WorkerKind.AVERAGE] - 0.05
    assert abs(mean[WorkerKind.RANDOM] - 1 / K) < 0.02
    biased = workers.kind == WorkerKind.BIASED
    (favourite,) = np.unique(workers.favourite[biased])
    wrong = said[biased][:, items.truth != favourite]
    truth = items.truth[items.truth != favourite]
    assert (wrong == favourite).sum() > 2 * ((wrong != truth) & (wrong != favourite)).sum()
    for worker in np.flatnonzero(workers.kind == WorkerKind.CONSTANT):
        assert (said[worker] == workers.favourite[worker]).all()


def test_some_items_are_hard_for_all_and_traps_catch_many_alike() -> None:
    workers, items = crowd()
    honest = np.isin(workers.kind, [WorkerKind.AVERAGE, WorkerKind.SLOPPY])
    said = matrix(workers, items, np.random.default_rng(4))[honest]
    wrong = said != items.truth
    share = {kind: wrong[:, items.kind == kind].mean() for kind in ItemKind}
    assert share[ItemKind.PLAIN] + 0.1 < share[ItemKind.HARD]
    trapped = said[:, items.kind == ItemKind.TRAP] == items.distractor[items.kind == ItemKind.TRAP]
    assert trapped.sum() > 0.8 * wrong[:, items.kind == ItemKind.TRAP].sum()


def test_errors_are_shared_far_beyond_what_independent_errors_would_be() -> None:
    """The engine's own model says: given the truth, workers err independently. This crowd does not:
    two average workers give the same wrong answer far more often than their confusion matrices say.
    """
    workers, items = crowd()
    average = np.flatnonzero(workers.kind == WorkerKind.AVERAGE)[:15]
    said = matrix(workers, items, np.random.default_rng(5))[average]
    together = expected = 0.0
    for k in range(K):
        of = items.truth == k
        share = np.stack([(said[:, of] == label).mean(axis=1) for label in range(K)], axis=1)
        for first in range(len(average)):
            for second in range(first):
                same = (said[first, of] == said[second, of]) & (said[first, of] != k)
                together += same.sum()
                independent = share[first] * share[second]
                expected += of.sum() * (independent.sum() - independent[k])
    assert together > 2 * expected


def test_fatigue_makes_a_long_session_worse() -> None:
    workers, items = crowd()
    sloppy = np.flatnonzero(workers.kind == WorkerKind.SLOPPY)
    w, i = np.repeat(sloppy, 50), np.tile(np.arange(50), len(sloppy))
    rows = np.arange(len(w))
    fresh, tired = (chances(workers, items, w, i, done)[rows, items.truth[i]] for done in (0, 1000))
    assert (tired <= fresh).all()
    assert tired.mean() < fresh.mean() - 0.05


def test_throughput_is_what_the_paces_come_to() -> None:
    workers, _ = crowd()
    rng = np.random.default_rng(6)
    assert (paces(workers, 0, 100, rng) > 0).all()
    rates = [1 / paces(workers, worker, 4000, rng).mean() for worker in range(len(workers))]
    assert throughput(workers) == pytest.approx(sum(rates), rel=0.02)
    clickers = workers.pace[workers.kind >= WorkerKind.RANDOM].mean()
    assert clickers < workers.pace[workers.kind == WorkerKind.EXPERT].mean()


def test_joined_items_keep_their_places() -> None:
    _, first = crowd(seed=1, items=5)
    _, second = crowd(seed=2, items=7)
    both = first.joined(second)
    assert len(both) == 12
    np.testing.assert_array_equal(both.truth, np.concatenate([first.truth, second.truth]))
    np.testing.assert_array_equal(both.distractor[5:], second.distractor)
    assert both.labels == K

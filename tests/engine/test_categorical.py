"""The label model against its slow twin, under random programs of events."""

from collections.abc import Sequence
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import GOLD, JUDGE, RETRACT, Categorical, Events
from engine.kernels.stream import CONCLUDE, IDLE, STAGE
from engine.population import Population
from engine.records import Records
from engine.reputation import reputations
from scripts.benchmarks.crowds import PLANS, simulate
from tests.naive import NaiveModel

Event = tuple[int, int, int, int]  # kind, task, worker, label
FORMS = [2, 3, 5, 32, 33, 60]  # from 33 labels on the wide form


def columns(events: Sequence[Event]) -> Events:
    kind, task, worker, label = zip(*events, strict=True) if events else ((), (), (), ())
    return Events(
        np.array(kind, np.uint8),
        np.array(task, np.int32),
        np.array(worker, np.int32),
        np.array(label, np.int16),
    )


@st.composite
def programs(draw: st.DrawFn, most: int = 90) -> tuple[int, list[Event]]:
    labels = draw(st.sampled_from(FORMS))
    used = min(labels, draw(st.integers(2, 4)))
    tasks, workers = draw(st.integers(1, 9)), draw(st.integers(1, 7))
    event = st.tuples(
        st.sampled_from([JUDGE] * 8 + [RETRACT, GOLD]),
        st.integers(0, tasks - 1),
        st.integers(0, workers - 1),
        st.integers(-1, used - 1),
    ).map(lambda e: (e[0], e[1], e[2], max(e[3], 0) if e[0] != GOLD else e[3]))
    return labels, draw(st.lists(event, max_size=most))


def run_naive(naive: NaiveModel, event: Event) -> None:
    kind, task, worker, label = event
    if kind == JUDGE:
        naive.judge(task, worker, label)
    elif kind == RETRACT:
        naive.retract(task, worker)
    else:
        naive.set_gold(task, label if label >= 0 else None)


def new_pair(labels: int) -> tuple[Categorical, NaiveModel]:
    cost = 1 + labels * ceil(labels / 8) if labels <= 32 else 1 + labels // 2
    return Categorical(labels, np.float64), NaiveModel(labels, cost)


def assert_same(model: Categorical, naive: NaiveModel) -> None:
    assert model.judgment_count == sum(len(v) for v in naive.votes.values())
    for task, votes in naive.votes.items():
        workers, labels = model.judgments_of(task)
        assert dict(zip(workers.tolist(), labels.tolist(), strict=True)) == votes
        if not votes and task not in naive.gold:
            continue
        posterior = model.posterior(np.array([task]))[0]
        assert posterior.sum() == pytest.approx(1, abs=1e-9)
        for label, probability in naive.q[task].items():
            assert posterior[label] == pytest.approx(probability, abs=1e-9)


def bits(model: Categorical) -> dict[str, bytes]:
    """Everything that later events can depend on."""
    ours = ("posterior", "mass", "rest", "counts", "rows", "people", "pooled", "classes", "totals")
    return {
        name: array.tobytes()
        for name, array in model.state().items()
        if name.startswith(("live.", "shadow.")) and name.split(".")[1] in ours
    }


@given(programs())
@settings(max_examples=100, deadline=None)
def test_follows_the_twin_event_by_event(program: tuple[int, list[Event]]) -> None:
    labels, events = program
    model, naive = new_pair(labels)
    for event in events:
        model.apply(columns([event]))
        run_naive(naive, event)
    assert_same(model, naive)
    model.refit()
    naive.refit_at_once()
    assert_same(model, naive)


def test_follows_the_twin_through_refits_in_slices() -> None:
    """Long enough that several refits begin, are met by events in every stage, and end."""
    rng = np.random.default_rng(5)
    for labels in (3, 40):
        model, naive = new_pair(labels)
        stages = set()
        refits = 0
        for _ in range(420):
            kind = int(rng.choice([JUDGE, JUDGE, JUDGE, JUDGE, JUDGE, JUDGE, RETRACT, GOLD]))
            event = kind, int(rng.integers(40)), int(rng.integers(9)), int(rng.integers(3))
            outcome = model.apply(columns([event]))
            run_naive(naive, event)
            stages.add(int(model.state()["progress"][STAGE]))
            refits += outcome.refitted
        assert_same(model, naive)
        assert refits > 5
        assert len(stages) == 6


@given(programs(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_state_does_not_depend_on_how_events_were_batched(
    program: tuple[int, list[Event]], random: object
) -> None:
    labels, events = program
    one, many = Categorical(labels), Categorical(labels)
    for event in events:
        one.apply(columns([event]))
    cuts = sorted(random.sample(range(len(events) + 1), min(4, len(events))))  # type: ignore[attr-defined]
    for begin, end in zip([0, *cuts], [*cuts, len(events)], strict=True):
        many.apply(columns(events[begin:end]))
    assert bits(one) == bits(many)


@given(programs())
@settings(max_examples=100, deadline=None)
def test_equals_a_rebuild_from_what_is_live(program: tuple[int, list[Event]]) -> None:
    """Revisions, retractions and withdrawn gold leave no trace: the same bits after a refit."""
    labels, events = program
    model = Categorical(labels)
    model.apply(columns(events))
    live = [
        (JUDGE, task, int(worker), int(label))
        for task in range(model.task_count)
        for worker, label in zip(*model.judgments_of(task), strict=True)
    ]
    gold = model.consensus(np.arange(model.task_count, dtype=np.int32)).gold
    rebuilt = Categorical(labels)
    rebuilt.apply(columns(live[::-1]))
    rebuilt.apply(Events.gold(np.flatnonzero(gold >= 0).astype(np.int32), gold[gold >= 0]))
    model.refit()
    rebuilt.refit()
    tasks = np.arange(model.task_count, dtype=np.int32)
    workers = np.arange(model.worker_count, dtype=np.int32)
    assert model.posterior(tasks).tobytes() == rebuilt.posterior(tasks).tobytes()
    ours, theirs = model.workers(workers), rebuilt.workers(workers)
    for column in ("judgments", "gold_right", "gold_total"):
        assert np.array_equal(getattr(ours, column), getattr(theirs, column))
    for one, other in zip(Records.of(model, workers), Records.of(rebuilt, workers), strict=True):
        np.testing.assert_array_equal(one, other)
    assert model.totals() == rebuilt.totals()


@given(programs(), st.integers(0, 90))
@settings(max_examples=60, deadline=None)
def test_goes_on_from_a_snapshot_with_the_same_bits(
    program: tuple[int, list[Event]], cut: int
) -> None:
    labels, events = program
    whole = Categorical(labels)
    whole.apply(columns(events[:cut]))
    restored = Categorical.from_state(whole.state())
    assert bits(restored) == bits(whole)
    whole.apply(columns(events[cut:]))
    restored.apply(columns(events[cut:]))
    assert bits(restored) == bits(whole)


@given(programs())
@settings(max_examples=60, deadline=None)
def test_counts_are_the_sums_of_the_posteriors(program: tuple[int, list[Event]]) -> None:
    labels, events = program
    model = Categorical(labels, np.float64)
    model.apply(columns(events))
    totals = model.totals()
    tasks = np.arange(model.task_count, dtype=np.int32)
    consensus = model.beliefs(tasks)
    judged = consensus.judgments > 0
    assert totals.tasks == judged.sum()
    assert totals.judgments == consensus.judgments.sum()
    if judged.any():
        assert totals.mean_confidence == pytest.approx(consensus.confidence[judged].mean())
    workers = np.arange(model.worker_count, dtype=np.int32)
    stats = model.workers(workers)
    assert stats.judgments.sum() == totals.judgments
    for worker in workers:
        matrix = model.confusion(int(worker))
        expected = np.zeros((labels, labels))
        answers = model.labels_of(tasks, np.full(len(tasks), worker, np.int32))
        for task, answer in zip(tasks, answers, strict=True):
            if answer >= 0 and (consensus.judgments[task] > 1 or consensus.gold[task] >= 0):
                expected[:, answer] += model.posterior(tasks[task : task + 1])[0]
        if labels <= 32:
            assert matrix == pytest.approx(expected, abs=1e-9)
        else:
            assert np.diag(matrix) == pytest.approx(np.diag(expected), abs=1e-9)


def test_fit_equals_events_and_refit() -> None:
    rng = np.random.default_rng(1)
    for labels in (4, 50):
        task = rng.integers(0, 300, 4000).astype(np.int32)
        worker = rng.integers(0, 40, 4000).astype(np.int32)
        label = ((task + (rng.random(4000) < 0.3) * rng.integers(1, 4, 4000)) % labels).astype(
            np.int16
        )
        gold = np.full(300, -1, np.int16)
        gold[::10] = (np.arange(0, 300, 10) % labels).astype(np.int16)
        fitted = Categorical.fit(task, worker, label, labels, gold)
        streamed = Categorical(labels)
        streamed.apply(Events.judgments(task, worker, label))
        streamed.apply(Events.gold(np.arange(0, 300, 10), gold[::10]))
        streamed.refit()
        tasks = np.arange(300, dtype=np.int32)
        assert fitted.posterior(tasks).tobytes() == streamed.posterior(tasks).tobytes()


@pytest.mark.parametrize("labels", [3, 40])
def test_clickers_carry_no_information(labels: int) -> None:
    rng = np.random.default_rng(2)
    truth = rng.integers(0, labels, 400)
    task, worker, label = [], [], []
    for who in range(12):
        right = rng.random(400) < 0.85
        answers = np.where(right, truth, rng.integers(0, labels, 400))
        if who == 10:
            answers = rng.integers(0, labels, 400)
        if who == 11:
            answers[:] = 1
        task.append(np.arange(400))
        worker.append(np.full(400, who))
        label.append(answers)
    model = Categorical.fit(
        np.concatenate(task).astype(np.int32),
        np.concatenate(worker).astype(np.int32),
        np.concatenate(label).astype(np.int16),
        labels,
    )
    everyone = np.arange(12, dtype=np.int32)
    stats = reputations(Population.of(model), Records.of(model, everyone), model.prior())
    assert stats.bits.value[:10].min() > 0.4 * np.log2(labels)
    assert stats.bits.value[10:].max() < 0.15 * np.log2(labels)
    assert np.all(stats.accuracy.low < stats.accuracy.value)
    assert np.all(stats.accuracy.value < stats.accuracy.high)
    assert (model.consensus(np.arange(400, dtype=np.int32)).label == truth).mean() > 0.97


def test_redundancy_of_thousands_does_not_underflow() -> None:
    for labels in (2, 40):
        workers = np.arange(3000, dtype=np.int32)
        label = (workers % 5 == 0).astype(np.int16)
        task = np.zeros(3000, np.int32)
        other = np.concatenate([task, task + 1])
        model = Categorical.fit(
            other, np.concatenate([workers, workers]), np.concatenate([label, 1 - label]), labels
        )
        posterior = model.posterior(np.array([0, 1], np.int32))
        assert np.isfinite(posterior).all()
        assert posterior.argmax(1).tolist() == [0, 1]


def test_refuses_ids_and_labels_that_cannot_be() -> None:
    model = Categorical(3)
    model.apply(columns([(JUDGE, 0, 0, 1)]))
    before = bits(model)
    for event in [(JUDGE, -1, 0, 0), (JUDGE, 0, -1, 0), (JUDGE, 0, 0, 3), (JUDGE, 0, 0, -1)]:
        with pytest.raises(ValueError, match=r"must"):
            model.apply(columns([(JUDGE, 1, 1, 1), event]))
    with pytest.raises(ValueError, match=r"must"):
        model.apply(columns([(GOLD, 0, 0, -2)]))
    assert bits(model) == before
    assert model.judgment_count == 1
    for labels in (0, 1, 1001):
        with pytest.raises(ValueError, match="2 to 1000"):
            Categorical(labels)


def test_empty_and_unknown() -> None:
    model = Categorical(4)
    outcome = model.apply(columns([]))
    assert len(outcome.tasks) == 0
    consensus = model.consensus(np.array([0, 99], np.int32))
    assert consensus.label.tolist() == [-1, -1]
    assert model.posterior(np.array([5], np.int32)) == pytest.approx(np.full((1, 4), 0.25))
    assert model.labels_of(np.array([3], np.int32), np.array([3], np.int32)).tolist() == [-1]
    assert model.workers(np.array([7], np.int32)).judgments.tolist() == [0]


@pytest.mark.parametrize("labels", [8, 40])
def test_near_perfect_workers_who_disagree_do_not_underflow(labels: int) -> None:
    """In single precision one contested task that came in a refit's last pass made all else NaN."""
    everyone = np.arange(8, dtype=np.int32)
    model = Categorical(labels)
    agreed = np.repeat(np.arange(15_000, dtype=np.int32), 8)
    model.apply(Events.judgments(agreed, np.tile(everyone, 15_000), agreed % 8))
    task = 15_000
    while model.state()["progress"][STAGE] != CONCLUDE:
        model.apply(Events.judgments(np.full(8, task), everyone, np.full(8, task % 8)))
        task += 1
    model.apply(Events.judgments(np.full(8, task), everyone, everyone))
    while model.state()["progress"][STAGE] != IDLE:
        task += 1
        model.apply(Events.judgments(np.full(8, task), everyone, np.full(8, task % 8)))
    assert np.isfinite(model.posterior(np.arange(task + 1, dtype=np.int32))).all()
    assert np.isfinite(Records.of(model, everyone).taken).all()
    assert model.totals().mean_confidence == pytest.approx(1, abs=0.01)


def test_that_second_judgments_go_to_some_answers_only_deceives_no_refit() -> None:
    """Were tasks with two taken for what all are like, the vote would be 22 points better."""
    gains = []
    for kind in ("demo", "misled", "suggested"):
        crowd = simulate(PLANS[kind], 1)
        _, first = np.unique(crowd.task, return_index=True)
        rare = np.bincount(crowd.label[first]).argmin()
        again = np.setdiff1d(np.arange(len(crowd.task)), first)
        _, second = np.unique(crowd.task[again], return_index=True)
        asked = again[second][crowd.label[first] == rare]
        some = np.sort(np.concatenate([first, asked]))
        model = Categorical.fit(
            crowd.task[some], crowd.worker[some], crowd.label[some], crowd.labels
        )
        found = model.consensus(np.arange(len(crowd.truth), dtype=np.int32)).label
        gains.append((found == crowd.truth).mean() - (crowd.label[first] == crowd.truth).mean())
    assert np.mean(gains) > -0.005, gains
    assert min(gains) > -0.04, gains

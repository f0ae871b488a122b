"""Too fast, always the same, and in a pattern."""

import math
from random import Random

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.categorical import Categorical
from engine.crowd import WorkerKind, answers, draw_items, draw_workers
from engine.events import Events
from engine.fraud import Finding, Fraud, Suggestion
from engine.independence import gather, learn
from engine.kernels import patterns
from engine.kernels.rows import Rows
from engine.pace import FAST_SHARE, LONGEST, STAKES, TOLERATED, patterned, too_fast, usual_floor
from engine.search import Material, Watched, search_on
from engine.sequential import StatusTests
from tests import naive_fraud as naive
from tests.engine.test_independence import arrays, as_lists, crowds

Ints = npt.NDArray[np.int32]
Labels = npt.NDArray[np.int16]
HONEST = {WorkerKind.EXPERT: 0.2, WorkerKind.AVERAGE: 0.5, WorkerKind.SLOPPY: 0.3}


def crowd(seed: int, labels: int = 4, tasks: int = 1200) -> tuple[Ints, Ints, Labels]:
    """Sixty honest workers, five to a task, in order of time."""
    rng = np.random.default_rng(seed)
    workers, items = draw_workers(rng, 60, labels, HONEST), draw_items(rng, tasks, labels)
    worker = np.concatenate([rng.choice(60, 5, replace=False) for _ in range(tasks)])
    task = np.repeat(np.arange(tasks, dtype=np.int32), 5)
    return task, worker.astype(np.int32), answers(workers, items, worker, task, rng)


def material(task: Ints, worker: Ints, label: Labels, labels: int) -> Material:
    model, tests = Categorical(labels), StatusTests(labels)
    events = Events.judgments(task, worker, label)
    model.apply(events)
    tests.apply(events)
    return Material.of(model, tests)


def scan(
    task: Ints, worker: Ints, label: Labels, labels: int
) -> tuple[list[Finding], npt.NDArray[np.bool_]]:
    given = material(task, worker, label, labels)
    judgments, _ = gather(given.votes, given.workers, labels)
    return patterned(judgments, learn(judgments, labels, votes_only=False), given.course, 0.05)


def patterns_in(task: Ints, worker: Ints, label: Labels, labels: int) -> list[Finding]:
    return scan(task, worker, label, labels)[0]


def by_worker(findings: list[Finding]) -> dict[int, Finding]:
    return {int(finding.workers[0]): finding for finding in findings}


@settings(deadline=None, max_examples=40)
@given(crowds(), st.randoms(use_true_random=False))
def test_the_evidence_of_patterns_is_its_slow_twin(crowd: naive.Crowd, chance: Random) -> None:
    judgments = arrays(crowd)
    null = learn(judgments, crowd.labels, votes_only=False)
    workers = len(judgments.voice)
    orders = [[t for t, answers in enumerate(crowd.tasks) if x in answers] for x in range(workers)]
    for order in orders:
        chance.shuffle(order)
    lengths = np.array([len(order) for order in orders], np.int32)
    tasks = np.array([t for order in orders for t in order], np.int32)
    course = Rows(
        np.cumsum(lengths) - lengths,
        lengths,
        lengths,
        tasks,
        np.zeros(len(tasks), np.uint8),
        np.zeros(0, np.int64),
    )
    evidence, period = np.zeros(workers), np.zeros(workers, np.int64)
    tallies = np.zeros((workers, LONGEST, patterns.TALLY))
    insight = np.zeros((workers, patterns.INSIGHT))
    patterns.repeat_all(
        judgments, null, course, STAKES, TOLERATED, evidence, period, tallies, insight
    )
    twin, terms = as_lists(null), naive.Terms(STAKES.tolist(), TOLERATED, 1.0)
    for x in crowd.workers:
        capital = []
        for p in range(1, LONGEST + 1):
            bets = crowd.pattern(twin, x, orders[x], p)
            expected = len(bets), sum(same for _, same in bets), sum(q for q, _ in bets)
            np.testing.assert_allclose(tallies[x, p - 1], expected, rtol=1e-5, atol=1e-6)
            capital.append(terms.capital(bets))
        assert evidence[x] == pytest.approx(np.log(np.mean(np.exp(capital))), rel=1e-5, abs=1e-6)
        seen = crowd.insight(twin, x, orders[x])
        np.testing.assert_allclose(insight[x], seen, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("labels", [2, 3, 20])
def test_patterns_are_found_with_their_length(labels: int) -> None:
    task, worker, label = crowd(labels, labels)
    bots = {3: [1], 10: [0, 1], 20: [1, 0, 0], 30: [0, 0, 1, 1, 1]}
    for x, pattern in bots.items():
        rows = np.flatnonzero(worker == x)
        label[rows] = np.resize(pattern, len(rows))
    found = by_worker(patterns_in(task, worker, label, labels))
    assert found.keys() == bots.keys()
    for x, pattern in bots.items():
        assert found[x].numbers["period"] == len(pattern)
        assert found[x].kind is (Fraud.CONSTANT if len(pattern) == 1 else Fraud.PERIODIC)
        assert found[x].share > 0.95
        assert found[x].suggestion is Suggestion.VOID


def test_slips_do_not_hide_a_constant_answer() -> None:
    task, worker, label = crowd(5)
    rows = np.flatnonzero(worker == 7)
    label[rows] = 2
    label[rows[::20]] = 0
    (finding,) = patterns_in(task, worker, label, 4)
    assert finding.workers.tolist() == [7]
    assert finding.kind is Fraud.CONSTANT


def test_the_same_answer_is_no_pattern_where_it_is_right() -> None:
    """Nine in ten items are of one label, and come in long runs."""
    rng = np.random.default_rng(6)
    task, worker, _ = crowd(6)
    truth = np.repeat(rng.random(60) < 0.1, 20).astype(np.int16)
    slips = rng.random(len(task)) < 0.05
    label = np.where(slips, 1 - truth[task], truth[task]).astype(np.int16)
    assert patterns_in(task, worker, label, 2) == []


def test_honest_crowds_have_no_patterns() -> None:
    for seed in range(6):
        assert patterns_in(*crowd(seed, 2 + seed), 2 + seed) == []


def test_answers_nobody_can_compare_are_no_pattern() -> None:
    task = np.arange(200, dtype=np.int32)
    assert patterns_in(task, np.zeros(200, np.int32), np.zeros(200, np.int16), 2) == []
    nothing = np.zeros(0, np.int32)
    assert patterns_in(nothing, nothing, nothing.astype(np.int16), 2) == []


def test_a_pattern_is_one_in_time_not_in_the_order_of_tasks() -> None:
    task, worker, label = crowd(8)
    order = np.random.default_rng(8).permutation(len(task))
    task, worker, label = task[order], worker[order], label[order]
    rows = np.flatnonzero(worker == 4)
    label[rows] = np.resize([0, 1, 2], len(rows))
    assert by_worker(patterns_in(task, worker, label, 4)).keys() == {4}
    back = np.argsort(order)
    assert patterns_in(task[back], worker[back], label[back], 4) == []


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(0, 60))
def test_the_evidence_of_speed_is_its_integral(fast: int, slow: int) -> None:
    seconds = np.r_[np.full(fast, 1.0), np.full(slow, 10.0)].astype(np.float32)
    tolerated = FAST_SHARE
    worker = np.zeros(len(seconds), np.int32)
    shares = tolerated + (1 - tolerated) * (np.arange(20_000) + 0.5) / 20_000
    ratio = fast * np.log(shares / tolerated) + slow * np.log((1 - shares) / (1 - tolerated))
    expected = float(np.log(np.mean(np.exp(ratio))))
    found = too_fast(worker, seconds, 0.5, 5.0, np.zeros(1, np.bool_))
    if expected >= math.log(2) + 1e-3:
        (finding,) = found
        assert finding.log_evidence == pytest.approx(expected, abs=1e-3)
        assert finding.numbers["fast"] == fast
    elif expected <= math.log(2) - 1e-3:
        assert found == []


def test_the_fast_are_found_and_the_quick_are_not() -> None:
    rng = np.random.default_rng(9)
    worker = np.repeat(np.arange(50, dtype=np.int32), 80)
    pace = rng.lognormal(0, 0.3, 50) * 12
    seconds = (pace[worker] * rng.lognormal(0, 0.4, len(worker))).astype(np.float32)
    clickers = np.isin(worker, [4, 9])
    seconds[clickers] = rng.uniform(0.3, 1.5, clickers.sum())
    half = (worker == 20) & (rng.random(len(worker)) < 0.6)
    seconds[half] = 0.5
    seconds[rng.random(len(worker)) < 0.1] = np.nan
    blind = np.isin(np.arange(50), [4, 9, 20])
    found = by_worker(too_fast(worker, seconds, 0.01, None, blind))
    assert found.keys() == {4, 9, 20}
    # Who is fast and right is let be, unless the project says how long it takes.
    blind[20] = False
    assert by_worker(too_fast(worker, seconds, 0.01, None, blind)).keys() == {4, 9}
    stated = by_worker(too_fast(worker, seconds, 0.01, 3.0, blind))
    assert stated.keys() == {4, 9, 20}
    assert stated[20].suggestion is Suggestion.LOOK
    assert stated[4].suggestion is Suggestion.PAUSE
    assert found[4].share == 1
    assert found[20].share == pytest.approx(0.6, abs=0.15)
    floor = usual_floor(worker, seconds)
    assert floor == pytest.approx(4, rel=0.2)
    assert found[4].numbers["floor"] == floor
    for x, finding in found.items():
        assert finding.numbers["median"] == pytest.approx(np.nanmedian(seconds[worker == x]))
        assert finding.kind is Fraud.TOO_FAST


def test_looking_again_and_again_condemns_no_honest_worker() -> None:
    """The error rate holds at whatever time one looks, for shares up to the tolerated one."""
    rng = np.random.default_rng(10)
    blind = np.ones(1, np.bool_)
    condemned = 0
    for _ in range(300):
        seconds = np.where(rng.random(200) < FAST_SHARE, 1.0, 10.0).astype(np.float32)
        condemned += any(
            too_fast(np.zeros(n, np.int32), seconds[:n], 0.1, 5.0, blind) for n in range(5, 201, 5)
        )
    assert condemned <= 0.1 * 300


def test_unknown_times_are_no_evidence() -> None:
    worker = np.zeros(10, np.int32)
    unknown, blind = np.full(10, np.nan, np.float32), np.ones(1, np.bool_)
    assert too_fast(worker, unknown, 0.05, None, blind) == []
    assert math.isnan(usual_floor(worker, unknown))
    assert too_fast(worker[:0], unknown[:0], 0.05, None, blind[:0]) == []


def test_who_answers_without_a_look_is_told_from_who_errs_often() -> None:
    task, worker, label = crowd(11)
    rng = np.random.default_rng(11)
    rows = np.flatnonzero(worker < 2)
    label[rows] = rng.integers(0, 4, len(rows))
    label[worker == 2] = 1
    _, blind = scan(task, worker, label, 4)
    assert set(np.flatnonzero(blind).tolist()) == {0, 1, 2}


def test_what_was_found_is_looked_for_in_what_came_since() -> None:
    task, worker, label = crowd(12, tasks=2400)
    seconds = np.random.default_rng(12).lognormal(2.5, 0.4, len(task)).astype(np.float32)
    watched = []
    for x, mends in ((7, True), (9, False)):
        rows = np.flatnonzero(worker == x)
        half = len(rows) // 2
        bad = rows[:half] if mends else rows
        label[bad], seconds[bad] = 1, 1.0
        watched += [Watched(kind, x, half) for kind in (Fraud.CONSTANT, Fraud.TOO_FAST)]
    model, tests = Categorical(4), StatusTests(4)
    events = Events.judgments(task, worker, label)
    model.apply(events)
    tests.apply(events, seconds)
    found, lasting = search_on(Material.of(model, tests), 0.01, None, watched)
    assert {int(each.workers[0]) for each in found if each.kind is Fraud.CONSTANT} >= {9}
    assert lasting == [False, False, True, True]

"""Changes of workers and of projects: found where there is one, and seldom where there is none."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from engine.events import GOLD, JUDGE, RETRACT, Events
from engine.kernels.shift import TASKS
from engine.sequential import StatusTests
from engine.verdicts import Findings, StatusRules, Turn
from tests.naive_shift import shift_evidence

WORKERS = 60


def lives(
    accuracy: npt.NDArray[Any], seconds: npt.NDArray[Any] | None = None, seed: int = 0
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """WORKERS workers judge gold at accuracy[n]; returns after how many judgments each had its
    first alarm of getting worse, and of rushing; 0 never."""
    rng = np.random.default_rng(seed)
    tests = StatusTests(4)
    workers = np.arange(WORKERS, dtype=np.int32)
    tests.apply(Events.gold(np.arange(len(accuracy)), np.zeros(len(accuracy), np.int16)))
    worse, hurried = np.zeros(WORKERS, np.int64), np.zeros(WORKERS, np.int64)
    for n, level in enumerate(accuracy):
        label = np.where(rng.random(WORKERS) < level, 0, rng.integers(1, 4, WORKERS))
        took = None
        if seconds is not None:
            took = (seconds[n] * rng.lognormal(0, 0.5, WORKERS)).astype(np.float32)
        found, _ = tests.apply(Events.judgments(np.full(WORKERS, n), workers, label), took)
        for first, alarm in ((worse, found.worse), (hurried, found.hurried)):
            new = found.worker[alarm]
            first[new] = np.where(first[new] == 0, n + 1, first[new])
    return worse, hurried


def test_a_drop_of_accuracy_is_found() -> None:
    worse, hurried = lives(np.repeat([0.9, 0.6], [100, 100]))
    early, found = (worse > 0) & (worse <= 100), worse[worse > 100] - 100
    assert early.sum() <= 3
    assert len(found) >= WORKERS - 6
    assert np.median(found) <= 30
    assert not hurried.any()


def test_steady_workers_seldom_raise_an_alarm() -> None:
    for level in (0.7, 0.9, 0.97):
        worse, _ = lives(np.full(500, level), seed=int(100 * level))
        assert (worse > 0).sum() <= 0.5 * WORKERS  # one in 1,000 judgments
    gets_better, _ = lives(np.repeat([0.6, 0.9], 150), seed=3)
    assert (gets_better > 0).sum() <= 0.3 * WORKERS


def test_a_collapse_of_pace_is_found() -> None:
    pace = np.repeat([12.0, 3.0], [160, 40])
    _, hurried = lives(np.full(200, 0.9), pace)
    assert (hurried > 160).all()
    assert np.median(hurried) <= 176
    # Practice makes faster, but not all of a sudden.
    _, hurried = lives(np.full(300, 0.9), 12.0 * (1 + np.exp(-np.arange(300) / 40)))
    assert hurried.sum() == 0


def test_an_unknown_pace_is_no_pace() -> None:
    _, hurried = lives(np.full(250, 0.9), np.full(250, np.nan))
    assert not hurried.any()


def second_judgments(labels: npt.NDArray[Any], same: npt.NDArray[Any]) -> list[Turn]:
    """Alarms while tasks that have been judged get a second judgment, the same or another one."""
    tasks = np.arange(len(labels))
    tests = StatusTests(3)
    tests.apply(Events.judgments(tasks, tasks % 50, labels))
    second = np.where(same, labels, (labels + 1) % 3)
    return tests.apply(Events.judgments(tasks, (tasks + 1) % 50, second))[1]


def first_judgments(labels: npt.NDArray[Any], kinds: int) -> list[Turn]:
    _, turns = StatusTests(kinds).apply(
        Events.judgments(np.arange(len(labels)), np.arange(len(labels)) % 50, labels)
    )
    return turns


def test_a_shift_of_labels_is_found_and_named() -> None:
    rng = np.random.default_rng(1)
    labels = np.concatenate(
        [rng.choice(3, 2000, p=[0.5, 0.3, 0.2]), rng.choice(3, 20000, p=[0.2, 0.6, 0.2])]
    )
    turns = first_judgments(labels, 3)
    (raised, *_) = turns
    assert raised.alarm
    assert 2000 < raised.event < 2300
    assert raised.label in {0, 1}
    assert abs(raised.since - 2000) <= 2 * TASKS
    assert abs(raised.after - raised.before) > 0.2
    assert raised.evidence >= -np.log(0.01)
    # It ends when the change is older than the last blocks; from then on the new shares are usual.
    assert [turn.alarm for turn in turns] == [True, False]
    assert turns[1].event - raised.since <= 16 * TASKS


def test_a_shift_of_agreement_is_found() -> None:
    rng = np.random.default_rng(2)
    same = rng.random(4000) < np.repeat([0.8, 0.5], 2000)
    raised = second_judgments(rng.integers(3, size=4000), same)[0]
    assert raised.alarm
    assert raised.label == -1
    assert raised.before == pytest.approx(0.8, abs=0.05)
    assert raised.after < 0.65
    assert 2000 < raised.event < 2400


def test_a_steady_project_raises_no_alarm() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        labels = rng.choice(4, 6000, p=[0.4, 0.3, 0.2, 0.1])
        assert first_judgments(labels, 4) == []


def test_evidence_of_a_shift_follows_the_formula() -> None:
    rng = np.random.default_rng(5)
    labels = np.concatenate([rng.integers(3, size=900), rng.integers(2, size=460)])
    tests = StatusTests(3)
    for begin in range(0, len(labels) - TASKS, TASKS):
        block = labels[begin : begin + TASKS]
        tasks = np.arange(begin, begin + TASKS)
        tests.apply(Events.judgments(tasks, tasks % 9, block))
        evidence, since = shift_evidence(labels[: begin + TASKS].tolist(), 3)
        found = tests._shift.found[0]
        assert found[0] == pytest.approx(evidence, abs=1e-9)
        if evidence > 0:
            assert found[1] == since
    assert tests._shift.found[0, 0] > 4


def test_gold_and_later_votes_do_not_count_for_the_project() -> None:
    tests = StatusTests(3)
    tests.apply(Events.gold(np.arange(100), np.zeros(100, np.int16)))
    tasks = np.arange(200)
    for worker in range(5):
        tests.apply(Events.judgments(tasks, np.full(200, worker), np.zeros(200, np.int16)))
    assert tests._shift.progress[:, 0].tolist() == [100, 100]


def test_what_staff_takes_back_ends_an_alarm() -> None:
    rules = StatusRules(drift_alarms=20.0)
    tests = StatusTests(4, rules)
    tests.apply(Events.gold(np.arange(200), np.zeros(200, np.int16)))
    zero = np.zeros(1, np.int32)
    events = [
        Events.judgments(np.arange(100), np.zeros(100), np.zeros(100)),
        Events.judgments(np.arange(100, 120), np.zeros(20), np.ones(20)),
    ]
    raised = [tests.apply(each)[0] for each in events]
    assert not raised[0].worse.any()
    assert raised[1].worse[-1]
    findings: Findings = tests.findings(zero)
    assert 80 <= findings.since[0] <= 112
    wrong = Events(
        np.full(20, RETRACT, np.uint8),
        np.arange(100, 120, dtype=np.int32),
        np.zeros(20, np.int32),
        np.zeros(20, np.int16),
    )
    ended = tests.apply(wrong)[0]
    assert not ended.worse[-1]
    assert {JUDGE, GOLD, RETRACT} == {0, 1, 2}

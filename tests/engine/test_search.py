"""The search for fraud as a whole, on a model and tests that go on working."""

from dataclasses import replace

import numpy as np

from engine.categorical import Categorical
from engine.events import RETRACT, Events
from engine.fraud import Finding, Fraud
from engine.search import Material, copy_course, copy_votes, room_for, search
from engine.sequential import StatusTests
from engine.steps import seconds_of
from tests.engine.test_collusion import Case, crowd

RATE = 0.01


def frauds() -> tuple[Case, np.ndarray[tuple[int], np.dtype[np.float32]]]:
    """A ring of five, a worker who always says 1, one who counts, and what judgments took: the one
    who counts does so in a second."""
    case = crowd(21, (5,))
    others = np.setdiff1d(np.arange(100), case.rings[0])
    case.label[case.worker == others[0]] = 1
    rows = np.flatnonzero(case.worker == others[1])
    case.label[rows] = np.resize([0, 1, 2], len(rows))
    seconds = np.random.default_rng(21).lognormal(2.5, 0.5, len(case.task)).astype(np.float32)
    seconds[rows] = 1.0
    return case, seconds


def keys(findings: list[Finding]) -> list[tuple[str, tuple[int, ...], float]]:
    return [(f.kind, tuple(f.workers.tolist()), f.log_evidence) for f in findings]


def test_all_kinds_are_found_and_nobody_else() -> None:
    case, seconds = frauds()
    model, tests = Categorical(4), StatusTests(4)
    events = Events.judgments(case.task, case.worker, case.label)
    model.apply(events)
    tests.apply(events, seconds)
    material = Material.of(model, tests)
    found = search(material, RATE)
    by_kind = {finding.kind: finding.workers.tolist() for finding in found}
    others = np.setdiff1d(np.arange(100), case.rings[0])
    assert by_kind.pop(Fraud.ONE_HAND) == sorted(case.rings[0].tolist())
    assert by_kind.pop(Fraud.TOO_FAST) == [others[1]]
    assert by_kind.pop(Fraud.PERIODIC) == [others[1]]
    constant = [f.workers.tolist() for f in found if f.kind is Fraud.CONSTANT]
    assert [others[0]] in constant
    del by_kind[Fraud.CONSTANT]
    assert not by_kind
    assert all(0 < finding.rate <= RATE for finding in found)
    # A program may be fast.
    model_too = search(replace(material, models=(int(others[1]),)), RATE)
    assert keys(model_too) == keys([f for f in found if f.kind is not Fraud.TOO_FAST])
    # What comes later does not show in what was copied.
    later = Events(np.full(len(case.task), RETRACT, np.uint8), case.task, case.worker, case.label)
    model.apply(later)
    tests.apply(later)
    assert keys(search(material, RATE)) == keys(found)
    assert search(Material.of(model, tests), RATE) == []


def test_judgments_that_were_taken_back_are_not_searched() -> None:
    """The same is found with them and without, bit for bit."""
    case, seconds = frauds()
    judged = Events.judgments(case.task, case.worker, case.label)
    gone = case.worker == case.rings[0][0]
    back = Events(
        np.full(gone.sum(), RETRACT, np.uint8), case.task[gone], case.worker[gone], case.label[gone]
    )
    left = Events.judgments(case.task[~gone], case.worker[~gone], case.label[~gone])
    found = []
    for steps in ([(judged, seconds), (back, seconds[gone])], [(left, seconds[~gone])]):
        model, tests = Categorical(4), StatusTests(4)
        for events, took in steps:
            model.apply(events)
            tests.apply(events, took)
        found.append(keys(search(Material.of(model, tests), RATE)))
    assert found[0] == found[1]
    assert (Fraud.ONE_HAND, tuple(sorted(case.rings[0][1:].tolist()))) in [
        key[:2] for key in found[0]
    ]


def test_who_copies_a_voice_is_found_with_all_of_it() -> None:
    """Of a task's judgments by a voice one is left, of any of its members."""
    case, _ = frauds()
    ring = np.sort(case.rings[0])
    new = int(ring[2])
    voice = tuple(ring[ring != new].tolist())
    order = np.random.default_rng(22).permutation(len(case.task))
    rows = order[np.isin(case.worker[order], voice)]
    _, first = np.unique(case.task[rows], return_index=True)
    live = np.ones(len(case.task), np.bool_)
    live[rows] = False
    live[rows[first]] = True
    model, tests = Categorical(4), StatusTests(4)
    events = Events.judgments(case.task[live], case.worker[live], case.label[live])
    model.apply(events)
    tests.apply(events)
    material = replace(Material.of(model, tests), voices=(voice, (100, 101)))
    groups = [f for f in search(material, RATE) if f.kind in (Fraud.COPYING, Fraud.ONE_HAND)]
    assert [f.workers.tolist() for f in groups] == [ring.tolist()]


def test_a_copy_is_the_same_in_room_that_was_made_before() -> None:
    """Also if the log has outgrown it since."""
    case, seconds = frauds()
    model, tests = Categorical(4), StatusTests(4)
    half = len(case.task) // 2
    early = room_for(model, tests)
    for rows in (slice(half), slice(half, None)):
        events = Events.judgments(case.task[rows], case.worker[rows], case.label[rows])
        model.apply(events)
        tests.apply(events, seconds[rows])
        workers = model.worker_count
        for room in (early, room_for(model, tests)):
            votes, work = copy_votes(model, room), copy_course(tests, workers, room)
            assert len(votes.start) == len(votes.gold) == model.task_count
            for name in ("start", "length", "gold", "worker", "label"):
                copied, live = getattr(votes, name), getattr(model.votes, name)
                assert not np.shares_memory(copied, live)
                np.testing.assert_array_equal(copied, live[: len(copied)])
            for name in ("start", "length", "member", "note"):
                copied, live = getattr(work, name), getattr(tests.work, name)
                assert not np.shares_memory(copied, live)
                np.testing.assert_array_equal(copied, live[: len(copied)])
            assert int(votes.length.sum()) == int(work.length.sum()) == model.judgment_count
        early = room_for(model, tests)


def test_nothing_is_found_in_nothing() -> None:
    assert search(Material.of(Categorical(3), StatusTests(3)), RATE) == []


def test_seconds_of_paces_are_within_a_step() -> None:
    tests = StatusTests(2)
    seconds = np.array([0.05, 0.3, 1, 7, 100, np.nan], np.float32)
    rows = np.arange(6, dtype=np.int32)
    judged = Events.judgments(rows, np.zeros(6, np.int32), np.zeros(6, np.int16))
    tests.apply(judged, seconds)
    noted = seconds_of(tests.work.note[tests.work.start[0] :][:6])
    np.testing.assert_allclose(np.log2(noted[1:]), np.log2(seconds[1:]), atol=0.126)
    assert noted[0] < 0.07

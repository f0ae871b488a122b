"""Random programs of events for the status tests and their slow twin, and what is compared."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from engine.events import GOLD, JUDGE, RETRACT, Events
from engine.sequential import StatusTests
from engine.verdicts import StatusRules, Transitions
from tests.naive_status import NaiveStatus

Event = tuple[int, int, int, int, float]  # kind, task, worker, label, seconds
PART = 10  # added to the kind of an event that is part of an act
SETTLE, ACCEPT = 50, 51  # the act is whole; staff accepts the worker's pace
KINDS = {
    JUDGE: 0.8,
    RETRACT: 0.05,
    GOLD: 0.06,
    PART + JUDGE: 0.02,
    PART + RETRACT: 0.03,
    PART + GOLD: 0.01,
    SETTLE: 0.02,
    ACCEPT: 0.01,
}
Told = list[tuple[int, int, int, int, tuple[bool, bool]]]

# Mild ones, so that short programs reach every status.
RULES = [
    StatusRules(
        acceptable=0.9,
        unacceptable=0.5,
        pause_error=0.3,
        watch_error=0.5,
        ban_error=0.05,
        pass_error=0.9,
        trust_error=0.9,
        drift_alarms=40.0,
    ),
    StatusRules(),
    StatusRules(quiz=False, consensus=False, ban_error=0.0, pause_error=0.2, watch_error=0.4),
    StatusRules(trust_error=0.9, quiz_count=3, quiz_right=2),
]


def columns(
    events: Sequence[Event],
) -> tuple[Events, npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    rows = list(zip(*events, strict=True)) if events else [()] * 5
    kind, task, worker, label, seconds = rows
    found = Events(
        np.array(kind, np.uint8) % PART,
        np.array(task, np.int32),
        np.array(worker, np.int32),
        np.array(label, np.int16),
    )
    return found, np.array(seconds, np.float32), np.array(kind, np.uint8) >= PART


def told(transitions: Transitions, start: int = 0) -> Told:
    return [
        (event + start if event >= 0 else event, worker, was, now, (worse, hurried))
        for event, worker, was, now, worse, hurried in zip(
            transitions.event.tolist(),
            transitions.worker.tolist(),
            transitions.was.tolist(),
            transitions.now.tolist(),
            transitions.worse.tolist(),
            transitions.hurried.tolist(),
            strict=True,
        )
    ]


def run(tests: StatusTests, events: Sequence[Event], cuts: Sequence[int] = ()) -> Told:
    found: Told = []
    said = [place for place, event in enumerate(events) if event[0] in (SETTLE, ACCEPT)]
    edges = {0, len(events), *(min(cut, len(events)) for cut in cuts)}
    edges |= {edge for place in said for edge in (place, place + 1)}
    for begin, end in pairwise(sorted(edges)):
        kind, _, worker, *_ = events[begin]
        if kind == SETTLE:
            found += told(tests.settle())
        elif kind == ACCEPT:
            found += told(tests.accept_pace(worker))
        else:
            transitions, _ = tests.apply(*columns(events[begin:end]))
            found += told(transitions, begin)
    return found


def run_naive(naive: NaiveStatus, events: Sequence[Event]) -> Told:
    found: Told = []
    for place, (kind, task, worker, label, seconds) in enumerate(events):
        if kind in (SETTLE, ACCEPT):
            rows = naive.settle() if kind == SETTLE else naive.accept_pace(worker)
            found += [(-1, *row) for row in rows]
            continue
        if kind % PART == JUDGE:
            pace = 0 if np.isnan(seconds) else int(np.floor(4 * np.log2(max(seconds, 1 / 16)))) + 17
            rows = naive.judge(task, worker, label, min(pace, 63), part=kind >= PART)
        elif kind % PART == RETRACT:
            rows = naive.retract(task, worker, part=kind >= PART)
        else:
            rows = naive.set_gold(task, label, part=kind >= PART)
        found += [(place, *row) for row in rows]
    return found


def found_of(tests: StatusTests, workers: int) -> npt.NDArray[np.int64]:
    """What the status of workers 0, 1 ... rests on, in whole numbers."""
    tests._reserve(0, workers)
    return tests._find_out(np.arange(workers))


def assert_same(tests: StatusTests, naive: NaiveStatus, workers: int) -> None:
    found = found_of(tests, workers)
    for worker in range(workers):
        wanted = naive.findings(worker)
        # exp and log of the two sides may differ in the last digit of a double.
        assert abs(found[worker, 0] - wanted[0]) <= 1
        assert tuple(found[worker, [*range(1, 9), 12, 13]].tolist()) == wanted[1:]
    status = tests.status(np.arange(workers, dtype=np.int32))
    assert status.tolist() == [naive.status_of(worker) for worker in range(workers)]


@st.composite
def programs(draw: st.DrawFn, most: int = 160) -> tuple[int, list[Event]]:
    """Programs in which workers differ, so that all of them get somewhere."""
    labels = draw(st.sampled_from([2, 3, 5]))
    tasks, workers = draw(st.integers(2, 60)), draw(st.integers(2, 6))
    seed, length = draw(st.integers(0, 2**32)), draw(st.integers(0, most))
    rng = np.random.default_rng(seed)
    truth = rng.integers(labels, size=tasks)
    right = rng.choice([0.0, 0.3, 0.9, 1.0], workers)
    change = rng.integers(10, 60)
    events: list[Event] = []
    for place in range(length):
        kind = int(rng.choice(list(KINDS), p=list(KINDS.values())))
        task, worker = int(rng.integers(tasks)), int(rng.integers(workers))
        known = rng.random() < (right[worker] if place < 2 * change else right[-worker - 1])
        label = int(truth[task] if known else rng.integers(labels))
        if kind % PART == GOLD:
            label = int(truth[task]) if rng.random() < 0.8 else -1
        seconds = float("nan") if rng.random() < 0.1 else float(rng.lognormal(2, 0.5))
        events.append((kind, task, worker, label, seconds))
    return labels, events


def a_long_program(
    seed: int, labels: int = 3, length: int = 1200, workers: int = 5, *, acts: bool = False
) -> list[Event]:
    """Workers with hundreds of judgments each, one of which gets worse and then rushes."""
    rng = np.random.default_rng(seed)
    tasks = length // 3
    truth = rng.integers(labels, size=tasks)
    events: list[Event] = [(GOLD, task, 0, int(truth[task]), 0.0) for task in range(0, tasks, 9)]
    for place in range(length):
        task, worker = int(rng.integers(tasks)), int(rng.integers(workers))
        bad = worker == 0 and place > 0.4 * length
        label = int(truth[task]) if rng.random() < (0.4 if bad else 0.93) else 0
        seconds = float(rng.lognormal(2, 0.4) * (0.1 if worker == 1 and place > 900 else 1.0))
        kind = RETRACT if rng.random() < 0.02 else JUDGE
        if acts and rng.random() < 0.05:
            kind = int(rng.choice([PART + JUDGE, PART + RETRACT, PART + GOLD, SETTLE]))
        events.append((kind, task, worker, label, seconds))
    return events


def assert_equal_states(one: StatusTests, other: StatusTests) -> None:
    left, right = one.state(), other.state()
    assert left.keys() == right.keys()
    for name, column in left.items():
        assert column.dtype == right[name].dtype, name
        assert column.tobytes() == right[name].tobytes(), name


def assert_equal_evidence(one: StatusTests, other: StatusTests, workers: int) -> None:
    """Equal in all that rests on the live judgments."""
    assert (found_of(one, workers) == found_of(other, workers)).all()
    left, right = one.state(), other.state()
    assert (one._record.patterns == other._record.patterns).all()
    for name in ("votes", "work"):
        for column in ("member", "note"):
            assert (left[f"{name}.{column}"] == right[f"{name}.{column}"]).all()
    assert (one._record.life[:workers] == other._record.life[:workers]).all()
    assert (one._record.gold_counts[:workers] == other._record.gold_counts[:workers]).all()

"""Compiling or loading every kernel before the first judgment comes."""

from collections.abc import Callable

import numpy as np

from engine.calibrating import calibrate
from engine.categorical import FULL_LABELS, Categorical
from engine.events import GOLD, JUDGE, RETRACT, Events
from engine.kernels.choosing import LOOKS
from engine.leaks import FEWEST, leak_evidence, swiftness
from engine.population import Population
from engine.queue import TaskQueue
from engine.records import Records
from engine.reputation import reputations
from engine.search import Material, search
from engine.sequential import StatusTests

Report = Callable[[str, int, int], None]


def _exercise(labels: int) -> None:
    """Call everything that is compiled, with the types that service uses."""
    model = Categorical(labels)
    model.apply(
        Events(
            np.array([JUDGE, JUDGE, GOLD, RETRACT], np.uint8),
            np.array([0, 0, 1, 0], np.int32),
            np.array([0, 1, 0, 1], np.int32),
            np.array([0, 1, 1, 0], np.int16),
        )
    )
    model.labels_of(np.zeros(1, np.int32), np.zeros(1, np.int32))
    model.consensus(np.zeros(1, np.int32))
    calibrate(model)
    model.posterior(np.zeros(1, np.int32))
    model.refit()


def _queue(labels: int) -> None:
    model = Categorical(labels)
    tasks = TaskQueue(model)
    ids = np.arange(LOOKS + 1, dtype=np.int32)
    nobody = np.zeros_like(ids)
    model.apply(Events.judgments(ids, nobody, nobody))
    tasks.add(ids, np.zeros(len(ids), np.int16))
    tasks.set_loads(ids, np.ones_like(ids))
    tasks.set_open(ids[:1], np.zeros(1, np.bool_))
    tasks.follow(ids)
    tasks.pick(0, 1, 3)
    tasks.pick(1, 1, 3, in_order=True)
    tasks.gains(0, ids[:1])


def _batch() -> None:
    Categorical.fit(np.zeros(1, np.int32), np.zeros(1, np.int32), np.zeros(1, np.int16), 2)


def _reputations() -> None:
    task, worker = np.array([0, 0], np.int32), np.array([0, 1], np.int32)
    model = Categorical.fit(task, worker, np.zeros(2, np.int16), 2, np.zeros(1, np.int16))
    reputations(Population.of(model), Records.of(model, worker), model.prior())


def _status() -> None:
    tests = StatusTests(2)
    task, worker = np.array([0, 0, 1], np.int32), np.array([0, 1, 0], np.int32)
    tests.apply(Events.judgments(task, worker, np.zeros(3, np.int16)))
    tests.findings(worker)
    tests.set_rules(tests.rules)
    tests.settle()
    tests.accept_pace(0)
    StatusTests.from_state(tests.state())


def _fraud() -> None:
    model, tests = Categorical(2), StatusTests(2)
    worker, task = (index.ravel().astype(np.int32) for index in np.indices((4, 40)))
    events = Events.judgments(task, worker, (task // 3 % 2).astype(np.int16))
    model.apply(events)
    tests.apply(events)
    search(Material.of(model, tests), 0.01)


def _leaks() -> None:
    answers = 2 * FEWEST
    unknown = np.full(answers, np.nan)
    right = np.ones(answers, np.bool_)
    leak_evidence(np.zeros(answers), right, swiftness(unknown, unknown), answers)


def warm_up(report: Report | None = None) -> None:
    """Compile every kernel, or load it from the cache; report(what, done, total) before each part.

    First time some 40 s, then a fraction of a second.
    """
    parts: list[tuple[str, Callable[[], None]]] = [
        ("task queue", lambda: _queue(2)),
        ("task queue, many labels", lambda: _queue(FULL_LABELS + 1)),
        ("few labels", lambda: _exercise(2)),
        ("many labels", lambda: _exercise(FULL_LABELS + 1)),
        ("batch fit", _batch),
        ("reputations", _reputations),
        ("status tests", _status),
        ("search for fraud", _fraud),
        ("leaks of gold", _leaks),
    ]
    for done, (name, part) in enumerate(parts):
        if report is not None:
            report(name, done, len(parts))
        part()
    if report is not None:
        report("ready", len(parts), len(parts))

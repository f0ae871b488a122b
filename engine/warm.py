"""Compiling or loading every kernel before the first judgment comes."""

import fcntl
import os
import signal
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
from numba.core.caching import IndexDataCacheFile

from engine.calibrating import calibrate
from engine.categorical import FULL_LABELS, Categorical
from engine.events import GOLD, JUDGE, RETRACT, Events
from engine.jit import CACHE
from engine.kernels.choosing import LOOKS
from engine.leaks import FEWEST, leak_evidence, swiftness
from engine.population import Population
from engine.queue import TaskQueue
from engine.records import Records
from engine.reputation import reputations
from engine.search import Material, search
from engine.sequential import StatusTests

Report = Callable[[str, int, int], None]
Parts = tuple[tuple[str, Callable[[], None]], ...]


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


# Two lists that take about as long; one needs little of what the other compiles meanwhile.
FIRST: Parts = (
    ("few labels", partial(_exercise, 2)),
    ("task queue", partial(_queue, 2)),
    ("task queue, many labels", partial(_queue, FULL_LABELS + 1)),
    ("batch fit", _batch),
    ("reputations", _reputations),
)
BESIDE: Parts = (
    ("many labels", partial(_exercise, FULL_LABELS + 1)),
    ("status tests", _status),
    ("search for fraud", _fraud),
    ("leaks of gold", _leaks),
)


def _take_turns(folder: Path) -> None:
    """Let one process at a time write to the cache.

    numba numbers the files of a kernel's versions by looking which numbers are taken, so that two
    processes could give one number to two versions, and one would run the other's machine code.
    """
    files: Any = IndexDataCacheFile
    save = files.save

    def locked(cache: Any, key: Any, data: Any) -> None:
        with (folder / "turn.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            save(cache, key, data)

    files.save = locked


def _compile_beside(folder: Path) -> None:
    """The second list, in a process of its own. Ctrl-C is the first one's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _take_turns(folder)
    for _, part in BESIDE:
        part()


def _begin_beside() -> BaseProcess | None:
    """Let a second process compile too where nothing is compiled yet and there is a core for it."""
    if CACHE is None or any(CACHE.rglob("*.nbi")) or (os.cpu_count() or 1) < 2:
        return None
    _take_turns(CACHE)
    process = get_context("spawn").Process(target=_compile_beside, args=(CACHE,), daemon=True)
    process.start()
    return process


def warm_up(report: Report | None = None) -> None:
    """Compile every kernel, or load it from the cache; report(what, done, total) before each part.

    First time some 40 s on two cores, then a fraction of a second. What the second process does not
    come to, for whatever reason, is compiled here.
    """
    beside = _begin_beside()
    total = len(FIRST) + len(BESIDE)
    for done, (name, part) in enumerate(FIRST + BESIDE):
        if report is not None:
            report(name, done, total)
        if beside is not None and done == len(FIRST):
            beside.join()
        part()
    if report is not None:
        report("ready", total, total)

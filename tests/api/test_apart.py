"""Work in a process of its own: what comes back, and that nothing is left of it."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from api.beside.apart import LOWEST, apart
from engine.categorical import Categorical
from engine.events import Events
from engine.search import Material, search
from engine.sequential import StatusTests
from tests.api.chores import SAYS, Given, fail, hang, look
from tests.engine.test_search import RATE, frauds, keys
from tests.waiting import eventually, soon, wait_until

ROOT = Path(__file__).parents[2]
WAITS = """
import asyncio
from api.beside.apart import apart
from tests.api.chores import hang
asyncio.run(apart(hang, niceness=0))
"""


async def test_the_result_comes_back_from_another_process() -> None:
    given = Given("g", np.arange(3, 100_000, dtype=np.int32), np.array([True, False]), np.zeros(0))
    process, niceness, many, name = await soon(apart(look, given, 2, niceness=LOWEST))
    assert process != os.getpid()
    assert niceness == min(os.nice(0) + LOWEST, 19)
    assert many[0] == 6
    np.testing.assert_array_equal(many[1:], given.many[1:])
    assert given.many[0] == 3
    assert name == "g"
    with pytest.raises(RuntimeError, match="it does not work out"):
        await soon(apart(fail, niceness=0))


async def test_a_process_finds_the_fraud_that_is_found_here() -> None:
    case, seconds = frauds()
    model, tests = Categorical(4), StatusTests(4)
    events = Events.judgments(case.task, case.worker, case.label)
    model.apply(events)
    tests.apply(events, seconds)
    here = search(Material.of(model, tests), RATE)
    there = await soon(apart(search, Material.of(model, tests), RATE, niceness=0))
    assert keys(there) == keys(here) != []
    for one, other in zip(here, there, strict=True):
        assert (one.numbers, one.rate, one.share) == (other.numbers, other.rate, other.share)
        assert one.examples.chance.tolist() == other.examples.chance.tolist()


def written(said: Path) -> int:
    """The number in a file, 0 while there is none."""
    return int(said.read_text() or 0) if said.exists() else 0


async def told(said: Path) -> psutil.Process:
    """The process that says in this file which it is."""
    await eventually(lambda: written(said))
    return psutil.Process(written(said))


async def test_work_that_is_given_up_or_killed_leaves_no_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for number, end in enumerate(("cancel", "kill")):
        said = tmp_path / str(number)
        monkeypatch.setenv(SAYS, str(said))
        working = asyncio.create_task(apart(hang, niceness=0))
        process = await soon(told(said))
        if end == "kill":
            process.kill()
            with pytest.raises(RuntimeError, match="status -9"):
                await soon(working)
        else:
            working.cancel()
            await soon(asyncio.gather(working, return_exceptions=True))
        assert not process.is_running()


def test_work_ends_with_the_process_that_waits_for_it(tmp_path: Path) -> None:
    said = tmp_path / "said"
    environment = os.environ | {SAYS: str(said)}
    waiting = subprocess.Popen([sys.executable, "-c", WAITS], cwd=ROOT, env=environment)
    wait_until(lambda: written(said))
    process = psutil.Process(written(said))
    waiting.kill()
    waiting.wait()
    wait_until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)

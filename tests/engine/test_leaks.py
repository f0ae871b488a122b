"""Leaked gold: the kernel beside its twin, and what the bet says of sound and leaked gold."""

from typing import Any

import numpy as np
import pytest

from engine.kernels.leaks import UNTIMED, weigh
from engine.leaks import leak_evidence, swiftness
from tests import naive_leaks


def test_the_kernel_gives_what_its_twin_gives() -> None:
    rng = np.random.default_rng(3)
    for answers in (1, 7, 40):
        fitting = rng.uniform(0.05, 0.95, (answers, 5))
        right = rng.random(answers) < 0.7
        swift = rng.integers(-1, 4, answers).astype(np.int8)
        weight, tempo = rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(3))
        honest, knowing = rng.dirichlet(np.ones(4), 3), rng.dirichlet(np.ones(4), 3)
        given = (fitting, right, swift, answers // 3, 0.3, 0.97, weight, tempo, honest, knowing)
        plain: list[Any] = [
            each.tolist() if isinstance(each, np.ndarray) else each for each in given
        ]
        assert weigh(*given) == pytest.approx(naive_leaks.weigh(*plain), abs=1e-9)


def test_a_pace_is_known_by_the_worker_itself() -> None:
    others = np.arange(100.0, 300.0)
    others[::20] = np.nan
    own = np.array([50.0, 105.0, 150.0, 290.0, np.nan])
    bins = swiftness(own, others).tolist()
    assert bins[0] == 0
    assert bins == [*sorted(bins[:4]), UNTIMED]
    assert set(swiftness(own, others[:10]).tolist()) == {UNTIMED}


@pytest.mark.parametrize("difficulty", [-1.5, 0.0, 1.5])
def test_sound_gold_is_seldom_suspected_and_leaked_gold_is_found(difficulty: float) -> None:
    """Workers of all kinds; the question may be easy or hard, and take its time or not."""
    rng = np.random.default_rng(int(10 * difficulty) + 50)
    suspected, found, most = 0, 0, 200
    for run in range(40):
        odds = rng.normal(1.4, 1.0, most)
        right = rng.random(most) < 1 / (1 + np.exp(difficulty - odds))
        seconds = rng.lognormal(rng.normal(0, 0.3), 0.45, most)
        know = (rng.random(most) < 0.25) & (np.arange(most) >= 40)
        if run % 2:
            right |= know
            seconds[know] /= 4
        paces = rng.lognormal(0, 0.54, (most, 150))
        swift = np.array([swiftness(seconds[j : j + 1], paces[j])[0] for j in range(most)], np.int8)
        evidence = [leak_evidence(odds[:n], right[:n], swift[:n], most) for n in (60, 120, most)]
        flagged = any(value >= np.log(20) for value, _ in evidence)
        suspected += flagged and not run % 2
        found += flagged and run % 2
    assert suspected <= 3
    assert found >= 18


def test_a_few_answers_say_nothing() -> None:
    few = np.ones(5, np.bool_)
    assert leak_evidence(np.zeros(5), few, np.zeros(5, np.int8), 200) == (0.0, 0)

"""Gold that went round as a whole: found where it did, whatever else is odd about gold."""

import numpy as np
import pytest

from engine.gold_leaks import FEWEST_WORKERS, knowing


def crowd(
    seed: int, *, ease: float, tempo: float, known: float, faster: float | None
) -> tuple[np.ndarray, ...]:
    """Workers of all kinds; `known` of them know the gold, and take so much of their time."""
    rng = np.random.default_rng(seed)
    count = 80
    skill = rng.normal(1.2, 0.9, count)
    total = rng.integers(8, 25, count)
    chance = 1 / (1 + np.exp(-(skill + ease + rng.normal(0, 0.3, count))))
    knows = np.arange(count) < known * count
    right = rng.binomial(total, np.where(knows, 0.97, chance))
    pace = tempo + rng.normal(0, np.sqrt(0.3**2 + 1 / total))
    if faster is not None:
        pace[knows] += np.log(faster) / 0.54
    timed = total if faster is not None else np.zeros(count, np.int64)
    odds = skill + rng.normal(0, 0.4, count)  # as well as other answers tell it
    return odds, right, total, pace, timed


@pytest.mark.parametrize(("ease", "tempo"), [(0.0, 0.0), (0.8, -0.8), (-1.0, 0.5)])
def test_easy_or_slow_gold_is_not_suspected_and_known_gold_is(ease: float, tempo: float) -> None:
    for seed in range(2):
        sound = crowd(seed, ease=ease, tempo=tempo, known=0.0, faster=1.0)
        assert knowing(*sound)[0] < 0
        for faster in (1 / 3, 2.0):  # knowing without reading, or by looking it up
            evidence, suspects = knowing(
                *crowd(seed, ease=ease, tempo=tempo, known=0.25, faster=faster)
            )
            assert evidence > 3
            assert suspects[:20].mean() > 0.7 > 0.1 > suspects[20:].mean()


def test_few_workers_say_nothing() -> None:
    few = [column[: FEWEST_WORKERS - 1] for column in crowd(0, ease=0, tempo=0, known=1, faster=1)]
    evidence, suspects = knowing(*few)
    assert (evidence, suspects.tolist()) == (0.0, [0.0] * (FEWEST_WORKERS - 1))

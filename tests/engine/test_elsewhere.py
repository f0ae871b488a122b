"""Records in other projects: how they combine, and what they are worth."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.kernels.support import OCTAVES
from engine.population import Population
from engine.records import SCATTER, Elsewhere, Records
from engine.reputation import reputations
from tests.engine.peopled import judged, nobody_heard, people


@given(st.data())
def test_records_elsewhere_are_combined(data: st.DataObject) -> None:
    """One stays as it is; more make surer, in any order, and never surer than one known surely."""
    number = st.floats(-4, 4)
    rows = data.draw(st.lists(st.tuples(st.integers(0, 4), number, st.floats(0, 50)), max_size=20))
    shuffled = data.draw(st.permutations(rows))

    def combined(rows: Sequence[tuple[int, float, float]]) -> Elsewhere:
        columns = np.array(rows).reshape(-1, 3).T
        return Elsewhere.combined(6, columns[0].astype(np.int32), columns[1], columns[2])

    found, again = combined(rows), combined(shuffled)
    np.testing.assert_allclose(found.standing, again.standing, atol=1e-9)
    np.testing.assert_allclose(found.variance, again.variance, atol=1e-9)
    for worker in range(6):
        own = [(standing, variance) for who, standing, variance in rows if who == worker]
        mean, variance = found.standing[worker], found.variance[worker]
        if not own:
            assert np.isinf(variance)
        elif len(own) == 1:
            assert (mean, variance) == pytest.approx(own[0], abs=1e-6)
        else:
            assert min(s for s, _ in own) - 1e-9 <= mean <= max(s for s, _ in own) + 1e-9
            assert 0 <= variance <= min(v for _, v in own) + 1e-9
            # No more is known than if the projects were one, where nothing scatters.
            assert variance + SCATTER >= 1 / sum(1 / (v + SCATTER) for _, v in own) - 1e-9
    beyond = found.of(np.array([5, 0, 9], np.int32))
    assert np.isinf(beyond.variance[[0, 2]]).all()


@pytest.mark.parametrize("projects", [1, 4])
def test_intervals_hold_with_records_in_other_projects(projects: int) -> None:
    """A worker's skill scatters from project to project; what it is elsewhere is known roughly."""
    rng = np.random.default_rng(projects)
    workers, covered, widths = 400, [], []
    for _ in range(3):
        skill = rng.normal(0, 0.9, workers)
        accuracy = 1 / (1 + np.exp(-1.2 - skill - rng.normal(0, SCATTER**0.5, workers)))
        right = rng.binomial(8, accuracy).astype(np.int32)
        nothing = np.zeros((workers, OCTAVES), np.int32)
        records = Records(
            nothing, np.zeros(workers), right, (8 - right).astype(np.int32), np.zeros((workers, 2))
        )
        variance = rng.uniform(0.05, 0.4, (projects, workers))
        there = skill + rng.normal(0, np.sqrt(SCATTER + variance))
        elsewhere = Elsewhere.combined(
            workers, np.tile(people(workers), projects), there.ravel(), variance.ravel()
        )
        population = Population.learn(2, records, nobody_heard(2), elsewhere)
        for known in (None, elsewhere):
            found = reputations(population, records, np.array([0.5, 0.5]), known).accuracy
            covered.append(np.mean((found.low <= accuracy) & (accuracy <= found.high)))
            widths.append(np.mean(found.high - found.low))
    assert 0.93 <= np.mean(covered[1::2]) <= 0.98
    assert np.mean(widths[1::2]) < 0.85 * np.mean(widths[::2])


def test_standings_are_about_the_middle_and_say_how_sure_they_are() -> None:
    model, accuracy, _ = judged(7, tasks=800)
    population = Population.of(model)
    standing, variance = population.standings(Records.of(model, people(41)))
    assert np.isinf(variance[40])  # has not answered anything
    known = np.isfinite(variance)
    order = np.corrcoef(standing[known], np.log(accuracy / (1 - accuracy))[known[:40]])[0, 1]
    assert order > 0.9

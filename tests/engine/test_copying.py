"""Bets on copying, and the pairs worth one: the kernels against their slow twin, their promises."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.collusion import likely_pairs
from engine.independence import learn
from engine.kernels import copying
from engine.kernels.copying import capital, stake
from engine.rings import EXPECTED, STAKES
from tests import naive_fraud as naive
from tests.engine.test_independence import arrays, as_lists, crowds, gathered

TERMS = naive.Terms(STAKES.tolist(), 0.15, EXPECTED)
K = 3


@settings(deadline=None, max_examples=40)
@given(crowds(), st.booleans())
def test_the_evidence_of_pairs_is_its_slow_twin(crowd: naive.Crowd, votes_only: bool) -> None:
    judgments = arrays(crowd)
    null = learn(judgments, crowd.labels, votes_only=votes_only)
    first, second = likely_pairs(judgments, 1000)
    evidence, tallies = np.zeros(len(first)), np.zeros((len(first), copying.TALLY))
    tolerated = np.full(len(first), TERMS.tolerated)
    copying.compare(judgments, null, first, second, STAKES, tolerated, EXPECTED, evidence, tallies)
    twin = as_lists(null)
    for a, b, found, tally in zip(first, second, evidence, tallies, strict=True):
        assert found == pytest.approx(crowd.pair(twin, a, b, TERMS), rel=1e-5, abs=1e-6)
        both = [answers for answers in crowd.tasks if a in answers and b in answers]
        assert tally[copying.COMMON] == len(both)
        assert tally[copying.SAME] == sum(answers[a] == answers[b] for answers in both)


@settings(deadline=None, max_examples=40)
@given(crowds(), st.sets(st.integers(0, 6), min_size=1))
def test_the_evidence_of_following_is_its_slow_twin(crowd: naive.Crowd, group: set[int]) -> None:
    judgments = arrays(crowd)
    null = learn(judgments, crowd.labels, votes_only=False)
    member = np.where(np.isin(np.arange(7), list(group)), 2, -1).astype(np.int32)
    twin, tally = as_lists(null), np.zeros(copying.TALLY)
    for x in crowd.workers:
        found = copying.follow(
            judgments, null, x, member, 2, STAKES, TERMS.tolerated, EXPECTED, tally
        )
        assert found == pytest.approx(crowd.follow(twin, x, group, TERMS), rel=1e-5, abs=1e-6)
        assert tally[copying.WON] <= tally[copying.BETS] <= tally[copying.COMMON]


@settings(deadline=None, max_examples=40)
@given(crowds(), st.sets(st.integers(0, 6), min_size=2), st.floats(0.2, 1))
def test_what_a_group_agrees_on_is_its_slow_twin(
    crowd: naive.Crowd, group: set[int], expected: float
) -> None:
    judgments = arrays(crowd)
    null = learn(judgments, crowd.labels, votes_only=False)
    members = np.array(sorted(group & set(range(len(judgments.voice)))), np.int32)
    member = np.where(np.isin(np.arange(7), members), 2, -1).astype(np.int32)
    room = len(judgments.task)
    tasks, together = np.zeros(room, np.int32), np.zeros(room, np.int32)
    chances = np.zeros(room)
    found = copying.agreements(
        judgments, null, members, member, 2, expected, tasks, together, chances
    )
    twin = crowd.agreements(as_lists(null), group, expected)
    assert sorted(tasks[:found].tolist()) == sorted(twin)
    for t, count, chance in zip(tasks.tolist(), together, chances[:found], strict=False):
        assert count == twin[t][0]
        assert chance == pytest.approx(twin[t][1], rel=1e-5)


@settings(deadline=None, max_examples=40)
@given(crowds(), st.integers(1, 8))
def test_the_sketch_keeps_the_pairs_that_are_most_alike(crowd: naive.Crowd, most: int) -> None:
    judgments = arrays(crowd)
    workers = len(judgments.voice)
    first, second = likely_pairs(judgments, most)
    found = set(zip(first.tolist(), second.tolist(), strict=True))
    assert len(found) == len(first) <= most
    if workers * (workers - 1) // 2 <= most:
        assert len(found) == workers * (workers - 1) // 2
        return
    likeness = crowd.likeness()
    assert found <= likeness.keys()
    left = [likeness[pair] for pair in likeness if pair not in found]
    kept = [likeness[pair] for pair in found]
    assert not left or not kept or min(kept) > max(left) - 1e-6


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(30, 60))
def test_an_answer_of_many_counts_for_some_of_them_only(seed: int, workers: int) -> None:
    rng = np.random.default_rng(seed)
    # Half of a hundred workers say the same: a cell of its own in the sketch.
    task = np.zeros(2 * workers, np.int32)
    worker = rng.permutation(2 * workers).astype(np.int32)
    label = np.repeat(np.array([0, 1], np.int16), workers)
    judgments, _ = gathered(task, worker, label, 2)
    first, _ = likely_pairs(judgments, 1000)
    assert 0 < len(first) <= copying.CELL * (copying.CELL - 1)


def test_what_honest_workers_win_is_not_more_than_they_stake() -> None:
    """An e-value: with copying at the tolerated share its expectation is 1, at less it is below."""
    rng = np.random.default_rng(7)
    probability = rng.uniform(0.02, EXPECTED, 40)

    def outcomes(share: float, runs: int) -> npt.NDArray[np.float64]:
        values = np.empty(runs)
        for run in range(runs):
            same = rng.random(40) < share + (1 - share) * probability
            bets = np.zeros(len(STAKES))
            for q, won in zip(probability, same, strict=True):
                stake(bets, STAKES, TERMS.tolerated, q, bool(won))
            values[run] = capital(bets)
        return values

    at_most = outcomes(TERMS.tolerated, 4000)
    # The mean of so skewed a quantity is learned slowly; its tail is bounded by Markov.
    for level in (3, 10, 30):
        assert np.mean(at_most >= np.log(level)) <= 1 / level
    assert np.mean(outcomes(0.0, 2000) >= np.log(3)) < 0.05
    assert np.median(outcomes(0.8, 200)) > np.log(1000)


def test_agreement_that_anyone_would_reach_is_not_bet_on() -> None:
    """Twenty workers who are always right agree always, and nothing follows from it."""
    truth = np.random.default_rng(3).integers(0, K, 60)
    task, worker = (index.ravel().astype(np.int32) for index in np.indices((60, 20)))
    judgments, _ = gathered(task, worker, truth[task].astype(np.int16), K)
    null = learn(judgments, K, votes_only=False)
    first, second = likely_pairs(judgments, 1000)
    evidence, tallies = np.zeros(len(first)), np.zeros((len(first), copying.TALLY))
    tolerated = np.full(len(first), TERMS.tolerated)
    copying.compare(judgments, null, first, second, STAKES, tolerated, EXPECTED, evidence, tallies)
    assert (tallies[:, copying.BETS] == 0).all()
    np.testing.assert_allclose(evidence, 0, atol=1e-12)

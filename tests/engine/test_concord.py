"""What is learned of a crowd: are the probabilities right, and is a crowd recognised?"""

from itertools import product

import numpy as np
import pytest

from engine.concord import Concord, Crowd
from engine.kernels.concord import MOST
from tests.naive_crowd import Counts, chances, item_kinds
from tests.naive_crowd import Crowd as NaiveCrowd


def some_crowd(labels: int, seed: int = 0) -> Crowd:
    shares = np.random.default_rng(seed).dirichlet(np.ones(len(item_kinds(labels))))
    return Crowd(shares, 0.8, 0.0)


@pytest.mark.parametrize("labels", [2, 3, 4, 7])
@pytest.mark.parametrize("skill", [0.0, 0.6, 1.0, 1.5, 2.0])
def test_answers_follow_the_formula(labels: int, skill: float) -> None:
    concord, crowd = Concord(labels), some_crowd(labels)
    naive = NaiveCrowd(labels, crowd.shares.tolist(), crowd.accuracy, crowd.doubt)
    found = concord.answers(crowd, skill)
    for place in range(0, len(found), 7):
        own, top, rest = (int(c[place]) for c in (concord.own, concord.top, concord.rest))
        counts: Counts = (own, top, rest)
        if labels > 2 or counts[2] == 0:
            np.testing.assert_allclose(found[place], naive.answer(counts, skill), rtol=1e-9)


@pytest.mark.parametrize("skill", [0.0, 0.7, 1.0, 1.8])
def test_probabilities_of_all_answers_sum_to_1(skill: float) -> None:
    concord, crowd = Concord(5), some_crowd(5)
    answers = dict(zip(concord.codes.tolist(), concord.answers(crowd, skill), strict=True))

    def answer(own: int, top: int, rest: int) -> float:
        return float(answers[int(concord.place[own, top, rest])])

    assert np.isclose(5 * answer(0, 0, 0), 1.0)
    assert np.isclose(answer(3, 0, 0) + 4 * answer(0, 3, 0), 1.0)
    assert np.isclose(answer(3, 1, 0) + answer(1, 3, 0) + 3 * answer(0, 3, 1), 1.0)
    assert np.isclose(answer(3, 1, 1) + 2 * answer(1, 3, 1) + 2 * answer(0, 3, 2), 1.0)
    # Where the rest may be spread unevenly, nearly so.
    assert np.isclose(answer(3, 2, 0) + answer(2, 3, 0) + 3 * answer(0, 3, 2), 1.0, atol=0.1)


def test_votes_are_exchangeable() -> None:
    """The probability of votes one after the other does not depend on their order."""
    labels = 3
    shares = some_crowd(labels).shares.tolist()

    def together(votes: tuple[int, ...]) -> float:
        counts = sorted((votes.count(label) for label in range(labels)), reverse=True)
        per_kind = chances(labels, (counts[0], counts[1], counts[2]))
        return float(np.dot(shares, [sum(chance) for chance in per_kind]))

    assert np.isclose(sum(together(votes) for votes in product(range(3), repeat=4)), 1.0)


def agreement_of(concord: Concord, crowd: Crowd, skill: float) -> float:
    """Probability of an answer like the only other vote."""
    pairs = concord.place[1, 0, 0]
    agreement = concord.agreement(crowd, skill).tolist()
    found: dict[int, float] = dict(zip(concord.codes.tolist(), agreement, strict=True))
    return found[int(pairs)]


@pytest.mark.parametrize("labels", [2, 4, 10])
def test_agreement_is_what_simulated_crowds_show(labels: int) -> None:
    rng = np.random.default_rng(labels)
    concord = Concord(labels)
    items, votes = 4000, 6
    truth = rng.integers(labels, size=items)
    ability = rng.choice([0.95, 0.6], p=[0.7, 0.3], size=items)  # easy and hard ones
    right = rng.random((votes, items)) < ability
    given = np.where(right, truth, (truth + rng.integers(1, labels, (votes, items))) % labels)
    patterns = np.zeros(concord.patterns, np.int64)
    counts = np.sort((given[:5, :, None] == np.arange(labels)).sum(0), axis=1)[:, ::-1]
    first, second = counts[:, 0], counts[:, 1]
    np.add.at(patterns, concord.place[first, second, 5 - first - second], 1)
    crowd = concord.learn(patterns, 0, 0)
    assert abs(crowd.accuracy - ability.mean()) < 0.04
    # The sixth vote was not learned from.
    for own, top, rest in [(5, 0, 0), (4, 1, 0), (3, 2, 0)]:
        split = (first == own) & (second == top) & (5 - own - top == rest)
        leader = (given[:5, :, None] == np.arange(labels)).sum(0).argmax(1)
        seen = (given[5] == leader)[split].mean()
        place = int(concord.place[own, top, rest])
        wanted = concord.answers(crowd, 1.0)[np.flatnonzero(concord.codes == place)[0]]
        assert abs(seen - wanted) < 4 * (wanted * (1 - wanted) / split.sum()) ** 0.5 + 0.02
    assert agreement_of(concord, crowd, 0.0) == pytest.approx(1 / labels)
    assert agreement_of(concord, crowd, 0.5) < agreement_of(concord, crowd, 1.0)


def test_skill_and_accuracy_are_two_names_of_one_thing() -> None:
    concord = Concord(4)
    for level in (0.3, 0.6, 0.95):
        crowd = Crowd(some_crowd(4).shares, level, 0.05)
        for accuracy in np.linspace(0.25, 0.97, 20):
            skill = concord.skill(crowd, float(accuracy))
            assert concord.accuracy(crowd, skill) == pytest.approx(accuracy)
        assert concord.skill(crowd, 0.1) == 0.0
        above, below = crowd.moved(1), crowd.moved(-1)
        assert concord.skill(above, level) < 1.0 < concord.skill(below, level)


def test_nothing_is_known_at_first_and_gold_overrules_agreement() -> None:
    concord = Concord(3)
    nothing = np.zeros(concord.patterns, np.int64)
    crowd = concord.learn(nothing, 0, 0)
    assert 0.5 < crowd.accuracy < 0.9
    np.testing.assert_allclose(crowd.shares, 1 / len(crowd.shares))
    unanimous = nothing.copy()
    unanimous[concord.place[5, 0, 0]] = 1000
    sure = concord.learn(unanimous, 0, 0)
    assert sure.accuracy > 0.95
    assert sure.doubt == 0.0
    wrong = concord.learn(unanimous, 400, 1000)
    assert abs(wrong.accuracy - 0.41) < 0.01
    assert 0.01 < wrong.doubt < 0.02


def test_tables_hold_as_many_votes_as_they_say() -> None:
    concord = Concord(9)
    assert (concord.own + concord.top + concord.rest).max() == MOST
    assert len(np.unique(concord.codes)) == len(concord.codes)
    assert np.isfinite(concord.answers(some_crowd(9), 1.3)).all()

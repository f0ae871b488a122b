"""What honest workers would answer: the kernels against their slow twin, and their promises."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.categorical import Categorical
from engine.independence import MOST_CLASSES, STRENGTHS, gather, learn
from engine.kernels.independence import Independence, chance, fit_strength, listen
from engine.kernels.judgments import ALONE, Judgments
from engine.search import copy_votes
from tests import naive_fraud as naive

NOBODY = np.zeros(0, np.int32)
Ints = npt.NDArray[np.int32]
Labels = npt.NDArray[np.int16]


@st.composite
def crowds(draw: st.DrawFn) -> naive.Crowd:
    """Few workers on some tasks, some of them of one voice, some gold."""
    labels = draw(st.integers(2, 4))
    workers = st.integers(0, 6)
    answers = st.dictionaries(workers, st.integers(0, labels - 1), max_size=7)
    tasks = draw(st.lists(answers, min_size=1, max_size=12).filter(any))
    gold = draw(st.dictionaries(st.integers(0, len(tasks) - 1), st.integers(0, labels - 1)))
    voice = draw(st.dictionaries(workers, st.integers(0, 1), max_size=5))
    return naive.Crowd(labels, tasks, gold, voice)


def gathered(
    task: Ints, worker: Ints, label: Labels, labels: int, gold: Labels | None = None
) -> tuple[Judgments, Labels]:
    """As scans read them."""
    model = Categorical.fit(task, worker, label, labels, gold)
    return gather(copy_votes(model), model.worker_count, labels)


def arrays(crowd: naive.Crowd) -> Judgments:
    rows = [(t, w, k) for t, answers in enumerate(crowd.tasks) for w, k in answers.items()]
    task, worker, label = np.array(rows, np.int32).reshape(-1, 3).T
    gold = np.full(len(crowd.tasks), -1, np.int16)
    for t, truth in crowd.gold.items():
        gold[t] = truth
    judgments, _ = gathered(task, worker, label.astype(np.int16), crowd.labels, gold)
    for w, voice in crowd.voice.items():
        if w < len(judgments.voice):
            judgments.voice[w] = voice
    return judgments


def as_lists(null: Independence) -> naive.Null:
    return naive.Null(
        {w: matrix.astype(float).tolist() for w, matrix in enumerate(null.matrix)},
        {w: float(ability) for w, ability in enumerate(null.ability)},
        null.errors.tolist(),
        null.prior.tolist(),
        null.profile.tolist(),
        float(null.strength[0]),
    )


@settings(deadline=None, max_examples=40)
@given(crowds(), st.booleans())
def test_learning_is_its_slow_twin(crowd: naive.Crowd, votes_only: bool) -> None:
    judgments = arrays(crowd)
    null = learn(judgments, crowd.labels, votes_only=votes_only)
    expected = crowd.learn(votes_only=votes_only)
    for w in crowd.workers:
        np.testing.assert_allclose(null.matrix[w], expected.matrix[w], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(null.prior, expected.prior, rtol=1e-4)


@settings(deadline=None, max_examples=40)
@given(crowds())
def test_the_fit_of_how_tasks_differ_is_its_slow_twin(crowd: naive.Crowd) -> None:
    judgments = arrays(crowd)
    null = learn(judgments, crowd.labels, votes_only=True)
    found = np.zeros(len(STRENGTHS))
    before = as_lists(null)
    fit_strength(judgments, null, 1, STRENGTHS, found)
    expected = [crowd.likelihood(before, before.profile, s) for s in STRENGTHS]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(null.profile, crowd.fitted_profile(before), rtol=1e-9)
    assert null.strength[0] == STRENGTHS[found.argmax()]


@settings(deadline=None, max_examples=40)
@given(crowds(), st.data())
def test_a_chance_is_its_slow_twin(crowd: naive.Crowd, data: st.DataObject) -> None:
    judgments = arrays(crowd)
    null = learn(judgments, crowd.labels, votes_only=False)
    t = data.draw(st.integers(0, len(crowd.tasks) - 1))
    if len(crowd.tasks[t]) < 2:
        return
    x, y = data.draw(st.permutations(sorted(crowd.tasks[t])))[:2]
    group = data.draw(st.sets(st.integers(0, 6), max_size=3))
    member = np.where(np.isin(np.arange(7), list(group)), 5, -1).astype(np.int32)
    votes, w = np.zeros(crowd.labels, np.int64), np.zeros((2, crowd.labels))
    count = listen(judgments, null, t, x, y, member, 5, votes, w)
    expected = crowd.chance(as_lists(null), t, x, y, group)
    if expected is None:
        assert count == 0
        return
    assert count > 0
    found = chance(null, votes, w, crowd.tasks[t][y], y, x)
    assert found == pytest.approx(expected, rel=1e-6)
    assert 0 < found <= 1 + 1e-12


@given(crowds(), st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_copies_that_are_one_voice_change_nothing(crowd: naive.Crowd, copies: int) -> None:
    """A voice of many that answers alike is, to all others, one worker."""
    crowd.voice.clear()
    alone = arrays(crowd)
    crowd.tasks = [
        answers | (dict.fromkeys(range(7, 7 + copies), answers[0]) if 0 in answers else {})
        for answers in crowd.tasks
    ]
    for w in (0, *range(7, 7 + copies)):
        crowd.voice[w] = 0
    doubled = arrays(crowd)
    one, many = (learn(each, crowd.labels, votes_only=True) for each in (alone, doubled))
    seen = [w for w in crowd.workers if 0 < w < 7]
    # The population is another one, so that only the votes are compared.
    votes, other = np.zeros((2, crowd.labels), np.int64)
    for t, answers in enumerate(crowd.tasks):
        for x in seen:
            if x in answers:
                w = np.zeros((2, crowd.labels))
                first = listen(alone, one, t, x, x, NOBODY, -1, votes, w)
                second = listen(doubled, many, t, x, x, NOBODY, -1, other, w)
                assert first == second
                assert votes.tolist() == other.tolist()


def test_gathering_keeps_the_last_answer_and_finds_each_worker_s_rows() -> None:
    task, worker = np.array([2, 0, 2, 2], np.int32), np.array([1, 1, 0, 1], np.int32)
    judgments, answers = gathered(task, worker, np.array([0, 1, 2, 1], np.int16), 3)
    assert judgments.length.tolist() == [1, 0, 2]
    assert judgments.first.tolist() == [0, 1, 3]
    assert judgments.task.tolist() == [2, 0, 2]
    assert answers[judgments.row].tolist() == [2, 1, 1]
    assert (judgments.voice == ALONE).all()


def test_many_labels_are_folded() -> None:
    label = np.array([3, 3 + MOST_CLASSES, 40], np.int16)
    rows = np.arange(3, dtype=np.int32)
    judgments, answers = gathered(np.zeros(3, np.int32), rows, label, 41, np.array([40], np.int16))
    assert judgments.label.tolist() == [3, 3, 40 % MOST_CLASSES]
    assert judgments.gold.tolist() == [40 % MOST_CLASSES]
    assert answers.tolist() == label.tolist()
    assert learn(judgments, 41, votes_only=False).matrix.shape == (3, MOST_CLASSES, MOST_CLASSES)


def test_nothing_can_be_learned_from_nothing() -> None:
    nothing = np.zeros(0, np.int32)
    judgments, _ = gathered(nothing, nothing, nothing.astype(np.int16), 3)
    null = learn(judgments, 3, votes_only=False)
    np.testing.assert_allclose(null.prior, 1 / 3)
    assert null.matrix.shape == (0, 3, 3)

"""What events change on an excerpt, they change on the whole model, bit by bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import GOLD, JUDGE, RETRACT, Categorical, Events
from engine.excerpt import excerpt
from engine.records import Records

TASKS, WORKERS = 70, 9


def some_events(rng: np.random.Generator, count: int, labels: int, tasks: int) -> Events:
    return Events(
        rng.choice(np.array([JUDGE, JUDGE, JUDGE, RETRACT, GOLD], np.uint8), count),
        rng.integers(tasks, size=count, dtype=np.int32),
        rng.integers(WORKERS, size=count, dtype=np.int32),
        rng.integers(labels, size=count, dtype=np.int16),
    )


@pytest.mark.parametrize("labels", [2, 5, 40])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), before=st.integers(0, 2_000), after=st.integers(0, 60))
def test_an_excerpt_changes_as_the_whole_does(
    labels: int, seed: int, before: int, after: int
) -> None:
    rng = np.random.default_rng(seed)
    model = Categorical(labels)
    model.apply(some_events(rng, before, labels, TASKS))
    later = some_events(rng, after, labels, TASKS + 5)  # also of tasks that it has not seen
    tasks = np.unique(later.task)[:: rng.choice([1, -1])].astype(np.int32)
    was = model.state()
    part = Categorical.from_state(excerpt(model, tasks))
    for name, column in model.state().items():
        np.testing.assert_array_equal(column, was[name])  # the model is as it was
    places, people = np.arange(len(tasks), dtype=np.int32), np.arange(WORKERS, dtype=np.int32)
    np.testing.assert_array_equal(part.posterior(places), model.posterior(tasks))
    place = {task: at for at, task in enumerate(tasks.tolist())}
    own = np.array([place[task] for task in later.task.tolist()], np.int32)
    part.apply(Events(later.kind, own, later.worker, later.label))
    if model.apply(later).refitted:
        return
    np.testing.assert_array_equal(part.posterior(places), model.posterior(tasks))
    now, then = part.consensus(places), model.consensus(tasks)
    np.testing.assert_array_equal(now.judgments, then.judgments)
    np.testing.assert_array_equal(now.gold, then.gold)
    some, whole = Records.of(part, people), Records.of(model, people)
    for one, other in zip(some, whole, strict=True):
        np.testing.assert_array_equal(one, other)
    assert part.totals().mean_confidence == model.totals().mean_confidence

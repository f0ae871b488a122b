"""Which tasks some workers have judged, against one look after the other."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Categorical
from engine.answers import answers_between
from tests.engine.test_categorical import Event, columns, programs


@given(programs(), st.data())
@settings(max_examples=50, deadline=None)
def test_answers_are_found_whoever_is_asked_for(
    program: tuple[int, list[Event]], data: st.DataObject
) -> None:
    labels, events = program
    model = Categorical(labels)
    model.apply(columns(events))
    who = np.array(data.draw(st.lists(st.integers(0, 9), unique=True)), np.int32)
    first, end = data.draw(st.tuples(st.integers(0, 12), st.integers(0, 12)))
    place, task = answers_between(model, who, first, end)
    expected = [
        (at, number)
        for number in range(first, min(end, model.task_count))
        for at in np.argsort(who).tolist()
        if who[at] in model.judgments_of(number)[0]
    ]
    assert list(zip(place.tolist(), task.tolist(), strict=True)) == expected

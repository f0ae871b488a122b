"""Every policy that is accepted can be measured by."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.errors import InvalidPolicy
from api.graphql.knobs import groups
from api.policy import KNOBS, Policy
from api.presets import PRESETS, Preset
from api.state.vetting import rules_of
from engine import Events, StatusTests

NAMES = [
    *("acceptable_accuracy", "unacceptable_accuracy", "crowd_share", "watch_error"),
    *("pause_error", "ban_error", "pass_error", "trust_error", "drift_alarms", "project_error"),
]


def ends(name: str) -> st.SearchStrategy[float]:
    """Values of a knob, its ends the likeliest."""
    low, high = (float(KNOBS[name].metadata[end]) for end in ("low", "high"))
    return st.sampled_from([low, high]) | st.floats(low, high)


@settings(max_examples=60, deadline=None)
@given(
    st.fixed_dictionaries({}, optional={name: ends(name) for name in NAMES}),
    st.sampled_from([2, 3, 40, 1000]),
    st.booleans(),
)
def test_a_policy_that_is_accepted_gives_rules_that_work(
    changes: dict[str, float], labels: int, quiz: bool
) -> None:
    try:
        policy = Policy().changed(changes | {"quiz": quiz})
    except InvalidPolicy:
        return
    tests = StatusTests(labels, rules_of(policy))
    tasks, workers = np.arange(90) // 3, np.arange(90) % 3
    tests.apply(Events.gold(np.arange(0, 30, 5), np.zeros(6, np.int16)))
    tests.apply(Events.judgments(tasks, workers, (workers == 2).astype(np.int16)))
    found = tests.findings(np.arange(3, dtype=np.int32))
    for name in ("against", "passing", "trusting", "drift", "rush"):
        assert np.isfinite(getattr(found, name)).all()
    assert tests.status(np.arange(3, dtype=np.int32)).max() <= 5


@pytest.mark.parametrize(
    ("changes", "knob"),
    [
        ({"pause_error": 0.1}, "pause_error"),
        ({"ban_error": 0.01}, "ban_error"),
        ({"unacceptable_accuracy": 0.8}, "unacceptable_accuracy"),
        ({"drift_alarms": 0.0}, "drift_alarms"),
        ({"status_evidence": "VIBES"}, "status_evidence"),
        ({"tell_workers": None}, "tell_workers"),
        ({"quiz": 1}, "quiz"),
    ],
)
def test_knobs_that_make_no_sense_are_named(changes: dict[str, object], knob: str) -> None:
    with pytest.raises(InvalidPolicy) as refused:
        Policy().changed(changes)
    assert refused.value.field == knob


def test_every_knob_is_explained_in_a_group() -> None:
    named = [name for names in groups().values() for name in names]
    assert named == list(KNOBS)
    assert all(names for names in groups().values())


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_presets_are_policies(preset: Preset) -> None:
    policy = Policy().changed(preset.changes)
    assert len(preset.changes) == len(preset.settings)
    assert all(getattr(policy, each.knob) == each.value for each in preset.settings)

"""What is wrong with a policy is found, what fits is let alone, and the numbers are about right."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from api.budget import Cost
from api.linting.advice import Facts
from api.linting.confidence_linter import agreed, reached, settled
from api.linting.gold_linter import passes, shortest, to_pass
from api.linting.linter import advise, to_pause
from api.policy import Policy
from api.presets import PRESETS, Preset, PresetName
from api.state.alerts import Severity
from api.state.vetting import rules_of
from engine import STATUSES, Events, StatusTests
from engine.calibration import Calibration

POLICY = Policy(overlap=5, min_judgments=2)
FACTS = Facts(
    labels=2,
    open_tasks=5_000,
    people=20,
    models=0,
    accuracy=0.85,
    held_to=(0.8, 0.6),
    life=200.0,
    gold=(60, 60),
    seconds=12.0,
    slow=40.0,
    calibration=Calibration.before(2),
)
FITTING = {
    PresetName.FEW_EXPERTS: replace(FACTS, people=3, accuracy=0.95, seconds=300.0, slow=1_800.0),
    PresetName.MODELS_FIRST: replace(FACTS, people=4, models=3),
}


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_a_preset_fits_the_project_that_it_is_for(preset: Preset) -> None:
    facts = FITTING.get(preset.name, FACTS)
    assert advise(Policy().changed(preset.changes), facts) == []


@pytest.mark.parametrize(
    ("knobs", "facts", "code", "severity"),
    [
        ({}, {"people": 1}, "NEVER_SETTLES", "HIGH"),
        ({}, {"people": 4}, "OVERLAP_ABOVE_WORKERS", "MEDIUM"),
        ({"min_judgments": None}, {}, "NEVER_STOPS_EARLY", "LOW"),
        ({"target_confidence": 0.99}, {"accuracy": 0.6}, "CONFIDENCE_OUT_OF_REACH", "HIGH"),
        ({"status_evidence": "GOLD"}, {"gold": (0, 0)}, "STATUS_WITHOUT_GOLD", "HIGH"),
        ({}, {"gold": (0, 0)}, "NO_GOLD", "LOW"),
        ({"gold_rate": 0.0}, {}, "GOLD_NOT_USED", "MEDIUM"),
        ({}, {"gold": (50, 0)}, "GOLD_LACKS_LABELS", "LOW"),
        (
            {"quiz": True, "status_evidence": "GOLD"},
            {"gold": (5, 5)},
            "QUIZ_SHORT_OF_GOLD",
            "HIGH",
        ),
        ({"quiz_count": 10}, {}, "QUIZ_IS_OFF", "LOW"),
        ({"quiz": True, "quiz_count": 121}, {}, "QUIZ_LONGER_THAN_GOLD", "HIGH"),
        ({"quiz": True, "quiz_count": 50, "quiz_gold": 0.0}, {}, "QUIZ_WITHOUT_GOLD", "HIGH"),
        ({"quiz": True, "quiz_count": 10}, {}, "QUIZ_TELLS_LITTLE", "MEDIUM"),
        ({"keep_order": True}, {}, "GOLD_KEEPS_ITS_PLACE", "LOW"),
        ({"cohort_attribute": "country"}, {}, "COHORTS_SPEND_GOLD", "LOW"),
        ({"keep_order": True, "quiz": True}, {}, "QUIZ_KEEPS_ORDER", "MEDIUM"),
        ({"require_lease": False}, {}, "GOLD_NOT_HIDDEN", "MEDIUM"),
        ({"judgment_budget": 9_999}, {}, "BUDGET_TOO_SMALL", "HIGH"),
        (
            {"money_budget": 30_000, "price": 3},
            {"paid": Cost(2_000, 6_000)},
            "BUDGET_TOO_SMALL",
            "HIGH",
        ),
        ({"daily_judgments": 333}, {}, "DAY_TOO_SMALL", "MEDIUM"),
        ({"daily_money": 2, "price": 3}, {}, "DAY_TOO_SMALL", "HIGH"),
        ({"money_budget": 2}, {}, "MONEY_WITHOUT_PRICE", "MEDIUM"),
        ({"label_value": 100}, {}, "VALUE_STOPS_NOTHING", "LOW"),
        ({"acceptable_accuracy": 0.5, "unacceptable_accuracy": 0.4}, {}, "CHANCE_", "HIGH"),
        (
            {"pause_error": 0.0001, "ban_error": 0.0, "status_evidence": "GOLD"},
            {"life": 20.0},
            "CLICKERS_STAY",
            "MEDIUM",
        ),
        ({}, {"people": 0, "models": 3, "gold": (0, 0)}, "MODELS_ONLY", "HIGH"),
        ({}, {"people": 0, "models": 3}, "MODELS_TAKE_NO_PLACE", "HIGH"),
        ({"lease_seconds": 10.0}, {}, "LEASE_TOO_SHORT", "HIGH"),
        ({"lease_seconds": 30.0}, {}, "LEASE_TOO_SHORT", "MEDIUM"),
        ({"floor_seconds": 9.0}, {}, "FLOOR_TOO_HIGH", "MEDIUM"),
        ({"worker_share": 0.01}, {}, "SHARES_TOO_SMALL", "HIGH"),
        ({}, {"open_tasks": 10}, "LEASES_TAKE_ALL", "LOW"),
    ],
)
def test_what_does_not_fit_is_told(
    knobs: dict[str, Any], facts: dict[str, Any], code: str, severity: str
) -> None:
    assert advise(POLICY, FACTS) == []
    found = advise(POLICY.changed(knobs), replace(FACTS, **facts))
    (told,) = (advice for advice in found if advice.code.startswith(code))
    assert told.severity == severity
    assert told.knob in POLICY.to_json()
    severities = [list(Severity).index(advice.severity) for advice in found]
    assert severities == sorted(severities, reverse=True)


def test_a_target_out_of_reach_is_told_with_what_would_reach_it() -> None:
    policy, facts = Policy(target_confidence=0.95), replace(FACTS, accuracy=0.8)
    best = float(reached(facts, 0.8, np.array([3]), np.array([3]))[0])
    (told,) = (each for each in advise(policy, facts) if "OUT_OF_REACH" in each.code)
    assert told.text.startswith(
        f"With workers like yours (80%) 3 agreeing judgments come to {best:.1%}: below your target"
    )
    assert told.todo.startswith("Set overlap to 4 at least, or targetConfidence to 0.93 at most")
    for changes in ({"overlap": 4}, {"target_confidence": 0.93}):
        assert not [each for each in advise(policy.changed(changes), facts) if "REACH" in each.code]


@pytest.mark.parametrize(
    ("overlap", "target", "labels"), [(3, 0.9, 2), (5, 0.95, 2), (7, 0.99, 2), (3, 0.98, 4)]
)
def test_doing_what_is_said_lets_most_tasks_settle(
    overlap: int, target: float, labels: int
) -> None:
    policy = Policy(overlap=overlap, target_confidence=target, min_judgments=2)
    facts = replace(
        FACTS, labels=labels, gold=(30,) * labels, accuracy=0.7, calibration=Calibration(0, 1, 0.1)
    )
    found = [each for each in advise(policy, facts) if each.knob == "target_confidence"]
    (told,) = found
    for way in told.todo.removeprefix("Set ").removesuffix(".").split(" or "):
        knob, value = way.strip().removesuffix(" at most").removesuffix(" at least,").split(" to ")
        change: dict[str, Any] = (
            {"overlap": int(value)} if knob == "overlap" else {"target_confidence": float(value)}
        )
        after = advise(policy.changed(change), facts)
        assert told.code not in [each.code for each in after]


def test_the_share_that_settles_is_that_of_simulated_answers() -> None:
    facts, rng = replace(FACTS, accuracy=0.8), np.random.default_rng(0)
    for overlap, least, target in ((3, 3, 0.9), (6, 2, 0.9), (5, 1, 0.8)):
        policy = Policy(overlap=overlap, min_judgments=least, target_confidence=target)
        ahead = np.where(rng.random((20_000, overlap)) < 0.8, 1, -1).cumsum(1)
        count = np.tile(np.arange(1, overlap + 1), (20_000, 1))
        sure = reached(facts, 0.8, np.abs(ahead).ravel(), count.ravel()).reshape(ahead.shape)
        share = ((sure >= target) & (count >= least)).any(1).mean()
        assert settled(policy, facts, 0.8) == pytest.approx(share, abs=0.015)


@pytest.mark.parametrize(("good", "bad"), [(0.8, 0.6), (0.95, 0.5)])
def test_the_quiz_that_is_proposed_is_the_shortest_that_tells_enough(
    good: float, bad: float
) -> None:
    policy = POLICY.changed(
        {"quiz": True, "acceptable_accuracy": good, "unacceptable_accuracy": bad}
    )
    found = shortest(good, bad, policy.pass_error)
    assert found is not None
    count, share = found
    for shorter in (0, 1):
        changed = policy.changed({"quiz_count": count - shorter, "quiz_share": share})
        assert len(advise(changed, FACTS)) == shorter
    rng = np.random.default_rng(1)
    for accuracy in (good, bad):
        right = changed.quiz_right
        simulated = (rng.binomial(count - 1, accuracy, 20_000) >= right).mean()
        assert passes(count - 1, right, accuracy) == pytest.approx(simulated, abs=0.02)
    assert shortest(0.8, 0.79, policy.pass_error) is None


def test_agreement_comes_to_what_bayes_says() -> None:
    for judgments, accuracy, labels in product((1, 2, 5), (0.4, 0.8), (2, 5)):
        wrong = (1 - accuracy) / (labels - 1)
        right = [accuracy**judgments] + [wrong**judgments] * (labels - 1)
        assert agreed(judgments, accuracy, labels) == pytest.approx(right[0] / sum(right))


def test_how_long_it_takes_is_about_what_the_tests_take() -> None:
    policy = Policy(gold_rate=1.0, gold_floor=0.0, status_evidence="GOLD", quiz=True)
    paused, held_to = median_to(policy, 0.5, STATUSES.index("PAUSED"))
    assert 0.5 < to_pause(policy, replace(FACTS, held_to=held_to)) / paused < 2
    passed, held_to = median_to(policy, 0.8, STATUSES.index("ACTIVE"))
    assert 0.5 < to_pass(policy, replace(FACTS, held_to=held_to)) / passed < 2


def median_to(policy: Policy, accuracy: float, status: int) -> tuple[float, tuple[float, float]]:
    """The median of the judgments of gold after which workers of this accuracy first have this
    status or a later one, in a good crowd, and what they are held to."""
    good, workers, most = 60, 100, 100
    rng = np.random.default_rng(1)
    tests = StatusTests(2, rules_of(policy))
    tests.apply(Events.gold(np.arange(most), np.zeros(most, np.int16)))
    everyone, accuracies = np.arange(workers), np.full(workers, accuracy)
    accuracies[:good] = 0.85
    since = np.full(workers, np.inf)
    for task in range(most):
        answers = (rng.random(workers) >= accuracies).astype(np.int16)
        tests.apply(Events.judgments(np.full(workers, task), everyone, answers))
        there = tests.status(everyone.astype(np.int32)) >= status
        since[there & np.isinf(since)] = task + 1
    return float(np.median(since[good:])), tests.held_to

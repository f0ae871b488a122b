"""The status tests against their slow twin, under random programs of events."""

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.events import GOLD, JUDGE, RETRACT
from engine.kernels.evidence import ONE
from engine.sequential import StatusTests
from engine.truths import answer_of
from engine.verdicts import STATUSES, Findings, StatusRules
from tests.engine.status_programs import (
    RULES,
    Event,
    Told,
    a_long_program,
    assert_equal_evidence,
    assert_equal_states,
    assert_same,
    found_of,
    programs,
    run,
    run_naive,
    told,
)
from tests.naive_status import NaiveStatus


@settings(max_examples=60, deadline=None)
@given(programs(), st.sampled_from(RULES))
def test_it_does_what_its_twin_does(program: tuple[int, list[Event]], rules: StatusRules) -> None:
    labels, events = program
    tests, naive = StatusTests(labels, rules), NaiveStatus(labels, rules)
    assert run(tests, events) == run_naive(naive, events)
    assert_same(tests, naive, 6)


@pytest.mark.parametrize("acts", [False, True])
def test_it_does_what_its_twin_does_over_long_lives(acts: bool) -> None:
    events = a_long_program(1, acts=acts)
    tests, naive = StatusTests(3), NaiveStatus(3, StatusRules())
    found = run(tests, events)
    assert found == run_naive(naive, events)
    assert_same(tests, naive, 5)
    assert {alarms for *_, alarms in found} >= {(True, False), (False, True)}
    assert len(tests._crowds) > 8


def test_a_task_with_more_votes_than_tables_hold_is_scaled_down() -> None:
    events: list[Event] = [(JUDGE, 0, worker, worker % 7 // 3, 1.0) for worker in range(40)]
    events += [(JUDGE, 1, worker, worker % 2, 1.0) for worker in range(40)]
    tests, naive = StatusTests(4), NaiveStatus(4, StatusRules())
    assert run(tests, events) == run_naive(naive, events)
    assert_same(tests, naive, 40)


@settings(max_examples=25, deadline=None)
@given(programs(most=400), st.sampled_from(RULES), st.lists(st.integers(0, 400), max_size=12))
def test_batches_may_be_cut_anywhere(
    program: tuple[int, list[Event]], rules: StatusRules, cuts: list[int]
) -> None:
    labels, events = program
    whole, parts = StatusTests(labels, rules), StatusTests(labels, rules)
    assert run(whole, events) == run(parts, events, cuts)
    assert_equal_states(whole, parts)


@settings(max_examples=25, deadline=None)
@given(programs(most=300), st.sampled_from(RULES), st.integers(0, 300))
def test_a_state_that_was_stored_goes_on_as_if_it_had_not_been(
    program: tuple[int, list[Event]], rules: StatusRules, cut: int
) -> None:
    labels, events = program
    tests = StatusTests(labels, rules)
    run(tests, events[:cut])
    again = StatusTests.from_state(tests.state())
    assert_equal_states(tests, again)
    assert (found_of(tests, 6) == found_of(again, 6)).all()
    assert run(tests, events[cut:]) == run(again, events[cut:])
    assert_equal_states(tests, again)


@settings(max_examples=40, deadline=None)
@given(programs(most=330), st.data())
def test_what_was_taken_back_leaves_nothing_behind(
    program: tuple[int, list[Event]], data: st.DataObject
) -> None:
    labels, events = program
    rules = RULES[0]
    with_it, without = StatusTests(labels, rules), StatusTests(labels, rules)
    run(with_it, events)
    run(without, events)
    # No new table may come meanwhile: it is not taken back.
    budget = max(int(with_it._record.progress[3] - with_it._record.progress[2]) - 1, 0)
    state = with_it.state()
    rows = np.split(state["votes.member"], np.cumsum(state["votes.length"]))
    seen = {(task, worker) for task, workers in enumerate(rows) for worker in workers.tolist()}
    pairs = st.tuples(st.integers(0, 60), st.integers(0, 5)).filter(lambda pair: pair not in seen)
    added = data.draw(st.lists(pairs, unique=True, max_size=min(budget // 2, 20)))
    labels_of = data.draw(
        st.lists(st.integers(0, labels - 1), min_size=len(added), max_size=len(added))
    )
    judged = [(JUDGE, t, w, label, 3.0) for (t, w), label in zip(added, labels_of, strict=True)]
    run(with_it, judged)
    run(with_it, [(RETRACT, t, w, 0, 0.0) for t, w in data.draw(st.permutations(added))])
    assert_equal_evidence(with_it, without, 6)


@settings(max_examples=40, deadline=None)
@given(programs(most=60), st.randoms(use_true_random=False))
def test_the_order_of_judgments_does_not_matter_to_their_evidence(
    program: tuple[int, list[Event]], random: Random
) -> None:
    labels, events = program
    unique = {event[1:3]: (JUDGE, *event[1:]) for event in events if event[3] >= 0}
    # Within a block order does not count, and before the first table that is learned.
    kept: list[Event] = []
    per_worker: dict[int, int] = {}
    for event in unique.values():
        per_worker[event[2]] = per_worker.get(event[2], 0) + 1
        if per_worker[event[2]] <= 16:
            kept.append(event)
    shuffled = kept.copy()
    random.shuffle(shuffled)
    one, other = StatusTests(labels), StatusTests(labels)
    run(one, kept)
    run(other, shuffled)
    assert (found_of(one, 6) == found_of(other, 6)).all()


def test_gold_that_is_corrected_or_withdrawn_is_taken_back() -> None:
    tests, never = StatusTests(3), StatusTests(3)
    events: list[Event] = [(JUDGE, task, task % 4, task % 3, 2.0) for task in range(20)]
    events += [(JUDGE, task, (task + 1) % 4, 0, 2.0) for task in range(20)]
    run(tests, events)
    run(never, events)
    run(tests, [(GOLD, 3, 0, 1, 0.0), (GOLD, 4, 0, 2, 0.0), (GOLD, 3, 0, 2, 0.0)])
    assert int(tests.findings(np.arange(4, dtype=np.int32)).gold_total.sum()) == 4
    several = answer_of((0, 2), 3)
    run(tests, [(GOLD, 3, 0, several, 0.0), (GOLD, 4, 0, several, 0.0)])
    found = tests.findings(np.arange(4, dtype=np.int32))  # 0, 0 and 1, 0 were given
    assert (found.gold_right.sum(), found.gold_total.sum()) == (3, 4)
    run(tests, [(GOLD, 3, 0, -1, 0.0), (GOLD, 4, 0, -1, 0.0)])
    assert_equal_evidence(tests, never, 4)


LIMITS: dict[str, Any] = {
    "pause_error": 0.2,
    "watch_error": 0.4,
    "ban_error": 0.05,
    "trust_error": 0.5,
}


@pytest.mark.parametrize(
    "rules",
    [*RULES, StatusRules(**LIMITS), StatusRules(quiz=False), StatusRules(drift_alarms=40.0)],
)
def test_new_rules_measure_everything_anew(rules: StatusRules) -> None:
    events = a_long_program(2, length=400)
    tests, naive = StatusTests(3), NaiveStatus(3, StatusRules())
    run(tests, events)
    run_naive(naive, events)
    naive.rules = rules
    naive.cache.clear()
    wanted = [(-1, *row) for worker in range(5) for row in naive.look(worker, anew=True)]
    assert told(tests.set_rules(rules)) == wanted
    assert_same(tests, naive, 5)
    assert tests.rules == rules


def a_clicker(tests: StatusTests, judgments: int, start: int = 0) -> Told:
    """Worker 0 is always wrong on gold."""
    gold: list[Event] = [(GOLD, start + i, 0, 1, 0.0) for i in range(judgments)]
    wrong: list[Event] = [(JUDGE, start + i, 0, 0, 1.0) for i in range(judgments)]
    return run(tests, gold + wrong)


def names(found: Told) -> list[str]:
    return [STATUSES[now] for _, _, _, now, _ in found]


def test_a_lifted_pause_forgets_nothing() -> None:
    tests = StatusTests(4)
    assert names(a_clicker(tests, 9)) == ["WATCH", "PAUSED"]
    before = tests.findings(np.zeros(1, np.int32)).against[0]
    assert names(told(tests.lift(0))) == ["WATCH"]
    assert tests.findings(np.zeros(1, np.int32)).against[0] == before
    # It takes ten times as much evidence again, where a new worker has a factor of a hundred left.
    again: Told = []
    task = 100
    while not again:
        again = a_clicker(tests, 1, start=task)
        task += 1
    assert names(again) == ["PAUSED"]
    after = tests.findings(np.zeros(1, np.int32)).against[0]
    assert np.log(10) <= after - before < np.log(10) + 1


def test_staff_goes_before_evidence() -> None:
    tests = StatusTests(4)
    assert names(told(tests.hold(0, STATUSES.index("TRUSTED")))) == ["TRUSTED"]
    assert a_clicker(tests, 20) == []
    assert names(told(tests.hold(0, None))) == ["BANNED"]
    again = StatusTests.from_state(tests.state())
    assert again.status(np.zeros(1, np.int32)).tolist() == [STATUSES.index("BANNED")]
    assert names(told(tests.hold(0, STATUSES.index("ACTIVE")))) == ["ACTIVE"]


def test_what_staff_says_of_a_worker_who_never_judged_is_kept() -> None:
    tests = StatusTests(4)
    tests.hold(3, STATUSES.index("BANNED"))
    again = StatusTests.from_state(tests.state())
    assert again.status(np.arange(5, dtype=np.int32)).tolist() == [0, 0, 0, 5, 0]
    again.set_rules(replace(again.rules, quiz=False))
    assert again.status(np.arange(5, dtype=np.int32)).tolist() == [1, 1, 1, 5, 1]
    again.set_rules(tests.rules)
    assert again.status(np.arange(7, dtype=np.int32)).tolist() == [0, 0, 0, 5, 0, 0, 0]


def test_a_pause_that_rests_on_wrong_gold_ends_when_the_gold_is_corrected() -> None:
    tests = StatusTests(4)
    a_clicker(tests, 9)
    assert tests.status(np.zeros(1, np.int32)).tolist() == [STATUSES.index("PAUSED")]
    found = run(tests, [(GOLD, task, 0, 0, 0.0) for task in range(9)])
    assert names(found)[-1] in {"QUIZ", "ACTIVE"}
    findings = tests.findings(np.zeros(1, np.int32))
    assert findings.gold_right.tolist() == findings.gold_total.tolist() == [9]


@pytest.mark.parametrize("bans", [False, True])
def test_a_quiz_with_a_fixed_rule_asks_for_so_many_right_of_the_first_gold(bans: bool) -> None:
    rules = StatusRules(quiz_count=4, quiz_right=3, quiz_bans=bans)
    tests = StatusTests(2, rules)
    run(tests, [(GOLD, task, 0, 1, 0.0) for task in range(6)])
    found = run(tests, [(JUDGE, task, 0, int(task != 1), 1.0) for task in range(3)])
    found += run(tests, [(JUDGE, 50, 0, 0, 1.0)])  # no gold: it does not count
    assert found == []
    assert names(run(tests, [(JUDGE, 3, 0, 1, 1.0)])) == ["ACTIVE"]
    # What comes after the quiz changes nothing of it.
    run(tests, [(JUDGE, 4, 0, 0, 1.0)])
    assert tests.findings(np.zeros(1, np.int32)).quiz_right.tolist() == [3]
    barred = "BANNED" if bans else "PAUSED"
    assert names(run(tests, [(JUDGE, task, 1, task % 2, 1.0) for task in range(4)])) == [barred]
    run(tests, [(JUDGE, task, 1, 1, 1.0) for task in (4, 5)])
    found_of_it = tests.findings(np.ones(1, np.int32))
    exam = (found_of_it.quiz_right, found_of_it.quiz_total, found_of_it.quiz_needed)
    assert [int(column[0]) for column in exam] == [2, 4, 3]
    # Gold that was wrong is forgiven; gold that was withdrawn does not count, and the next does.
    assert names(run(tests, [(GOLD, 2, 0, 0, 0.0)])) == [barred, "ACTIVE"]
    assert names(run(tests, [(GOLD, 2, 0, 1, 0.0)])) == ["ACTIVE", barred]
    assert names(run(tests, [(GOLD, 2, 0, -1, 0.0)])) == [barred, "ACTIVE"]
    assert run(tests, [(RETRACT, 4, 1, 0, 0.0)]) == []
    assert names(run(tests, [(RETRACT, 3, 1, 0, 0.0)])) == ["QUIZ"]
    # Whom staff lets in has passed, also after a restart and by another rule.
    assert names(told(tests.lift(0))) == ["ACTIVE"]
    again = StatusTests.from_state(tests.state())
    assert again.set_rules(replace(rules, quiz_count=3)).worker.tolist() == [1]
    assert_equal_states(again, StatusTests.from_state(again.state()))


def test_findings_say_what_a_worker_did() -> None:
    tests = StatusTests(3)
    judged: list[Event] = [(JUDGE, task, w, 0, 1.0) for task in range(10) for w in range(4)]
    judged += [(JUDGE, task, 4, 0 if task < 3 else 1, 1.0) for task in range(10)]
    run(tests, judged)
    found = tests.findings(np.array([0, 4], np.int32))
    assert found.scored.tolist() == [10.0, 10.0]
    assert found.alike.tolist() == [10.0, 3.0]
    assert 5.0 < found.expected[1] < 10.0
    assert found.against[1] > found.against[0]


@pytest.mark.parametrize(
    ("task", "worker", "label"), [(-1, 0, 0), (0, -1, 0), (0, 0, 3), (0, 0, -1)]
)
def test_bad_events_change_nothing(task: int, worker: int, label: int) -> None:
    tests, untouched = StatusTests(3), StatusTests(3)
    good: list[Event] = [(JUDGE, 1, 1, 1, 1.0)]
    run(tests, good)
    run(untouched, good)
    with pytest.raises(ValueError, match="must"):
        run(tests, [(JUDGE, 5, 5, 1, 1.0), (JUDGE, task, worker, label, 1.0)])
    assert_equal_states(tests, untouched)
    assert run(tests, [(RETRACT, 1, 1, 99, 1.0), (GOLD, 1, 0, -1, 0.0)]) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"acceptable": 0.5},
        {"unacceptable": 0.0},
        {"crowd_share": 1.1},
        {"pause_error": 0.2},
        {"ban_error": 0.01},
        {"pass_error": 1.0},
        {"drift_alarms": 0.0},
        {"quiz_right": 1},
        {"quiz_count": 5, "quiz_right": 6},
    ],
)
def test_rules_must_make_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        replace(StatusRules(), **wrong)


def test_findings_are_read_from_whole_numbers() -> None:
    row = np.arange(15)[None] * ONE
    found = Findings.read(row)
    assert found.against.tolist() == [0.0]
    assert found.expected.tolist() == [11.0]

"""What is wrong with a policy's gold and quiz for a project."""

from math import ceil, floor, log
from typing import Final

from scipy.special import bdtrc

from api.linting.advice import Advice, Facts, Found
from api.policy import GOLD, Policy
from api.state.alerts import Severity

LEAST_GOLD: Final = 10  # a label, below which workers soon know it by heart
MOST_FAILED: Final = 0.1  # of the acceptable workers, in a quiz with a fixed rule
LONGEST_QUIZ: Final = 200  # gold tasks; a longer one is not proposed


def to_pass(policy: Policy, facts: Facts) -> int:
    """Judgments of gold after which an acceptable worker has passed the quiz, about."""
    good, bad = facts.held_to
    return ceil(log(2 / policy.pass_error) / divergence(good, bad))


def divergence(p: float, q: float) -> float:
    """Nats that an answer tells, on average, of one who is right with probability p from one who is
    so with q; never 0, since nobody waits for ever."""
    return max(p * log(p / q) + (1 - p) * log((1 - p) / (1 - q)), 1e-6)


def about_gold(policy: Policy, facts: Facts) -> Found:
    """What does not fit of gold and of what rests on it."""
    total, lacking = sum(facts.gold), facts.gold.count(0)
    if policy.status_evidence == GOLD and total == 0:
        yield Advice(
            "STATUS_WITHOUT_GOLD",
            Severity.HIGH,
            "status_evidence",
            "Statuses rest on gold alone, and there is no active gold: nobody is ever found out.",
            "Add gold, or set statusEvidence to GOLD_AND_CONSENSUS.",
        )
    elif total == 0 and policy.gold_rate > 0:
        yield Advice(
            "NO_GOLD",
            Severity.LOW,
            "gold_rate",
            "There is no active gold, so that none is hidden among the tasks.",
            f"Add gold, {LEAST_GOLD} tasks a label to begin with, or set goldRate to 0.",
        )
    if total and policy.gold_rate == 0 and not policy.quiz:
        yield Advice(
            "GOLD_NOT_USED",
            Severity.MEDIUM,
            "gold_rate",
            f"There are {total} gold tasks, and no worker gets to see one: goldRate is 0.",
            "Set goldRate, say to 0.1.",
        )
    if total and lacking and facts.labels <= total:
        yield Advice(
            "GOLD_LACKS_LABELS",
            Severity.LOW,
            "gold_rate",
            f"{lacking} of {facts.labels} labels have no active gold: nothing tells who is blind "
            "to them.",
            "Add gold of each label.",
        )
    if policy.keep_order and policy.gold_rate > 0 and total:
        yield Advice(
            "GOLD_KEEPS_ITS_PLACE",
            Severity.LOW,
            "keep_order",
            f"Tasks keep their order, in which drawn gold would stand out: the {total} gold tasks "
            f"are handed out at their own places, to {policy.enough} workers each.",
            "Add gold among the other tasks, as often as you want it, or do without keepOrder.",
        )
    if policy.cohort_attribute is not None and policy.gold_rate > 0 and total:
        yield Advice(
            "COHORTS_SPEND_GOLD",
            Severity.LOW,
            "cohort_overlap",
            "Gold has the limit of other tasks, or it would stand out: each of the "
            f"{total} gold tasks goes to {policy.cohort_overlap} workers of a cohort, and then it "
            "tells nothing more of them.",
            "Add gold as a cohort grows, or raise cohortOverlap.",
        )
    if not policy.require_lease and total:
        yield Advice(
            "GOLD_NOT_HIDDEN",
            Severity.MEDIUM,
            "require_lease",
            "Workers may judge without a lease and choose their tasks: those who ask each other "
            "which tasks everybody gets find the gold.",
            "Set requireLease to true.",
        )


def about_quiz(policy: Policy, facts: Facts) -> Found:
    """What does not fit of the quiz."""
    total, count = sum(facts.gold), policy.quiz_count
    if policy.quiz and policy.keep_order and policy.quiz_gold < 1:
        yield Advice(
            "QUIZ_KEEPS_ORDER",
            Severity.MEDIUM,
            "quiz_gold",
            "Tasks keep their order, gold as well: the quiz lasts until a worker has come by "
            "enough of it.",
            "Set quizGold to 1: gold alone, before the tasks.",
        )
    if count is not None:
        yield from _about_rule(policy, total, count)
        return
    needed = to_pass(policy, facts)
    if policy.quiz and total < needed and (policy.status_evidence == GOLD or total == 0):
        yield Advice(
            "QUIZ_SHORT_OF_GOLD",
            Severity.HIGH,
            "quiz",
            f"A worker who is just acceptable passes the quiz after about {needed} gold tasks, and "
            f"there are {total}: most never pass.",
            f"Add gold, raise passError from {policy.pass_error:g}, or do without the quiz.",
        )


def _about_rule(policy: Policy, total: int, count: int) -> Found:
    if not policy.quiz:
        yield Advice(
            "QUIZ_IS_OFF",
            Severity.LOW,
            "quiz_count",
            f"The quiz is to have {count} gold tasks, and there is none.",
            "Set quiz to true, or quizCount to null.",
        )
        return
    if total < count:
        yield Advice(
            "QUIZ_LONGER_THAN_GOLD",
            Severity.HIGH,
            "quiz_count",
            f"The quiz ends after {count} gold tasks, and there are {total} active ones: no worker "
            "ever passes.",
            f"Add gold, or set quizCount to {total} at most." if total else "Add gold.",
        )
    if policy.quiz_gold == 0:
        yield Advice(
            "QUIZ_WITHOUT_GOLD",
            Severity.HIGH,
            "quiz_gold",
            f"The quiz ends after {count} gold tasks, and quizGold is 0: nobody gets any.",
            "Set quizGold, say to 0.5.",
        )
    good, bad = policy.acceptable_accuracy, policy.unacceptable_accuracy
    failed = 1 - passes(count, policy.quiz_right, good)
    passed = passes(count, policy.quiz_right, bad)
    if failed > MOST_FAILED or passed > policy.pass_error:
        rule = shortest(good, bad, policy.pass_error)
        other = (
            "Set" if rule is None else f"Set quizCount to {rule[0]} and quizShare to {rule[1]}, or"
        )
        yield Advice(
            "QUIZ_TELLS_LITTLE",
            Severity.MEDIUM,
            "quiz_count",
            f"It takes {policy.quiz_right} of {count}: {failed:.0%} of the workers who are right "
            f"{good:.0%} of the time fail, and {passed:.0%} of those who are right {bad:.0%} pass.",
            f"{other} quizCount to null: then each worker gets as many as it takes.",
        )


def passes(count: int, right: int, accuracy: float) -> float:
    """How likely a worker has so many of `count` gold tasks right."""
    return float(bdtrc(right - 1, count, accuracy)) if right else 1.0


def shortest(good: float, bad: float, pass_error: float) -> tuple[int, float] | None:
    """The shortest quiz that acceptable workers seldom fail and unacceptable ones seldom pass:
    count and share; None if even a long one does not tell them apart."""
    right = 1
    for count in range(1, LONGEST_QUIZ + 1):
        while passes(count, right, bad) > pass_error:
            right += 1
        if passes(count, right, good) >= 1 - MOST_FAILED:
            return count, floor(1000 * right / count) / 1000
    return None

"""What is wrong with a policy for a project, with numbers from it.

Each check is a function of the policy and of facts about the project. HIGH: something does not work
at all. What is said is an estimate for people who set knobs, and decides nothing.
"""

from collections.abc import Callable
from math import ceil, log
from typing import Final

from api.linting.advice import Advice, Facts, Found
from api.linting.confidence_linter import about_confidence
from api.linting.gold_linter import about_gold, about_quiz, divergence
from api.policy import GOLD, Policy
from api.state.alerts import Severity

LONG_OVERLAP: Final = 4  # from which on it is worth to stop early
LONGEST: Final = 30  # days that the open tasks may take


_ORDER: Final = (Severity.LOW, Severity.MEDIUM, Severity.HIGH)


def advise(policy: Policy, facts: Facts) -> list[Advice]:
    """What is wrong with a policy, the worst first."""
    found = [advice for check in _CHECKS for advice in check(policy, facts)]
    return sorted(found, key=lambda advice: -_ORDER.index(advice.severity))


def to_pause(policy: Policy, facts: Facts) -> int:
    """Judgments after which who clicks at random is paused, about."""
    good, chance = facts.held_to[0], 1 / facts.labels
    share = policy.gold_rate if any(facts.gold) else 0.0
    nats = share * divergence(chance, good)
    if policy.status_evidence != GOLD and facts.accuracy is not None:
        nats += (1 - share) * divergence(chance, _alike(good, facts.accuracy, facts.labels))
    return ceil(log(1 / policy.pause_error) / nats) if nats > 0 else 1 << 30


def _alike(one: float, other: float, labels: int) -> float:
    """How often two workers of these accuracies agree."""
    return one * other + (1 - one) * (1 - other) / (labels - 1)


def _overlap(policy: Policy, facts: Facts) -> Found:
    able = facts.people + (facts.models if policy.models_count else 0)
    who = "workers" if policy.models_count else "people"
    if not able:
        return
    if policy.enough > able:
        yield Advice(
            "NEVER_SETTLES",
            Severity.HIGH,
            "overlap" if policy.min_judgments is None else "min_judgments",
            f"A task needs {policy.enough} judgments, and {able} {who} get tasks: none of them "
            "judges a task twice, so no task is ever done.",
            f"Set it to {able} at most, or find more workers.",
        )
    elif policy.overlap > able:
        yield Advice(
            "OVERLAP_ABOVE_WORKERS",
            Severity.MEDIUM,
            "overlap",
            f"The overlap is {policy.overlap}, and {able} {who} get tasks: what they do not agree "
            "on stays open, and never comes before staff.",
            f"Set it to {able} at most, or find more workers.",
        )
    if policy.min_judgments is None and policy.overlap >= LONG_OVERLAP:
        yield Advice(
            "NEVER_STOPS_EARLY",
            Severity.LOW,
            "min_judgments",
            f"Every task gets {policy.overlap} judgments, also where the first two agree.",
            "Set minJudgments to 2: easy tasks stop early. Set it to the overlap if this is meant.",
        )


def _workers(policy: Policy, facts: Facts) -> Found:
    chance = 1 / facts.labels
    if policy.acceptable_accuracy <= chance:
        yield Advice(
            "CHANCE_IS_ACCEPTABLE",
            Severity.HIGH,
            "acceptable_accuracy",
            f"Clicking at random is right {chance:.0%} of the time, and that is acceptable.",
            f"Set acceptableAccuracy well above {chance:.2f}.",
        )
    paused_after = to_pause(policy, facts)
    if facts.life and paused_after > facts.life and policy.act_on_status:
        far = "never" if paused_after >= 1 << 30 else f"after about {paused_after} judgments"
        yield Advice(
            "CLICKERS_STAY",
            Severity.MEDIUM,
            "pause_error",
            f"Who clicks at random is paused {far}, and half of the workers leave before "
            f"{facts.life:.0f}.",
            f"Raise pauseError from {policy.pause_error:g}, or goldRate from {policy.gold_rate:g}.",
        )
    if facts.models and not facts.people and not any(facts.gold):
        yield Advice(
            "MODELS_ONLY",
            Severity.HIGH,
            "models_count",
            f"{facts.models} models judge, no people do, and there is no gold: nothing tells what "
            "they have in common from what is right.",
            "Add gold, or let people judge some of the tasks.",
        )
    if facts.models and not facts.people and not policy.models_count:
        yield Advice(
            "MODELS_TAKE_NO_PLACE",
            Severity.HIGH,
            "models_count",
            "Only models judge, and their judgments do not count among those that a task needs: "
            "no task is ever done.",
            "Set modelsCount to true.",
        )


def _times(policy: Policy, facts: Facts) -> Found:
    if facts.seconds is None or facts.slow is None:
        return
    if policy.lease_seconds < facts.slow:
        yield Advice(
            "LEASE_TOO_SHORT",
            Severity.HIGH if policy.lease_seconds < facts.seconds else Severity.MEDIUM,
            "lease_seconds",
            f"A lease lasts {policy.lease_seconds:g} s. Half of the judgments take "
            f"{facts.seconds:.0f} s, one in ten longer than {facts.slow:.0f} s: too late.",
            f"Set leaseSeconds to {3 * ceil(facts.slow)} or more.",
        )
    if policy.floor_seconds is not None and policy.floor_seconds > facts.seconds / 2:
        yield Advice(
            "FLOOR_TOO_HIGH",
            Severity.MEDIUM,
            "floor_seconds",
            f"Answers below {policy.floor_seconds:g} s count as suspiciously fast, and half of all "
            f"take {facts.seconds:.1f} s at most.",
            f"Set floorSeconds to {facts.seconds / 4:.1f} at most.",
        )


def _shares(policy: Policy, facts: Facts) -> Found:
    able = facts.people + facts.models
    needed = policy.enough / policy.overlap
    if able and able * policy.worker_share < needed:
        yield Advice(
            "SHARES_TOO_SMALL",
            Severity.HIGH,
            "worker_share",
            f"{able} workers may give {policy.worker_share:.1%} each of the judgments at full "
            f"overlap, and the tasks need {needed:.0%} of them at least: some are never done.",
            f"Set workerShare to {min(1.0, 1.5 * needed / able):.2f} or more, or find more "
            "workers.",
        )


def _leases(policy: Policy, facts: Facts) -> Found:
    able = facts.people + facts.models
    places = facts.open_tasks * policy.overlap
    if able > 1 and facts.open_tasks and able * policy.leases_per_worker > places:
        yield Advice(
            "LEASES_TAKE_ALL",
            Severity.LOW,
            "leases_per_worker",
            f"{able} workers may hold {policy.leases_per_worker} leases each, and the "
            f"{facts.open_tasks} open tasks have {places} places: some hold what others wait for.",
            f"Set leasesPerWorker to {max(1, places // able)} at most.",
        )


def _budget(policy: Policy, facts: Facts) -> Found:
    needed = max(facts.open_tasks * policy.enough - facts.judged, facts.open_tasks)
    spent = facts.paid
    limits = (
        ("judgment_budget", policy.judgment_budget, spent.judgments, 1),
        ("money_budget", policy.money_budget, spent.money, policy.price),
    )
    for knob, limit, paid, price in limits:
        if limit is not None and price and (limit - paid) // price < needed:
            yield Advice(
                "BUDGET_TOO_SMALL",
                Severity.HIGH,
                knob,
                f"The {facts.open_tasks} open tasks need {needed} judgments more at least, and the "
                f"budget has {max((limit - paid) // price, 0)} left: some are never done.",
                f"Set it to {paid + needed * price} at least, or ask for fewer judgments.",
            )
    daily = (
        ("daily_judgments", policy.daily_judgments, 1),
        ("daily_money", policy.daily_money, policy.price),
    )
    for knob, limit, price in daily:
        if limit is not None and price and limit // price * LONGEST < needed:
            days = (
                f"that takes {ceil(needed / (limit // price))} days"
                if limit >= price
                else "none fits"
            )
            yield Advice(
                "DAY_TOO_SMALL",
                Severity.MEDIUM if limit >= price else Severity.HIGH,
                knob,
                f"The open tasks need {needed} judgments more at least: under this limit of a day "
                f"{days}.",
                f"Set it to {ceil(needed / LONGEST) * price} for {LONGEST} days.",
            )
    if policy.price == policy.model_price == 0 and (
        policy.money_budget is not None or policy.daily_money is not None
    ):
        yield Advice(
            "MONEY_WITHOUT_PRICE",
            Severity.MEDIUM,
            "price",
            "There is a limit to money, and judgments cost nothing: it never stops anything.",
            "Set price, or limit judgments instead.",
        )
    free = policy.price == 0 and not (policy.models_count and policy.model_price)
    if policy.label_value is not None and (free or policy.enough == policy.overlap):
        why = (
            "judgments cost nothing"
            if free
            else f"every task gets {policy.overlap} judgments anyway"
        )
        yield Advice(
            "VALUE_STOPS_NOTHING",
            Severity.LOW,
            "label_value",
            f"A right label has a value, so that tasks stop when that is not worth it: but {why}.",
            "Set price." if free else "Set minJudgments, say to 2.",
        )


_CHECKS: Final[tuple[Callable[[Policy, Facts], Found], ...]] = (
    _overlap,
    about_confidence,
    about_gold,
    about_quiz,
    _workers,
    _times,
    _shares,
    _leases,
    _budget,
)

"""The policy of a project: every knob with its default, its range and what it does."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from math import ceil
from typing import Any

from api.errors import InvalidPolicy
from api.knobs import check, choice, named, number, switch

NOTHING, STATUS, REASONS = "NOTHING", "STATUS", "REASONS"  # what workers may see of their standing
# How tasks are chosen once each has its least number of judgments.
RANDOM, BREADTH, UNCERTAINTY, INFORMATION = "RANDOM", "BREADTH", "UNCERTAINTY", "INFORMATION"
GOLD, GOLD_AND_CONSENSUS = "GOLD", "GOLD_AND_CONSENSUS"  # what a status rests on
PAUSE, BAN = "PAUSE", "BAN"  # what becomes of those who fail the quiz


@dataclass(frozen=True, slots=True)
class Policy:
    """All the knobs of a project. Raises `InvalidPolicy` when a value is outside of its range."""

    # Judgments of a task
    overlap: int = number(
        3, 1, 1000, "Most judgments a task gets; open leases count, so it is never exceeded."
    )
    min_judgments: int | None = number(
        None, 1, 1000, "Judgments before confidence may settle a task; null means the overlap."
    )
    target_confidence: float = number(
        0.9,
        0.5,
        1.0,
        "Confidence of the consensus from which a task counts as settled. It is calibrated, so "
        "that it means how often such labels are right, and a few equal answers do not come to "
        "0.95. What they come to in the project, and how many it takes, policyAdvice tells.",
    )
    # What workers may do
    lease_seconds: float = number(
        600.0, 1.0, 604_800.0, "Seconds a worker has for a leased task before it goes back."
    )
    leases_per_worker: int = number(20, 1, 1000, "Most leases one worker may hold at a time.")
    require_lease: bool = switch(True, "Whether workers may judge only what they have leased.")
    allow_revision: bool = switch(True, "Whether a worker may replace its judgment.")
    revision_seconds: float = number(
        600.0,
        1.0,
        604_800.0,
        "Seconds after a judgment in which its worker may replace it, where revisions are allowed. "
        "What became of the task does not matter: what is refused tells nobody what is gold.",
    )
    # What may be spent
    price: int = number(
        0,
        0,
        1_000_000_000,
        "What a judgment of a person costs whose attributes name no other `price`, in the smallest "
        "unit you count in, such as cents or hundredths of a cent. A change holds for what is "
        "leased, or judged without a lease, from then on. A worker is paid for a task once: "
        "revisions cost nothing, and what is voided later was paid.",
    )
    model_price: int = number(
        0, 0, 1_000_000_000, "What a judgment of a model costs that names no other, in that unit."
    )
    judgment_budget: int | None = number(
        None,
        0,
        2_000_000_000,
        "Most judgments, of people and models together, that the project may ever take; open "
        "leases count, so it is never exceeded. Below what is spent no more tasks are handed out, "
        "and what is leased can still be judged; null for no limit.",
    )
    money_budget: int | None = number(
        None,
        0,
        2_000_000_000,
        "Most that the project's judgments may ever cost, in the unit of `price`; null for no "
        "limit.",
    )
    daily_judgments: int | None = number(
        None,
        0,
        2_000_000_000,
        "Most judgments that the project may take on one UTC day; null for no limit.",
    )
    daily_money: int | None = number(
        None,
        0,
        2_000_000_000,
        "Most that the judgments of one UTC day may cost, in the unit of `price`; null for no "
        "limit.",
    )
    label_value: int | None = number(
        None,
        1,
        2_000_000_000,
        "What a right label is worth to you, in the unit of `price`. A task with its minimum of "
        "judgments is settled as soon as further ones are expected to raise the chance that its "
        "label is right by less than they cost, also below the target confidence; null for never. "
        "The price is that of people, or of models where they count and nobody else judges. Who "
        "costs more gets only tasks that are worth it.",
    )
    # Which workers are good enough
    acceptable_accuracy: float = number(
        0.8, 0.02, 0.999, "Accuracy from which on a worker is as good as you need."
    )
    unacceptable_accuracy: float = number(
        0.6, 0.01, 0.99, "Accuracy of a worker whom you would rather not have."
    )
    crowd_share: float = number(
        0.9,
        0.05,
        1.0,
        "Share of the crowd's own skill, its accuracy above chance, that is enough of any worker, "
        "however high the acceptable accuracy is.",
    )
    watch_error: float = number(
        0.1, 0.001, 0.5, "Share of the acceptable workers who are ever watched, at most."
    )
    pause_error: float = number(
        0.01, 0.0001, 0.4, "Share of the acceptable workers who are ever paused, at most."
    )
    ban_error: float = number(
        0.0001,
        0.0,
        0.1,
        "Share of the acceptable workers who are ever banned, at most; 0: only staff bans.",
    )
    pass_error: float = number(
        0.05, 0.0001, 0.5, "Share of the unacceptable workers who ever pass the quiz, at most."
    )
    trust_error: float = number(
        0.01,
        0.0001,
        0.5,
        "Share of the workers no better than acceptable who are ever trusted, at most.",
    )
    drift_alarms: float = number(
        1.0,
        0.01,
        20.0,
        "False alarms about a steady worker in 1,000 of its judgments, at most: that it became "
        "worse, or began to rush.",
    )
    project_error: float = number(
        0.01,
        0.0001,
        0.5,
        "Chance that a steady project ever raises a false alarm: that its labels or the agreement "
        "of its workers shift.",
    )
    status_evidence: str = choice(
        GOLD_AND_CONSENSUS,
        "What the status of workers rests on.",
        GOLD="Their judgments of gold tasks alone.",
        GOLD_AND_CONSENSUS="Their judgments of gold tasks, and how they go with those of others.",
    )
    act_on_status: bool = switch(
        True, "Whether paused and banned workers get no tasks; if not, their status is only told."
    )
    # The quiz, and gold hidden among the other tasks of a worker.
    quiz: bool = switch(False, "Whether new workers have to pass a quiz before they are active.")
    quiz_count: int | None = number(
        None,
        1,
        1000,
        "Gold tasks of the quiz: the first that a worker answers. With them it is over, and passed "
        "with quizShare of them; null for a quiz that lasts until the worker is proven, at "
        "passError. Tests of who is paused go on beside it.",
    )
    quiz_share: float = number(
        0.8, 0.0, 1.0, "Share of the quizCount answers that must be right to pass the quiz."
    )
    quiz_failed: str = choice(
        PAUSE,
        "What becomes of a worker who fails a quiz of quizCount gold tasks. It may appeal, and "
        "whom staff lets in has passed; gold that is corrected is counted anew.",
        PAUSE="It is paused.",
        BAN="It is banned.",
    )
    gold_rate: float = number(
        0.2,
        0.0,
        1.0,
        "Share of gold among the tasks of a worker of whom nothing is known, or who is watched. It "
        "falls as more is known; 0 hides no gold, and the quiz has its own share.",
    )
    gold_floor: float = number(
        0.02, 0.0, 1.0, "Share of gold among the tasks of trusted and well-known workers, at least."
    )
    gold_exposures: int = number(
        200, 1, 1_000_000, "Workers who get to see a gold task before it is spent."
    )
    find_leaks: bool = switch(
        True,
        "Whether gold is watched: for answers that went round, being right, and fast, more often "
        "than its difficulty and its workers explain; and for answers that good workers miss.",
    )
    leak_error: float = number(
        0.05, 1e-6, 0.5, "Share of sound gold that is ever suspected, at most."
    )
    quarantine_leaks: bool = switch(
        True,
        "Whether gold that has leaked, or that good workers miss, is quarantined at once: handed "
        "out no more, and nobody measured by it, until staff decide. If not, it is only told of.",
    )
    quiz_gold: float = number(
        0.5,
        0.0,
        1.0,
        "Share of gold among the tasks of a worker in the quiz; 1 makes it an exam of gold alone.",
    )
    quiz_feedback: bool = switch(
        False,
        "Whether submitJudgment tells a worker in the quiz, of each answer to gold, whether it was "
        "right, what is, and why. Nobody can replace a judgment while this is on: what was told "
        "would be copied.",
    )
    # Gold from consensus
    consensus_gold: bool = switch(
        False,
        "Whether tasks on which enough independent workers agree become gold. Such gold is easier "
        "than the rest, and who agreed on it counts as right.",
    )
    consensus_confidence: float = number(
        0.98, 0.5, 1.0, "Confidence of the consensus from which on a task becomes gold."
    )
    consensus_workers: int = number(
        5,
        2,
        1000,
        "Workers who must have given that answer. Joined workers are one, and models are none "
        "unless modelsCount.",
    )
    consensus_most: int = number(
        200, 1, 1_000_000, "Gold from consensus that there is at a time, at most."
    )
    audit_share: float = number(
        0.2,
        0.01,
        1.0,
        "Share of the gold from consensus, drawn by lot, that is used only when staff have said "
        "its answer themselves, with adjudicateTask.",
    )
    audit_error: float = number(
        0.1,
        0.001,
        0.5,
        "Share of wrong answers among the audited ones: as soon as their 95 % interval lies above "
        "it no more gold is made of consensus, and what was made is quarantined.",
    )
    # Fraud
    find_fraud: bool = switch(
        True,
        "Whether the log is searched for fraud as it grows: copying, answers by a pattern, answers "
        "too fast to have looked.",
    )
    join_copiers: bool = switch(
        True,
        "Whether workers who are found to copy each other count as one voice at once; if not, they "
        "are only told of.",
    )
    fraud_rate: float = number(
        0.01, 1e-6, 0.2, "Share of the findings of fraud, of each family, that may be false."
    )
    # What workers learn of themselves
    tell_workers: str = choice(
        STATUS,
        "What workers are told of their own standing.",
        NOTHING="Nothing: while they are paused, banned or voided there are no tasks for them, and "
        "what they send unasked is refused as if its task was taken.",
        STATUS="The status, and since when a worker is paused or banned.",
        REASONS="The status and the numbers it rests on, those about gold among them.",
    )
    tell_every: int = number(
        20,
        1,
        1000,
        "Judgments of its own after which what a worker is told of its standing moves, so that it "
        "does not tell which of them were gold. A pause, a ban and what staff says it is told at "
        "once.",
    )
    open_contests: int = number(
        10,
        0,
        1000,
        "Judgments that a worker may contest before staff have looked at some of them.",
    )
    # Records elsewhere, programs, haste
    use_other_projects: bool = switch(
        True,
        "Whether a worker's record in other projects, under the same external id, moves where it "
        "starts here, as far as such records have told here.",
    )
    models_count: bool = switch(
        False,
        "Whether judgments and leases of models take a place of the overlap and count among the "
        "judgments that a task needs. If not, they come on top, and are weighed all the same.",
    )
    floor_seconds: float | None = number(
        None,
        0.0,
        604_800.0,
        "Seconds below which an answer is suspiciously fast, as reputations tell; null for none.",
        whole=False,
    )

    # Which tasks go to whom
    routing: str = choice(
        UNCERTAINTY,
        "Which of the tasks with the same priority a worker gets, once each has the judgments that "
        "it needs at least.",
        RANDOM="Any of them.",
        BREADTH="Those with the fewest judgments.",
        UNCERTAINTY="Those whose consensus is least sure.",
        INFORMATION="Those of which this worker's answer is expected to tell most.",
    )
    worker_share: float = number(
        1.0,
        0.0001,
        1.0,
        "Largest share of the judgments of a project, at full overlap, that one worker may give.",
    )
    label_share: float = number(
        1.0,
        0.0001,
        1.0,
        "Largest share of the answers with a label that one worker may give; from then on it gets "
        "no tasks whose consensus is this label. A worker's first answers are free.",
    )
    cohort_attribute: str | None = named(
        "The attribute of workers by which they form cohorts, such as a country; null for none."
    )
    cohort_overlap: int = number(
        1, 1, 1000, "Most judgments of a task by workers of one cohort; open leases count."
    )
    keep_order: bool = switch(
        False,
        "Whether tasks are handed out in the order in which they were added, whatever the routing "
        "is: the next one when those before it have what they need. Priorities still go first. "
        "Gold keeps its place as well, for what is drawn would stand out: whatever goldRate is, if "
        "not 0, it is given to as many workers as a task needs. The quiz draws its own only where "
        "quizGold is 1.",
    )

    def __post_init__(self) -> None:
        for each in fields(self):
            check(each, getattr(self, each.name))
        if self.min_judgments is not None and self.min_judgments > self.overlap:
            raise InvalidPolicy("min_judgments", f"it is above the overlap, {self.overlap}")
        for low, high in (
            ("unacceptable_accuracy", "acceptable_accuracy"),
            ("ban_error", "pause_error"),
            ("pause_error", "watch_error"),
        ):
            limit = getattr(self, high)
            if getattr(self, low) >= limit:
                raise InvalidPolicy(low, f"it is not below the {high.replace('_', ' ')}, {limit:g}")

    @property
    def enough(self) -> int:
        """Judgments from which confidence may settle a task."""
        return self.overlap if self.min_judgments is None else self.min_judgments

    @property
    def quiz_right(self) -> int:
        """Answers of the quiz that must be right, where it has a fixed number."""
        return ceil(round((self.quiz_count or 0) * self.quiz_share, 6))

    @property
    def budgeted(self) -> bool:
        """Whether there is a limit to what may be spent."""
        limits = (self.judgment_budget, self.money_budget, self.daily_judgments, self.daily_money)
        return any(limit is not None for limit in limits)

    @property
    def limited(self) -> bool:
        """Whether a judgment without a lease may go beyond a limit other than the overlap."""
        shares = self.worker_share < 1 or self.label_share < 1
        return shares or self.cohort_attribute is not None or self.budgeted

    def changed(self, changes: Mapping[str, object]) -> "Policy":
        """Return the policy with some knobs set anew; `InvalidPolicy` names the wrong one."""
        for name in changes:
            if name not in KNOBS:
                raise InvalidPolicy(name, "there is no knob of this name")
        return replace(self, **changes)  # type: ignore[arg-type]  # __post_init__ checks them

    def to_json(self) -> dict[str, Any]:
        """Return the knobs as plain values, as they are stored."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> "Policy":
        """Return the policy from stored knobs; those that came later have their defaults."""
        return cls().changed(stored)


KNOBS = {each.name: each for each in fields(Policy)}

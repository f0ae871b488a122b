"""How much gold a project has, how long it lasts, and what is wrong with it, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from api.flush.gold_making import MOST_WAITING, Audits, audits, stopped
from api.memory import Memory
from api.state.alerts import Severity
from api.state.gold_book import ACTIVE, QUARANTINED

LEAST: Final = 10  # active gold of a label, below which workers soon know it by heart
UNBALANCED: Final = 4  # times as much of one label as of another
FEW_WORKERS: Final = 5  # who have seen gold, below which it is guessed how much each sees
GUESSED: Final = 20.0  # gold tasks to a worker, then
SOON: Final = 20  # more workers for whom there is enough


@dataclass(frozen=True, slots=True)
class LabelGold:
    """The gold of one label; a task of which several are right is counted with the first of them.
    exposures: how often its active tasks can still be shown. spent:
    active tasks that as many have seen as the policy says."""

    label: str
    active: int
    quarantined: int
    retired: int
    spent: int
    exposures: int


@dataclass(frozen=True, slots=True)
class Hint:
    """Something to do about gold. code: stable."""

    code: str
    severity: Severity
    text: str
    todo: str


@dataclass(frozen=True, slots=True)
class GoldReport:
    """What there is. audits: of gold from consensus; stopped: whether they keep more of it from
    being made. per_worker: gold tasks that a worker gets to see, on the average. lasts_for:
    more workers for whom there is enough of every label that has gold; None without any."""

    labels: list[LabelGold]
    per_worker: float
    lasts_for: int | None
    audits: Audits
    stopped: bool
    hints: list[Hint]


def report(memory: Memory) -> GoldReport:
    """Count the gold of a project. Cost: O(gold + workers)."""
    book, names = memory.gold, [label.external_id for label in memory.project.labels]
    most = memory.project.policy.gold_exposures
    tasks = book.tasks()
    state = book.state[tasks]
    label = np.array([min(book.accepted(task)) for task in tasks.tolist()], np.int32)
    left = np.maximum(most - memory.standing.judgments[tasks], 0)
    labels = []
    for place, name in enumerate(names):
        states = state[label == place]
        left_of = left[(label == place) & (state == ACTIVE)]
        labels.append(
            LabelGold(
                name,
                active=len(left_of),
                quarantined=int((states == QUARANTINED).sum()),
                retired=len(states) - len(left_of) - int((states == QUARANTINED).sum()),
                spent=int((left_of == 0).sum()),
                exposures=int(left_of.sum()),
            )
        )
    per_worker = _per_worker(memory)
    stocked = [each for each in labels if each.active]
    each_needs = per_worker / max(len(stocked), 1)
    lasts_for = min((int(each.exposures / each_needs) for each in stocked), default=None)
    found, ends = audits(memory), stopped(memory)
    hints = [*_hints(labels, per_worker, lasts_for, most), *_audit_hints(found, ends)]
    return GoldReport(labels, per_worker, lasts_for, found, ends, hints)


def _audit_hints(found: Audits, ends: bool) -> Iterator[Hint]:
    if ends:
        yield Hint(
            "CONSENSUS_GOLD_STOPPED",
            Severity.HIGH,
            f"{found.wrong} of {found.confirmed + found.wrong} audited tasks had another answer "
            f"than the consensus: {found.low:.0%} or more of such gold are wrong. No more is made.",
            "Raise consensusConfidence or consensusWorkers, and look at what is quarantined.",
        )
    elif found.waiting:
        yield Hint(
            "AUDITS_WAIT",
            Severity.MEDIUM if found.waiting >= MOST_WAITING else Severity.LOW,
            f"{found.waiting} tasks whose gold is made of consensus wait to be audited; no more is "
            f"made while {MOST_WAITING} do.",
            "Say their answers with adjudicateTask(checks: true), without a look at the consensus.",
        )


def _per_worker(memory: Memory) -> float:
    """Gold tasks that those who have seen some have seen, on the average."""
    stats = memory.model.workers(np.arange(len(memory.workers), dtype=np.int32))
    seen = stats.gold_total[stats.gold_total > 0]
    return float(seen.mean()) if len(seen) >= FEW_WORKERS else GUESSED


def _hints(
    labels: list[LabelGold], per_worker: float, lasts_for: int | None, most: int
) -> Iterator[Hint]:
    stocked = [each for each in labels if each.active]
    if not stocked:
        yield Hint(
            "NO_GOLD",
            Severity.HIGH,
            "There is no active gold: workers are measured by each other alone.",
            "Set the answers of some tasks that you are sure of with setGold.",
        )
        return
    needed = max(LEAST, round(per_worker / len(stocked)))
    for each in labels:
        if each.active == 0:
            text = f"There is no active gold of {each.label}."
            yield Hint("NO_GOLD_OF_LABEL", Severity.MEDIUM, text, f"Set gold of {each.label}.")
        elif each.active < needed:
            yield Hint(
                "TOO_FEW_GOLD",
                Severity.MEDIUM,
                f"There are {each.active} active gold tasks of {each.label}. A worker gets about "
                f"{per_worker:.0f} gold tasks, never one twice.",
                f"Set {needed - each.active} more of {each.label}.",
            )
        if each.quarantined:
            yield Hint(
                "GOLD_IN_DOUBT",
                Severity.MEDIUM,
                f"{each.quarantined} gold tasks of {each.label} are quarantined.",
                "Look at their alerts, and decide with setGoldState or correctGold.",
            )
    fewest, richest = (pick(stocked, key=lambda each: each.active) for pick in (min, max))
    if richest.active >= UNBALANCED * max(fewest.active, 1):
        yield Hint(
            "UNBALANCED_GOLD",
            Severity.LOW,
            f"There are {richest.active} active gold tasks of {richest.label} and "
            f"{fewest.active} of {fewest.label}: workers see the latter over and over.",
            f"Set more gold of {fewest.label}.",
        )
    if lasts_for is not None and lasts_for < SOON:
        yield Hint(
            "GOLD_RUNS_OUT",
            Severity.HIGH if lasts_for == 0 else Severity.MEDIUM,
            f"The gold is exhausted after {lasts_for} more workers: each gets about "
            f"{per_worker:.0f} gold tasks, and a gold task is shown to {most} workers.",
            "Set more gold, or raise goldExposures.",
        )

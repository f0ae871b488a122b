"""Which target of confidence: what each costs and leaves to staff, by how many judgments it may."""

import asyncio
from collections.abc import Sequence
from itertools import product
from typing import Final

import numpy as np

from api.policy import Policy
from scripts.benchmarks.crowds import PLANS
from scripts.benchmarks.report import Cell, Report
from scripts.benchmarks.routing_crowds import FIXED
from scripts.benchmarks.routing_policies import spend
from scripts.benchmarks.routing_work import SimulatedWork

GOLD: Final = 0.05  # share of the tasks whose answers are known
TARGETS: Final = (0.8, 0.9, 0.95)
LIMITS: Final = ((5, 2), (3, 3))  # most judgments of a task, and fewest
CROWDS: Final = (
    "demo",
    "demo, 2 labels",
    "demo, a third clickers",
    "demo, no clickers",
    "specialists",
    "ordinal, 5 labels",
    "suggested",
    "misled, 2 labels",
)


def targets(report: Report, seeds: Sequence[int], tasks: int, only: Sequence[str] | None) -> None:
    """Add what becomes of the tasks, on the average over the crowds."""
    works = [
        SimulatedWork(PLANS[name], seed, tasks, FIXED)
        for name, seed in product([name for name in CROWDS if not only or name in only], seeds)
    ]
    rows: list[Sequence[Cell]] = []
    with report.progress() as progress:
        doing = progress.add_task("", total=len(works) * len(LIMITS) * len(TARGETS))
        for (most, least), target in product(LIMITS, TARGETS):
            policy = Policy(overlap=most, min_judgments=least, target_confidence=target)
            name = f"{least} to {most} judgments, target {target:g}"
            found = []
            for place, work in enumerate(works):
                progress.update(doing, description=name)
                found.append(asyncio.run(spend(work, policy, GOLD, place % len(seeds))))
                progress.advance(doing)
            mean = np.nanmean(np.array(found), axis=0)  # nan where no task is settled
            judgments, _, right, _, contested, sure = mean.tolist()
            rows.append([name, FIXED * judgments, 100 * contested, 100 * right, 100 * sure])
    report.table(
        f"Targets of confidence, {GOLD:.0%} gold, mean of {len(works)} crowds",
        ["", "judgments a task", "contested %", "right %", "settled right %"],
        rows,
    )

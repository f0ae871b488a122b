"""Whole policies on simulated crowds: gold, statuses, routing and stopping, as the server has them.

What is counted is every judgment, those of gold tasks too.
"""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Final, NamedTuple

import numpy as np

from api.policy import Policy
from api.rows import CONTESTED, SETTLED
from scripts.benchmarks.crowds import PLANS
from scripts.benchmarks.report import Cell, Figure, Report
from scripts.benchmarks.routing_crowds import FIXED, FLOOR, GOALS, MOST, STANDARD
from scripts.benchmarks.routing_desk import Desk
from scripts.benchmarks.routing_work import MODES, SimulatedWork, work_on

GOLD: Final = (0.0, 0.05)  # shares of the tasks whose answers are known
TARGETS: Final = (0.6, 0.7, 0.8, 0.9)  # of confidence
LEARNING: Final = 0.125  # growth of the log, before what confidence means is learned anew
FIRST: Final = 100  # judgments, before it is for the first time
CROWDS: Final = (STANDARD, "demo, a third clickers", "specialists")  # the first, unless named


Kind = tuple[float, float]  # share of gold, target of confidence


class Spent(NamedTuple):
    """Of one crowd under one policy. judgments: of all tasks, as a share of fixed overlap's. The
    rest are shares of the tasks that are not gold: right, settled, contested, and of those that
    are settled, right."""

    judgments: float
    gold: float
    right: float
    settled: float
    contested: float
    settled_right: float


def policies(report: Report, seeds: Sequence[int], tasks: int, only: Sequence[str] | None) -> None:
    """Add what whole policies spend, and what they reach, beside fixed overlap."""
    names = [name for name in CROWDS if name in (only or (STANDARD,))]
    rows: list[Sequence[Cell]] = []
    with report.progress() as progress:
        doing = progress.add_task(
            "", total=len(names) * len(seeds) * (len(TARGETS) * len(GOLD) + 1)
        )
        for name in names:
            fixed, found = [], dict[Kind, list[Spent]]()
            for seed in seeds:
                work = SimulatedWork(PLANS[name], seed, tasks, FIXED)
                progress.update(doing, description=f"{name}: fixed overlap")
                curve = work_on(
                    work, MODES["random"], overlap=FIXED, floor=FIXED, most=FIXED * tasks, seed=seed
                )
                fixed.append((curve.majority, float(curve.accuracy[-1])))
                progress.advance(doing)
                for kind in product(GOLD, TARGETS):
                    gold, target = kind
                    progress.update(doing, description=f"{name}: {gold:.0%} gold, {target:g}")
                    policy = Policy(overlap=MOST, min_judgments=FLOOR, target_confidence=target)
                    spent = asyncio.run(spend(work, policy, gold, seed))
                    found.setdefault(kind, []).append(spent)
                    progress.advance(doing)
            means = {kind: Spent(*np.mean(runs, axis=0)) for kind, runs in found.items()}
            majority, consensus = np.mean(fixed, axis=0).tolist()
            rows.append([name, "majority vote", 1.0, 0.0, 100 * majority, None, None, None])
            rows.append([name, "our consensus", 1.0, 0.0, 100 * consensus, None, None, None])
            rows += [_row(name, kind, spent) for kind, spent in means.items()]
            if name == STANDARD:
                _figures(report, means, (majority, consensus))
    report.table(
        f"Whole policies beside fixed overlap {FIXED}",
        [
            "",
            "policy",
            "judgments",
            "of gold",
            "right %",
            "settled",
            "contested",
            "settled right %",
        ],
        rows,
    )
    report.note(
        "The server's own rules without its database: quiz off, gold hidden at the default rates, "
        "statuses that pause and ban, the default routing, "
        f"{FLOOR} to {MOST} judgments a task, and a task settles at a calibrated confidence. "
        "Judgments are a share of those of fixed overlap, gold's among them; who is paused gets "
        "nothing more. Shares and accuracy are of the tasks that are not gold."
    )


async def spend(work: SimulatedWork, policy: Policy, known: float, seed: int) -> Spent:
    """Let a crowd work under a policy until no task is open, this share of the tasks being gold."""
    tasks, rng = len(work.truth), np.random.default_rng(seed)
    gold = np.where(rng.permutation(tasks) < known * tasks, work.truth, -1)
    workers = int(work.arrivals.max()) + 1
    desk = Desk(work.labels, policy, seed=seed)
    desk.open(tasks, workers, gold.tolist())
    done, due = np.zeros(workers, np.int32), float(FIRST)
    standing = desk.memory.standing
    for worker in work.arrivals.tolist():
        wanted = desk.lease(worker)
        if not wanted.granted:
            if standing.counts[SETTLED] + standing.counts[CONTESTED] == tasks:
                break
            continue
        desk.judge(wanted, work.answer(worker, wanted.granted[0].task, int(done[worker])))
        done[worker] += 1
        if done.sum() >= due:
            desk.learn()
            due = float(done.sum()) * (1 + LEARNING)
    everything = np.arange(tasks, dtype=np.int32)
    now, others = desk.memory.model.consensus(everything), gold < 0
    right, status = now.label == work.truth, standing.status[:tasks]
    settled = others & (status == SETTLED)
    return Spent(
        judgments=float(done.sum()) / (FIXED * tasks),
        gold=float(now.judgments[~others].sum()) / max(float(done.sum()), 1.0),
        right=float(right[others].mean()),
        settled=float((status[others] == SETTLED).mean()),
        contested=float((status[others] == CONTESTED).mean()),
        settled_right=float(right[settled].mean()) if settled.any() else float("nan"),
    )


def _row(name: str, kind: Kind, spent: Spent) -> list[Cell]:
    judgments, gold, right, settled, contested, sure = spent
    told = [judgments, gold, 100 * right, settled, contested, 100 * sure]
    known, target = kind
    return [name, f"{known:.0%} gold, target {target:g}", *told]


def _figures(report: Report, means: Mapping[Kind, Spent], fixed: tuple[float, float]) -> None:
    """The judgments with which a whole policy is as good as fixed overlap, between two targets."""
    for known in GOLD:
        spent = sorted((each.right, each.judgments) for (g, _), each in means.items() if g == known)
        right, judgments = zip(*spent, strict=True)
        for what, accuracy, goal in zip(
            ("majority vote", "our consensus"), fixed, GOALS, strict=True
        ):
            within = right[0] <= accuracy <= right[-1]
            share = float(np.interp(accuracy, right, judgments)) if within else float("nan")
            name = f"whole policy, {known:.0%} gold, for fixed {FIXED} with {what}"
            report.add(Figure(name, share, "of fixed", goal=goal))

"""How long handing out tasks takes, in a small project and in a large one, without a database."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from api.flush.calls import new_future
from api.flush.requests import LeaseTasks
from api.policy import Policy
from engine import Categorical
from scripts.benchmarks.report import Figure, Report
from scripts.benchmarks.routing_desk import Desk
from scripts.benchmarks.synthetic import crowd

LABELS: Final = 4
WORKERS: Final = 500
JUDGED: Final = 2  # judgments of each task at the start
GROWTH: Final = 1.5  # of the p99, from the smallest project to the largest
MOST_MS: Final = 5.0
POLICY: Final = Policy(overlap=8, min_judgments=2, target_confidence=0.99, act_on_status=False)


class Took(NamedTuple):
    """Seconds that handing out took: of the processor, and by the clock."""

    processor: float
    clock: float


class Crowded(Desk):
    """The desk of a project at whose tasks many workers are, in random order."""

    def __init__(self, tasks: int) -> None:
        data = crowd(tasks * JUDGED, JUDGED, WORKERS, LABELS, shuffled=False)
        super().__init__(
            LABELS, POLICY, Categorical.fit(data.task, data.worker, data.label, LABELS)
        )
        memory = self.memory
        memory.add_tasks([f"t{task}" for task in range(tasks)], [0] * tasks, 1)
        memory.add_workers([f"w{w}" for w in range(WORKERS)], ["HUMAN"] * WORKERS, 1)
        memory.seq = 1
        nothing = np.zeros(0, np.int64)
        memory.recall(nothing, nothing)
        memory.restart([])
        self._rng = np.random.default_rng(2)

    def ask(self) -> Took:
        """Let some worker have a task and judge it; return how long handing out took."""
        wanted = LeaseTasks(int(self._rng.integers(WORKERS)), 1, new_future())
        began = time.perf_counter(), time.thread_time()
        plan = self.plan([wanted])
        took = Took(time.thread_time() - began[1], time.perf_counter() - began[0])
        self.settle(plan)
        if wanted.granted:
            self.judge(wanted, int(self._rng.integers(LABELS)))
        return took

    def change_policy(self) -> None:
        """Take a policy under which every task must be looked at anew."""
        memory = self.memory
        policy = replace(memory.project.policy, target_confidence=0.98)
        memory.seq += 1
        memory.adopt(replace(memory.project, policy=policy), memory.seq)


def leases(report: Report, sizes: Sequence[int], asked: int) -> None:
    """Add the time of handing out one task, by the size of the project.

    Asked for so many times, after as many that only warm up.
    """
    asyncio.run(_measure(report, sizes, asked))


async def _measure(report: Report, sizes: Sequence[int], asked: int) -> None:
    found: dict[int, list[float]] = {}
    with report.progress() as progress:
        doing = progress.add_task("", total=len(sizes))
        for tasks in sizes:
            progress.update(doing, description=f"{tasks:,} tasks")
            desk = Crowded(tasks)
            for _ in range(asked):
                desk.ask()
            steady = np.array([desk.ask() for _ in range(asked)])
            desk.change_policy()
            changed = np.array([desk.ask() for _ in range(asked)])
            found[tasks] = [
                1000 * float(np.quantile(took[:, 0], 0.99)) for took in (steady, changed)
            ]
            longest = 1000 * np.maximum(steady.max(0), changed.max(0))
            name = f"lease of {tasks:,}, longest"
            report.add(Figure(name, float(longest[0]), "ms", goal=MOST_MS))
            report.add(Figure(f"{name} by the clock", float(longest[1]), "ms"))
            progress.advance(doing)
    first = found[sizes[0]]
    for tasks, slow in found.items():
        for when, value, least in zip(("", " after a new policy"), slow, first, strict=True):
            larger = tasks != sizes[0]
            report.add(
                Figure(
                    f"lease of {tasks:,}{when}, p99",
                    value,
                    "ms",
                    f"of {sizes[0]:,}" if larger else "",
                    least if larger else None,
                    ratio_goal=1 / GROWTH if larger else None,
                )
            )
    report.note(
        f"One task for one of {WORKERS} workers, in random order, through the planning of a flush; "
        f"each task has {JUDGED} judgments at the start, and the worker's judgment of what it got "
        "comes between two requests. No database and no HTTP; time of the processor, so that what "
        f"else runs on the machine does not count but by the clock. {3 * asked:,} requests in each "
        "project, a third of them to warm up."
    )

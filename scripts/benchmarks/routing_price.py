"""When to stop by what a right label is worth: judgments, accuracy, and worth less price."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from api.policy import Policy
from api.state.stopping import sure_enough
from engine import Categorical, Events, TaskQueue
from engine.calibrating import calibrate
from engine.queue import UNCERTAINTY
from scripts.benchmarks.crowds import PLANS
from scripts.benchmarks.report import Cell, Report
from scripts.benchmarks.routing_work import SimulatedWork

VALUES: Final = (10, 30, 100, 300)  # of a right label, in prices of a judgment
MOST: Final = 10  # judgments of a task
CROWDS: Final = ("demo", "demo, 2 labels", "specialists")
RATES: Final = (1, 2, 4, 8)  # judgments a task on the average, after which confidence is calibrated
RULES: Final = {
    "fixed 1": Policy(overlap=1),
    "fixed 3": Policy(overlap=3),
    "fixed 5": Policy(overlap=5),
    "target .95": Policy(overlap=MOST, min_judgments=2),
}


def price(report: Report, seeds: int, tasks: int, only: Sequence[str] | None) -> None:
    """Add what is left of the worth of the labels when the judgments are paid, by rule."""
    for name in [name for name in CROWDS if not only or name in only]:
        rows: list[Sequence[Cell]] = []
        spent = {rule: _mean(name, policy, seeds, tasks) for rule, policy in RULES.items()}
        for value in VALUES:
            policy = Policy(
                overlap=MOST, min_judgments=2, target_confidence=1.0, price=1, label_value=value
            )
            judgments, accuracy = _mean(name, policy, seeds, tasks)
            others = [value * right - used for used, right in spent.values()]
            rows.append([value, judgments, 100 * accuracy, value * accuracy - judgments, *others])
        told = ", ".join(
            f"{rule}: {used:.2f} judgments, {100 * right:.1f} %"
            for rule, (used, right) in spent.items()
        )
        report.table(
            f"Worth of a task's label less its judgments, in prices of one: {name} ({told})",
            ["value", "judgments", "right, %", "by cost", *RULES],
            rows,
        )


def _mean(name: str, policy: Policy, seeds: int, tasks: int) -> tuple[float, float]:
    found = [_run(name, policy, seed, tasks) for seed in range(seeds)]
    return float(np.mean([used for used, _ in found])), float(
        np.mean([right for _, right in found])
    )


def _run(name: str, policy: Policy, seed: int, tasks: int) -> tuple[float, float]:
    """Judgments a task, and the share of labels that are right."""
    work = SimulatedWork(PLANS[name], seed, tasks, MOST)
    model, everything = Categorical(work.labels), np.arange(tasks, dtype=np.int32)
    queue, rng = TaskQueue(model), np.random.default_rng(seed)
    queue.add(everything, np.zeros(tasks, np.int16))
    done = np.zeros(int(work.arrivals.max()) + 1, np.int32)
    spent, due = 0, [rate * tasks for rate in RATES]

    def look(some: "np.ndarray[tuple[int], np.dtype[np.int32]]") -> None:
        now, bars = model.consensus(some), sure_enough(policy, model, policy.price)
        sure = now.confidence >= bars[np.clip(now.judgments, 0, len(bars) - 1)]
        queue.follow(some)
        settled = (sure & (now.judgments >= policy.enough)) | (now.judgments >= policy.overlap)
        queue.set_open(some, ~settled)

    for worker in work.arrivals.tolist():
        picked = queue.pick(
            worker,
            1,
            policy.overlap,
            mode=UNCERTAINTY,
            floor=policy.enough,
            seed=int(rng.integers(1, 1 << 62)),
        )
        if len(picked.tasks) == 0:
            if queue.open_tasks() == 0:
                break
            continue
        task = int(picked.tasks[0])
        label = work.answer(worker, task, int(done[worker]))
        outcome = model.apply(Events.judgments([task], [worker], [label]))
        done[worker] += 1
        spent += 1
        queue.set_load(task, queue.load(task) + 1)
        if due and spent >= due[0]:
            due.pop(0)
            calibrate(model)
            look(everything)
        else:
            look(everything if outcome.refitted else outcome.tasks)
    right = model.consensus(everything).label == work.truth
    return spent / tasks, float(right.mean())

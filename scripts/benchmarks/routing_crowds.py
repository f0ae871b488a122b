"""Routing on simulated crowds: accuracy against judgments, beside fixed overlap."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from api.policy import Policy
from scripts.benchmarks.crowd_makes import Plan
from scripts.benchmarks.crowds import PLANS
from scripts.benchmarks.report import Cell, Figure, Report
from scripts.benchmarks.routing_bound import known
from scripts.benchmarks.routing_curve import draw
from scripts.benchmarks.routing_work import MODES, SimulatedWork, work_on

Floats = npt.NDArray[np.float64]

FIXED: Final = 5  # the overlap to compare with
MOST: Final = 10  # judgments that a task may have where routing decides
FLOOR: Final = 2  # judgments that each task has first
KNOWN: Final = (1, FLOOR)  # the same where workers' confusion is known beforehand
STEPS: Final = np.arange(1.0, FIXED + 0.01, 0.1)  # judgments a task, on the average
STANDARD: Final = "demo"
SIZES: Final = {f"{STANDARD}, {labels} labels": Plan(labels=labels) for labels in (3, 8)}
FEWER: Final = 5  # times as few crowds of each other kind are drawn
OTHERS: Final = (
    "demo, 2 labels",
    "demo, 10 labels",
    "demo, a third clickers",
    "demo, a quarter traps",
    "ordinal, 5 labels",
    "specialists",
    "suggested",
    "misled",
)
GOALS: Final = (0.5, 0.7)  # of the judgments: as good as majority vote, as our consensus
BEST: Final = Policy().routing.lower()


@dataclass
class Found:
    """Of the runs on one kind of crowd: accuracy at each of STEPS by mode, and at fixed overlap.
    known: accuracy where workers' confusion is known, by the least judgments of a task."""

    curves: dict[str, list[Floats]] = field(default_factory=dict)
    majority: list[float] = field(default_factory=list)
    consensus: list[float] = field(default_factory=list)
    known: dict[int, list[Floats]] = field(default_factory=dict)

    def curve(self, mode: str) -> Floats:
        """The mean accuracy at each of STEPS."""
        mean: Floats = np.mean(self.curves[mode], axis=0)
        return mean

    def share(self, mode: str, accuracy: float) -> float:
        """Share of the judgments of fixed overlap with which a mode first has an accuracy; NaN
        where it does not with all."""
        curve = self.curve(mode)
        return _share(curve, accuracy)

    def apart(self, mode: str, accuracies: Sequence[float]) -> str:
        """The least and the greatest share, of each crowd by itself."""
        shares = [_share(*each) for each in zip(self.curves[mode], accuracies, strict=True)]
        return f"{min(shares):.2f}–{max(shares):.2f}"


def _share(curve: Floats, accuracy: float) -> float:
    if not (curve >= accuracy).any():
        return float("nan")
    first = int(np.argmax(curve >= accuracy))
    if first == 0:
        return float(STEPS[0]) / FIXED
    part = (accuracy - curve[first - 1]) / (curve[first] - curve[first - 1])
    return float(STEPS[first - 1] + part * (STEPS[first] - STEPS[first - 1])) / FIXED


def crowds(
    report: Report, seeds: Sequence[int], tasks: int, only: Sequence[str] | None, plot: Path | None
) -> None:
    """Add the judgments that each mode needs on each crowd, and draw those of the first."""
    plans = {STANDARD: PLANS[STANDARD], **SIZES, **{name: PLANS[name] for name in OTHERS}}
    drawn = {
        name: seeds[: ceil(len(seeds) / FEWER)] if name in OTHERS else seeds
        for name in plans
        if not only or name in only
    }
    found = {name: Found() for name in drawn}
    with report.progress() as progress:
        doing = progress.add_task("", total=sum(map(len, drawn.values())) * (len(MODES) + 1))
        for name, some in drawn.items():
            for seed in some:
                work = SimulatedWork(plans[name], seed, tasks, FIXED)
                progress.update(doing, description=f"{name}: fixed overlap")
                fixed = work_on(
                    work, MODES["random"], overlap=FIXED, floor=FIXED, most=FIXED * tasks, seed=seed
                )
                found[name].majority.append(fixed.majority)
                found[name].consensus.append(float(fixed.accuracy[-1]))
                progress.advance(doing)
                for floor in KNOWN if name in (STANDARD, *SIZES) else ():
                    at = known(work, floor, MOST, (STEPS * tasks).round().astype(int).tolist())
                    found[name].known.setdefault(floor, []).append(at)
                for mode, number in MODES.items():
                    progress.update(doing, description=f"{name}: {mode}")
                    curve = work_on(
                        work,
                        number,
                        overlap=MOST,
                        floor=FLOOR,
                        most=FIXED * tasks,
                        looks=(STEPS * tasks).round().astype(int).tolist(),
                        seed=seed,
                    )
                    at = np.interp(STEPS * tasks, curve.judgments, curve.accuracy)
                    found[name].curves.setdefault(mode, []).append(at)
                    progress.advance(doing)
    _tabulate(report, found)
    if plot is not None:
        first = next(iter(found.values()))
        curves = {mode: first.curve(mode) for mode in MODES}
        draw(plot, STEPS, curves, float(np.mean(first.majority)), FIXED)


def _tabulate(report: Report, found: Mapping[str, Found]) -> None:
    rows: list[Sequence[Cell]] = []
    for name, runs in found.items():
        majority, consensus = float(np.mean(runs.majority)), float(np.mean(runs.consensus))
        rows.append(
            [
                name,
                100 * majority,
                *(runs.share(mode, majority) for mode in MODES),
                100 * consensus,
                *(runs.share(mode, consensus) for mode in MODES),
            ]
        )
    report.table(
        f"Judgments for the accuracy of fixed overlap {FIXED}, as a share of its judgments",
        ["", "majority", *MODES, "consensus", *MODES],
        rows,
    )
    report.table(
        f"The same for each crowd by itself, from the least to the most: {BEST}",
        ["", "crowds", "majority", "consensus"],
        [
            [
                name,
                str(len(runs.majority)),
                runs.apart(BEST, runs.majority),
                runs.apart(BEST, runs.consensus),
            ]
            for name, runs in found.items()
        ],
    )
    bounds: list[Sequence[Cell]] = [
        [
            f"{name}, at least {floor} a task",
            _share(np.mean(curves, axis=0), float(np.mean(runs.majority))),
            _share(np.mean(curves, axis=0), float(np.mean(runs.consensus))),
        ]
        for name, runs in found.items()
        for floor, curves in runs.known.items()
    ]
    if bounds:
        report.table(
            "The same if each worker's confusion matrix were known beforehand",
            ["", "majority", "consensus"],
            bounds,
        )
    if STANDARD in found:
        runs = found[STANDARD]
        for what, accuracy, goal in zip(
            ("majority vote", "our consensus"), (runs.majority, runs.consensus), GOALS, strict=True
        ):
            share = runs.share(BEST, float(np.mean(accuracy)))
            report.add(
                Figure(f"judgments for fixed {FIXED} with {what}", share, "of fixed", goal=goal)
            )
    report.note(
        "Every mode asks the same people, who come in the same order and would give the same "
        f"answers. A task has at least {FLOOR} and at most {MOST} judgments; none is gold, and no "
        "task is settled before the others. The first column of each half is the accuracy of fixed "
        "overlap, in per cent, by vote and by our consensus; then, as a share of its judgments, "
        "those with which our consensus has the same accuracy."
    )

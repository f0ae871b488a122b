"""Routing on real data sets, where only judgments that exist can be asked for."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from engine import Categorical
from scripts.benchmarks.datasets import DataSet, folders, read
from scripts.benchmarks.report import Cell, Figure, Report
from scripts.benchmarks.routing_work import MODES, RecordedWork, work_on

REDUNDANCY: Final = 5.0  # judgments a task, at least
MOST_LABELS: Final = 32
POINTS: Final = 0.5  # that may be missing to the accuracy with all judgments
LOOKS: Final = 40
FLOOR: Final = 1


def replays(report: Report, seeds: int, root: Path) -> None:
    """Add the judgments with which each mode comes near to the accuracy with all of them."""
    sets = [data for folder in folders(root) if _fits(data := read(folder))]
    rows: list[Sequence[Cell]] = []
    found: list[list[float]] = []
    with report.progress() as progress:
        doing = progress.add_task("", total=len(sets) * len(MODES) * seeds)
        for data in sets:
            whole = _whole(data)
            shares: list[float] = []
            told: list[Cell] = []
            for mode, number in MODES.items():
                progress.update(doing, description=f"{data.name}: {mode}")
                runs = []
                for seed in range(seeds):
                    runs.append(_curve(data, number, seed))
                    progress.advance(doing)
                each = [_needed(np.array(run), whole - POINTS / 100) for run in runs]
                shares.append(_needed(np.mean(runs, axis=0), whole - POINTS / 100))
                told.append(f"{shares[-1]:.2f} ({min(each):.2f}–{max(each):.2f})")
            found.append(shares)
            rows.append([data.name, len(data.task) / len(data.gold), 100 * whole, *told])
    mean = np.mean(found, axis=0).tolist()
    rows.append(["mean", None, None, *(f"{share:.2f}" for share in mean)])
    report.table(
        f"Share of the judgments with which accuracy is within {POINTS:g} points of that with all",
        ["", "a task", "with all", *MODES],
        rows,
    )
    for place, mode in enumerate(MODES):
        if mode != "random":
            what = f"judgments on real data sets, {mode}, mean"
            report.add(Figure(what, mean[place], "of all", "random", mean[0]))
    report.note(
        "On real data sets workers come in random order, each as often as it has judged, and a "
        "mode chooses among the tasks that the worker judged in truth. Accuracy of the consensus "
        f"as it stands at each moment, mean over the orders ({seeds}); in brackets the least and "
        "the most that one order needs by itself."
    )


def _fits(data: DataSet) -> bool:
    pairs = len(np.unique(data.task.astype(np.int64) << 32 | data.worker))
    return data.labels <= MOST_LABELS and pairs >= REDUNDANCY * len(np.unique(data.task))


def _whole(data: DataSet) -> float:
    model = Categorical.fit(data.task, data.worker, data.label, data.labels)
    return float((model.consensus(data.known).label == data.gold[data.known]).mean())


def _curve(data: DataSet, mode: int, seed: int) -> list[float]:
    work = RecordedWork(data, seed)
    steps = np.linspace(0, 1, LOOKS + 1)[1:] * len(work.arrivals)
    curve = work_on(
        work,
        mode,
        overlap=len(work.arrivals),
        floor=FLOOR,
        most=len(work.arrivals),
        looks=steps.round().astype(int).tolist(),
        seed=seed,
    )
    at: list[float] = np.interp(steps, curve.judgments, curve.accuracy).tolist()
    return at


def _needed(accuracy: np.ndarray[tuple[int], np.dtype[np.float64]], goal: float) -> float:
    """The share from which on the accuracy never falls below the goal again; 1 if it is below at
    the end."""
    below = np.flatnonzero(accuracy < goal)
    last = int(below[-1]) + 1 if len(below) else 0
    return min(last + 1, LOOKS) / LOOKS

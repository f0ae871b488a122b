"""How far confidence is from the share that is right, on simulated crowds and real data sets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from engine import Categorical
from engine.calibrating import MOST_GROUPS, calibrate, square
from scripts.benchmarks.calibration_curve import draw
from scripts.benchmarks.crowds import PLANS, simulate
from scripts.benchmarks.datasets import DataSet, folders, read
from scripts.benchmarks.report import Cell, Figure, Report

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int16]
Bools = npt.NDArray[np.bool_]
Told = tuple[Floats, Bools]  # confidence [n], and what is right [n]

GOLD: Final = 0.05  # share of the tasks
GOAL: Final = 0.03
RAW, WITHOUT, WITH = "raw", "no gold", "5 % gold"
WAYS: Final = (RAW, WITHOUT, WITH)
MOST_LABELS: Final = 32
DRAWS: Final = 8  # of what is right, were confidence exact


def crowds(report: Report, seeds: int, only: Sequence[str] | None, plot: Path | None) -> None:
    """Add the errors on each kind of simulated crowd, and draw all of them together."""
    names = [name for name in PLANS if not only or name in only]
    rows: list[Sequence[Cell]] = []
    pooled: dict[str, list[Told]] = {way: [] for way in WAYS}
    with report.progress() as progress:
        doing = progress.add_task("", total=len(names) * seeds)
        for name in names:
            found: dict[str, list[Told]] = {way: [] for way in WAYS}
            for seed in range(seeds):
                progress.update(doing, description=name)
                crowd = simulate(PLANS[name], seed)
                columns = crowd.task, crowd.worker, crowd.label
                told = _told(columns, crowd.labels, crowd.truth, crowd.gold(GOLD))
                for way, each in told.items():
                    found[way].append(each)
                progress.advance(doing)
            rows.append([name, *_row(found)])
            for way in WAYS:
                pooled[way] += found[way]
    means = _means(rows)
    rows.append(["mean", *means])
    _tabulate(report, "Simulated crowds", rows)
    for place, way in ((1, WITHOUT), (2, WITH)):
        report.add(
            Figure(
                f"expected calibration error on crowds, {way}, mean",
                100 * means[len(WAYS) + place],
                "% off",
                RAW,
                100 * means[len(WAYS)],
                goal=100 * GOAL if way == WITH else None,
            )
        )
    beyond = 100 * _beyond_chance(means[2 * len(WAYS) - 1], means[2 * len(WAYS)])
    report.add(Figure("the same with 5 % gold, chance taken off as squares", beyond, "% off"))
    if plot is not None:
        draw(plot, {way: curve(pooled[way]) for way in WAYS})


def real(report: Report, seeds: int, root: Path) -> None:
    """Add the errors on real data sets: of their gold, drawn anew each time, 5 % is shown."""
    sets = [data for folder in folders(root) if (data := read(folder)).labels <= MOST_LABELS]
    rows: list[Sequence[Cell]] = []
    with report.progress() as progress:
        doing = progress.add_task("", total=len(sets) * seeds)
        for data in sets:
            found: dict[str, list[Told]] = {way: [] for way in WAYS}
            for seed in range(seeds):
                progress.update(doing, description=data.name)
                columns = data.task, data.worker, data.label
                told = _told(columns, data.labels, data.gold, _some(data, seed))
                for way, each in told.items():
                    found[way].append(each)
                progress.advance(doing)
            rows.append([data.name, *_row(found)])
    means = _means(rows)
    rows.append(["mean", *means])
    _tabulate(report, "Real data sets", rows)
    for place, way in ((1, WITHOUT), (2, WITH)):
        value, other = 100 * means[len(WAYS) + place], 100 * means[len(WAYS)]
        what = f"expected calibration error on real sets, {way}, mean"
        report.add(Figure(what, value, "% off", RAW, other))


def curve(told: Sequence[Told]) -> tuple[Floats, Floats]:
    """Mean confidence and share that is right, of ten groups of like confidence."""
    confidence = np.concatenate([each for each, _ in told])
    right = np.concatenate([each for _, each in told])
    groups = np.array_split(np.argsort(confidence, kind="stable"), MOST_GROUPS)
    return (
        np.array([confidence[rows].mean() for rows in groups]),
        np.array([right[rows].mean() for rows in groups]),
    )


def _told(
    columns: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], Labels],
    labels: int,
    truth: Labels,
    gold: Labels,
) -> dict[str, Told]:
    """Of the tasks whose truth is known and not shown, in each way, the same tasks."""
    tasks = np.flatnonzero((truth >= 0) & (gold < 0)).astype(np.int32)
    task = columns[0]
    tasks = tasks[np.bincount(task, minlength=len(truth))[tasks] > 0]
    told = {}
    for way, shown in ((WITHOUT, None), (WITH, gold)):
        model = Categorical.fit(*columns, labels, shown)
        believed = model.beliefs(tasks)
        right = believed.label == truth[tasks]
        if shown is None:
            told[RAW] = believed.confidence, right
        calibrate(model)
        told[way] = model.consensus(tasks).confidence, right
    return told


def _some(data: DataSet, seed: int) -> Labels:
    known = data.known
    drawn = np.random.default_rng(seed).permutation(known)[: round(GOLD * len(known))]
    gold = np.full(len(data.gold), -1, np.int16)
    gold[drawn] = data.gold[drawn]
    return gold


def _row(found: dict[str, list[Told]]) -> list[float]:
    """Root mean squares and expected calibration errors, by way, over the seeds; and the errors
    that would be found with gold if confidence were exact."""
    squares = [np.mean([square(*each)[0] for each in found[way]]) for way in WAYS]
    errors = [np.mean([expected(*each) for each in found[way]]) for way in WAYS]
    chance = float(np.mean([_by_chance(confidence) for confidence, _ in found[WITH]]))
    return [*(max(float(each), 0.0) ** 0.5 for each in squares), *map(float, errors), chance]


def expected(confidence: Floats, right: Bools) -> float:
    """Expected calibration error of ten groups of equal size, as it is usually estimated."""
    sure, share = curve([(confidence, right)])
    return float(np.abs(sure - share).mean())


def _by_chance(confidence: Floats) -> float:
    """The same error where each label is right with just the probability that it is said to be."""
    rng = np.random.default_rng(len(confidence))
    drawn = [rng.random(len(confidence)) < confidence for _ in range(DRAWS)]
    return float(np.mean([expected(confidence, right) for right in drawn]))


def _beyond_chance(error: float, chance: float) -> float:
    """What remains of an error: it and chance add up as squares do."""
    return float(np.sqrt(max(error**2 - chance**2, 0.0)))


def _means(rows: Sequence[Sequence[Cell]]) -> list[float]:
    columns = zip(*(row[1:] for row in rows), strict=True)
    return [float(np.mean(np.array(column, np.float64))) for column in columns]


def _tabulate(report: Report, title: str, rows: list[Sequence[Cell]]) -> None:
    report.table(
        f"{title}: how far confidence is from the share that is right, of tasks that are not gold",
        ["", *(f"rms\n{way}" for way in WAYS), *(f"ECE\n{way}" for way in WAYS), "ECE\nchance"],
        rows,
    )
    report.note(
        f"{title}: ECE is the mean distance over ten groups of equal size of like confidence. "
        "Chance is in it: as much as the last column says would be found if confidence were "
        "exact. rms, the root of the mean square, is without that, and otherwise never below ECE."
    )

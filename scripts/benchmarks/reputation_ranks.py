"""How well reputations rank the workers of real data sets, from some of their answers on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from engine import Categorical
from engine.population import Population
from engine.records import Records
from engine.reputation import reputations
from scripts.benchmarks import rivals
from scripts.benchmarks.datasets import DataSet, folders, read
from scripts.benchmarks.report import Cell, Figure, Report

Floats = npt.NDArray[np.float64]

SHARES: Final = (0.1, 0.3, 1.0)  # of each worker's answers, the first ones
FEWEST: Final = 10  # answers on gold tasks that make a worker's true accuracy
FEWEST_WORKERS: Final = 10
MOST_LABELS: Final = 32
OURS: Final = "Basanite"

Ranking = Callable[[DataSet], Floats]  # of each worker the figure that it is ranked by


@dataclass(frozen=True)
class Case:
    """A data set, and those of its workers whose true accuracy is known."""

    data: DataSet
    workers: npt.NDArray[np.int32]
    accuracy: Floats


def ranks(report: Report, root: Path) -> None:
    """Add rank correlations with true accuracy to the report. Gold is shown to no method."""
    methods: dict[str, Ranking] = {OURS: _ours}
    if rivals.has_crowd_kit():
        methods |= rivals.skills()
    else:
        report.note(f"{rivals.INSTALL}. Its methods were left out.")
    cases = [case for folder in folders(root) if (case := _case(read(folder))) is not None]
    found: dict[str, dict[tuple[float, str], float]] = {}
    with report.progress() as progress:
        doing = progress.add_task("", total=len(cases) * len(SHARES) * len(methods))
        for case in cases:
            row = found.setdefault(case.data.name, {})
            for share in SHARES:
                part = _first(case.data, share)
                for name, method in methods.items():
                    progress.update(doing, description=f"{case.data.name}: {name}")
                    row[share, name] = _correlation(method(part)[case.workers], case.accuracy)
                    progress.advance(doing)
    _tabulate(report, found, list(methods))
    report.note(
        "Spearman's rank correlation between what a method says of a worker and the share of its "
        f"answers to gold tasks that are right, over workers with at least {FEWEST} of these. All "
        "workers' first answers, so many of each, are what a method sees; gold it does not see."
    )


def _case(data: DataSet) -> Case | None:
    """None where accuracy is known of too few workers to rank them."""
    golden = data.gold[data.task] >= 0
    workers = int(data.worker.max()) + 1
    total = np.bincount(data.worker[golden], minlength=workers)
    right = np.bincount(
        data.worker[golden & (data.gold[data.task] == data.label)], minlength=workers
    )
    known = np.flatnonzero(total >= FEWEST).astype(np.int32)
    if data.labels > MOST_LABELS or len(known) < FEWEST_WORKERS:
        return None
    return Case(data, known, right[known] / total[known])


def _first(data: DataSet, share: float) -> DataSet:
    """The first answers of each worker, at least one."""
    order = np.argsort(data.worker, kind="stable")
    length = np.bincount(data.worker)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order)) - np.repeat(np.cumsum(length) - length, length)
    kept = place < np.ceil(share * length[data.worker])
    return replace(data, task=data.task[kept], worker=data.worker[kept], label=data.label[kept])


def _ours(data: DataSet) -> Floats:
    model = Categorical.fit(data.task, data.worker, data.label, data.labels)
    everyone = np.arange(int(data.worker.max()) + 1, dtype=np.int32)
    records = Records.of(model, everyone)
    return reputations(Population.of(model), records, model.prior()).accuracy.value


def _correlation(said: Floats, true: Floats) -> float:
    """0 where a method says the same of all."""
    if np.ptp(said) == 0:
        return 0.0
    return float(spearmanr(said, true).statistic)


def _tabulate(
    report: Report, found: Mapping[str, Mapping[tuple[float, str], float]], methods: list[str]
) -> None:
    columns = [(share, name) for share in SHARES for name in methods]
    rows: list[Sequence[Cell]] = [
        [name, *(row[column] for column in columns)] for name, row in found.items()
    ]
    mean = {column: float(np.mean([row[column] for row in found.values()])) for column in columns}
    rows.append(["mean", *mean.values()])
    report.table(
        "Rank correlation with true accuracy, after a share of each worker's answers",
        ["", *(f"{100 * share:.0f} % {name}" for share, name in columns)],
        rows,
    )
    for share in SHARES:
        for name in methods:
            if name != OURS:
                what = f"rank correlation, {100 * share:.0f} % of the answers, mean"
                report.add(Figure(what, mean[share, OURS], "rho", name, mean[share, name]))

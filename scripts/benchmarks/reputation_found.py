"""Who is suspected of fraud in real data sets, and who nearly is."""

from pathlib import Path
from typing import Final

import numpy as np

from engine.fraud import Finding
from engine.search import search
from scripts.benchmarks.datasets import DataSet, folders, read
from scripts.benchmarks.report import Cell, Report
from scripts.benchmarks.reputation_fraud import RATE, material

NEARLY: Final = 0.7  # false discovery rate at which what is listed would be found


def found(report: Report, data: Path) -> None:
    """Add all that is found, or nearly so, one by one, to the report."""
    rows: list[list[Cell]] = []
    sets = [read(folder) for folder in folders(data)]
    for dataset in sets:
        given = material(dataset.task, dataset.worker, dataset.label, dataset.labels)
        rows += [_listed(dataset, finding) for finding in search(given, NEARLY)]
    headings = ["what", "workers", "found at\nrate", "suspected", "share\nof answers"]
    headings += ["evidence\n(log)", "right by\ngold, %", "figures"]
    report.table("Found in real data sets, or nearly so", ["", *headings], list(rows))
    report.note(
        f"{len(sets)} data sets without times. Suspected is what is found at a false discovery "
        f"rate of {RATE:g}; what would be at {NEARLY:g} is listed, too."
    )


def _listed(dataset: DataSet, finding: Finding) -> list[Cell]:
    rows = np.isin(dataset.worker, finding.workers) & (dataset.gold[dataset.task] >= 0)
    right = dataset.label[rows] == dataset.gold[dataset.task[rows]]
    return [
        dataset.name,
        str(finding.kind),
        " ".join(str(worker) for worker in finding.workers.tolist()),
        finding.rate,
        "yes" if finding.rate <= RATE else "no",
        finding.share,
        finding.log_evidence,
        100 * float(right.mean()) if len(right) else None,
        ", ".join(f"{name} {value:.4g}" for name, value in finding.numbers.items()),
    ]

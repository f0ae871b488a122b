"""How often the intervals about workers hold the truth, on simulated crowds where it is known."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from engine import Categorical
from engine.leaning import Leanings, biases
from engine.population import Population
from engine.records import Elsewhere, Records
from engine.reputation import Estimate, reputations
from scripts.benchmarks.crowd_makes import RECORDS
from scripts.benchmarks.crowds import PLANS, Simulated, simulate
from scripts.benchmarks.report import Cell, Figure, Report

Floats = npt.NDArray[np.float64]

GOLD: Final = (0.0, 0.05, 0.2)  # share of the tasks
CELLS: Final = tuple((gold, record) for gold in GOLD for record in RECORDS)
LEAST, MOST = 92.0, 98.0  # per cent
ACCURACY, BITS, BIAS = "accuracy", "bits", "bias"
ROUNDING: Final = 0.003  # true bits and biases are measured, too

HERE, THERE = "demo, overlap 3", "demo"  # a project, and where its workers were before
PROJECTS: Final = 3  # of the latter kind


@dataclass
class Scores:
    """By quantity, crowd, and cell: of each run (share covered, mean width, mean squared error)."""

    runs: dict[tuple[str, str, tuple[float, int]], list[tuple[float, float, float]]] = field(
        default_factory=dict
    )

    def add(self, what: str, name: str, gold: float, crowd: Simulated, estimate: Estimate) -> None:
        """Score the estimates for all workers of a crowd."""
        truth = {BITS: crowd.bits, BIAS: crowd.bias}.get(what, crowd.accuracy)
        slack = 0.0 if truth is crowd.accuracy else ROUNDING
        covered = (estimate.low - slack <= truth) & (truth <= estimate.high + slack)
        for record in np.unique(crowd.wanted):
            rows = crowd.wanted == record
            width = (estimate.high - estimate.low)[rows].mean()
            error = ((estimate.value - truth)[rows] ** 2).mean()
            found = (float(covered[rows].mean()), float(width), float(error))
            self.runs.setdefault((what, name, (gold, int(record))), []).append(found)

    def mean(self, what: str, name: str, cell: tuple[float, int]) -> Floats | None:
        """Of the runs of a crowd: per cent covered, width, root mean squared error."""
        runs = self.runs.get((what, name, cell))
        if runs is None:
            return None
        covered, width, error = np.mean(runs, axis=0)
        return np.array([100 * covered, width, np.sqrt(error)])

    def overall(self, what: str, cell: tuple[float, int]) -> Floats:
        """The mean over the crowds: a crowd counts once, however many workers it has."""
        names = {name for kind, name, _ in self.runs if kind == what}
        means = [self.mean(what, name, cell) for name in sorted(names)]
        overall: Floats = np.mean([mean for mean in means if mean is not None], axis=0)
        return overall


def coverage(report: Report, seeds: int, only: list[str] | None) -> None:
    """Add what there is to say about coverage to the report."""
    names = [name for name in PLANS if not only or name in only]
    scores = Scores()
    with report.progress() as progress:
        doing = progress.add_task("", total=len(names) * seeds)
        for name in names:
            for seed in range(seeds):
                progress.update(doing, description=f"{name}, crowd {seed + 1}")
                _measure(scores, name, simulate(PLANS[name], seed))
                progress.advance(doing)
    _tabulate(report, scores, names)
    _tabulate_elsewhere(report, seeds)
    cells = [float(scores.overall(ACCURACY, cell)[0]) for cell in CELLS]
    report.add(
        Figure("accuracy: least coverage of a cell, all crowds", min(cells), "%", goal=LEAST)
    )
    room = MOST - max(cells)
    report.add(Figure("accuracy: room below 98 % in the highest cell", room, "points", goal=0.0))
    report.note(
        "Coverage: per cent of the workers whose 95 % interval holds the truth; cells by judgments "
        "of the worker and gold. A crowd is drawn anew for each seed; the mean counts each crowd "
        "once. Truth: the probability of being right on an item of the population, of which the "
        "project's are a sample, on the average over the worker's record."
    )


def _measure(scores: Scores, name: str, crowd: Simulated) -> None:
    workers = np.arange(len(crowd.wanted), dtype=np.int32)
    for gold in GOLD:
        model = _fit(crowd, gold)
        found = reputations(Population.of(model), Records.of(model, workers), model.prior())
        scores.add(ACCURACY, name, gold, crowd, found.accuracy)
        scores.add(BITS, name, gold, crowd, found.bits)
        scores.add(BIAS, name, gold, crowd, biases(model, Leanings.of(model), workers))


def _fit(crowd: Simulated, gold: float) -> Categorical:
    return Categorical.fit(crowd.task, crowd.worker, crowd.label, crowd.labels, crowd.gold(gold))


def _tabulate(report: Report, scores: Scores, names: list[str]) -> None:
    headings = [f"{record}\n{f'{gold:.0%} gold' if gold else 'no gold'}" for gold, record in CELLS]
    rows = [[name, *_row(scores, ACCURACY, name, 0)] for name in names]
    rows.append(["mean", *_row(scores, ACCURACY, None, 0)])
    report.table("Accuracy: coverage in %, by judgments and gold", ["", *headings], list(rows))
    rows = [
        [f"{what}: {unit}", *_row(scores, what, None, place)]
        for what in (ACCURACY, BITS, BIAS)
        for place, unit in enumerate(("covered, %", "width", "error"))
    ]
    title = "Means over the crowds: coverage, mean width, root mean squared error"
    report.table(title, ["", *headings], list(rows))


def _row(scores: Scores, what: str, name: str | None, place: int) -> list[Cell]:
    """One figure in each cell, of a crowd or of all."""
    found = [
        scores.overall(what, cell) if name is None else scores.mean(what, name, cell)
        for cell in CELLS
    ]
    return [None if figures is None else float(figures[place]) for figures in found]


def _tabulate_elsewhere(report: Report, seeds: int) -> None:
    """What records in other projects are worth, and a record of someone else's."""
    scores = Scores()
    kinds = {"nothing known": 0, "own record in one": 1, "own record in three": PROJECTS}
    for seed in range(seeds):
        here = simulate(PLANS[HERE], seed)
        workers = np.arange(len(here.wanted), dtype=np.int32)
        # The same workers, other items: their skill is theirs, what they are mistaken in is not.
        known = [_standings(seed, project, workers) for project in range(PROJECTS)]
        model = _fit(here, 0.05)
        combined = {kind: _combined(known[:count], workers) for kind, count in kinds.items()}
        others = np.random.default_rng(seed).permutation(len(workers)).astype(np.int32)
        combined["another's record in one"] = combined["own record in one"].of(others)
        for kind, elsewhere in combined.items():
            population = Population.of(model, elsewhere)
            found = reputations(population, Records.of(model, workers), model.prior(), elsewhere)
            scores.add(ACCURACY, kind, 0.05, here, found.accuracy)
    rows: list[list[Cell]] = []
    for kind in (*kinds, "another's record in one"):
        cells = [scores.mean(ACCURACY, kind, (0.05, record)) for record in RECORDS]
        rows.append([kind, *(float(c[i]) for c in cells if c is not None for i in range(3))])
    headings = [f"{what}\n{n}" for n in RECORDS for what in ("covered", "width", "error")]
    report.table("Accuracy with records in other projects, 5 % gold", ["", *headings], list(rows))


def _standings(seed: int, project: int, workers: npt.NDArray[np.int32]) -> Elsewhere:
    there = simulate(PLANS[THERE], seed, project)
    model = _fit(there, 0.05)
    return Population.of(model).standings(Records.of(model, workers))


def _combined(known: list[Elsewhere], workers: npt.NDArray[np.int32]) -> Elsewhere:
    """As a project hears of them: those that say nothing are left out."""
    rows = [
        (worker, standing, variance)
        for each in known
        for worker, standing, variance in zip(workers, *each, strict=True)
        if np.isfinite(variance)
    ]
    worker, standing, variance = np.array(rows, np.float64).reshape(-1, 3).T
    return Elsewhere.combined(len(workers), worker.astype(np.int32), standing, variance)

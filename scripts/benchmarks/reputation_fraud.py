"""Who of simulated copiers is found, what honest crowds are suspected of, what joining gains."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from engine import Categorical
from engine.crowd import ItemKind
from engine.fraud import Finding, Fraud
from engine.kernels.rows import Rows
from engine.search import Material, copy_votes, search
from scripts.benchmarks.colluders import Colluding, Scene, collude
from scripts.benchmarks.crowd_makes import Plan
from scripts.benchmarks.report import Cell, Figure, Report

Ints = npt.NDArray[np.int32]
Labels = npt.NDArray[np.int16]

RATE: Final = 0.01
MAIN: Final = "demo, 4 labels"
TRAPS: Final = {ItemKind.PLAIN: 0.5, ItemKind.HARD: 0.25, ItemKind.TRAP: 0.25}
SCENES: Final[Mapping[str, Scene]] = {
    MAIN: Scene(Plan(overlap=10)),
    "demo, 2 labels": Scene(Plan(labels=2, overlap=10)),
    "demo, 10 labels": Scene(Plan(labels=10, overlap=10)),
    "demo, overlap 5": Scene(Plan()),
    "demo, a quarter traps": Scene(Plan(overlap=10, item_shares=TRAPS)),
    "demo, dealt at random": Scene(Plan(overlap=20), together=0.0),
    "ordinal, 5 labels": Scene(Plan("ordinal", labels=5, overlap=10)),
    "specialists": Scene(Plan("specialists", overlap=10)),
    "suggested": Scene(Plan("suggested", overlap=10)),
    "misled": Scene(Plan("misled", overlap=10)),
}
LARGE_WORKERS, LARGE_TASKS, LARGE_OVERLAP = 20_000, 200_000, 5
GROUPS = (Fraud.COPYING, Fraud.ONE_HAND)


@dataclass
class Tally:
    """Of workers: suspected, rightly so and by ring, in rings. Of the tasks that others judged too,
    in %: right as things are, with the groups found joined, and without any copiers."""

    suspected: int = 0
    rightly: int = 0
    found: int = 0
    copiers: int = 0
    as_is: float = 0.0
    joined: float = 0.0
    without: float = 0.0

    @property
    def precision(self) -> float:
        """Share, in %, of the suspected who do copy."""
        return 100 * self.rightly / self.suspected if self.suspected else 100.0

    @property
    def recall(self) -> float:
        """Share, in %, of copiers who were found, most of their group being of their ring."""
        return 100 * self.found / self.copiers if self.copiers else 100.0


def fraud(report: Report, seeds: int) -> None:
    """Add what there is to say about the search for fraud to the report."""
    rings: dict[str, Tally] = {}
    honest: dict[str, list[Finding]] = {}
    few = max(seeds // 5, 1)
    crowds = 0
    with report.progress() as progress:
        doing = progress.add_task("", total=2 * (seeds + few * (len(SCENES) - 1)))
        for name, scene in SCENES.items():
            rings[name], honest[name] = Tally(), []
            drawn = seeds if name == MAIN else few
            for seed in range(drawn):
                progress.update(doing, description=f"{name}, crowd {seed + 1}")
                _score(collude(scene, seed), rings[name], drawn)
                progress.advance(doing)
                crowd = collude(replace(scene, share=0.0, together=0.0), seed)
                honest[name] += [f for f in _search(crowd) if f.kind in GROUPS]
                crowds += 1
                progress.advance(doing)
    _tabulate(report, rings, honest)
    main = rings[MAIN]
    report.add(Figure("copiers among the suspected", main.precision, "%", goal=95.0))
    report.add(Figure("copiers who are found", main.recall, "%", goal=90.0))
    worst = min(tally.precision for tally in rings.values())
    report.add(Figure("copiers among the suspected, worst crowd", worst, "%", goal=95.0))
    worst = min(tally.recall for tally in rings.values())
    report.add(Figure("copiers who are found, worst crowd", worst, "%", goal=90.0))
    false = 100 * sum(bool(found) for found in honest.values()) / crowds
    report.add(Figure("honest crowds in which somebody is suspected", false, "% wrongly", goal=1.0))
    lost = max(tally.without - tally.joined for tally in rings.values())
    report.add(Figure("lost to 30 % copiers, joined, worst crowd", lost, "% wrongly", goal=1.0))
    report.add(Figure("20,000 workers, 1 M judgments", _large(), "s", goal=10.0))
    report.note(
        "Rings of 3 to 10 of 200 workers, 30 % of all, with 100 common tasks for each two of them: "
        "copies with up to 20 % own answers, guesses, and mostly wrong ones. Right: of the tasks "
        "that others judged too. Joined: of a ring's answers to a task one counts. Crowds but the "
        "first: a fifth of the seeds."
    )


def material(task: Ints, worker: Ints, label: Labels, labels: int) -> Material:
    """A log as the search takes it, of which the times are not known."""
    model = Categorical.fit(task, worker, label, labels)
    # Of a repeated judgment the last one counts.
    _, last = np.unique((worker.astype(np.int64) << 32 | task)[::-1], return_index=True)
    rows = np.sort(len(task) - 1 - last)
    rows = rows[np.argsort(worker[rows], kind="stable")]
    length = np.bincount(worker[rows], minlength=model.worker_count).astype(np.int32)
    start = np.cumsum(length, dtype=np.int64) - length
    paces, unused = np.zeros(len(rows), np.uint8), np.zeros(0, np.int64)
    course = Rows(start, length, length, task[rows], paces, unused)
    return Material(labels, model.worker_count, copy_votes(model), course)


def _search(crowd: Colluding) -> list[Finding]:
    return search(material(crowd.task, crowd.worker, crowd.label, crowd.labels), RATE)


def _score(crowd: Colluding, tally: Tally, seeds: int) -> None:
    found = [finding for finding in _search(crowd) if finding.kind in GROUPS]
    for finding in found:
        rings = crowd.ring[finding.workers]
        copiers = rings[rings >= 0]
        tally.suspected += len(rings)
        tally.rightly += len(copiers)
        tally.found += int(np.bincount(copiers).max(initial=0))
    tally.copiers += int((crowd.ring >= 0).sum())
    others = crowd.ring[crowd.worker] < 0
    scored = np.unique(crowd.task[others])
    rows = np.arange(len(crowd.task))
    for name, kept in (
        ("as_is", rows),
        ("joined", joined(crowd.task, crowd.worker, crowd.label, found)),
        ("without", rows[others]),
    ):
        model = Categorical.fit(
            crowd.task[kept], crowd.worker[kept], crowd.label[kept], crowd.labels
        )
        right = model.consensus(scored).label == crowd.truth[scored]
        setattr(tally, name, getattr(tally, name) + 100 * float(right.mean()) / seeds)


def joined(task: Ints, worker: Ints, label: Labels, found: list[Finding]) -> npt.NDArray[np.intp]:
    """The judgments that count when groups are joined: of a group's to a task the earliest of the
    answer that most of its members gave."""
    kept = np.ones(len(task), np.bool_)
    for finding in found:
        of_group: dict[int, list[int]] = {}
        for row in np.flatnonzero(np.isin(worker, finding.workers)):
            of_group.setdefault(int(task[row]), []).append(int(row))
        for rows in of_group.values():
            kept[rows] = False
            answers = label[rows].tolist()
            kept[max(rows, key=lambda row: (answers.count(label[row]), -row))] = True
    return np.flatnonzero(kept)


def _large() -> float:
    """Seconds of a search where pairs must be picked."""
    rng = np.random.default_rng(1)
    task = np.repeat(np.arange(LARGE_TASKS, dtype=np.int32), LARGE_OVERLAP)
    worker = rng.integers(0, LARGE_WORKERS, len(task)).astype(np.int32)
    truth = rng.integers(0, 4, LARGE_TASKS)
    wrong = rng.random(len(task)) < 0.25
    label = ((truth[task] + wrong * rng.integers(1, 4, len(task))) % 4).astype(np.int16)
    given = material(task, worker, label, 4)
    began = time.perf_counter()
    search(given, RATE)
    return time.perf_counter() - began


def _tabulate(
    report: Report, rings: Mapping[str, Tally], honest: Mapping[str, list[Finding]]
) -> None:
    rows: list[list[Cell]] = [
        [
            name,
            tally.precision,
            tally.recall,
            float(sum(len(finding.workers) for finding in honest[name])),
            tally.as_is,
            tally.joined,
            tally.without,
        ]
        for name, tally in rings.items()
    ]
    headings = ["copiers among\nsuspected, %", "copiers\nfound, %", "suspected in\nhonest crowds"]
    headings += ["right\nas it is, %", "joined, %", "without\ncopiers, %"]
    report.table("Copying, at a false discovery rate of 1 %", ["", *headings], list(rows))

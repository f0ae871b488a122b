"""From files of judgments to files of consensus, without a server or a database."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from api.tables.errors import LabelsMissing, RowsUnusable, TableError
from api.tables.folder import OutFolder
from api.tables.gold import Gold, read_gold
from api.tables.judgments import Judgments, Reading, read_judgments
from api.tables.quarantine import QUARANTINE, Quarantine
from api.tables.results import (
    CONFUSION,
    CONSENSUS,
    WORKERS,
    write_confusion,
    write_consensus,
    write_workers,
)
from engine import Categorical, Consensus, WorkerStats
from engine.agreement import krippendorff_alpha, score_against_gold
from engine.calibrating import Error, calibrate, distance
from engine.population import Population
from engine.reputation import Reputations, everyone

FILES = (CONSENSUS, WORKERS, CONFUSION, QUARANTINE)

# Called with what is being done, how much of it is done, and how much it is in all, if known.
Report = Callable[[str, float, float | None], None]


@dataclass(frozen=True)
class Check:
    """The consensus that was reached without the gold, against the gold.

    tasks: tasks with gold. consensus, majority: points, of 1 a task and 1/n for a tie of n labels,
    over tasks. settled, settled_right: of these tasks, how many reached the target confidence, and
    how many of those are right. error: how far confidence is off, learned without the gold.
    disputed: gold that the judgments speak against.
    """

    tasks: int
    consensus: float
    majority: float
    settled: int
    settled_right: float
    error: Error
    disputed: "Disputed"


@dataclass(frozen=True)
class Disputed:
    """Gold tasks that settle on another label when the gold is not shown, the least likely gold
    first.

    task: int32[n]. label, confidence: the consensus without gold. agreeing: int64[n], judgments
    that say what the gold says.
    """

    task: npt.NDArray[np.int32]
    label: npt.NDArray[np.int16]
    confidence: npt.NDArray[np.float64]
    agreeing: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Aggregation:
    """What came out, and what was made of the input.

    model has seen the gold; check has not. settled: bool[tasks], the target confidence is reached.
    alpha: Krippendorff's, nan where it is not defined. quarantined: rows of both files; refused:
    what there is to say about them, None if there are none.
    """

    judgments: Judgments
    gold: Gold | None
    model: Categorical
    consensus: Consensus
    workers: WorkerStats
    reputations: Reputations
    settled: npt.NDArray[np.bool_]
    alpha: float
    check: Check | None
    quarantined: int
    refused: str | None


def aggregate(
    judgments_path: str,
    gold_path: str | None,
    folder: OutFolder,
    reading: Reading,
    target: float,
    report: Report,
) -> Aggregation:
    """Read, fit, check and write. The folder has the files when this returns.

    Raises a TableError if nothing can be made of the input; rows that could not be used are in
    the folder's quarantine then too, and the error says so, RowsUnusable itself, others in a note.
    """
    quarantine = Quarantine(folder)
    try:
        judgments, gold = _read(judgments_path, gold_path, quarantine, reading, report)
    except TableError as error:
        if quarantine.count:
            folder.commit(folder.earlier, keep_others=True)
            if not isinstance(error, RowsUnusable):
                error.add_note(quarantine.sentence())
        raise
    report("Preparing the engine, which takes some seconds the first time", 0.0, None)
    nothing = np.zeros(1, np.int32)
    Categorical.fit(nothing, nothing, nothing.astype(np.int16), len(judgments.labels))
    check = None if gold is None else _check(judgments, gold, target, report)
    model = _fit(judgments, None if gold is None else gold.label, report)
    calibrate(model)
    tasks = np.arange(len(judgments.tasks), dtype=np.int32)
    consensus = model.consensus(tasks)
    result = Aggregation(
        judgments=judgments,
        gold=gold,
        model=model,
        consensus=consensus,
        workers=model.workers(np.arange(len(judgments.workers), dtype=np.int32)),
        reputations=everyone(Population.of(model), model, None),
        settled=consensus.confidence >= target,
        alpha=krippendorff_alpha(judgments.task, judgments.label, len(judgments.labels)),
        check=check,
        quarantined=quarantine.count,
        refused=quarantine.sentence() if quarantine.count else None,
    )
    _write(folder, result, judgments_path, gold_path, target, report)
    return result


def _read(
    judgments_path: str,
    gold_path: str | None,
    quarantine: Quarantine,
    reading: Reading,
    report: Report,
) -> tuple[Judgments, Gold | None]:
    def reports(name: str) -> Callable[[int, int | None], None]:
        return lambda done, total: report(f"Reading {name}", done, total)

    refuse = quarantine.of(judgments_path)
    judgments = read_judgments(judgments_path, reading, refuse, reports(judgments_path))
    gold = None
    if gold_path is not None:
        refuse = quarantine.of(gold_path)
        judgments, gold = read_gold(gold_path, judgments, reading, refuse, reports(gold_path))
    if len(judgments.labels) < 2:
        raise LabelsMissing(
            name=judgments.name, count=len(judgments.task), label=judgments.labels[0]
        )
    return judgments, gold


def _fit(judgments: Judgments, gold: npt.NDArray[np.int16] | None, report: Report) -> Categorical:
    doing = "Fitting" if gold is None else "Fitting with gold"
    report(doing, 0.0, 1.0)
    return Categorical.fit(
        judgments.task,
        judgments.worker,
        judgments.label,
        len(judgments.labels),
        gold,
        lambda done: report(doing, done, 1.0),
    )


def _check(judgments: Judgments, gold: Gold, target: float, report: Report) -> Check:
    blind = _fit(judgments, None, report)
    calibrate(blind)
    tasks = np.flatnonzero(gold.label >= 0).astype(np.int32)
    known = gold.label[tasks]
    chances = blind.posterior(tasks)
    points = score_against_gold(chances, known)
    row_of = np.full(len(judgments.tasks), -1, np.int64)
    row_of[tasks] = np.arange(len(tasks))
    checked = row_of[judgments.task] >= 0
    votes = np.zeros((len(tasks), len(judgments.labels)))
    np.add.at(votes, (row_of[judgments.task[checked]], judgments.label[checked]), 1.0)
    consensus = blind.consensus(tasks)
    settled = consensus.confidence >= target
    places = np.arange(len(tasks))
    likely, agreeing = chances[places, known], votes[places, known].astype(np.int64)
    disputed = np.flatnonzero(settled & (consensus.label != known))
    disputed = disputed[np.lexsort((-consensus.judgments[disputed], likely[disputed]))]
    return Check(
        tasks=len(tasks),
        consensus=float(points.sum()),
        majority=float(score_against_gold(votes, known).sum()),
        settled=int(settled.sum()),
        settled_right=float(points[settled].sum()),
        error=distance(consensus.confidence, consensus.label == known),
        disputed=Disputed(
            task=tasks[disputed],
            label=consensus.label[disputed],
            confidence=consensus.confidence[disputed],
            agreeing=agreeing[disputed],
        ),
    )


def _write(
    folder: OutFolder,
    result: Aggregation,
    judgments_path: str,
    gold_path: str | None,
    target: float,
    report: Report,
) -> None:
    report("Writing", 0.0, None)
    judgments, check = result.judgments, result.check
    write_consensus(folder.create(CONSENSUS), judgments, result.model)
    write_workers(folder.create(WORKERS), judgments, result.workers, result.reputations)
    write_confusion(folder.create(CONFUSION), judgments, result.model)
    folder.commit(
        {
            "judgments_file": judgments_path,
            "gold_file": gold_path,
            "judgments": len(judgments.task),
            "tasks": len(judgments.tasks),
            "workers": len(judgments.workers),
            "labels": judgments.labels,
            "duplicates": judgments.duplicates,
            "revised": judgments.revised,
            "quarantined": result.quarantined,
            "target_confidence": target,
            "settled": int(result.settled.sum()),
            "krippendorff_alpha": None if np.isnan(result.alpha) else round(result.alpha, 6),
            "gold_tasks": check and check.tasks,
            "accuracy_without_gold": check and round(check.consensus / check.tasks, 6),
            "calibration_error_without_gold": check
            and (None if np.isnan(check.error.value) else round(check.error.value, 6)),
            "accuracy_of_majority_vote": check and round(check.majority / check.tasks, 6),
        }
    )

"""The result files: consensus.csv, workers.csv and confusion.csv."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from api.tables.folder import OutFile
from api.tables.judgments import Judgments
from api.tables.writing import write_header, write_rows
from engine import Categorical, WorkerStats
from engine.reputation import Reputations

CONSENSUS, WORKERS, CONFUSION = "consensus.csv", "workers.csv", "confusion.csv"

_CELLS = 1 << 22  # numbers held at once while writing
_SMALLEST = 5e-4  # expected counts below are noise of the arithmetic and are left out


def write_consensus(file: OutFile, judgments: Judgments, model: Categorical) -> None:
    """Write a row for each task: task, label, confidence, and the probability of each label."""
    labels = pa.array(judgments.labels, pa.string())
    probabilities = [f"p_{label}" for label in judgments.labels]
    write_header(file, ["task", "label", "confidence", *probabilities])
    step = max(1, _CELLS // len(labels))
    for start in range(0, len(judgments.tasks), step):
        tasks = np.arange(start, min(start + step, len(judgments.tasks)), dtype=np.int32)
        consensus = model.consensus(tasks)
        names = judgments.tasks.slice(start, len(tasks))
        chosen = labels.take(pa.array(consensus.label))
        write_rows(file, [names, chosen, consensus.confidence, *model.probabilities(tasks).T])


def write_workers(
    file: OutFile, judgments: Judgments, stats: WorkerStats, known: Reputations
) -> None:
    """Write a row for each worker: how many judgments, how good, how sure that is."""
    columns: dict[str, npt.NDArray[np.int32] | npt.NDArray[np.float64]] = {
        "judgments": stats.judgments,
        "accuracy": known.accuracy.value,
        "accuracy_low": known.accuracy.low,
        "accuracy_high": known.accuracy.high,
        "bits": known.bits.value,
        "bits_low": known.bits.low,
        "bits_high": known.bits.high,
        "agreement": known.agreement.value,
        "agreement_low": known.agreement.low,
        "agreement_high": known.agreement.high,
        "gold_right": stats.gold_right,
        "gold_total": stats.gold_total,
    }
    write_header(file, ["worker", *columns])
    write_rows(file, [judgments.workers, *columns.values()])


def write_confusion(file: OutFile, judgments: Judgments, model: Categorical) -> None:
    """Write how often each worker gave each answer to tasks of each true label, as expected under
    the posteriors: over a worker's rows the counts add up to its judgments.
    """
    write_header(file, ["worker", "true_label", "answered_label", "expected_count"])
    labels = pa.array(judgments.labels, pa.string())
    K = len(labels)
    order = np.argsort(judgments.worker, kind="stable")
    ends = np.cumsum(np.bincount(judgments.worker, minlength=len(judgments.workers)))
    for first, last in _spans(ends, K):
        rows = order[ends[first - 1] if first else 0 : ends[last - 1]]
        worker = judgments.worker[rows].astype(np.int64) - first
        cell = (worker[:, None] * K + np.arange(K)) * K + judgments.label[rows, None]
        chances = model.posterior(judgments.task[rows])
        counts = np.bincount(cell.ravel(), chances.ravel(), (last - first) * K * K)
        found = np.flatnonzero(counts >= _SMALLEST)
        columns = [
            judgments.workers.take(pa.array(found // (K * K) + first)),
            labels.take(pa.array(found // K % K)),
            labels.take(pa.array(found % K)),
            np.round(counts[found], 3),
        ]
        write_rows(file, columns)


def _spans(ends: Sequence[int] | npt.NDArray[np.int64], K: int) -> list[tuple[int, int]]:
    """Cut the workers into spans whose judgments and matrices fit in the memory set apart."""
    spans, first, begin = [], 0, 0
    for worker, end in enumerate(ends):
        if worker > first and max((worker + 1 - first) * K * K, (end - begin) * K) > _CELLS:
            spans.append((first, worker))
            first, begin = worker, int(ends[worker - 1])
    spans.append((first, len(ends)))
    return spans

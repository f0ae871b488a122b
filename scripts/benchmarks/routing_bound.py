"""What could be had at best: accuracy against judgments where workers' confusion is known."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from scripts.benchmarks.routing_work import SimulatedWork

Floats = npt.NDArray[np.float64]

SMOOTHING = 2.0  # answers of the population that are added to each row of a matrix
LEAST = 1e-9  # of a probability


def known(work: SimulatedWork, floor: int, overlap: int, looks: Sequence[int]) -> Floats:
    """Accuracy after so many judgments each, by Bayes' rule from the true confusion matrices and
    frequencies of the classes, the most doubtful task going first.

    A task has at least `floor` judgments before that and at most `overlap`. What is shared by
    errors of several workers stays unknown, so that no bound is meant in the strict sense.
    """
    tasks, labels = len(work.truth), work.labels
    confusion = np.log(_matrices(work) + LEAST)
    frequency = np.bincount(work.truth, minlength=labels) / tasks
    belief = np.tile(np.log(frequency + LEAST), (tasks, 1))
    doubt = np.full(tasks, 1 - frequency.max())
    load, judged = np.zeros(tasks, np.int64), np.zeros((len(confusion), tasks), np.bool_)
    done, spent = np.zeros(len(confusion), np.int64), 0
    due, seen = set(looks), {}
    for worker in work.arrivals.tolist():
        if spent == max(looks):
            break
        free = ~judged[worker] & (load < overlap)
        if not free.any():
            continue
        lacking = np.minimum(load, floor)
        free &= lacking == lacking[free].min()
        task = int(np.argmax(np.where(free, doubt, -1.0)))
        belief[task] += confusion[worker, :, work.answer(worker, task, int(done[worker]))]
        weight = np.exp(belief[task] - belief[task].max())
        doubt[task] = 1 - weight.max() / weight.sum()
        judged[worker, task] = True
        load[task] += 1
        done[worker] += 1
        spent += 1
        if spent in due:
            seen[spent] = float((belief.argmax(1) == work.truth).mean())
    return np.interp(looks, list(seen), list(seen.values()))


def _matrices(work: SimulatedWork) -> Floats:
    """Probabilities [workers, true, answered], from the rested workers' answers to all tasks."""
    answers = work.rested
    counts = np.zeros((len(answers), work.labels, work.labels))
    for worker, given in enumerate(answers):
        np.add.at(counts[worker], (work.truth, given), 1)
    whole = counts.sum(0) / np.maximum(counts.sum((0, 2)), 1)[:, None]
    matrices: Floats = (counts + SMOOTHING * whole) / (counts.sum(2, keepdims=True) + SMOOTHING)
    return matrices

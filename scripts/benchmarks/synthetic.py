"""Judgments of a simple crowd, made fast: for speed and memory, not for accuracy."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

_FILES = ("task", "worker", "label")


@dataclass(frozen=True)
class Crowd:
    """task, worker int32[n], label int16[n]: the judgments, each (task, worker) once."""

    labels: int
    task: npt.NDArray[np.int32]
    worker: npt.NDArray[np.int32]
    label: npt.NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.task)

    def save(self, folder: Path) -> None:
        """Write the columns, for another process to load."""
        for name in _FILES:
            np.save(folder / f"{name}.npy", getattr(self, name))

    @classmethod
    def load(cls, folder: Path, labels: int) -> "Crowd":
        """What was saved."""
        return cls(labels, *(np.load(folder / f"{name}.npy") for name in _FILES))


def crowd(
    judgments: int, redundancy: int, workers: int, labels: int, *, shuffled: bool, seed: int = 1
) -> Crowd:
    """Judgments on judgments / redundancy tasks, in order of task or shuffled.

    A task's workers differ; a worker is right with a probability of its own, 0.55 to 0.95, and
    otherwise says any other label. Raises ValueError if the workers are too few for the redundancy.
    """
    if workers < redundancy:
        raise ValueError(f"{workers} workers cannot give a task {redundancy} judgments")
    rng = np.random.default_rng(seed)
    tasks = max(judgments // redundancy, 1)
    task = np.repeat(np.arange(tasks, dtype=np.int32), redundancy)
    # A stride that comes round only after all judgments of the task keeps its workers apart.
    start = rng.integers(workers, size=tasks)
    stride = rng.integers(1, workers // redundancy + 1, size=tasks)
    steps = np.arange(redundancy)
    worker = ((start[:, None] + stride[:, None] * steps) % workers).astype(np.int32).ravel()
    truth = rng.integers(labels, size=tasks, dtype=np.int16)[task]
    right = rng.random(len(task), np.float32) < rng.uniform(0.55, 0.95, workers)[worker]
    miss = rng.integers(1, labels, size=len(task), dtype=np.int16)
    label = np.where(right, truth, (truth + miss) % labels).astype(np.int16)
    if not shuffled:
        return Crowd(labels, task, worker, label)
    order = rng.permutation(len(task))
    return Crowd(labels, task[order], worker[order], label[order])

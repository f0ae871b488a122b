"""Models of the demo's crowd, whose workers are known."""

import numpy as np
import numpy.typing as npt

from engine import Categorical
from engine import crowd as crowds
from engine.records import Heard

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]


def people(count: int) -> Ints:
    return np.arange(count, dtype=np.int32)


def nobody_heard(labels: int) -> Heard:
    return Heard.of(Categorical(labels))


def judged(
    seed: int, tasks: int = 200, workers: int = 40, overlap: int = 5, gold: float = 0.1
) -> tuple[Categorical, Floats, npt.NDArray[np.int8]]:
    """A model of the demo's crowd, what its workers' accuracy is, and of what kind they are."""
    rng = np.random.default_rng(seed)
    crew = crowds.draw_workers(rng, workers, 4)
    items = crowds.draw_items(rng, tasks + 2000, 4)
    task = np.repeat(np.arange(tasks, dtype=np.int32), overlap)
    worker = np.concatenate([rng.permutation(workers)[:overlap] for _ in range(tasks)])
    label = crowds.answers(crew, items, worker, task, rng)
    rest = np.arange(tasks, tasks + 2000)
    accuracy = np.array(
        [
            crowds.chances(crew, items, w, rest)[people(2000), items.truth[rest]].mean()
            for w in range(workers)
        ]
    )
    known = np.where(rng.random(tasks) < gold, items.truth[:tasks], -1).astype(np.int16)
    model = Categorical.fit(task, worker.astype(np.int32), label, 4, known)
    return model, accuracy, crew.kind

"""How far the beliefs of a model are to be trusted: what its calibration is learned from.

Gold tells it: what would be believed of a gold task were it not known, and is that right? So do
held-out judgments: what is believed of a task without one of its judgments foresees that judgment,
worse than it says where beliefs are too strong. But judgments share errors, so that these only move
where learning from gold starts.

Both are hidden from a fit of their own, a part at a time. To take them out of a model that has
learned from them is not enough: through other tasks' posteriors it still knows what they said, and
was right on gold four points more often than on other tasks (simulated crowds, five labels).
"""

from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from engine.answers import answers_with_labels
from engine.categorical import Categorical
from engine.kernels.forms import ABILITY_STRENGTH, HITS, LEARNED, population_accuracy

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Labels = npt.NDArray[np.int16]
Bools = npt.NDArray[np.bool_]

FOLDS = 5
# Judgments that are looked at, of tasks drawn evenly from all: so many a worker that the fits know
# it about as well as the model does, but not fewer than LEAST nor more than MOST.
JUDGMENTS_A_WORKER = 100
LEAST_JUDGMENTS, MOST_JUDGMENTS = 100_000, 300_000
MOST_COUNTS = 1 << 23  # numbers in the workers' confusion matrices, likewise
ENOUGH_GOLD = 4096  # gold tasks: as many, where there are, however few tasks are drawn
MOST_HELD_OUT = 2048  # judgments


class Evidence(NamedTuple):
    """What was seen of how far beliefs are to be trusted.

    Of g gold tasks, believed in as if the gold were not known: belief float64[g], judgments
    int32[g], right bool[g]. Of h judgments held out, of different tasks without gold: foreseen
    float64[h], the probability by the model of the answer that the others are for; met bool[h],
    whether it was given. Of the same tasks with all judgments: believed float64[h].
    """

    labels: int
    belief: Floats
    judgments: Ints
    right: Bools
    foreseen: Floats
    met: Bools
    believed: Floats

    def part(self, rows: Bools) -> Self:
        """The same with only some of the gold tasks."""
        return self._replace(
            belief=self.belief[rows], judgments=self.judgments[rows], right=self.right[rows]
        )


class Sample(NamedTuple):
    """Judgments of a model, copied: all of some tasks. task, worker int32[n]; label int16[n]; gold
    int16[T], -1 for none. shown: tasks before this one were drawn evenly; of the others, more gold,
    no fit is told that they are gold, for it would know its workers too well."""

    labels: int
    task: Ints
    worker: Ints
    label: Labels
    gold: Labels
    shown: int

    @classmethod
    def of(cls, model: Categorical) -> Self:
        """Of a model as it is. Cost: some 10 ns a judgment, and one look at each task."""
        length = model.votes.length[: model.task_count]
        judged = np.flatnonzero(length).astype(np.int32)
        cells = model.labels ** (2 if model.has_matrices else 1)
        judgments, workers = model.judgment_count, model.worker_count
        enough = min(max(JUDGMENTS_A_WORKER * workers, LEAST_JUDGMENTS), MOST_JUDGMENTS)
        parts = max(judgments / enough, workers * cells / MOST_COUNTS, 1.0)
        some = judged[(np.arange(len(judged) / parts) * parts).astype(np.int64)]
        more = np.setdiff1d(judged[model.votes.gold[judged] >= 0], some)
        lacking = ENOUGH_GOLD - int(np.count_nonzero(model.votes.gold[some] >= 0))
        more = more[:: len(more) // max(lacking, 1) + 1] if lacking > 0 else more[:0]
        both = np.concatenate([some, more])
        task, worker, label = answers_with_labels(model, both)
        return cls(model.labels, task, worker, label, model.votes.gold[both], len(some))

    def examine(self) -> Evidence:
        """Hide gold and judgments from a fit of the rest. Cost: FOLDS batch fits."""
        worker: Ints = np.unique(self.worker, return_inverse=True)[1].astype(np.int32)
        length = np.bincount(self.task, minlength=len(self.gold)).astype(np.int32)
        golden = np.flatnonzero(self.gold >= 0)
        others = np.flatnonzero((self.gold < 0) & (length > 1))
        others = others[:: len(others) // MOST_HELD_OUT + 1]
        # Which judgment of a task: another one each time, by place.
        row = (np.cumsum(length) - length)[others] + np.arange(len(others)) % length[others]
        panel = _panel(self.gold, length)
        among = np.arange(len(worker)) - np.repeat(np.cumsum(length) - length, length)
        belief, right = np.empty(len(golden)), np.empty(len(golden), np.bool_)
        foreseen, met = np.empty(len(others)), np.empty(len(others), np.bool_)
        believed = np.empty(len(others))
        for fold in range(FOLDS if len(golden) + len(others) else 0):
            hidden, held = golden[fold::FOLDS].astype(np.int32), row[fold::FOLDS]
            gold, kept = self.gold.copy(), np.ones(len(worker), np.bool_)
            gold[self.shown :] = -1
            gold[hidden] = -1
            kept[held] = False
            # Gold is shown more often than other tasks are.
            beyond = (among + self.task) % length[self.task] >= panel
            kept[beyond & np.isin(self.task, hidden)] = False
            model = Categorical.fit(
                self.task[kept], worker[kept], self.label[kept], self.labels, gold
            )
            now = model.beliefs(hidden)
            belief[fold::FOLDS] = now.confidence
            right[fold::FOLDS] = now.label == self.gold[hidden]
            now = model.beliefs(self.task[held])
            ability = _abilities(model, worker[held])
            wrong = (1 - ability) / (self.labels - 1)
            foreseen[fold::FOLDS] = wrong + now.confidence * (ability - wrong)
            met[fold::FOLDS] = now.label == self.label[held]
            whole = slice((fold + 1) % FOLDS, None, FOLDS)  # nothing is hidden of these
            believed[whole] = model.beliefs(others[whole].astype(np.int32)).confidence
        judgments = np.minimum(length[golden], panel)
        return Evidence(self.labels, belief, judgments, right, foreseen, met, believed)


def _panel(gold: Labels, length: Ints) -> int:
    """How many judgments tasks without gold have, on the average."""
    others = length[gold < 0]
    return max(round(float(others.mean())), 1) if len(others) else int(length.max(initial=1))


def _abilities(model: Categorical, workers: Ints) -> Floats:
    """Accuracy [n] that a model takes workers to have, also those it has not seen."""
    accuracy = population_accuracy(model.tables.totals)
    ability = np.full(len(workers), accuracy)
    known = workers < model.worker_count
    people = model.tables.people[workers[known]]
    right = people[:, HITS] + ABILITY_STRENGTH * accuracy
    ability[known] = right / (people[:, LEARNED] + ABILITY_STRENGTH)
    return ability

"""What we stand by: the label of each task, and how sure it is."""

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.jit import kernel
from engine.kernels import forms
from engine.kernels.calibration import calibrated
from engine.kernels.forms import implement
from engine.kernels.full import FullTables
from engine.kernels.stream import LABELS, TASKS_SEEN
from engine.kernels.votes import Votes
from engine.kernels.wide import WideTables

Ints = npt.NDArray[np.int32]
Labels = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float64]


def _full_top(votes: Votes, tables: FullTables, task: int) -> tuple[int, float]:
    if votes.gold[task] >= 0:
        return votes.gold[task], 1.0
    top = 0
    for k in range(tables.posterior.shape[1]):
        if tables.posterior[task, k] > tables.posterior[task, top]:
            top = k
    return top, tables.posterior[task, top]


def _wide_top(votes: Votes, tables: WideTables, task: int) -> tuple[int, float]:
    if votes.gold[task] >= 0:
        return votes.gold[task], 1.0
    first = votes.start[task]
    top = first
    for row in range(first + 1, first + votes.length[task]):
        if tables.mass[row] > tables.mass[top] or (
            tables.mass[row] == tables.mass[top] and votes.label[row] < votes.label[top]
        ):
            top = row
    return votes.label[top], tables.mass[top]


implement(forms.top, FullTables, 1)(_full_top)
implement(forms.top, WideTables, 1)(_wide_top)


@kernel
def consensus(
    memory: Any,
    tasks: Ints,
    parameters: Floats,
    label: Labels,
    confidence: Floats,
    judgments: Ints,
    gold: Labels,
) -> None:
    """Fill in what a `Consensus` of some tasks [n] says.

    parameters: those of the calibration; without any, confidence is what the model believes.
    """
    votes = memory.votes
    labels, known = memory.progress[LABELS], memory.progress[TASKS_SEEN]
    for i in range(tasks.shape[0]):
        task = tasks[i]
        label[i], confidence[i], judgments[i], gold[i] = -1, 0.0, 0, -1
        if task >= known:
            continue
        judgments[i], gold[i] = votes.length[task], votes.gold[task]
        if judgments[i] == 0 and gold[i] < 0:
            continue
        label[i], belief = forms.top(votes, memory.live, task)
        if parameters.shape[0] > 0 and gold[i] < 0:
            belief = calibrated(belief, judgments[i], labels, parameters)
        confidence[i] = belief

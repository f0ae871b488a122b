"""Where learning a calibration begins: the constants of `engine.calibration` and `calibrating`.

Of each simulated crowd the most probable parameters are sought with all of the truth, on what is
believed without gold. They are regressed on the number of labels and on how far held-out judgments
surprise; how much is left is how far a project may be from its start.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from engine import Categorical
from engine.calibrating import SPREAD, surprise
from engine.calibration import BY_LABELS, BY_SURPRISE, MEAN
from engine.kernels.calibration import PARAMETERS, look
from engine.trust import Sample
from scripts.benchmarks.crowds import PLANS, simulate
from scripts.benchmarks.report import Cell, Report

Floats = npt.NDArray[np.float64]

FIRST_SEED: Final = 100  # other crowds than those that errors are measured on
RIDGE: Final = 0.5  # weight of the parameters of all crowds taken together, in tasks
STEPS: Final = 30


def fit(report: Report, seeds: int, only: Sequence[str] | None) -> None:
    """Add the constants as they come out, beside those in force."""
    names = [name for name in PLANS if not only or name in only]
    columns: list[Floats] = []
    rights: list[Floats] = []
    known: list[tuple[float, float, float]] = []
    with report.progress() as progress:
        doing = progress.add_task("", total=len(names) * seeds)
        for name in names:
            for seed in range(FIRST_SEED, FIRST_SEED + seeds):
                progress.update(doing, description=name)
                crowd = simulate(PLANS[name], seed)
                model = Categorical.fit(crowd.task, crowd.worker, crowd.label, crowd.labels)
                tasks = np.arange(len(crowd.truth), dtype=np.int32)
                now = model.beliefs(tasks)
                seen = np.empty((len(tasks), PARAMETERS))
                look(now.confidence, now.judgments, crowd.labels, seen)
                columns.append(seen)
                rights.append((now.label == crowd.truth).astype(np.float64))
                odd = surprise(Sample.of(model).examine())
                known.append((1.0, float(np.log(crowd.labels - 1)), odd))
                progress.advance(doing)
    common = _most_probable(np.concatenate(columns), np.concatenate(rights), np.zeros(PARAMETERS))
    found = np.array([_most_probable(*each, common) for each in zip(columns, rights, strict=True)])
    design = np.array(known)
    slopes = np.linalg.lstsq(design, found, rcond=None)[0]
    left = found - design @ slopes
    spread = left.T @ left / max(len(found) - design.shape[1], 1)
    rows: list[Sequence[Cell]] = []
    for name, new, old in zip(
        ("MEAN", "BY_LABELS", "BY_SURPRISE"), slopes, (MEAN, BY_LABELS, BY_SURPRISE), strict=True
    ):
        rows.append([name, _numbers(new), _numbers(old)])
    for place, (new, old) in enumerate(zip(spread, SPREAD, strict=True)):
        rows.append([f"SPREAD, row {place}", _numbers(new), _numbers(old)])
    report.table("Constants: base, gain, toll", ["", "fitted", "in force"], rows)


def _most_probable(columns: Floats, right: Floats, about: Floats) -> Floats:
    """Parameters of the logistic regression, drawn to those about which crowds lie."""
    found = about.copy()
    weight = RIDGE * np.eye(PARAMETERS)
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-columns @ found))
        slope = columns.T @ (right - chance) - weight @ (found - about)
        bend = (columns * (chance * (1 - chance))[:, None]).T @ columns + weight
        found = found + np.linalg.solve(bend, slope)
    return found


def _numbers(row: Floats) -> str:
    return ", ".join(f"{each:.3f}" for each in row)

"""The picture of accuracy against judgments."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def draw(
    path: Path, steps: Floats, curves: Mapping[str, Floats], majority: float, fixed: int
) -> None:
    """Write a PNG of the accuracy of each mode at each step (judgments a task), and a line at the
    accuracy of majority vote at the last."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for mode, curve in curves.items():
        axes.plot(steps, 100 * curve, label=mode, linewidth=1.8)
    axes.axhline(
        100 * majority, color="grey", linestyle="--", label=f"majority vote, fixed overlap {fixed}"
    )
    axes.set_xlabel("judgments a task, on the average")
    axes.set_ylabel("tasks with the right label, %")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)

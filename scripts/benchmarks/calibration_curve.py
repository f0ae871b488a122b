"""The picture of the share that is right against confidence."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def draw(path: Path, curves: Mapping[str, tuple[Floats, Floats]]) -> None:
    """Write a PNG of curves, each of confidences and the shares that are right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", label="what it should be")
    for way, (confidence, right) in curves.items():
        axes.plot(confidence, right, marker="o", markersize=4, label=way)
    axes.set_xlabel("confidence")
    axes.set_ylabel("share of these tasks with the right label")
    axes.set_xlim(0.3, 1)
    axes.set_ylim(0.3, 1)
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)

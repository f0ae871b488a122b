"""What judgments took, in steps of quarter octaves: one byte each."""

import numpy as np
import numpy.typing as npt

from engine.kernels.verdict import PACES

Float32s = npt.NDArray[np.float32]
Steps = npt.NDArray[np.uint8]

SHORTEST = 1 / 16  # seconds; who takes less takes no time


def steps_of(seconds: Float32s) -> Steps:
    """The step of each time, 1 at a sixteenth of a second; 0 where the time is NaN, unknown."""
    steps: Float32s = np.floor(4 * np.log2(np.fmax(seconds, SHORTEST))) + 17
    np.minimum(steps, PACES - 1, out=steps)
    steps[np.isnan(seconds)] = 0
    return steps.astype(np.uint8)


def seconds_of(steps: Steps) -> Float32s:
    """The middle of each step; NaN where unknown."""
    return np.where(steps > 0, np.exp2((steps - 16.5) / 4), np.nan).astype(np.float32)

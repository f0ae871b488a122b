"""Work that tests have done in another process, with hardly anything to import there."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

SAYS = "BASANITE_TEST_SAYS"  # the variable with the file in which `hang` says where it is


@dataclass(frozen=True)
class Given:
    """What work may be given: arrays of several types, among other things."""

    name: str
    many: npt.NDArray[np.int32]
    few: npt.NDArray[np.bool_]
    none: npt.NDArray[np.float64]


def look(given: Given, times: int) -> tuple[int, int, npt.NDArray[np.int32], str]:
    """Where this is done, and what of it."""
    print("what is printed is in nobody's way")
    given.many[0] *= times  # it may be changed
    assert given.few.tolist() == [True, False]
    assert len(given.none) == 0
    return os.getpid(), os.nice(0), given.many, given.name


def fail() -> None:
    """Fail."""
    raise ValueError("it does not work out")


def hang(*given: object) -> None:
    """Say in a file which process this is, and go on for ever."""
    del given
    Path(os.environ[SAYS]).write_text(str(os.getpid()))
    while True:
        time.sleep(3600)

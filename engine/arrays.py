"""Arrays that grow where they are."""

from typing import Any

import numpy as np
import numpy.typing as npt

FIRST_ROWS = 1024


def grow(array: npt.NDArray[Any], rows: int) -> None:
    """Make `array` at least `rows` long on its first axis; what is new is zero.

    It grows by an eighth at least. Large arrays are moved by the kernel's page tables (realloc by
    mremap), not copied, so that growing stalls nobody. The caller must hold no view of it.
    """
    if rows <= len(array):
        return
    length = max(rows, len(array) + len(array) // 8, FIRST_ROWS)
    array.resize((length, *array.shape[1:]), refcheck=False)


def empty_rows(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """An array that owns its memory, so that `grow` can be used on it."""
    return np.zeros(shape, dtype)

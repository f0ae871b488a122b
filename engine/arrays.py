"""Arrays that grow where they are."""

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

FIRST_ROWS = 1024

Arrays = TypeVar("Arrays", bound=tuple[Any, ...])


def grown(array: npt.NDArray[Any], rows: int) -> npt.NDArray[Any]:
    """`array`, at least `rows` long on its first axis; what is new is zero.

    It grows by an eighth at least, in place: large arrays are moved by the kernel's page tables
    (realloc by mremap), not copied, so that growing stalls nobody. The caller must hold no view of
    it. An empty one is replaced, by memory that takes no room until it is written.
    """
    if rows <= len(array):
        return array
    length = max(rows, len(array) + len(array) // 8, FIRST_ROWS)
    if len(array) == 0:
        return np.zeros((length, *array.shape[1:]), array.dtype)
    array.resize((length, *array.shape[1:]), refcheck=False)
    return array


def grown_fields(arrays: Arrays, names: tuple[str, ...], rows: int) -> Arrays:
    """A named tuple of arrays in which those of these names are `grown`; others stay."""
    named: Any = arrays
    found = [name for name in names if name in named._fields]
    replaced: Arrays = named._replace(**{n: grown(getattr(named, n), rows) for n in found})
    return replaced

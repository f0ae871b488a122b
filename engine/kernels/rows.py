"""Many short lists in one pool of rows, each in the order in which its rows came.

A list that is full moves to a block of twice its size; the block it leaves is used again.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.jit import bare, kernel

FREE_LISTS = 32  # a free list for each power of two
USED = FREE_LISTS  # place in `free` of the number of rows ever used


class Rows(NamedTuple):
    """N lists in a pool of P rows."""

    start: npt.NDArray[np.int64]  # [N] first row of the list's block
    length: npt.NDArray[np.int32]  # [N]
    capacity: npt.NDArray[np.int32]  # [N] rows of the block
    member: npt.NDArray[np.int32]  # [P] whom or what the row is about
    note: npt.NDArray[Any]  # [P] what is noted of it, an integer
    free: npt.NDArray[np.int64]  # [FREE_LISTS + 1] heads of the free lists (-1 none), rows used


@bare
def _next_size(capacity: int) -> tuple[int, int]:
    """The next larger block: (exponent, rows)."""
    size = 1
    while (1 << size) <= capacity:
        size += 1
    return size, 1 << size


@bare
def has_room(rows: Rows, owner: int) -> bool:
    """Whether `append` can be called; if not, the pool must grow first."""
    if rows.length[owner] < rows.capacity[owner]:
        return True
    size, length = _next_size(rows.capacity[owner])
    fits: bool = rows.free[USED] + length <= rows.member.shape[0]
    return fits or rows.free[size] >= 0


@bare
def append(rows: Rows, owner: int, member: int, note: int) -> None:
    """Put a row at the end of the owner's list. Needs `has_room`."""
    if rows.length[owner] == rows.capacity[owner]:
        size, length = _next_size(rows.capacity[owner])
        block = rows.free[size]
        if block >= 0:
            rows.free[size] = rows.member[block]  # the first row of a free block names the next
        else:
            block = rows.free[USED]
            rows.free[USED] = block + length
        old = rows.start[owner]
        for i in range(rows.length[owner]):
            rows.member[block + i] = rows.member[old + i]
            rows.note[block + i] = rows.note[old + i]
        if rows.capacity[owner] > 0:
            rows.member[old] = rows.free[size - 1]
            rows.free[size - 1] = old
        rows.start[owner] = block
        rows.capacity[owner] = length
    row = rows.start[owner] + rows.length[owner]
    rows.member[row] = member
    rows.note[row] = note
    rows.length[owner] += 1


@bare
def remove(rows: Rows, owner: int, row: int) -> None:
    """Take a row out of the owner's list; those after it move up."""
    for i in range(row, rows.start[owner] + rows.length[owner] - 1):
        rows.member[i] = rows.member[i + 1]
        rows.note[i] = rows.note[i + 1]
    rows.length[owner] -= 1


@bare
def find(rows: Rows, owner: int, member: int, most: int) -> int:
    """The member's row among the last `most` of the owner's list, or -1. Cost: O(most)."""
    first = rows.start[owner]
    end = first + rows.length[owner]
    row = end - 1
    last = max(first, end - most)
    while row >= last:
        if rows.member[row] == member:
            return row  # type: ignore[no-any-return]
        row -= 1
    return -1


@kernel
def gather(rows: Rows, lists: int, member: npt.NDArray[np.int32], note: npt.NDArray[Any]) -> None:
    """Fill the columns with the first `lists` lists, one after the other."""
    place = 0
    for owner in range(lists):
        first = rows.start[owner]
        for row in range(first, first + rows.length[owner]):
            member[place] = rows.member[row]
            note[place] = rows.note[row]
            place += 1


@kernel
def scatter(
    rows: Rows,
    length: npt.NDArray[np.int32],
    member: npt.NDArray[np.int32],
    note: npt.NDArray[Any],
) -> None:
    """Fill empty lists with what `gather` gave. Needs twice as many rows in the pool, and two for
    each list."""
    place = 0
    for owner in range(length.shape[0]):
        if length[owner] == 0:
            continue
        block = rows.free[USED]
        while rows.capacity[owner] < length[owner]:
            rows.capacity[owner] = max(2 * rows.capacity[owner], 2)
        rows.free[USED] = block + rows.capacity[owner]
        rows.start[owner] = block
        rows.length[owner] = length[owner]
        for i in range(length[owner]):
            rows.member[block + i] = member[place + i]
            rows.note[block + i] = note[place + i]
        place += length[owner]

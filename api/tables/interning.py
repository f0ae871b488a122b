"""Text into numbers: each distinct value gets the number of its first appearance."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from api.tables.records import BLANKS

# Chunks gathered before their dictionaries are merged: few merges, and still no copy of an id for
# each block it occurs in.
MERGE = 16


@dataclass(frozen=True)
class Interned:
    """A column of text. codes: int32[n], rows of values; values: the distinct texts."""

    codes: npt.NDArray[np.int32]
    values: pa.StringArray


def intern(chunks: Iterable[list[pa.Array]], width: int) -> list[Interned]:
    """Turn `width` columns that come in chunks into numbers."""
    gathered: list[list[pa.Array]] = [[] for _ in range(width)]
    for chunk in chunks:
        if len(chunk[0]) == 0:
            continue
        for column, array in zip(gathered, chunk, strict=True):
            coded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
            column.append(coded)
            if len(column) == MERGE * 2:
                column[:] = [_merge(column[:MERGE]), *column[MERGE:]]
    return [_stripped(_merge(column)) for column in gathered]


def _merge(arrays: list[pa.Array]) -> pa.Array:
    if not arrays:
        return pa.array([], pa.string()).dictionary_encode()
    return pa.chunked_array(arrays).unify_dictionaries().combine_chunks()


def _stripped(array: pa.Array) -> Interned:
    codes = array.indices.to_numpy()
    values = array.dictionary
    stripped = pc.utf8_trim(values, BLANKS)
    if not stripped.equals(values):
        again = stripped.dictionary_encode()
        codes, values = again.indices.to_numpy()[codes], again.dictionary
    return Interned(codes, values)

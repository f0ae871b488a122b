"""Columns into CSV: quoted only where it is needed, floats as short as their rounding allows."""

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from api.tables.folder import OutFile

DECIMALS = 6
_SPECIAL = r'[",\r\n]'


def write_header(file: OutFile, names: Sequence[str]) -> None:
    """Write the row of names."""
    file.write((",".join(quote(name) for name in names) + "\n").encode())


def write_rows(file: OutFile, columns: Sequence[pa.Array | np.ndarray]) -> None:
    """Write rows, given as columns of text, whole numbers or floats; a float that is no number
    leaves its field empty.
    """
    arrays = [_written(column) for column in columns]
    if not len(arrays[0]):
        return
    table = pa.table(arrays, names=[str(place) for place in range(len(arrays))])
    texts = [array for array in arrays if pa.types.is_string(array.type)]
    if not any(pc.any(pc.match_substring_regex(text, _SPECIAL)).as_py() for text in texts):
        sink = pa.BufferOutputStream()
        options = pacsv.WriteOptions(include_header=False, quoting_style="none", batch_size=8192)
        pacsv.write_csv(table, sink, options)
        file.write(sink.getvalue())
        return
    # Arrow quotes all text or none. These rows are put together here, from the same texts.
    fields = [array.cast(pa.string()).fill_null("").to_pylist() for array in arrays]
    lines = (",".join(map(quote, row)) for row in zip(*fields, strict=True))
    file.write(("\n".join(lines) + "\n").encode())


def quote(text: str) -> str:
    """Quote a value of CSV if it needs it."""
    return '"' + text.replace('"', '""') + '"' if re.search(_SPECIAL, text) else text


def _written(column: "pa.Array | np.ndarray") -> pa.Array:
    if isinstance(column, pa.Array):
        return column
    if column.dtype.kind == "f":
        return pa.array(np.round(column.astype(np.float64), DECIMALS) + 0.0, from_pandas=True)
    return pa.array(column)

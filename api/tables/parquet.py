"""Parquet files, a batch of rows at a time."""

import io
from collections.abc import Iterator, Sequence

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from api.tables.columns import ABSENT, Column, find_columns
from api.tables.delimited import Chunk, Refuse
from api.tables.errors import ColumnNested, ParquetDamaged
from api.tables.sources import Source
from api.tables.values import Unfit, text_of

BATCH = 1 << 18


def read_parquet(
    source: Source, columns: Sequence[Column], refuse: Refuse, *, batch: int = BATCH
) -> Iterator[Chunk]:
    """Read the wanted columns of all rows, as text, stripped of blanks; only optional ones may be
    empty.

    Rows are refused by their number, counted from 1.
    """
    try:
        # The footer, at the end, says where everything is, so a stream must be held as a whole.
        file = pq.ParquetFile(source.path or io.BytesIO(source.stream.read()))
        header = file.schema_arrow.names
        places = find_columns(source.name, header, columns)
        for place, column in zip(places, columns, strict=True):
            if place != ABSENT:
                _check(source.name, file.schema_arrow.field(place), column.role)
        names = [None if place == ABSENT else header[place] for place in places]
        row = 1
        for rows in file.iter_batches(batch, columns=[name for name in names if name is not None]):
            nothing = pa.nulls(len(rows), pa.string())
            arrays = [nothing if name is None else rows.column(name) for name in names]
            yield _clean(arrays, columns, row, refuse)
            row += len(rows)
    except (pa.ArrowException, OSError) as error:
        raise ParquetDamaged(name=source.name, reason=str(error).split("\n")[0]) from error


def _check(name: str, field: pa.Field, role: str) -> None:
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise ColumnNested(column=field.name, name=name, type=field.type, role=role)


def _clean(arrays: list[pa.Array], columns: Sequence[Column], row: int, refuse: Refuse) -> Chunk:
    reasons: dict[int, str] = {}
    texts = []
    for array, column in zip(arrays, columns, strict=True):
        coded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
        values, wrong = [], {}
        for code, value in enumerate(coded.dictionary.to_pylist()):
            try:
                values.append(text_of(value))
            except Unfit as error:
                values.append("")
                wrong[code] = f"the {column.role} {error}"
        text = pa.DictionaryArray.from_arrays(coded.indices, pa.array(values, pa.string()))
        texts.append(text)
        if column.optional:
            texts[-1] = text.cast(pa.string()).fill_null("").dictionary_encode()
            continue
        blank = pc.fill_null(pc.equal(text.cast(pa.string()), ""), fill_value=True)
        for index in np.flatnonzero(blank.to_numpy(zero_copy_only=False)).tolist():
            code = coded.indices[index].as_py()
            reasons.setdefault(index, wrong.get(code, f"no {column.role}"))
    if not reasons:
        return texts
    for index in sorted(reasons):
        values = [array[index].as_py() for array in arrays]
        refuse(row + index, reasons[index], orjson.dumps(values, default=str))
    kept = np.ones(len(arrays[0]), np.bool_)
    kept[list(reasons)] = False
    return [text.filter(pa.array(kept)) for text in texts]

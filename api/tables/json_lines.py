"""JSON Lines: one object a line."""

from collections.abc import Iterator, Sequence

import orjson
import pyarrow as pa

from api.tables.columns import ABSENT, Column, find_columns
from api.tables.delimited import BLOCK, ENDLESS, Chunk, Refuse
from api.tables.errors import ColumnMissing, LineEndless
from api.tables.sources import Source
from api.tables.values import Unfit, text_of

# Objects that may lack the wanted keys before it is said that the file lacks them.
PATIENCE = 100


def read_json_lines(
    source: Source, columns: Sequence[Column], refuse: Refuse, *, block: int = BLOCK
) -> Iterator[Chunk]:
    """Read the wanted keys of all objects, stripped of blanks; only optional ones may be empty.

    The keys are told from the first object that has one for each column. Raises ColumnMissing or
    ColumnAmbiguous if there is none among the first hundred.
    """
    reader = _Reader(source, columns, refuse)
    carry, line, final = b"", 1, False
    while not final:
        more = source.stream.read(block)
        final = not more
        lines = (carry + more).split(b"\n")
        carry = b"" if final else lines.pop()
        if len(carry) > ENDLESS:
            raise LineEndless(name=source.name, line=line + len(lines), limit=ENDLESS)
        yield reader.read(lines, line)
        line += len(lines)
    if reader.keys is None and reader.missing is not None:
        raise reader.missing


class _Reader:
    def __init__(self, source: Source, columns: Sequence[Column], refuse: Refuse) -> None:
        self.keys: list[str | None] | None = None  # None for an optional one that lacks
        self.missing: ColumnMissing | None = None
        self._tried = 0
        self._source = source
        self._columns = columns
        self._refuse = refuse

    def read(self, lines: list[bytes], line: int) -> Chunk:
        found: list[list[str]] = [[] for _ in self._columns]
        for number, raw in enumerate(lines, line):
            if not raw or raw.isspace():
                continue
            try:
                row = orjson.loads(raw)
            except orjson.JSONDecodeError as error:
                self._refuse(number, f"no JSON: {_reason(error, self._source)}", raw)
                continue
            if not isinstance(row, dict):
                self._refuse(number, "no JSON object: it should be {...}", raw)
                continue
            if self.keys is None:
                self._find_keys(list(row))
            try:
                values = self._values(row)
            except Unfit as error:
                self._refuse(number, str(error), raw)
                continue
            for column, value in zip(found, values, strict=True):
                column.append(value)
        return [pa.array(column, pa.string()) for column in found]

    def _find_keys(self, header: list[str]) -> None:
        try:
            places = find_columns(self._source.name, header, self._columns)
        except ColumnMissing as error:
            self.missing = self.missing or error
            self._tried += 1
            if self._tried == PATIENCE:
                raise self.missing from None
        else:
            self.keys = [None if place == ABSENT else header[place] for place in places]

    def _values(self, row: dict[str, object]) -> list[str]:
        if self.keys is None:
            raise Unfit(
                f"not all of {', '.join(column.role for column in self._columns)} are there"
            )
        values = []
        for key, column in zip(self.keys, self._columns, strict=True):
            try:
                value = "" if key is None else text_of(row.get(key))
            except Unfit as error:
                if not column.optional:
                    raise Unfit(f"the {column.role} {error}") from None
                value = ""
            if not value and not column.optional:
                raise Unfit(f"no {column.role}")
            values.append(value)
        return values


def _reason(error: orjson.JSONDecodeError, source: Source) -> str:
    if "utf-8" in error.msg.lower():
        return f"bytes that are not {source.encoding}"
    return f"{error.msg.split(': line')[0]} at character {error.colno}"

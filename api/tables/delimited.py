"""Delimited text, a block at a time: vectorised where that is safe, row by row where it is not.

Both ways give the same rows. A block goes the fast way if its quotes are well formed and its rows
are regular; any block that is not is read again by `records`, which says what is wrong with which
row.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from api.tables.columns import ABSENT, Column, count_found, find_columns
from api.tables.errors import DelimiterUnfit, HeaderMalformed, HeaderUnreadable, LineEndless
from api.tables.records import BLANKS, QUOTE_LIMIT, Records
from api.tables.sources import Source

BLOCK = 8 << 20
ENDLESS = 64 << 20
DELIMITERS = (",", ";", "\t", "|")

# Called with the line, the reason in words and the bytes of each row that cannot be used.
Refuse = Callable[[int, str, bytes], None]
# One array of text for each wanted column, in their order.
Chunk = list[pa.Array]


@dataclass(frozen=True)
class _Layout:
    delimiter: bytes
    width: int
    places: list[int]
    columns: Sequence[Column]
    encoding: str


def read_delimited(
    source: Source,
    columns: Sequence[Column],
    refuse: Refuse,
    *,
    delimiter: str | None = None,
    block: int = BLOCK,
    fast: bool = True,
) -> Iterator[Chunk]:
    """Read the wanted columns of all rows, stripped of blanks; only optional ones may be empty.

    delimiter: None to find it among the usual ones; "tab" is understood.
    fast: False reads all rows one by one.
    Raises a TableError if the columns cannot be told.
    """
    choices = DELIMITERS if delimiter is None else (_checked(delimiter),)
    layout: _Layout | None = None
    carry, line, final = b"", 1, False
    while not final:
        more = source.stream.read(block)
        final = not more
        buffer = carry + more
        start = 0
        if layout is None:
            header = _read_header(source, buffer, line, choices, columns, final=final)
            if header is None:
                carry = buffer
                _check_end(source, carry, line)
                continue
            layout, start, line = header
            buffer = buffer[start:]
        cut = _clean_cut(buffer, layout.delimiter, final=final) if fast else None
        chunk = None if cut is None else _convert(buffer, cut, layout)
        if cut is not None and chunk is not None:
            yield chunk
            line += _count_lines(buffer, cut)
        else:
            piece = buffer if cut is None else buffer[:cut]
            records = Records(piece, layout.delimiter, line, final=final or cut is not None)
            yield _collect(records, layout, refuse)
            cut, line = records.consumed, records.line
        carry = buffer[cut:]
        _check_end(source, carry, line)


def _check_end(source: Source, carry: bytes, line: int) -> None:
    if len(carry) > ENDLESS:
        raise LineEndless(name=source.name, line=line, limit=ENDLESS)


def _checked(delimiter: str) -> str:
    delimiter = {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter)
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0 ':
        raise DelimiterUnfit(delimiter=delimiter)
    return delimiter


def _read_header(
    source: Source,
    buffer: bytes,
    line: int,
    choices: Sequence[str],
    columns: Sequence[Column],
    *,
    final: bool,
) -> tuple[_Layout, int, int] | None:
    """Read the first row under each delimiter and take the one under which it makes most sense.

    Gives the layout, the place where the rows begin, and its line; None if the header is not
    complete yet.
    """
    best: tuple[tuple[int, int], list[str], str, int, int] | None = None
    wrong: tuple[int, bytes] | None = None
    for choice in choices:
        records = Records(buffer, choice.encode(), line, final=final)
        first = next(iter(records), None)
        if first is None:
            return None
        at, fields, raw = first
        if fields is None:
            wrong = wrong or (at, raw)
            continue
        try:
            names = [field.decode().strip(BLANKS) for field in fields]
        except UnicodeDecodeError as error:
            raise HeaderUnreadable(
                name=source.name, line=at, encoding=source.encoding, reason=error.reason
            ) from None
        fitness = (count_found(names, columns), len(names))
        if best is None or fitness > best[0]:
            best = (fitness, names, choice, records.consumed, records.line)
    if best is None or (wrong is not None and best[0][0] == 0):
        at, raw = wrong or (line, b"")
        shown = raw.decode(errors="replace").strip()
        raise HeaderMalformed(name=source.name, line=at, found=shown[:200])
    _, names, choice, start, line = best
    places = find_columns(source.name, names, columns)
    layout = _Layout(choice.encode(), len(names), places, columns, source.encoding)
    return layout, start, line


def _clean_cut(buffer: bytes, delimiter: bytes, *, final: bool) -> int | None:
    """Find where the last complete row ends; None if the quotes up to there are not well formed.

    Well formed means that each opening quote begins a value, each closing one ends it, and quotes
    within a value are doubled. Then every line end before which the quotes are even ends a row.
    """
    if b'"' not in buffer:
        return len(buffer) if final else _last_line_end(buffer, len(buffer))
    text = np.frombuffer(buffer, np.uint8)
    quotes = np.flatnonzero(text == ord('"'))
    if final:
        cut = len(buffer)
    else:
        cut = _last_line_end(buffer, len(buffer))
        before = int(np.searchsorted(quotes, cut))
        if before % 2:
            cut = _last_line_end(buffer, int(quotes[before - 1]))
    quotes = quotes[quotes < cut]
    if len(quotes) % 2:
        return None
    opening, closing = quotes[0::2], quotes[1::2]
    doubled = opening[1:] == closing[:-1] + 1
    limits = np.zeros(256, np.bool_)
    limits[[ord("\n"), ord("\r"), delimiter[0]]] = True
    begins = (opening == 0) | limits[text[opening - 1]]
    begins[1:] |= doubled
    ends = (closing == len(buffer) - 1) | limits[text[np.minimum(closing + 1, len(buffer) - 1)]]
    ends[:-1] |= doubled
    near = closing - opening <= QUOTE_LIMIT
    return cut if bool((begins & ends & near).all()) else None


def _last_line_end(buffer: bytes, before: int) -> int:
    """Find the place after the last line end; a final carriage return may yet become one of two."""
    return max(buffer.rfind(b"\n", 0, before), buffer.rfind(b"\r", 0, before - 1)) + 1


def _count_lines(buffer: bytes, end: int) -> int:
    return buffer.count(b"\n", 0, end) + buffer.count(b"\r", 0, end) - buffer.count(b"\r\n", 0, end)


def _convert(buffer: bytes, end: int, layout: _Layout) -> Chunk | None:
    """Read clean rows all at once; None if some row is not regular."""
    names = [str(place) for place in range(layout.width)]
    wanted = [names[place] for place in layout.places if place != ABSENT]
    try:
        table = pacsv.read_csv(
            pa.py_buffer(memoryview(buffer)[:end]),
            read_options=pacsv.ReadOptions(column_names=names),
            parse_options=pacsv.ParseOptions(
                delimiter=layout.delimiter.decode(), newlines_in_values=b'"' in buffer
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(wanted, pa.string()), include_columns=wanted
            ),
        )
    except pa.ArrowInvalid:
        return None
    there = (column.combine_chunks().dictionary_encode() for column in table.columns)
    nothing = pa.repeat("", len(table)).dictionary_encode()
    chunk = [nothing if place == ABSENT else next(there) for place in layout.places]
    for array, column in zip(chunk, layout.columns, strict=True):
        if column.optional:
            continue
        stripped = pc.utf8_trim(array.dictionary, BLANKS)
        if pc.any(pc.equal(pc.binary_length(stripped), 0)).as_py():
            return None
    return chunk


def _collect(records: Records, layout: _Layout, refuse: Refuse) -> Chunk:
    columns: list[list[str]] = [[] for _ in layout.places]
    decoding = [
        (place, "replace" if column.optional else "strict")
        for place, column in zip(layout.places, layout.columns, strict=True)
    ]
    for line, fields, raw in records:
        if fields is None or len(fields) != layout.width:
            refuse(line, _shape_reason(fields, layout), raw)
            continue
        try:
            values = [
                "" if place == ABSENT else fields[place].decode(errors=errors).strip(BLANKS)
                for place, errors in decoding
            ]
        except UnicodeDecodeError:
            refuse(line, _encoding_reason(fields, layout), raw)
            continue
        if "" in values:
            empty = [
                column.role
                for column, value in zip(layout.columns, values, strict=True)
                if not value and not column.optional
            ]
            if empty:
                refuse(line, f"no {' and no '.join(empty)}", raw)
                continue
        for texts, value in zip(columns, values, strict=True):
            texts.append(value)
    return [pa.array(column, pa.string()) for column in columns]


def _shape_reason(fields: list[bytes] | None, layout: _Layout) -> str:
    if fields is None:
        return "a quote is not closed, or text follows it; a quote within a value is doubled"
    some = "1 value" if len(fields) == 1 else f"{len(fields)} values"
    return f"{some} where the header has {layout.width}"


def _encoding_reason(fields: list[bytes], layout: _Layout) -> str:
    for place, column in zip(layout.places, layout.columns, strict=True):
        try:
            if not column.optional:
                fields[place].decode()
        except UnicodeDecodeError as error:
            if layout.encoding != "utf-8":
                return f"the {column.role} is not {layout.encoding}"
            return f"byte 0x{error.object[error.start]:02x} in the {column.role} is not utf-8"
    raise AssertionError(fields)

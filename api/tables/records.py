"""Rows of delimited text, one by one, with a reason for each that is none.

This is the reading that defines what a row is; `delimited` takes a faster way where it can prove
that the result is the same.
"""

import re
from collections.abc import Iterator

# A quote that opens a value closes within this many bytes or is a stray one. Without a limit one
# stray quote would make the rest of the file a single value.
QUOTE_LIMIT = 1 << 20
# Stripped from both ends of every value.
BLANKS = " \t\r\n\xa0"


class Malformed(Exception):  # noqa: N818 - says what the row is, and never leaves this package
    """A quote is opened and not closed, or closed in the middle of a value."""


class Records:
    """The rows of a piece of text.

    Iterating gives (line, fields, raw): the number of the row's first line, its values, and its
    bytes; fields is None where the quotes are wrong, and then the row is that one line and the next
    line begins a new row, so that a stray quote costs one row and not those after it.
    Lines that are empty or hold only spaces are skipped.

    consumed: after the iteration, the bytes that were read; a row that may go on after the piece
        is left over unless the piece is the final one.
    line: after the iteration, the number of the line at that place.
    """

    def __init__(self, buffer: bytes, delimiter: bytes, line: int, *, final: bool) -> None:
        self.consumed = 0
        self.line = line
        self._buffer = buffer
        self._delimiter = delimiter
        self._final = final
        self._end_of_value = re.compile(b"[\r\n" + re.escape(delimiter) + b"]")

    def __iter__(self) -> Iterator[tuple[int, list[bytes] | None, bytes]]:
        lines = self._buffer.splitlines(keepends=True)
        limit = len(self._buffer)
        # A carriage return at the very end may be the first half of a line end.
        if lines and not self._final and not lines[-1].endswith(b"\n"):
            limit -= len(lines.pop())
        index = 0
        while index < len(lines):
            raw = lines[index]
            fields: list[bytes] | None
            if b'"' not in raw:
                text = raw.rstrip(b"\r\n")
                fields = text.split(self._delimiter) if text.strip(b" ") else []
                end = self.consumed + len(raw)
            else:
                try:
                    found = self._split_quoted(self.consumed)
                except Malformed:
                    fields, end = None, self.consumed + len(raw)
                else:
                    if found is None or found[1] > limit:
                        return
                    fields, end = found
                    raw = self._buffer[self.consumed : end]
            line = self.line
            while self.consumed < end:
                self.consumed += len(lines[index])
                index += 1
                self.line += 1
            if fields != []:
                yield line, fields, raw

    def _split_quoted(self, start: int) -> tuple[list[bytes], int] | None:
        """Split the row that begins at `start`: its values and where it ends.

        None if the piece ends before the row does.
        """
        buffer, fields, at = self._buffer, [], start
        while True:
            opening = self._skip_spaces(at)
            if buffer[opening : opening + 1] == b'"':
                closing = self._find_closing(opening)
                if closing is None:
                    return None
                fields.append(buffer[opening + 1 : closing].replace(b'""', b'"'))
                at = self._skip_spaces(closing + 1)
                if at < len(buffer) and not self._end_of_value.match(buffer, at):
                    raise Malformed
            else:
                end = self._end_of_value.search(buffer, at)
                value = buffer[at : end.start() if end else len(buffer)]
                fields.append(value)
                at += len(value)
            if at == len(buffer):
                return (fields, at) if self._final else None
            if buffer[at : at + 1] == self._delimiter:
                at += 1
                continue
            if buffer[at : at + 1] == b"\r":
                if at + 1 == len(buffer) and not self._final:
                    return None
                at += buffer[at + 1 : at + 2] == b"\n"
            return fields, at + 1

    def _skip_spaces(self, at: int) -> int:
        while self._buffer[at : at + 1] == b" ":
            at += 1
        return at

    def _find_closing(self, opening: int) -> int | None:
        """Find the quote that closes the one at `opening`; None if it may come after the piece."""
        at = opening
        while True:
            found = self._buffer.find(b'"', at + 1, at + 1 + QUOTE_LIMIT)
            if found < 0:
                if self._final or at + 1 + QUOTE_LIMIT <= len(self._buffer):
                    raise Malformed
                return None
            if found + 1 == len(self._buffer) and not self._final:
                return None
            if self._buffer[found + 1 : found + 2] != b'"':
                return found
            at = found + 1

"""Where rows come from: a path or standard input, plain or gzipped, in any text encoding."""

import codecs
import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from api.tables.errors import (
    ArchiveDamaged,
    EncodingUnknown,
    FileEmpty,
    FileIsFolder,
    FileMissing,
    FileUnreadable,
    JsonArray,
    NothingPiped,
    NotText,
    Spreadsheet,
)

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

HEAD = 1 << 16
STANDARD_INPUT = "standard input"

# Called with the bytes read so far and, where it is known, their number in all.
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Source:
    """An opened input.

    kind: "delimited", "json" or "parquet", told from the content and not from the name.
    stream: the content, unzipped; for text UTF-8 without a byte order mark, in which bytes that
        are wrong in the file's own encoding have become bytes that are wrong in UTF-8.
    encoding: the file's own.
    path: where the content can be read again from any place in it; None if it cannot.
    """

    name: str
    kind: str
    stream: BinaryIO
    encoding: str
    path: Path | None = None


@contextmanager
def open_source(
    path: str, *, encoding: str | None = None, progress: Progress | None = None
) -> Iterator[Source]:
    """Open a path, or standard input for "-", and tell what it holds.

    Raises a TableError for whatever cannot hold rows.
    """
    if encoding is not None:
        _check(encoding)
    name = STANDARD_INPUT if path == "-" else path
    raw, size = _open(path)
    try:
        counted = _Watched(raw, size, progress)
        head, stream = _peek(counted)
        zipped = head.startswith(b"\x1f\x8b")
        if zipped:
            head, stream = _peek(_Unzipped(gzip.GzipFile(fileobj=stream), name))
        if not head:
            raise FileEmpty(name=name)
        source = _recognise(name, head, stream, encoding)
        if size is not None and not zipped:
            source = replace(source, path=Path(path))
        yield source
    except OSError as error:
        raise FileUnreadable(name=name, reason=error.strerror or error) from error
    finally:
        if path != "-":
            raw.close()


def _open(path: str) -> tuple[BinaryIO, int | None]:
    if path == "-":
        if sys.stdin.isatty():
            raise NothingPiped
        return sys.stdin.buffer, None
    file = Path(path)
    try:
        if file.is_dir():
            found = ", ".join(sorted(each.name for each in file.iterdir() if each.is_file())[:5])
            raise FileIsFolder(name=path, found=found or "it holds none")
        raw = file.open("rb")
    except FileNotFoundError:
        raise FileMissing(name=path, folder=Path.cwd()) from None
    except OSError as error:
        raise FileUnreadable(name=path, reason=error.strerror) from error
    return raw, file.stat().st_size if file.is_file() else None


def _check(encoding: str) -> None:
    # Decoding also refuses codecs that are no text encodings, such as "hex".
    try:
        b" ".decode(encoding)
    except UnicodeDecodeError:
        return
    except (LookupError, ValueError):
        raise EncodingUnknown(encoding=encoding) from None


def _peek(stream: io.RawIOBase) -> tuple[bytes, io.BufferedReader]:
    head = io.BytesIO()
    while head.tell() < HEAD and (more := stream.read(HEAD - head.tell())):
        head.write(more)
    return head.getvalue(), io.BufferedReader(_Rewound(head.getvalue(), stream), 1 << 20)


def _recognise(name: str, head: bytes, stream: BinaryIO, encoding: str | None) -> Source:
    if head.startswith(b"PAR1"):
        return Source(name, "parquet", stream, "parquet")
    if head.startswith(b"PK\x03\x04"):
        raise Spreadsheet(name=name, what="a zip archive or an Excel workbook")
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise Spreadsheet(name=name, what="an old Excel workbook")
    if encoding is None:
        wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        encoding = "utf-16" if wide else "utf-8"
    if codecs.lookup(encoding).name in {"utf-8", "utf-8-sig"}:
        if (zero := head.find(0)) >= 0:
            raise NotText(name=name, byte=zero)
    else:
        head, stream = _peek(_Transcoded(stream, encoding))
    if head.startswith(codecs.BOM_UTF8):
        stream.read(len(codecs.BOM_UTF8))
        head = head[len(codecs.BOM_UTF8) :]
    start = head.lstrip()
    if not start:
        raise FileEmpty(name=name)
    if start.startswith(b"[") and start[1:].lstrip()[:1] in {b"{", b"]"}:
        raise JsonArray(name=name)
    return Source(name, "json" if start.startswith(b"{") else "delimited", stream, encoding)


class _Rewound(io.RawIOBase):
    """A stream whose first bytes were read already and are read again."""

    def __init__(self, head: bytes, rest: io.RawIOBase) -> None:
        self._head = memoryview(head)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        if self._head:
            view = memoryview(buffer)
            count = min(len(view), len(self._head))
            view[:count] = self._head[:count]
            self._head = self._head[count:]
            return count
        return cast("int | None", self._rest.readinto(buffer))


class _Watched(io.RawIOBase):
    """A stream that tells how far it was read."""

    def __init__(self, stream: BinaryIO, size: int | None, progress: Progress | None) -> None:
        self._stream = stream
        self._size = size
        self._progress = progress
        self._done = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        view = memoryview(buffer)
        data = self._stream.read(len(view))
        view[: len(data)] = data
        self._done += len(data)
        if self._progress:
            self._progress(self._done, self._size)
        return len(data)


class _Unzipped(io.RawIOBase):
    """A gzip stream that says in words what is wrong with it."""

    def __init__(self, stream: gzip.GzipFile, name: str) -> None:
        self._stream = stream
        self._name = name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        view = memoryview(buffer)
        try:
            data = self._stream.read(len(view))
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ArchiveDamaged(name=self._name, reason=error) from error
        view[: len(data)] = data
        return len(data)


class _Transcoded(io.RawIOBase):
    """A stream in another encoding, read as UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)(_MARK)
        self._ready = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        while not self._ready and not self._ended:
            data = self._stream.read(1 << 20)
            self._ended = not data
            text = self._decoder.decode(data, self._ended)
            # The mark is a lone surrogate: its bytes are no valid UTF-8, so the reader of the
            # rows finds it where it looks for bad bytes anyway.
            self._ready = text.encode("utf-8", "surrogatepass")
        view = memoryview(buffer)
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count


_MARK = "basanite-mark"


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", error.end


codecs.register_error(_MARK, _mark)

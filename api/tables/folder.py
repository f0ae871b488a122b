"""The folder that results go to: all or nothing, and never over someone else's files."""

import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import orjson

from api.tables.errors import FileForeign, FolderUnfit

SUMMARY = "summary.json"
_COPY = 1 << 20


class OutFile:
    """A file that is written beside its final place, and counted into a digest on the way."""

    def __init__(self, folder: Path, name: str) -> None:
        number, path = tempfile.mkstemp(prefix=f".{name}.", suffix=".part", dir=folder)
        self.name = name
        self.part = Path(path)
        self._file: BinaryIO = os.fdopen(number, "wb", _COPY)
        self._digest = hashlib.blake2b(digest_size=16)

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self._digest.update(data)
        self._file.write(data)

    def finish(self) -> str:
        """Close it, its bytes on disk; gives the digest."""
        if not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        return self._digest.hexdigest()

    def discard(self) -> None:
        """Close and remove it, if it is still there under its first name."""
        self._file.close()
        self.part.unlink(missing_ok=True)


class OutFolder:
    """A folder for results.

    Every file is written under a passing name, and `commit` gives all of them their names at the
    end, so that a crash leaves the results of the run before. `summary.json` notes what was
    written with its digests: a file of ours that nobody changed may be replaced, any other may
    not, unless `overwrite` says so.

    earlier: the summary that was there before, empty if none. summary, written: what `commit` put
    there. Raises FolderUnfit or FileForeign at once, before anything is read or computed.
    """

    def __init__(self, path: Path, names: Sequence[str], *, overwrite: bool = False) -> None:
        self.path = path
        self.earlier: dict[str, object] = {}
        self.summary: dict[str, object] = {}
        self.written: list[str] = []
        self._files: list[OutFile] = []
        self._names = names
        if path.exists() and not path.is_dir():
            raise FolderUnfit(folder=path, reason="it is a file")
        try:
            self._created = not path.exists()
            path.mkdir(parents=True, exist_ok=True)
            if not os.access(path, os.W_OK | os.X_OK):
                raise FolderUnfit(folder=path, reason="no permission to write there")
            self.earlier = self._read_summary(overwrite=overwrite)
            if not overwrite:
                self._check_owned()
        except OSError as error:
            raise FolderUnfit(folder=path, reason=error.strerror) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for file in self._files:
            file.discard()
        if self._created and not any(self.path.iterdir()):
            self.path.rmdir()

    def create(self, name: str) -> OutFile:
        """Begin a file."""
        if name not in self._names:
            raise ValueError(f"{name} was not announced")
        try:
            file = OutFile(self.path, name)
        except OSError as error:
            raise FolderUnfit(folder=self.path, reason=error.strerror) from error
        self._files.append(file)
        return file

    def commit(self, summary: dict[str, object], *, keep_others: bool = False) -> None:
        """Put all files in place, the summary last, and remove those of an earlier run that this
        one did not write, or with `keep_others` leave them.
        """
        written = self._written() if keep_others else {}
        written |= {file.name: file.finish() for file in self._files}
        note = OutFile(self.path, SUMMARY)
        self._files.append(note)
        options = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
        note.write(orjson.dumps({**summary, "written": written}, option=options))
        note.finish()
        for file in self._files:
            # The mode that an ordinary file gets; a passing file is private.
            file.part.chmod(0o666 & ~_umask())
            file.part.replace(self.path / file.name)
        for name in self._written().keys() - written.keys():
            (self.path / name).unlink(missing_ok=True)
        self.summary, self.written = summary, [*written, SUMMARY]
        self._files.clear()

    def _written(self) -> dict[str, str]:
        written = self.earlier.get("written")
        return dict(written) if isinstance(written, dict) else {}

    def _read_summary(self, *, overwrite: bool) -> dict[str, object]:
        path = self.path / SUMMARY
        try:
            summary = orjson.loads(path.read_bytes())
        except FileNotFoundError:
            return {}
        except orjson.JSONDecodeError:
            summary = None
        if isinstance(summary, dict) and isinstance(summary.get("written"), dict):
            return summary
        if overwrite:
            return {}
        raise FileForeign(path=path, why="was not written by basanite")

    def _check_owned(self) -> None:
        written = self._written()
        for name in self._names:
            path = self.path / name
            if not path.exists():
                continue
            if name not in written:
                raise FileForeign(path=path, why="was not written by basanite")
            if _digest(path) != written[name]:
                raise FileForeign(path=path, why="was changed since basanite wrote it")


def _digest(path: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while data := file.read(_COPY):
            digest.update(data)
    return digest.hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

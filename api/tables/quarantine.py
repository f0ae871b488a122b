"""Rows that could not be used, kept with their place and the reason."""

from api.tables.delimited import Refuse
from api.tables.folder import OutFile, OutFolder
from api.tables.writing import quote, write_header

QUARANTINE = "quarantine.csv"


class Quarantine:
    """The file `quarantine.csv`, which is begun with the first bad row.

    Bytes that are not UTF-8 are written as \\xNN.
    """

    def __init__(self, folder: OutFolder) -> None:
        self.count = 0
        self._folder = folder
        self._file: OutFile | None = None

    def of(self, name: str) -> Refuse:
        """Give the function that takes the bad rows of the file called `name`."""

        def refuse(line: int, reason: str, raw: bytes) -> None:
            if self._file is None:
                self._file = self._folder.create(QUARANTINE)
                write_header(self._file, ["file", "line", "reason", "raw"])
            text = raw.rstrip(b"\r\n").decode(errors="backslashreplace")
            row = ",".join([quote(name), str(line), quote(reason), quote(text)])
            self._file.write((row + "\n").encode())
            self.count += 1

        return refuse

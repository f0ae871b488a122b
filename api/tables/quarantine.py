"""Rows that could not be used, kept with their place and the reason."""

from collections import Counter

from api.tables.delimited import Refuse
from api.tables.folder import OutFile, OutFolder
from api.tables.writing import quote, write_header

QUARANTINE = "quarantine.csv"
SHOWN = 3
_ENCODING = "not utf-8"  # how the reasons end that another encoding would remove


def common_reasons(reasons: Counter[str]) -> str:
    """Say why most rows were refused, in a sentence or two, with a way out if it is known."""
    if len(reasons) == 1:
        text = f"Reason: {next(iter(reasons))}."
    else:
        shown = [
            f"{reason} ({count:,} {'row' if count == 1 else 'rows'})"
            for reason, count in reasons.most_common(SHOWN)
        ]
        most = "Most often" if len(reasons) > SHOWN else "Reasons"
        text = f"{most}: {'; '.join(shown)}."
    if any(reason.endswith(_ENCODING) for reason in reasons):
        text += " If the file has another encoding, name it, for example --encoding latin-1."
    return text


class Quarantine:
    """The file `quarantine.csv`, which is begun with the first bad row.

    Bytes that are not UTF-8 are written as \\xNN. count, reasons: of the rows in it so far.
    """

    def __init__(self, folder: OutFolder) -> None:
        self.count = 0
        self.reasons: Counter[str] = Counter()
        self._folder = folder
        self._file: OutFile | None = None

    def sentence(self) -> str:
        """Say how many rows there are, where they are and why."""
        rows, each = ("1 row", "it") if self.count == 1 else (f"{self.count:,} rows", "each")
        return (
            f"{rows} could not be used: {self._folder.path / QUARANTINE} has {each} with its line. "
            f"{common_reasons(self.reasons)}"
        )

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
            self.reasons[reason] += 1

        return refuse

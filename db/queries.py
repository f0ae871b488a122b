"""SQL statements by name, from `db/sql/*.sql`.

    -- name: lease_of_worker
    -- The open lease of one worker, if any; used when a front-end reconnects.
    select ... ;

A statement runs to the next `-- name:`. Its text is given out with its name in a leading comment,
so that pg_stat_activity and the server's log tell which statement it is.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from db.errors import StatementMalformed, StatementUnknown

FOLDER = Path(__file__).parent / "sql"

_NAME = re.compile(r"--\s*name:\s*(.*?)\s*")
_GOOD_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Statement:
    """One named statement; `line` is where its name stands."""

    name: str
    purpose: str
    sql: str
    file: Path
    line: int


def sql(name: str) -> str:
    """The text of a statement in `db/sql`. The files are read once in a process."""
    statements = _statements()
    if name not in statements:
        near = difflib.get_close_matches(name, statements) or ["none"]
        raise StatementUnknown(name=name, near=", ".join(near))
    return statements[name].sql


def load(folder: Path = FOLDER) -> Mapping[str, Statement]:
    """Read every statement of a folder; names are unique across its files."""
    statements: dict[str, Statement] = {}
    for file in sorted(folder.glob("*.sql")):
        for statement in _read(file):
            if other := statements.get(statement.name):
                reason = f"{statement.name} is also in {other.file.name}, line {other.line}"
                raise StatementMalformed(file=file, line=statement.line, reason=reason)
            statements[statement.name] = statement
    return statements


@cache
def _statements() -> Mapping[str, Statement]:
    return load()


def _read(file: Path) -> list[Statement]:
    lines = file.read_text(encoding="utf-8").splitlines()
    starts = [number for number, line in enumerate(lines) if _NAME.fullmatch(line)]
    for number, line in enumerate(lines[: starts[0] if starts else None]):
        if line.strip() and not line.startswith("--"):
            raise StatementMalformed(file=file, line=number + 1, reason="SQL before the first name")
    ends = [*starts[1:], len(lines)]
    return [
        _statement(file, lines[start:end], start + 1)
        for start, end in zip(starts, ends, strict=True)
    ]


def _statement(file: Path, lines: list[str], line: int) -> Statement:
    found = _NAME.fullmatch(lines[0])
    name = found[1] if found else ""
    comment = lines[1].strip() if len(lines) > 1 else ""
    purpose = comment.removeprefix("--").strip()
    body = "\n".join(lines[2:]).strip().removesuffix(";").rstrip()
    reason = ""
    if not _GOOD_NAME.fullmatch(name):
        reason = f"{name!r} is no name: lower case letters, digits and _"
    elif not comment.startswith("--") or not purpose:
        reason = f"{name} does not say what it is for"
    elif all(not text.strip() or text.lstrip().startswith("--") for text in body.split("\n")):
        reason = f"{name} has no SQL"
    if reason:
        raise StatementMalformed(file=file, line=line, reason=reason)
    return Statement(name, purpose, f"/* {name} */\n{body}", file, line)

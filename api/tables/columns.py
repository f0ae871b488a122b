"""Which column holds what: given by name, or recognised by the names that tools use."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from api.tables.errors import ColumnAmbiguous, ColumnMissing, ColumnTwice


@dataclass(frozen=True)
class Column:
    """A column that a table must have, or may have if it is optional.

    role: what it holds, as messages call it.
    known: names that are taken for it, the best first, without case and punctuation.
    pattern: names of the form that some tool writes (Toloka: INPUT:image), tried last.
    option: the option of the command line that names it.
    given: the name it was given there.
    optional: a table may lack it, and rows their value. Optional columns come after the others.
    """

    role: str
    known: tuple[str, ...]
    pattern: str
    option: str
    given: str | None = None
    optional: bool = False


def _ids(*names: str) -> tuple[str, ...]:
    """Each name, and the name with "id" after it."""
    return tuple(known for name in names for known in (name, name + "id"))


TASK = Column(
    role="task",
    known=(
        *_ids("task", "item", "question", "unit", "example", "sample", "object", "instance"),
        *_ids("document", "doc", "image", "hit"),
    ),
    pattern=r"input:.+",
    option="--task-column",
)
WORKER = Column(
    role="worker",
    known=(
        *_ids("worker", "annotator", "rater", "labeler", "labeller", "performer", "judge"),
        *_ids("coder", "assessor", "contributor", "participant", "user"),
        *("username", "assignmentworkerid"),
    ),
    pattern=r"worker[ _:.].+",
    option="--worker-column",
)
_ANSWERS = (
    *("label", "answer", "judgment", "judgement", "response", "annotation", "rating"),
    *("category", "class", "choice", "vote", "verdict", "value"),
)
LABEL = Column(
    role="label",
    known=_ANSWERS,
    pattern=r"(output:|answer\.).+",
    option="--label-column",
)
GOLD = Column(
    role="gold label",
    known=(
        *("gold", "goldlabel", "golden", "goldenlabel", "truth", "truelabel", "groundtruth"),
        *("correct", "correctlabel", "correctanswer", "expected", "reference"),
        *_ANSWERS,
    ),
    pattern=r"(golden:|output:).+",
    option="--gold-column",
)
# Only names that say the unit: milliseconds would be taken for hours.
SECONDS = Column(
    role="time in seconds",
    known=("seconds", "durationseconds", "durationinseconds", "secondsspent", "worktimeinseconds"),
    pattern=r".*\.worktimeinseconds",
    option="--seconds-column",
    optional=True,
)
ABSENT = -1  # the place of an optional column that is not there


def given(column: Column, name: str | None) -> Column:
    """Tell a column's name, if the user did."""
    return replace(column, given=name)


def count_found(header: Sequence[str], columns: Iterable[Column]) -> int:
    """Count the columns that a header has, one way or another."""
    return sum(bool(_candidates(header, column)) for column in columns)


def find_columns(name: str, header: Sequence[str], columns: Sequence[Column]) -> list[int]:
    """Find each column's place in the header of the table called `name`; ABSENT if it may lack.

    Raises ColumnMissing, ColumnAmbiguous or ColumnTwice, which show the header.
    """
    places: list[int] = []
    for column in columns:
        found = _candidates(header, column)
        if not found and column.optional and column.given is None:
            places.append(ABSENT)
            continue
        if not found:
            raise _missing(name, header, column)
        if len(found) > 1:
            raise ColumnAmbiguous(
                name=name,
                count=len(found),
                role=column.role,
                found=_shown([header[place] for place in found]),
                option=column.option,
            )
        if found[0] in places:
            raise ColumnTwice(
                column=header[found[0]],
                name=name,
                role=column.role,
                other=columns[places.index(found[0])].role,
            )
        places += found
    return places


def _candidates(header: Sequence[str], column: Column) -> list[int]:
    """Find the columns of the best name there is; more than one is one too many."""
    if column.given is not None:
        exact = [place for place, name in enumerate(header) if name == column.given]
        wanted = _plain(column.given)
        return exact or [place for place, name in enumerate(header) if _plain(name) == wanted]
    plain = [_plain(name) for name in header]
    for known in column.known:
        if found := [place for place, name in enumerate(plain) if name == known]:
            return found
    pattern = re.compile(column.pattern, re.IGNORECASE)
    return [place for place, name in enumerate(header) if pattern.fullmatch(name.strip())]


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower())


def _missing(name: str, header: Sequence[str], column: Column) -> ColumnMissing:
    hint = ""
    if column.given is not None:
        near = difflib.get_close_matches(column.given, header, 1)
        hint = f" There is none called {column.given!r}."
        hint += f" Did you mean {near[0]!r}?" if near else ""
    elif len(header) == 1:
        hint = " That is a single column: if the values are parted by another character than"
        hint += " , ; | or a tab, say which with --delimiter."
    elif any(re.fullmatch(r"[\d.]+", each) for each in header):
        hint = " This looks like a row of values: the first row must be a header with names."
    return ColumnMissing(
        name=name,
        role=column.role,
        found=_shown(header),
        hint=hint,
        option=column.option,
        known=", ".join([known for known in column.known if not known.endswith("id")][:4]),
    )


def _shown(names: Sequence[str]) -> str:
    shown = ", ".join(name if len(name) <= 40 else name[:40] + "…" for name in names[:30])
    return f"{shown} and {len(names) - 30} more" if len(names) > 30 else shown

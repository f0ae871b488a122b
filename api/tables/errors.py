"""Every way a table can be of no use, with what to do about it."""
# ruff: noqa: N818 - the names say what happened, and the base class that it is an error

import inspect


class TableError(Exception):
    """A file cannot be used."""

    # The docstring of each subclass is its message; the facts fill its placeholders and stay
    # readable, so that a caller can act on them without parsing text.
    def __init__(self, **facts: object) -> None:
        self.facts = facts
        template = inspect.cleandoc(type(self).__doc__ or type(self).__name__)
        super().__init__(" ".join(template.split("\n")).format(**facts))


# The file itself


class FileMissing(TableError):
    """There is no file {name}. Check the path (this runs in {folder})."""


class FileIsFolder(TableError):
    """{name} is a folder. Name the file in it that holds the rows: {found}."""


class FileUnreadable(TableError):
    """{name} cannot be read: {reason}."""


class NothingPiped(TableError):
    """- reads standard input, and nothing is piped into it: cat judgments.csv | basanite
    aggregate -"""


class FileEmpty(TableError):
    """{name} is empty. It should hold a header row and one row for each answer, for example:
    task,worker,label."""


class ArchiveDamaged(TableError):
    """{name} is a gzip file that is damaged or cut off ({reason}). Copy or download it again."""


class Spreadsheet(TableError):
    """{name} is {what}. Save the sheet as CSV (UTF-8), or unpack the archive, and give that
    file."""


class JsonArray(TableError):
    """{name} is one JSON array. Write one object a line instead, for example with:
    jq -c '.[]' array.json > rows.jsonl."""


class NotText(TableError):
    """{name} is no text: byte {byte} has the value 0. It should be CSV, JSON Lines or Parquet; if
    it is text in another encoding, name it, for example --encoding utf-16-le."""


class EncodingUnknown(TableError):
    """There is no text encoding called {encoding}. Common ones: utf-8, cp1252, latin-1,
    shift_jis, gb18030, utf-16."""


class LineEndless(TableError):
    """Line {line} of {name} goes on for more than {limit:,} bytes. This does not look like a
    table; if it is one, check its line ends."""


class ParquetDamaged(TableError):
    """{name} begins like a Parquet file and cannot be read as one: {reason}."""


# Its columns


class HeaderUnreadable(TableError):
    """The header, line {line} of {name}, is not {encoding}: {reason}. Name the encoding, for
    example --encoding cp1252."""


class HeaderMalformed(TableError):
    """The header, line {line} of {name}, has a quote that is never closed: {found}."""


class DelimiterUnfit(TableError):
    """A delimiter is one plain character such as , or ; and not {delimiter!r}. For a tab write
    --delimiter tab."""


class ColumnMissing(TableError):
    """{name} has no column for the {role}. Found: {found}.{hint} Name it with {option}
    NAME, or call it {known}."""


class ColumnAmbiguous(TableError):
    """{name} has {count} columns that could be the {role}: {found}. Choose one with {option}
    NAME."""


class ColumnTwice(TableError):
    """The column {column} of {name} is taken for the {role} and for the {other}. Give them
    different columns with --task-column, --worker-column and --label-column."""


class ColumnNested(TableError):
    """The column {column} of {name} holds values of type {type}. A {role} must be text, a number or
    a truth value."""


# Its rows


class RowsMissing(TableError):
    """{name} has a header and no rows."""


class RowsUnusable(TableError):
    """No row of {name} can be used ({count:,} in all). {reasons}"""


class LabelsMissing(TableError):
    """The only label in {name} is {label!r}, and with a single label there is nothing to decide.
    Is the column of labels another one (--label-column)?"""


class LabelsTooMany(TableError):
    """{name} has {count:,} different labels, and {limit:,} is the most. The column {column} looks
    like free text or measurements (for example {examples}). Choose another column with
    --label-column, or group the values first."""


class GoldTasksUnknown(TableError):
    """None of the {count:,} tasks in {name} has a judgment. Gold tasks look like {gold}, judged
    tasks like {judged}: are these the ids of the same tasks?"""


class GoldLabelsUnknown(TableError):
    """None of the labels in {name} was ever given as an answer. Gold says {gold}, the workers say
    {judged}: write both in the same way."""


# Where results go


class FolderUnfit(TableError):
    """The results cannot be written to {folder}: {reason}. Choose another folder with --out."""


class FileForeign(TableError):
    """{path} is there already, and {why}. Choose another folder with --out, or say --overwrite."""

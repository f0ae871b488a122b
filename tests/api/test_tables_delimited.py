import io
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from api.tables import delimited, records
from api.tables.columns import LABEL, SECONDS, TASK, WORKER, Column
from api.tables.delimited import read_delimited
from api.tables.errors import TableError
from api.tables.interning import intern
from api.tables.sources import Source

Rows = list[tuple[str, ...]]
Refused = list[tuple[int, str, bytes]]

HEADER = b"task,worker,label\n"


def read(
    content: bytes,
    *,
    fast: bool = True,
    block: int = 1 << 20,
    delimiter: str | None = None,
    columns: Sequence[Column] = (TASK, WORKER, LABEL),
) -> tuple[Rows, Refused]:
    refused: Refused = []
    source = Source("rows.csv", "delimited", io.BytesIO(content), "utf-8")
    interned = intern(
        read_delimited(
            source,
            columns,
            lambda *row: refused.append(row),
            fast=fast,
            block=block,
            delimiter=delimiter,
        ),
        len(columns),
    )
    texts = [[each.values[code].as_py() for code in each.codes] for each in interned]
    return list(zip(*texts, strict=True)), refused


# Single characters and short runs that each mean something to one of the two readings.
pieces = st.sampled_from(
    [
        *(b"a", b"007", b",", b",", b",", b"\n", b"\n", b"\r\n", b"\r", b'"', b'""', b" ", b"\t"),
        *(b'"a"', b'"a,b"', b'"a""b"', b'"a\nb"', b"\xff", b"\xe9", b"\x00", b"\xa0"),
        *("é".encode(), "\u00a0".encode(), "\u2028".encode()),
        *(b"x,y,z\n", b'"x","y","z"\r\n', b'x,5" disk,z\n', b"x,y,\n", b"x,y\n"),
    ]
)
dirt = st.lists(pieces, max_size=40).map(b"".join)


@settings(deadline=None)
@given(content=dirt, block=st.integers(1, 64), limit=st.sampled_from([3, 1 << 20]))
@example(content=b'a,"b\n\n\n\n","c"\nx,y,z\n', block=3, limit=3)
@example(content=b'x,y,"z\nx,y,z\n', block=5, limit=1 << 20)
@example(content=b'x,y,z"\r"x","y","z"\r\n', block=2, limit=1 << 20)
def test_the_fast_way_gives_what_row_by_row_gives(content: bytes, block: int, limit: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "QUOTE_LIMIT", limit)
        patch.setattr(delimited, "QUOTE_LIMIT", limit)
        slow = read(HEADER + content, fast=False)
        assert read(HEADER + content, fast=True) == slow
        assert read(HEADER + content, fast=False, block=block) == slow
        assert read(HEADER + content, fast=True, block=block) == slow


@settings(deadline=None)
@given(
    header=st.sampled_from(
        [HEADER, b"label,task,seconds,worker\n", b"seconds,task,worker,label\n"]
    ),
    content=dirt,
    block=st.integers(1, 64),
)
@example(header=b"label,task,seconds,worker\n", content=b"a,b,,c\na,b,2.5,c\na,,2,c\n", block=9)
def test_an_optional_column_may_lack_and_be_empty(
    header: bytes, content: bytes, block: int
) -> None:
    columns = (TASK, WORKER, LABEL, SECONDS)
    slow = read(header + content, fast=False, columns=columns)
    assert read(header + content, fast=True, columns=columns) == slow
    assert read(header + content, fast=True, block=block, columns=columns) == slow
    found, refused = read(header + content)
    assert ([row[:3] for row in slow[0]], slow[1]) == (found, refused)
    if b"seconds" not in header:
        assert {row[3] for row in slow[0]} <= {""}


values = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1
).filter(lambda text: text.strip(records.BLANKS) == text)


def quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(values, values, values)),
    delimiter=st.sampled_from(",;\t|"),
    ends=st.sampled_from(["\n", "\r\n"]),
    last=st.booleans(),
)
def test_every_text_survives_in_quotes(rows: Rows, delimiter: str, ends: str, last: bool) -> None:
    lines = [delimiter.join(quoted(value) for value in row) for row in rows]
    lines.insert(0, delimiter.join(["Task", "Worker", "Label"]))
    content = ends.join(lines) + (ends if last else "")
    assert read(content.encode()) == (rows, [])


@settings(deadline=None)
@given(
    good=st.lists(st.sampled_from([b"t,w,a", b'"t","w","a"', b" t , w , a "]), max_size=12),
    bad=st.sampled_from(
        [b"t,w", b"t,w,a,b", b"t,,a", b",w,a", b"t,w, ", b"t,w\xff,a", b't,w,"a', b't,"w"x,a']
    ),
    place=st.integers(0, 12),
)
def test_a_bad_row_costs_itself_and_no_other(good: list[bytes], bad: bytes, place: int) -> None:
    lines: Sequence[bytes] = [*good[:place], bad, *good[place:]]
    rows, refused = read(HEADER + b"\n".join(lines) + b"\n")
    assert rows == [("t", "w", "a")] * len(good)
    assert [(line, raw.rstrip(b"\n")) for line, _, raw in refused] == [
        (min(place, len(good)) + 2, bad)
    ]


def test_reasons_say_what_is_wrong() -> None:
    content = b't,w\nt,w,a,b\nt\nt, ,\nt,w\xe9,a\nt,w,"a\nt,w,"a"b\n'
    _, refused = read(HEADER + content)
    quotes = "a quote is not closed, or text follows it; a quote within a value is doubled"
    assert [(line, reason) for line, reason, _ in refused] == [
        (2, "2 values where the header has 3"),
        (3, "4 values where the header has 3"),
        (4, "1 value where the header has 3"),
        (5, "no worker and no label"),
        (6, "byte 0xe9 in the worker is not utf-8"),
        (7, quotes),
        (8, quotes),
    ]


def test_a_stray_quote_does_not_swallow_what_follows() -> None:
    rows, refused = read(HEADER + b't1,w,"a\nt2,w,b\nt3,w,"c"\nt4,w,d\n')
    assert rows == [("t2", "w", "b"), ("t3", "w", "c"), ("t4", "w", "d")]
    assert [line for line, _, _ in refused] == [2]


def test_a_quote_within_a_value_is_text() -> None:
    assert read(HEADER + b'5" disk,w,a"\n') == ([('5" disk', "w", 'a"')], [])


def test_ids_stay_text() -> None:
    rows, _ = read(HEADER + b"007,0x1F,1e5\n7,NA,null\ntrue,2024-01-01,1.0\n")
    assert rows == [("007", "0x1F", "1e5"), ("7", "NA", "null"), ("true", "2024-01-01", "1.0")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    lines = [["note, or so", "label", "task", "worker"], ["x; y", "a", "t", "w"]]
    content = "\n".join(delimiter.join(map(quoted, line)) for line in lines)
    assert read(content.encode()) == ([("t", "w", "a")], [])


def test_any_delimiter_can_be_told() -> None:
    assert read(b"task:worker:label\nt:w:a\n", delimiter=":") == ([("t", "w", "a")], [])
    assert read(b"task\tworker\tlabel\nt\tw\ta\n", delimiter="tab") == ([("t", "w", "a")], [])
    with pytest.raises(TableError, match="write --delimiter tab"):
        read(HEADER, delimiter="::")


def test_a_header_in_quotes_over_several_lines_is_a_header() -> None:
    content = b'\n"the\nid?","worker","label"\nt,w,a\nbad\n'
    with pytest.raises(TableError, match="no column for the task"):
        read(content)
    rows, refused = read(content.replace(b"the\nid?", b"task\nid?"), block=4)
    assert rows == [("t", "w", "a")]
    assert [line for line, _, _ in refused] == [5]


def test_a_line_without_end_is_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "ENDLESS", 1000)
    with pytest.raises(TableError, match=r"Line 2 of rows\.csv goes on for more than 1,000 bytes"):
        read(HEADER + b"x" * 5000, block=100)
    with pytest.raises(TableError, match=r"Line 1 of rows\.csv goes"):
        read(b"x" * 5000, block=100)

"""The same rows in every format, encoding and packing are the same judgments."""

import csv
import gzip
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.tables.errors import TableError
from api.tables.judgments import Judgments, Reading, read_judgments
from api.tables.records import BLANKS
from api.tables.values import Unfit, text_of

Rows = list[tuple[str, str, str]]
NAMES = ["task", "worker", "label"]


def as_csv(rows: Rows) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(NAMES)
    writer.writerows(rows)
    return out.getvalue().encode()


def as_tsv(rows: Rows) -> bytes:
    lines = ["\t".join(['"' + text.replace('"', '""') + '"' for text in row]) for row in rows]
    return "\n".join(["\t".join(NAMES), *lines]).encode()


def as_json_lines(rows: Rows) -> bytes:
    return b"\n".join(orjson.dumps(dict(zip(NAMES, row, strict=True))) for row in rows)


def as_parquet(rows: Rows) -> bytes:
    out = io.BytesIO()
    columns = list(zip(*rows, strict=True))
    pq.write_table(pa.table([pa.array(column) for column in columns], NAMES), out)
    return out.getvalue()


FORMATS: list[Callable[[Rows], bytes]] = [
    as_csv,
    as_tsv,
    as_json_lines,
    as_parquet,
    lambda rows: gzip.compress(as_csv(rows)),
    lambda rows: gzip.compress(as_parquet(rows)),
    lambda rows: b"\xef\xbb\xbf" + as_csv(rows),
    lambda rows: as_csv(rows).decode().encode("utf-16"),
]

texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=8
).filter(lambda text: text.strip(BLANKS) == text)


def read(path: Path, reading: Reading | None = None) -> tuple[Judgments, list[tuple[int, str]]]:
    refused: list[tuple[int, str]] = []
    judgments = read_judgments(
        str(path), reading or Reading(), lambda line, reason, _: refused.append((line, reason))
    )
    return judgments, refused


def rows_of(judgments: Judgments) -> Rows:
    return [
        (judgments.tasks[task].as_py(), judgments.workers[worker].as_py(), judgments.labels[label])
        for task, worker, label in zip(
            judgments.task.tolist(),
            judgments.worker.tolist(),
            judgments.label.tolist(),
            strict=True,
        )
    ]


@settings(deadline=None, max_examples=50)
@given(
    rows=st.lists(
        st.tuples(texts, texts, texts), min_size=1, unique_by=lambda row: (row[0], row[1])
    ),
    form=st.sampled_from(FORMATS),
)
def test_every_format_holds_the_same_rows(
    rows: Rows, form: Callable[[Rows], bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("rows") / "rows"
    path.write_bytes(form(rows))
    judgments, refused = read(path)
    assert rows_of(judgments) == rows
    assert refused == []


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_comes_through_a_pipe(form: Callable[[Rows], bytes]) -> None:
    rows = [("007", "w", "a"), ("8", "w", "ü")]
    code = (
        "from api.tables.judgments import *; r = read_judgments('-', Reading(), print);"
        "print(r.tasks.to_pylist(), r.labels)"
    )
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code],
        input=form(rows),
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().strip() == "['007', '8'] ['a', 'ü']"


def test_another_encoding_can_be_named_and_its_bad_bytes_are_found(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes("task,worker,label\n1,w,Käse\n2,w,Brötchen\n".encode("cp1252"))
    with pytest.raises(TableError, match=r"No row .* \(2 in all\)\. .* byte 0xe4 in the label"):
        read(path)
    judgments, _ = read(path, Reading(encoding="cp1252"))
    assert judgments.labels == ["Brötchen", "Käse"]
    path.write_bytes(b"task,worker,label\n1,w,\x81\n2,w,a\n")
    judgments, refused = read(path, Reading(encoding="cp1252"))
    assert rows_of(judgments) == [("2", "w", "a")]
    assert refused == [(2, "the label is not cp1252")]


def test_half_a_character_of_a_wide_encoding_costs_one_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    content = "task,worker,label\n1,w,a\n2,w,b\n".encode("utf-16-le")
    broken = content.replace("1".encode("utf-16-le"), b"\x00\xd8", 1)
    path.write_bytes(broken)
    judgments, refused = read(path, Reading(encoding="utf-16-le"))
    assert rows_of(judgments) == [("2", "w", "b")]
    assert [line for line, _ in refused] == [2]


@pytest.mark.parametrize("encoding", ["latin-99", "hex", "rot13", "idna\0"])
def test_what_is_no_text_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(as_csv([("1", "w", "a")]))
    with pytest.raises(TableError, match="There is no text encoding called"):
        read(path, Reading(encoding=encoding))


def test_json_rows_that_cannot_be_used_have_reasons(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(
        b'{"task": 7, "worker": "w", "label": true}\n'
        b"\n"
        b'{"task": 8, "worker": "w"\n'
        b"[1, 2]\n"
        b'{"task": 8, "label": "a"}\n'
        b'{"task": 8, "worker": "  ", "label": "a"}\n'
        b'{"task": [8], "worker": "w", "label": "a"}\n'
        b'{"task": 123456789012345678901234, "worker": "w", "label": "a"}\n'
        b'{"task": "\xff", "worker": "w", "label": "a"}\n'
        b'{"task": 8.0, "worker": 1.5, "label": "a", "more": {}}\r\n'
    )
    judgments, refused = read(path)
    assert rows_of(judgments) == [("7", "w", "true"), ("8", "1.5", "a")]
    assert [line for line, _ in refused] == [3, 4, 5, 6, 7, 8, 9]
    reasons = [reason for _, reason in refused]
    assert reasons[0].startswith("no JSON: ")
    assert reasons[1:6] == [
        "no JSON object: it should be {...}",
        "no worker",
        "no worker",
        "the task is a list",
        "the task is too large a number to be exact: write it as text, in quotes",
    ]
    assert reasons[6] == "no JSON: bytes that are not utf-8"


def test_json_keys_are_told_from_the_first_complete_object(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"item": 1}\n{"item": 1, "rater": "r", "answer": "a"}\n')
    judgments, refused = read(path)
    assert rows_of(judgments) == [("1", "r", "a")]
    assert refused == [(1, "not all of task, worker, label are there")]
    path.write_bytes(b'{"item": 1}\n' * 3)
    with pytest.raises(TableError, match="no column for the worker"):
        read(path)
    path.write_bytes(b'{"item": 1}\n' * 1000)
    with pytest.raises(TableError, match="no column for the worker"):
        read(path)


def test_parquet_types_become_the_text_of_csv(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    table = pa.table(
        {
            "task": pa.array([1.0, 2.0, None, 2.0**60, 5.0, 6.0]),
            "worker": pa.array([10, 11, 12, 13, None, 15], pa.int64()),
            "label": pa.array(["a", " b ", "a", "a", "a", ""]).dictionary_encode(),
        }
    )
    pq.write_table(table, path)
    judgments, refused = read(path)
    assert rows_of(judgments) == [("1", "10", "a"), ("2", "11", "b")]
    assert refused == [
        (3, "no task"),
        (4, "the task is too large a number to be exact: write it as text, in quotes"),
        (5, "no worker"),
        (6, "no label"),
    ]


def test_nested_parquet_and_damaged_parquet_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"task": [1], "worker": [1], "label": [["a", "b"]]}), path)
    with pytest.raises(TableError, match=r"column label .* list"):
        read(path)
    path.write_bytes(as_parquet([("1", "w", "a")])[:-20])
    with pytest.raises(TableError, match="begins like a Parquet file"):
        read(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \r\n", "is empty"),
        (b"PK\x03\x04rest", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0rest", "Excel workbook"),
        (b'[{"task": 1}]', "one JSON array"),
        (b"task,worker\0", "no text: byte 11"),
        (b"\xff\xfetask", "no column for the task"),
        (b"t\xe9sk,worker,label\n1,2,3", "--encoding cp1252"),
        (gzip.compress(b"task,worker,label\n" * 9000, mtime=0)[:-30], "damaged or cut off"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"\x1f\x8bnonsense", "damaged or cut off"),
        (b'task,worker,"label\n', "quote that is never closed"),
        (b"task,worker,label\n", "a header and no rows"),
        (b"task,worker,label,label\n1,2,3,4\n", "2 columns that could be the label"),
        (b"1,2,3\n1,2,4\n", "the first row must be a header"),
        (b"task:worker:label\n1:2:3\n", "--delimiter"),
    ],
)
def test_what_is_no_table_is_refused_in_words(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "rows"
    path.write_bytes(content)
    with pytest.raises(TableError, match=message):
        read(path)


def test_missing_files_and_folders_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="There is no file"):
        read(tmp_path / "rows.csv")
    (tmp_path / "july.csv").touch()
    with pytest.raises(TableError, match=r"is a folder.*july\.csv"):
        read(tmp_path)


@given(st.floats() | st.integers() | st.booleans() | st.none() | st.text())
def test_values_become_text_or_are_unfit(value: object) -> None:
    try:
        text = text_of(value)
    except Unfit:
        assert isinstance(value, float)
        return
    assert text == text.strip(BLANKS)
    if isinstance(value, int | float) and not isinstance(value, bool) and text:
        assert float(text) == float(value)

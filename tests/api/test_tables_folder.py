import csv
import os
import stat
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.tables.errors import FileForeign, FolderUnfit
from api.tables.folder import SUMMARY, OutFolder
from api.tables.writing import write_header, write_rows

NAMES = ["a.csv", "b.csv"]


def write(folder: Path, files: dict[str, bytes], *, overwrite: bool = False) -> None:
    with OutFolder(folder, NAMES, overwrite=overwrite) as out:
        for name, content in files.items():
            out.create(name).write(content)
        out.commit({"run": len(files)})


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != SUMMARY}


def test_results_of_an_earlier_run_are_replaced_as_a_whole(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "out"
    write(folder, {"a.csv": b"1", "b.csv": b"2"})
    assert content_of(folder) == {"a.csv": b"1", "b.csv": b"2"}
    assert stat.S_IMODE((folder / "a.csv").stat().st_mode) == stat.S_IMODE(0o666 & ~umask())
    write(folder, {"a.csv": b"3"})
    assert content_of(folder) == {"a.csv": b"3"}
    assert orjson.loads((folder / SUMMARY).read_bytes())["run"] == 1


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("name", ["a.csv", SUMMARY])
def test_files_of_others_are_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"mine")
    (tmp_path / "notes.txt").write_bytes(b"mine too")
    with pytest.raises(FileForeign, match="was not written by basanite"):
        write(tmp_path, {"a.csv": b"1"})
    assert (tmp_path / name).read_bytes() == b"mine"
    write(tmp_path, {"a.csv": b"1"}, overwrite=True)
    assert content_of(tmp_path) == {"a.csv": b"1", "notes.txt": b"mine too"}
    write(tmp_path, {"a.csv": b"2"})


def test_our_files_are_left_alone_once_someone_changed_them(tmp_path: Path) -> None:
    write(tmp_path, {"a.csv": b"1"})
    (tmp_path / "a.csv").write_bytes(b"corrected by hand")
    with pytest.raises(FileForeign, match="was changed since basanite wrote it"):
        write(tmp_path, {"a.csv": b"2"})
    assert (tmp_path / "a.csv").read_bytes() == b"corrected by hand"


def test_a_run_that_fails_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        with OutFolder(folder, NAMES) as out:
            out.create("a.csv").write(b"half")
            raise KeyboardInterrupt

    folder = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        fail(folder)
    assert not folder.exists()
    write(folder, {"a.csv": b"1", "b.csv": b"2"})
    with pytest.raises(KeyboardInterrupt):
        fail(folder)
    assert content_of(folder) == {"a.csv": b"1", "b.csv": b"2"}


def test_a_partial_run_keeps_the_other_results_ours(tmp_path: Path) -> None:
    write(tmp_path, {"a.csv": b"1"})
    with OutFolder(tmp_path, NAMES) as out:
        out.create("b.csv").write(b"2")
        out.commit(out.earlier, keep_others=True)
    assert content_of(tmp_path) == {"a.csv": b"1", "b.csv": b"2"}
    write(tmp_path, {"a.csv": b"3"})
    assert content_of(tmp_path) == {"a.csv": b"3"}


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FolderUnfit, match="it is a file"):
        OutFolder(tmp_path / "file", NAMES)
    with pytest.raises(FolderUnfit, match="Not a directory"):
        OutFolder(tmp_path / "file" / "below", NAMES)


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1)


@settings(deadline=None)
@given(
    header=texts,
    rows=st.lists(
        st.tuples(texts, st.integers(0, 10), st.floats(0, 1) | st.just(float("nan"))), min_size=1
    ),
)
def test_what_is_written_is_read_back(
    header: str, rows: list[tuple[str, int, float]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("out")
    names, counts, shares = zip(*rows, strict=True)
    with OutFolder(folder, NAMES) as out:
        file = out.create("a.csv")
        write_header(file, [header, "count", "share"])
        # One row at a time and all at once: quoting must not depend on the neighbours.
        columns = [pa.array(names), np.array(counts, np.int32), np.array(shares)]
        write_rows(file, columns)
        for place in range(len(rows)):
            write_rows(file, [column[place : place + 1] for column in columns])
        out.commit({})
    with (folder / "a.csv").open(newline="", encoding="utf-8") as lines:
        read = list(csv.reader(lines))
    assert read[0] == [header, "count", "share"]
    assert read[1 : 1 + len(rows)] == read[1 + len(rows) :]
    for (name, count, share), row in zip(rows, read[1:], strict=False):
        assert row[:2] == [name, str(count)]
        assert row[2] == "" if np.isnan(share) else float(row[2]) == round(share, 6)

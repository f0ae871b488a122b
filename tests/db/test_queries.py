from pathlib import Path

import asyncpg
import pytest

from db import queries
from db.errors import StatementMalformed, StatementUnknown


def write(folder: Path, text: str, name: str = "a.sql") -> Path:
    (folder / name).write_text(text)
    return folder


def test_statements_are_read_with_their_purpose_and_place(tmp_path: Path) -> None:
    write(
        tmp_path,
        "-- About both.\n\n"
        "-- name: one\n-- Says one.\nselect 1;\n\n"
        "--name:two_3\n-- Says two;\n-- at length.\nselect ';', -- not an end\n       2\n",
    )
    statements = queries.load(tmp_path)
    assert list(statements) == ["one", "two_3"]
    assert statements["one"].sql == "/* one */\nselect 1"
    assert (statements["one"].purpose, statements["one"].line) == ("Says one.", 3)
    assert statements["two_3"].sql.endswith("select ';', -- not an end\n       2")


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("select 1;\n-- name: a\n-- x\nselect 1", 1, "before the first name"),
        ("select 1;\n", 1, "before the first name"),
        ("-- name: a\nselect 1", 1, "does not say what it is for"),
        ("-- name: a\n--\nselect 1", 1, "does not say what it is for"),
        ("-- name: a", 1, "does not say what it is for"),
        ("-- name: a\n-- x\n", 1, "has no SQL"),
        ("-- name: a\n-- x\n;\n", 1, "has no SQL"),
        ("-- name: a\n-- x\n-- y\n\n-- name: b\n-- x\nselect 1", 1, "has no SQL"),
        ("\n-- name: A b\n-- x\nselect 1", 2, "no name"),
        ("-- name:\n-- x\nselect 1", 1, "no name"),
        ("-- name: a\n-- x\nselect 1;\n-- name: a\n-- x\nselect 2", 4, "also in a.sql, line 1"),
    ],
)
def test_malformed_files_are_refused(tmp_path: Path, text: str, line: int, reason: str) -> None:
    with pytest.raises(StatementMalformed, match=reason) as caught:
        queries.load(write(tmp_path, text))
    assert caught.value.line == line
    assert caught.value.file == tmp_path / "a.sql"


def test_a_name_is_unique_across_files(tmp_path: Path) -> None:
    write(tmp_path, "-- name: a\n-- x\nselect 1")
    write(tmp_path, "-- name: a\n-- x\nselect 1", "b.sql")
    with pytest.raises(StatementMalformed, match=r"b\.sql, line 1: a is also in a\.sql"):
        queries.load(tmp_path)


def test_an_unknown_name_is_told_its_neighbours() -> None:
    with pytest.raises(StatementUnknown, match="There is no SQL statement 'no_such_statement'"):
        queries.sql("no_such_statement")


async def test_every_statement_of_ours_prepares_on_our_schema(database_url: str) -> None:
    statements = queries.load()
    if not statements:
        pytest.skip("db/sql has no statements yet")
    connection = await asyncpg.connect(database_url)
    try:
        for statement in statements.values():
            try:
                await connection.prepare(statement.sql)
            except asyncpg.PostgresError as error:
                pytest.fail(f"{statement.file.name}:{statement.line} {statement.name}: {error}")
            assert queries.sql(statement.name) == statement.sql
    finally:
        await connection.close()

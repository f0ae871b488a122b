"""Files into a project and out of it again, while a server runs and while none does."""

import asyncio
import csv
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import pytest_asyncio

from api.frontend.client import Client
from tests.paths.commands import basanite, finish, start
from tests.paths.serving import ServerProcess, admin_token

Row = tuple[str, str, str]

CONSENSUS = """
query ($first: Int!, $after: String) { tasks(project: "p", first: $first, after: $after) {
  edges { node { externalId status judgmentCount gold consensus { label confidence } } }
  pageInfo { hasNextPage endCursor }
} }"""
WORKERS = """
query ($first: Int!, $after: String) { workers(project: "p", first: $first, after: $after) {
  edges { node { externalId judgmentCount reputation { accuracy { value } bits { value } } } }
  pageInfo { hasNextPage endCursor }
} }"""
SET_GOLD = """
mutation ($input: SetGoldInput!) { setGold(input: $input) {
  ... on SetGoldPayload { changed } ... on Refusal { code message retryAfter }
} }"""


def make_rows(count: int, seed: int = 1) -> list[Row]:
    """Each (task, worker) once; ids with all that CSV makes difficult."""
    rng = random.Random(seed)
    pairs = [(f't, "{n}"\nä', f"w{m}") for n in range(count // 8 + 1) for m in range(9)]
    return [(task, worker, rng.choice(["x", "ÿ, z"])) for task, worker in rng.sample(pairs, count)]


def write(path: Path, rows: list[Row]) -> Path:
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["task", "worker", "label"])
        out.writerows(rows)
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def judgments_in(path: Path) -> set[Row]:
    rows = read(path)
    found = {(row["task"], row["worker"], row["label"]) for row in rows}
    assert len(found) == len(rows)
    return found


@pytest_asyncio.fixture
async def server(database_url: str) -> AsyncIterator[ServerProcess]:
    running = ServerProcess(database_url)
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


async def test_without_a_server_what_goes_in_comes_out(database_url: str, tmp_path: Path) -> None:
    rows = make_rows(1000)
    file = write(tmp_path / "in.csv", rows)
    given = ("import-judgments", str(file), "--project", "p", "--database-url", database_url)
    place = ("--out", str(tmp_path / "left"))
    missing = await basanite(tmp_path, *given, *place)
    assert missing.status == 1
    assert "--create" in missing.text
    ran = await basanite(tmp_path, *given, *place, "--create", "--batch", "70")
    assert ran.status == 0, ran.text
    assert "stored in project p: 1,000; there already: 0." in ran.text
    again = await basanite(tmp_path, *given, *place)
    assert again.status == 0, again.text
    assert "stored in project p: 0; there already: 1,000." in again.text

    export = ("export", "--project", "p", "--database-url", database_url)
    ran = await basanite(tmp_path, *export, "--out", str(tmp_path / "csv"))
    assert ran.status == 0, ran.text
    assert judgments_in(tmp_path / "csv" / "judgments.csv") == set(rows)
    ran = await basanite(tmp_path, *export, "--out", str(tmp_path / "arrow"), "--format", "parquet")
    assert ran.status == 0, ran.text
    for name in ("judgments", "consensus", "workers"):
        table = pq.read_table(tmp_path / "arrow" / f"{name}.parquet").to_pylist()
        plain = read(tmp_path / "csv" / f"{name}.csv")
        assert len(table) == len(plain)
        assert list(table[0]) == list(plain[0])
        for one, other in zip(table, plain, strict=True):
            assert [one["task" if name != "workers" else "worker"]] == [next(iter(other.values()))]

    ran = await basanite(
        tmp_path,
        "aggregate",
        str(tmp_path / "csv" / "judgments.csv"),
        "--out",
        str(tmp_path / "aggregated"),
    )
    assert ran.status == 0, ran.text
    for name in ("consensus.csv", "workers.csv"):
        ours = list(read(tmp_path / "csv" / name)[0])
        theirs = list(read(tmp_path / "aggregated" / name)[0])
        assert ours[: len(theirs)] == theirs
    for row in read(tmp_path / "csv" / "consensus.csv"):
        chances = {label: float(row[f"p_{label}"]) for label in ("x", "ÿ, z")}
        assert sum(chances.values()) == pytest.approx(1, abs=2e-6)
        assert chances[row["label"]] == float(row["confidence"]) == max(chances.values())

    unknown = await basanite(
        tmp_path, *export[:2], "none", *export[3:], "--out", str(tmp_path / "n")
    )
    assert unknown.status == 1
    assert "no such project. There are: p." in unknown.text
    assert not (tmp_path / "n").exists()


async def test_a_running_server_takes_files_and_its_state_is_exported(
    server: ServerProcess, database_url: str, tmp_path: Path
) -> None:
    rows = make_rows(600)
    token = await admin_token(database_url)
    file = write(tmp_path / "in.csv", rows)
    given = ("--project", "p", "--url", server.url, "--key", token, "--out", str(tmp_path / "left"))
    ran = await basanite(tmp_path, "import-judgments", str(file), *given, "--create")
    assert ran.status == 0, ran.text
    async with Client(server.url, token) as client:
        gold = {"project": "p", "tasks": [rows[0][0]], "labels": ["x"]}
        await client.mutate(SET_GOLD, gold)
        export = ("export", "--project", "p", "--database-url", database_url)
        killed = tmp_path / "killed"
        await server.kill()  # at once: what is written behind the commits is not there yet
        ran = await basanite(tmp_path, *export, "--out", str(killed))
        assert ran.status == 0, ran.text
        await server.start()
        tasks = {node["externalId"]: node async for node in client.nodes(CONSENSUS)}
        workers = {node["externalId"]: node async for node in client.nodes(WORKERS)}
    running = tmp_path / "running"
    ran = await basanite(tmp_path, *export, "--out", str(running))
    assert ran.status == 0, ran.text

    for folder in (killed, running):
        assert judgments_in(folder / "judgments.csv") == set(rows)
        consensus = read(folder / "consensus.csv")
        assert {row["task"] for row in consensus} == {task for task, _, _ in rows}
        for row in consensus:
            node = tasks[row["task"]]
            assert row["label"] == node["consensus"]["label"]
            assert abs(float(row["confidence"]) - node["consensus"]["confidence"]) < 1e-5
            assert row["status"] == node["status"]
            assert int(row["judgments"]) == node["judgmentCount"]
            assert (row["gold"] or None) == node["gold"]
        found = read(folder / "workers.csv")
        assert {row["worker"] for row in found} == set(workers)
        for row in found:
            reputation = workers[row["worker"]]["reputation"]
            assert int(row["judgments"]) == workers[row["worker"]]["judgmentCount"]
            assert abs(float(row["accuracy"]) - reputation["accuracy"]["value"]) < 1e-5
            assert abs(float(row["bits"]) - reputation["bits"]["value"]) < 1e-5


async def test_how_long_judgments_took_goes_in_and_comes_out(
    database_url: str, tmp_path: Path
) -> None:
    rows = [("1", "a", "x"), ("1", "b", "y"), ("2", "a", "x"), ("2", "b", "y"), ("3", "a", "x")]
    times = ["12.25", "", "no time", "-3", "0"]
    known = {("1", "a", "x"): "12.25", ("3", "a", "x"): "0"}
    given = [(*row, time) for row, time in zip(rows, times, strict=True)]
    with (tmp_path / "in.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("task", "worker", "label", "WorkTimeInSeconds"), *given])
    with (tmp_path / "in.jsonl").open("w") as file:
        names = ("task", "worker", "label", "seconds")
        file.writelines(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in given)
    table: dict[str, list[Any]] = {
        name: [row[place] for row in given] for place, name in enumerate(names)
    }
    table["seconds"] = [12.25, None, None, -3.0, 0.0]
    pq.write_table(pa.table(table), tmp_path / "in.parquet")
    for kind in ("csv", "jsonl", "parquet"):
        out = tmp_path / kind
        where = ("--project", kind, "--database-url", database_url, "--out", str(out))
        ran = await basanite(
            tmp_path, "import-judgments", str(tmp_path / f"in.{kind}"), *where, "--create"
        )
        assert ran.status == 0, ran.text
        ran = await basanite(tmp_path, "export", *where)
        assert ran.status == 0, ran.text
        found = {
            (row["task"], row["worker"], row["label"]): row["seconds"]
            for row in read(out / "judgments.csv")
        }
        assert found == {row: known.get(row, "") for row in rows}
    ran = await basanite(
        tmp_path, "import-judgments", str(tmp_path / "in.csv"), *where, "--seconds-column", "none"
    )
    assert ran.status == 1
    assert "no column for the time in seconds" in ran.text


async def test_what_cannot_be_used_is_kept_with_its_reason_and_can_be_sent_again(
    server: ServerProcess, database_url: str, tmp_path: Path
) -> None:
    token = await admin_token(database_url)
    left = tmp_path / "left"
    given = ("--project", "p", "--url", server.url, "--key", token, "--out", str(left))
    first = write(tmp_path / "first.csv", [("a", "u", "x"), ("a", "v", "y"), ("b", "u", "y")])
    ran = await basanite(tmp_path, "import-judgments", str(first), *given, "--create")
    assert ran.status == 0, ran.text

    second = tmp_path / "second.csv"
    second.write_bytes(
        b"task,worker,label\n"
        b"b,v,x\n"  # fine
        b"a,w,x\n"  # the task is full
        b"c,u,x\n"  # no such task
        b"b,w,?\n"  # no such label
        b"b,u,y\n"  # there already
        b",u,x\n"  # no task
        b"b,\xff,x\n"  # not UTF-8
        b"b,v\n"  # ragged
    )
    ran = await basanite(tmp_path, "import-judgments", str(second), *given)
    assert ran.status == 3, ran.text
    assert "stored in project p: 1; there already: 1." in ran.text
    assert "no such task. Say --create" in ran.text
    assert "addTasks" not in ran.text + (left / "refused.csv").read_text()
    codes = {(row["task"], row["worker"]): row["code"] for row in read(left / "refused.csv")}
    assert codes == {
        ("a", "w"): "OVERLAP_FULL",
        ("c", "u"): "UNKNOWN_TASK",
        ("b", "w"): "UNKNOWN_LABEL",
    }
    assert [row["line"] for row in read(left / "quarantine.csv")] == ["7", "8", "9"]
    refused = (left / "refused.csv").rename(tmp_path / "again.csv")
    ran = await basanite(tmp_path, "import-judgments", str(refused), *given, "--create")
    assert ran.status == 3, ran.text
    codes = {(row["task"], row["worker"]): row["code"] for row in read(left / "refused.csv")}
    assert codes == {("a", "w"): "OVERLAP_FULL", ("b", "w"): "UNKNOWN_LABEL"}

    beside = ("--project", "p", "--database-url", database_url, "--out", str(left))
    taken = await basanite(tmp_path, "import-judgments", str(first), *beside, "--create")
    assert taken.status == 1, taken.text
    assert "--url" in taken.text

    wrong = await basanite(tmp_path, "import-judgments", str(first), *given[:-3], "bsn_1_2")
    assert wrong.status == 1
    assert "unknown or was revoked" in wrong.text


async def test_a_killed_import_is_completed_by_the_same_command(
    database_url: str, tmp_path: Path
) -> None:
    rows = make_rows(5000)
    file = write(tmp_path / "in.csv", rows)
    given = (
        *("import-judgments", str(file), "--project", "p", "--create", "--batch", "10"),
        *("--database-url", database_url, "--out", str(tmp_path / "left")),
    )
    seen = set[int]()
    for wait in (0.02, 0.2, 0.5):
        process = await start(tmp_path, *given)
        seen.add(await _kill_after(process, database_url, wait))
    assert any(0 < count < 5000 for count in seen), "no kill came in the middle"
    ran = await finish(await start(tmp_path, *given))
    assert ran.status == 0, ran.text
    out = tmp_path / "out"
    ran = await basanite(
        tmp_path, "export", "--project", "p", "--database-url", database_url, "--out", str(out)
    )
    assert judgments_in(out / "judgments.csv") == set(rows)


async def _kill_after(
    process: asyncio.subprocess.Process, database_url: str, seconds: float
) -> int:
    """Kill the command some time after the first judgments are stored; return how many are."""
    connection = await asyncpg.connect(database_url)
    count = "select count(*) from judgment"
    try:
        before = int(await connection.fetchval(count))
        while process.returncode is None and await connection.fetchval(count) == before:
            await asyncio.sleep(0.01)
            if before == 5000:
                break
        await asyncio.sleep(seconds)
        if process.returncode is None:
            process.kill()
        await process.wait()
        return int(await connection.fetchval(count))
    finally:
        await connection.close()

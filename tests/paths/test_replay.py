"""Replays: every row arrives once, in its order, through breaks and kills."""

import asyncio
import csv
import random
import signal
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import numpy as np
import pytest
import pytest_asyncio

from api.files.dataset import Dataset, read_dataset
from api.frontend.client import CallFailed, Client
from api.frontend.replaying import Checkpoint, Replay
from api.tables.errors import FileMissing, LabelsMissing
from api.tables.judgments import Reading
from engine import JUDGE, Categorical, Events
from engine.agreement import score_against_gold
from tests.paths.commands import basanite, finish, start, until
from tests.paths.serving import ServerProcess, admin_token

LOG = """
select task.external_id as task, worker.external_id as worker, label.external_id as label,
       judgment.client_id, judgment.seq,
       exists (select from judgment as l where l.supersedes = judgment.seq) as replaced
from judgment join task using (project_id, task_id) join worker using (project_id, worker_id)
    join label using (project_id, label_id)
order by seq
"""


def make_dataset(folder: Path, rows: int, seed: int = 1) -> Path:
    """Few pairs and many rows: most are repeated or revised, some several times."""
    rng = random.Random(seed)
    folder.mkdir(exist_ok=True)
    with (folder / "judgments.csv").open("w") as file:
        out = csv.writer(file)
        out.writerow(["task", "worker", "label"])
        for _ in range(rows):
            out.writerow([f"t{rng.randrange(12)}", f"w{rng.randrange(8)}", rng.choice("abc")])
    with (folder / "gold.csv").open("w") as file:
        out = csv.writer(file)
        out.writerow(["task", "label"])
        out.writerows([f"t{n}", "a"] for n in range(0, 12, 2))
    return folder


def rows_of(folder: Path) -> list[tuple[str, str, str]]:
    with (folder / "judgments.csv").open() as file:
        return [(row["task"], row["worker"], row["label"]) for row in csv.DictReader(file)]


@pytest_asyncio.fixture
async def server(database_url: str) -> AsyncIterator[ServerProcess]:
    running = ServerProcess(database_url)
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


async def log_of(database_url: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(database_url)
    try:
        return list(await connection.fetch(LOG))
    finally:
        await connection.close()


async def check(database_url: str, rows: list[tuple[str, str, str]]) -> None:
    """The log has each row that says something new, once, in the file's order for its task and for
    its worker; and the last answer of each pair stands."""
    log = await log_of(database_url)
    numbers = [int(one["client_id"].removeprefix("row-")) for one in log]
    assert len(set(numbers)) == len(numbers)
    said: dict[tuple[str, str], str] = {}
    news = []
    for number, (task, worker, label) in enumerate(rows):
        if said.get((task, worker)) != label:
            news.append(number)
        said[task, worker] = label
    assert sorted(numbers) == news
    by_task, by_worker = defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
    for number, one in zip(numbers, log, strict=True):
        assert (one["task"], one["worker"], one["label"]) == rows[number]
        by_task[one["task"]].append(number)
        by_worker[one["worker"]].append(number)
    for order in (*by_task.values(), *by_worker.values()):
        assert order == sorted(order)
    standing = {(one["task"], one["worker"]): one["label"] for one in log if not one["replaced"]}
    assert standing == said


def read(folder: Path) -> Dataset:
    return read_dataset(folder, None, Reading(timed=True))


@pytest.mark.parametrize("batch", [1, 7])
async def test_every_row_arrives_in_order_and_nothing_is_refused(
    server: ServerProcess, database_url: str, tmp_path: Path, batch: int
) -> None:
    folder = make_dataset(tmp_path / "set", 600)
    reached: list[Checkpoint] = []
    async with Client(server.url, await admin_token(database_url)) as client:
        replay = Replay(client, read(folder), "set", in_flight=100, batch=batch)
        await replay.prepare()
        await replay.run(reached.append)
        assert replay.refused == {}
        assert replay.sent == 600
        again = Replay(client, read(folder), "set", batch=batch)
        await again.prepare()
        await again.run(reached.append)
        assert (again.sent, again.duplicates, again.refused) == (600, 600, {})
    await check(database_url, rows_of(folder))
    assert [one.rows for one in reached[:4]] == [150, 300, 450, 600]
    assert all(one.known and one.tasks == 6 for one in reached[:4])
    assert 0 <= reached[3].consensus <= 6
    assert not any(one.known for one in reached[4:7])
    assert reached[7].known


@pytest.mark.parametrize("batch", [1, 7])
async def test_how_long_judgments_took_is_replayed(
    server: ServerProcess, database_url: str, tmp_path: Path, batch: int
) -> None:
    lines = [f"t{n},w{n % 3},{'ab'[n % 2]},{n / 4 if n % 5 else ''}" for n in range(30)]
    (tmp_path / "judgments.csv").write_text("\n".join(["task,worker,label,seconds", *lines]))
    async with Client(server.url, await admin_token(database_url)) as client:
        replay = Replay(client, read(tmp_path), "set", batch=batch)
        await replay.prepare()
        await replay.run(lambda _: None)
    connection = await asyncpg.connect(database_url)
    stored = await connection.fetch("select task_id, seconds from judgment")
    await connection.close()
    found = {row["task_id"]: row["seconds"] for row in stored}
    assert found == {n: n / 4 if n % 5 else None for n in range(30)}


async def test_each_mark_is_the_engines_own_answer_to_all_that_was_sent(
    server: ServerProcess, database_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    rng = random.Random(5)
    truth = {f"t{n}": rng.choice("abcd") for n in range(900)}
    lines = ["task,worker,label"]
    for task, label in truth.items():
        for worker in rng.sample(range(15), 4):
            given = label if rng.random() < 0.4 + 0.04 * worker else rng.choice("abcd")
            lines.append(f"{task},w{worker},{given}")
    lines[1:] = rng.sample(lines[1:], len(lines) - 1)
    (folder / "judgments.csv").write_text("\n".join(lines))
    gold = [f"{task},{label}" for task, label in truth.items()]
    (folder / "gold.csv").write_text("\n".join(["task,label", *gold]))
    data, reached = read(folder), list[Checkpoint]()
    async with Client(server.url, await admin_token(database_url)) as client:
        replay = Replay(client, data, "many", batch=50)
        await replay.prepare()
        await replay.run(reached.append)
    judgments = data.judgments
    mark, part = reached[0], slice(reached[0].rows)
    model = Categorical(labels=4)
    kinds = np.full(mark.rows, JUDGE, np.uint8)
    columns = (judgments.task[part], judgments.worker[part], judgments.label[part])
    model.apply(Events(kinds, *columns))
    tasks = np.unique(judgments.task[part])
    consensus = model.consensus(tasks)
    assert 0 < mark.settled <= int((consensus.judgments >= 2).sum())
    assert mark.tasks == len(tasks)
    points = score_against_gold(model.posterior(tasks), data.gold[tasks])
    assert mark.consensus == pytest.approx(points.sum())


async def test_tasks_that_the_server_does_not_list_are_an_error(
    server: ServerProcess, database_url: str, tmp_path: Path
) -> None:
    folder = make_dataset(tmp_path / "set", 100)
    async with Client(server.url, await admin_token(database_url)) as client:
        replay = Replay(client, read(folder), "set", batch=50)
        await replay.prepare()
        with (folder / "judgments.csv").open("a") as file:
            file.write("late,w1,a\n")
        replay.dataset = read(folder)
        with pytest.raises(CallFailed, match="late is missing"):
            await replay.run(lambda _: None)


async def test_a_break_is_gone_on_from_and_another_file_does_not_mix_in(
    server: ServerProcess, database_url: str, tmp_path: Path
) -> None:
    folder = make_dataset(tmp_path / "set", 900)
    rng = random.Random(3)
    async with Client(server.url, await admin_token(database_url)) as client:
        for _ in range(6):
            replay = Replay(client, read(folder), "set", in_flight=50)
            await replay.prepare()
            going = asyncio.ensure_future(replay.run(lambda _: None))
            await asyncio.sleep(rng.uniform(0.0, 1.0))
            going.cancel()
            await asyncio.gather(going, return_exceptions=True)
        replay = Replay(client, read(folder), "set", in_flight=50)
        await replay.prepare()
        await replay.run(lambda _: None)
        assert replay.refused == {}
        other = read(make_dataset(tmp_path / "other", 50, seed=9))
        with pytest.raises(CallFailed, match="--project"):
            await Replay(client, other, "set").prepare()
    await check(database_url, rows_of(folder))


async def test_the_server_may_be_killed_meanwhile(
    server: ServerProcess, database_url: str, tmp_path: Path
) -> None:
    folder = make_dataset(tmp_path / "set", 1200)
    async with Client(server.url, await admin_token(database_url), patience=120.0) as client:
        replay = Replay(client, read(folder), "set", in_flight=50)
        await replay.prepare()
        going = asyncio.ensure_future(replay.run(lambda _: None))
        for share in (0.2, 0.5, 0.8):
            await _until_sent(replay, share * 1200)
            await server.kill()
            await server.start()
        await going
        assert replay.refused == {}
    await check(database_url, rows_of(folder))


async def _until_sent(replay: Replay, rows: float) -> None:
    while replay.sent < rows:  # noqa: ASYNC110 - nothing tells but the count itself
        await asyncio.sleep(0.002)


async def test_the_command_shows_quarters_and_goes_on_after_kill_9(
    database_url: str, tmp_path: Path
) -> None:
    folder = make_dataset(tmp_path / "set", 2000)
    given = ("replay", str(folder), "--database-url", database_url, "--concurrency", "4")
    process = await start(tmp_path, *given)
    await until(process, "25%")
    process.send_signal(signal.SIGKILL)
    await process.wait()
    ran = await basanite(tmp_path, *given)
    assert ran.status == 0, ran.text
    assert "an earlier run had sent more" in ran.text
    assert "100%" in ran.text
    assert "consensus" in ran.text
    await check(database_url, rows_of(folder))
    process = await start(tmp_path, *given[:-1], "1")  # one at a time: it lasts longer
    text = await until(process, "Project set at")
    process.send_signal(signal.SIGINT)
    ran = await finish(process, text)
    assert ran.status == 130, ran.text
    assert "goes on from here" in ran.text
    assert "Traceback" not in ran.text


async def test_bad_input_is_explained(tmp_path: Path) -> None:
    for arguments, words in (
        ((str(tmp_path / "none"),), "There is no file"),
        ((str(tmp_path),), "There is no file"),
        ((str(tmp_path), "--url", "http://127.0.0.1:9"), "keys create"),
        ((str(tmp_path), "--key", "bsn_1_2"), "--url"),
    ):
        ran = await basanite(tmp_path, "replay", *arguments)
        assert ran.status == 1, ran.text
        assert words in ran.text
        assert "Traceback" not in ran.text


async def test_columns_of_other_names_are_named(tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_text("a;b;c\n1;u;x\n1;v;x\n")
    columns = ("--task-column", "a", "--worker-column", "b", "--label-column", "c")
    ran = await basanite(tmp_path, "replay", str(tmp_path / "odd.csv"), *columns)
    assert "The only label in" in ran.text


def test_a_data_set_is_read_as_a_stream(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path / "set", 500)
    with (folder / "judgments.csv").open("a") as file:
        file.write("t1,w1\n")
    data, rows = read(folder), rows_of(folder)[:-1]
    assert data.name == "set"
    assert len(data) == 500
    assert data.unusable == ["line 502: 2 values where the header has 3"]
    origins, standing = data.origins().tolist(), dict[tuple[str, str], tuple[str, int]]()
    for number, (task, worker, label) in enumerate(rows):
        before, origin = standing.get((task, worker), ("", -1))
        standing[task, worker] = (label, origin if label == before else number)
        assert origins[number] == standing[task, worker][1]
    for count in (1, 100, 500):
        last = {(task, worker): number for number, (task, worker, _) in enumerate(rows[:count])}
        assert data.live(count).tolist() == sorted(last.values())
    workers = defaultdict[str, set[str]](set)
    for task, worker, _ in rows:
        workers[task].add(worker)
    assert data.overlap == max(map(len, workers.values()))
    assert data.digest == read(folder).digest
    assert data.digest != read(make_dataset(tmp_path / "other", 500, seed=2)).digest


def test_majority_splits_its_point_where_labels_tie(tmp_path: Path) -> None:
    (tmp_path / "judgments.csv").write_text(
        "task,worker,label\n1,a,x\n1,b,y\n2,a,x\n2,b,x\n2,c,y\n3,a,y\n1,a,y\n"
    )
    (tmp_path / "gold.csv").write_text("task,label\n1,x\n2,x\n")
    data = read(tmp_path)
    tasks, points = data.majority(6)
    assert (tasks.tolist(), points.tolist()) == ([0, 1], [0.5, 1.0])
    assert data.majority(7)[1].tolist() == [0.0, 1.0]
    assert data.majority(2)[0].tolist() == [0]


def test_a_data_set_without_use_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        read(tmp_path)
    (tmp_path / "judgments.csv").write_text("task,worker,label\n1,a,x\n1,b,x\n")
    with pytest.raises(LabelsMissing):
        read(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["judgments.csv"]

"""`basanite aggregate` from a file to files, as someone at a terminal runs it."""

import csv
import gzip
import os
import random
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import orjson
import pytest

from api.files.aggregation import FILES, aggregate
from api.tables.folder import OutFolder
from api.tables.judgments import Reading

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("BASANITE_TEST_DATA", ROOT.parent / "shared" / "data"))
COMMAND = [sys.executable, "-W", "error", "-c", "from api.cli import main; main()", "aggregate"]


def run(
    folder: Path, *arguments: str | Path, stdin: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=folder,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "PYTHONUTF8": "1"},
    )


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def crowd(tasks: int, seed: int = 1) -> tuple[list[tuple[str, str, str]], dict[str, str]]:
    """Twelve workers of whom four only ever say "cat"; the others are right 80 times in 100."""
    chance = random.Random(seed)
    truth = {f"img {task}": chance.choice(["cat", "dog", "fish, dried"]) for task in range(tasks)}
    rows = []
    for task, label in truth.items():
        for worker in chance.sample(range(12), 5):
            right = chance.random() < 0.8
            answer = label if right else chance.choice(["cat", "dog", "fish, dried"])
            rows.append((task, f"w{worker}", "cat" if worker < 4 else answer))
    return rows, truth


def written(path: Path, header: list[str], rows: list[tuple[str, ...]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as lines:
        csv.writer(lines).writerows([header, *rows])
    return path


NAMES = ["task", "worker", "label"]


def test_a_file_becomes_consensus_reputations_and_a_summary(tmp_path: Path) -> None:
    rows, truth = crowd(300)
    written(tmp_path / "judgments.csv", NAMES, list(rows))
    done = run(tmp_path, "judgments.csv")
    assert (done.returncode, done.stderr) == (0, b"")
    out = tmp_path / "basanite-out"
    consensus = table(out / "consensus.csv")
    assert list(consensus[0]) == [
        "task", "label", "confidence", "p_cat", "p_dog", "p_fish, dried",
    ]  # fmt: skip
    assert [row["task"] for row in consensus] == list(truth)
    for row in consensus:
        chances = {name: float(row[f"p_{name}"]) for name in ("cat", "dog", "fish, dried")}
        assert sum(chances.values()) == pytest.approx(1, abs=1e-5)
        assert float(row["confidence"]) == max(chances.values()) == chances[row["label"]]
    right = sum(truth[row["task"]] == row["label"] for row in consensus)
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for task, _, label in rows:
        votes[task][label] += 1
    majority = sum(truth[task] == votes[task].most_common(1)[0][0] for task in truth)
    assert right > majority

    workers = {row["worker"]: row for row in table(out / "workers.csv")}
    counts = Counter(worker for _, worker, _ in rows)
    assert {name: int(row["judgments"]) for name, row in workers.items()} == counts
    for row in workers.values():
        low, accuracy, high = (
            float(row[name]) for name in ("accuracy_low", "accuracy", "accuracy_high")
        )
        assert 0 <= low < accuracy < high <= 1
    clickers = [float(workers[f"w{number}"]["bits"]) for number in range(4)]
    honest = [float(workers[f"w{number}"]["bits"]) for number in range(4, 12)]
    assert max(clickers) < min(honest)

    expected: Counter[str] = Counter()
    for row in table(out / "confusion.csv"):
        expected[row["worker"]] += float(row["expected_count"])  # type: ignore[assignment]
    assert expected == pytest.approx(dict(counts), abs=0.02)

    screen = done.stdout.decode()
    for shown in ("1,500 by 12 workers on 300 tasks", "Krippendorff's α 0.", "Best workers",
                  "Worst workers", "Relabel these first", "Written to basanite-out"):  # fmt: skip
        assert shown in screen
    assert max(map(len, screen.splitlines())) <= 100
    summary = orjson.loads((out / "summary.json").read_bytes())
    assert (summary["tasks"], summary["quarantined"]) == (300, 0)


def test_gold_is_scored_before_it_is_used(tmp_path: Path) -> None:
    rows, truth = crowd(60)
    written(tmp_path / "judgments.csv", NAMES, list(rows))
    # Gold that contradicts everything: it must not be able to confirm itself.
    wrong = {"cat": "dog", "dog": "fish, dried", "fish, dried": "cat"}
    gold = [(task, wrong[label]) for task, label in list(truth.items())[:20]]
    written(tmp_path / "gold.csv", ["task", "label"], list(gold))
    done = run(tmp_path, "judgments.csv", "--gold", "gold.csv", "--out", "o")
    assert done.returncode == 0, done.stderr
    summary = orjson.loads((tmp_path / "o" / "summary.json").read_bytes())
    assert summary["accuracy_without_gold"] < 0.5
    assert summary["accuracy_of_majority_vote"] < 0.5
    labels = {row["task"]: row for row in table(tmp_path / "o" / "consensus.csv")}
    for task, label in gold:
        assert (labels[task]["label"], float(labels[task]["confidence"])) == (label, 1.0)
    workers = table(tmp_path / "o" / "workers.csv")
    checked = {task for task, _ in gold}
    assert sum(int(row["gold_total"]) for row in workers) == sum(row[0] in checked for row in rows)
    known = dict(gold)
    assert sum(int(row["gold_right"]) for row in workers) == sum(
        known.get(task) == label for task, _, label in rows
    )
    assert "Measured before the model was shown the gold" in done.stdout.decode()


def test_bad_rows_go_to_quarantine_and_cost_nothing_else(tmp_path: Path) -> None:
    rows, _ = crowd(40)
    clean = written(tmp_path / "clean.csv", NAMES, list(rows))
    lines = clean.read_bytes().splitlines(keepends=True)
    bad = {
        5: b"only one value\r\n", 17: b"img 1,w\xff,cat\r\n", 40: b"img 2,,cat\r\n",
        77: b'"img 3,w5,cat\r\n', 100: b"img 4,w5,cat,7\r\n",
    }  # fmt: skip
    for line in sorted(bad):
        lines.insert(line - 1, bad[line])
    (tmp_path / "dirty.csv").write_bytes(b"".join(lines))
    assert run(tmp_path, "clean.csv", "--out", "clean").returncode == 0
    done = run(tmp_path, "dirty.csv", "--out", "dirty")
    assert done.returncode == 3
    assert "5 rows could not be used: dirty/quarantine.csv" in done.stdout.decode()
    for name in ("consensus.csv", "workers.csv", "confusion.csv"):
        assert (tmp_path / "clean" / name).read_bytes() == (tmp_path / "dirty" / name).read_bytes()
    quarantine = table(tmp_path / "dirty" / "quarantine.csv")
    assert [int(row["line"]) for row in quarantine] == sorted(bad)
    assert [row["raw"] for row in quarantine] == [
        raw.rstrip(b"\r\n").decode(errors="backslashreplace") for raw in bad.values()
    ]
    assert {row["file"] for row in quarantine} == {"dirty.csv"}
    # A clean run into the same folder takes the quarantine of the last one away.
    assert run(tmp_path, "clean.csv", "--out", "dirty").returncode == 0
    assert not (tmp_path / "dirty" / "quarantine.csv").exists()


def test_bad_gold_rows_are_quarantined_too(tmp_path: Path) -> None:
    rows, _ = crowd(20)
    written(tmp_path / "judgments.csv", NAMES, list(rows))
    (tmp_path / "gold.csv").write_text("task,label\nimg 1,cat\nimg 2\n")
    done = run(tmp_path, "judgments.csv", "--gold", "gold.csv")
    assert done.returncode == 3
    (row,) = table(tmp_path / "basanite-out" / "quarantine.csv")
    assert (row["file"], row["line"], row["raw"]) == ("gold.csv", "3", "img 2")


@pytest.mark.parametrize(
    ("bad", "reason", "hint"),
    [
        (b"1,Jos\xe9,cat\n", "byte 0xe9 in the worker is not utf-8", "--encoding latin-1"),
        (b'1,"a,cat\n', "a quote is not closed", ""),
    ],
)
def test_what_is_left_of_a_bad_file_is_refused_with_the_reason_of_its_rows(
    tmp_path: Path, bad: bytes, reason: str, hint: str
) -> None:
    (tmp_path / "rows.csv").write_bytes(b"task,worker,label\n" + bad + b"2,b,dog\n")
    done = run(tmp_path, "rows.csv", "--out", "o")
    assert (done.returncode, done.stdout) == (2, b"")
    note, error = done.stderr.decode().splitlines()
    assert note.startswith("! 1 row could not be used: o/quarantine.csv has it")
    assert reason in note
    assert hint in note
    assert error.startswith("Error: The only label in rows.csv is 'dog'")
    (row,) = table(tmp_path / "o" / "quarantine.csv")
    assert (row["line"], row["reason"].startswith(reason)) == ("2", True)


def test_the_gold_file_can_fail_after_rows_went_to_quarantine(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("task,worker,label\n1,a\n2,a,x\n2,b,y\n")
    (tmp_path / "gold.csv").write_text("task,label\n7,x\n")
    done = run(tmp_path, "rows.csv", "--gold", "gold.csv", "--out", "o")
    assert done.returncode == 2
    assert "! 1 row could not be used: o/quarantine.csv" in done.stderr.decode()
    assert len(table(tmp_path / "o" / "quarantine.csv")) == 1


def screen_of(done: subprocess.CompletedProcess[bytes]) -> str:
    return " ".join(done.stdout.decode().split())


def test_settled_counts_tasks_without_gold(tmp_path: Path) -> None:
    rows, truth = crowd(60)
    written(tmp_path / "judgments.csv", NAMES, list(rows))
    written(tmp_path / "gold.csv", ["task", "label"], list(list(truth.items())[:20]))
    screen = screen_of(run(tmp_path, "judgments.csv", "--gold", "gold.csv"))
    rest = table(tmp_path / "basanite-out" / "consensus.csv")[20:]
    settled = sum(float(row["confidence"]) >= 0.95 for row in rest)
    assert f"Settled {settled} of 40 tasks without gold" in screen
    assert "reached a confidence of 95 % or more; 20 more are gold" in screen
    screen = screen_of(
        run(tmp_path, "judgments.csv", "--gold", "gold.csv", "--target-confidence", "0.1")
    )
    assert "Nothing to relabel: every task without gold has a confidence of 10 %" in screen


def test_where_all_is_gold_the_screen_does_not_boast_with_it(tmp_path: Path) -> None:
    rows, truth = crowd(60)
    written(tmp_path / "judgments.csv", NAMES, list(rows))
    alone = run(tmp_path, "judgments.csv", "--out", "alone")
    assert "Gold to check" not in screen_of(alone)
    consensus = table(tmp_path / "alone" / "consensus.csv")
    settled = [row for row in consensus if float(row["confidence"]) >= 0.95]
    # The gold agrees with all of them but the one that the crowd is surest about.
    surest = max(settled, key=lambda row: float(row["confidence"]))
    gold = {row["task"]: row["label"] for row in consensus}
    gold[surest["task"]] = next(name for name in truth.values() if name != surest["label"])
    written(tmp_path / "gold.csv", ["task", "label"], list(gold.items()))
    screen = screen_of(run(tmp_path, "judgments.csv", "--gold", "gold.csv"))
    assert f"Every task is gold. Without the gold {len(settled)} of 60 tasks" in screen
    assert "Nothing to relabel: every task is gold." in screen
    listed = screen.partition("Gold to check: the judgments settle on another label")[2]
    agreeing = sum(row[0] == surest["task"] and row[2] == gold[surest["task"]] for row in rows)
    assert f"{surest['task']} 5 {gold[surest['task']]} {agreeing} {surest['label']}" in listed
    assert sum(f" {task} 5 " in listed for task in truth) == 1


def test_what_misses_the_target_does_not_look_as_if_it_reached_it(tmp_path: Path) -> None:
    rows, _ = crowd(300)
    written(tmp_path / "judgments.csv", NAMES, list(rows))
    run(tmp_path, "judgments.csv")
    found = [float(row["confidence"]) for row in table(tmp_path / "basanite-out" / "consensus.csv")]
    nearly = next(
        confidence for confidence in sorted(found)[:8] if 0.6 < (100 * confidence) % 1 < 0.99
    )
    target = (int(100 * nearly) + 1) / 100
    screen = screen_of(run(tmp_path, "judgments.csv", "--target-confidence", f"{target:.2f}"))
    listed = screen.partition("Relabel these first")[2]
    shares = re.findall(r"(\d+) % \S+(?: dried)? (\d+) %", listed)
    assert f"{int(100 * nearly)}" in {share for share, _ in shares}
    assert all(int(share) < 100 * target for share, _ in shares)


@pytest.mark.parametrize(("count", "warned"), [(10, False), (11, True)])
def test_a_scale_of_numbers_is_noticed(tmp_path: Path, count: int, *, warned: bool) -> None:
    rows = [(f"t{task}", f"w{worker}", f"{task * 10 - 50}.0") for task in range(count)
            for worker in range(2)]  # fmt: skip
    written(tmp_path / "judgments.csv", NAMES, list(rows))
    screen = screen_of(run(tmp_path, "judgments.csv"))
    note = "The 11 labels look like a scale of numbers and were taken for classes: -50.0 is as far"
    assert (note in screen) == warned


@pytest.mark.parametrize(("times", "said"), [(1, "1 row repeated"), (2, "2 rows repeated")])
def test_repeated_rows_are_counted_in_good_english(tmp_path: Path, times: int, said: str) -> None:
    rows = [("1", "a", "x"), ("2", "a", "y"), *[("1", "a", "x")] * times]
    written(tmp_path / "judgments.csv", NAMES, list(rows))
    screen = screen_of(run(tmp_path, "judgments.csv"))
    verb = "was" if times == 1 else "were"
    assert f"{said} a worker's answer to a task and {verb} dropped." in screen


def test_standard_input_gives_what_a_file_gives(tmp_path: Path) -> None:
    rows, _ = crowd(40)
    path = written(tmp_path / "judgments.csv", NAMES, list(rows))
    run(tmp_path, "judgments.csv", "--out", "file")
    done = run(tmp_path, "-", "--out", "pipe", stdin=gzip.compress(path.read_bytes()))
    assert done.returncode == 0
    for name in ("consensus.csv", "workers.csv", "confusion.csv"):
        assert (tmp_path / "file" / name).read_bytes() == (tmp_path / "pipe" / name).read_bytes()


def test_more_labels_than_the_full_model_holds(tmp_path: Path) -> None:
    chance = random.Random(5)
    rows = [
        (
            f"t{task}",
            f"w{chance.randrange(9)}",
            f"label {task % 50 if vote else chance.randrange(50)}",
        )
        for task in range(200)
        for vote in range(4)
    ]
    written(tmp_path / "judgments.csv", NAMES, list(dict.fromkeys(rows)))
    assert run(tmp_path, "judgments.csv").returncode == 0
    consensus = table(tmp_path / "basanite-out" / "consensus.csv")
    assert sum(row["label"] == f"label {int(row['task'][1:]) % 50}" for row in consensus) > 190


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        ("task,who,label\n1,a,x\n", [], "Found: task, who, label"),
        ("task,worker,label\n1,a,x\n2,a,x\n", [], "The only label in rows.csv is 'x'"),
        ("task,worker,label\n1,a\n", [], "Each row is in basanite-out/quarantine.csv"),
        ("task,worker,label\n1,a,x\n2,a,y\n", ["--gold", "none.csv"], "There is no file none.csv"),
        ("task,worker,label\n1,a,x\n2,a,y\n", ["--out", "rows.csv"], "Choose another folder"),
        ("task,worker,label\n1,a,x\n2,a,y\n", ["--label-column", "[b]"], "called '[b]'"),
    ],
)
def test_what_cannot_be_used_is_refused_with_status_2(
    tmp_path: Path, content: str, arguments: list[str], message: str
) -> None:
    (tmp_path / "rows.csv").write_text(content)
    done = run(tmp_path, "rows.csv", *arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert message in done.stderr.decode()
    left = {path.name for path in tmp_path.rglob("*")} - {"rows.csv"}
    assert left <= {"basanite-out", "quarantine.csv", "summary.json"}


def test_only_one_file_can_be_standard_input(tmp_path: Path) -> None:
    done = run(tmp_path, "-", "--gold", "-", stdin=b"task,worker,label\n")
    assert done.returncode == 2
    assert b"only one of the two files" in done.stderr


def test_the_command_is_known_without_loading_what_it_needs(tmp_path: Path) -> None:
    code = (
        "import sys, api.cli.aggregate;"
        "sys.exit(bool({'numpy', 'pyarrow', 'numba', 'rich.console'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


real = [
    "bluebird", "d_product", "dog", "d_possent", "s_rel", "web",
    "cf", "sp_amt", "zc_us", "ms", "labelme", "temp",
]  # fmt: skip


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no data sets in {DATA}; set BASANITE_TEST_DATA")
@pytest.mark.parametrize("name", real)
def test_real_data_sets(tmp_path: Path, name: str) -> None:
    judgments, gold = DATA / name / "judgments.csv", DATA / name / "gold.csv"
    with OutFolder(tmp_path / "basanite-out", FILES) as folder:
        aggregate(str(judgments), str(gold), folder, Reading(), 0.95, lambda *_: None)
    summary = orjson.loads((tmp_path / "basanite-out" / "summary.json").read_bytes())
    latest = {(row["task"], row["worker"]): row["label"] for row in table(judgments)}
    assert summary["judgments"] == len(latest)
    points = 0.0
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for (task, _), label in latest.items():
        votes[task][label] += 1
    known = {row["task"]: row["label"] for row in table(gold) if row["task"] in votes}
    for task, label in known.items():
        winners = [each for each, n in votes[task].items() if n == max(votes[task].values())]
        points += (label in winners) / len(winners)
    assert summary["gold_tasks"] == len(known)
    assert summary["accuracy_of_majority_vote"] == pytest.approx(points / len(known), abs=1e-6)

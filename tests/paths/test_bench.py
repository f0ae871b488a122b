"""`scripts/bench` at tiny sizes: each sub-command makes its tables and its JSON. No timing."""

import csv
import json
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from scripts.benchmarks.__main__ import app
from scripts.benchmarks.report import Figure, Report
from scripts.benchmarks.synthetic import crowd

ROOT = Path(__file__).parents[2]

TINY = {
    "engine": [
        *("--judgments", "2000", "--singles", "1000", "--medium", "2000", "--large", "3000"),
        *("--workers", "40", "--medium-workers", "40", "--large-workers", "60", "--repeats", "1"),
    ],
    "writes": ["--judgments", "8000", "--singles", "128", "--repeats", "1"],
    "api": ["--seconds", "0.3", "--connections", "4", "--repeats", "1"],
    "feed": ["--subscribers", "1", "--subscribers", "3", "--judgments", "6"],
    "restart": ["--judgments", "3000", "--repeats", "1"],
    "routing": [
        *("--seeds", "1", "--tasks", "20", "--only", "demo", "--size", "1000", "--asked", "20"),
        *("--part", "crowds", "--part", "policies", "--part", "leases"),
    ],
    "retraction": ["--judgments", "3000", "--seconds", "0.5", "--rate", "50"],
}
FOUND = {
    "engine": ["batches of 100, 5 labels", "one at a time, 2 labels, p99",
               "batch fit of 3,000, 5 labels, a sweep", "batch fit of 2,000, 5 labels, memory"],
    "writes": ["batches of 100, 1 caller", "batches of 1,000, 4 callers", "singles, 64 callers"],
    "api": ["single submits", "judgments, batches of 100", "leases",
            "single submit at 500/s offered, p99", "single submit at 1,000/s offered, p99"],
    "feed": ["taskFeed, 3 subscribers, p99", "qualityFeed, 1 subscriber, p50"],
    "restart": ["3,000 judgments, no snapshot", "3,000 judgments, oldest snapshot",
                "3,000 judgments, no snapshot: memory a judgment"],
    "routing": ["lease of 1,000, longest", "lease of 1,000 after a new policy, p99"],
    "retraction": ["submits at 50/s meanwhile, p99", "as of 1,500 of 3,000 entries",
                   "void a worker of 20, of 3,000 judgments, longest"],
}  # fmt: skip


def bench(*arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.benchmarks", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def figures(path: Path) -> dict[str, dict[str, Any]]:
    return {figure["what"]: figure for figure in json.loads(path.read_text())["figures"]}


@pytest.mark.slow
@pytest.mark.parametrize("command", TINY)
def test_a_benchmark_makes_its_table_and_its_json(command: str, tmp_path: Path) -> None:
    path = tmp_path / "results" / "found.json"
    shown = bench(command, *TINY[command], "--json", path)
    assert f"Benchmark: {command}" in shown
    assert "Load average" in shown
    assert re.search(r"the host kept \d+% for others", " ".join(shown.split()))
    found = figures(path)
    for what in FOUND[command]:
        assert found[what]["value"] > 0, what
    for figure in found.values():
        ratio, value, other = (figure[name] for name in ("ratio", "value", "other"))
        if ratio is not None:
            assert ratio in (pytest.approx(value / other), pytest.approx(other / value))
    machine = json.loads(path.read_text())["machine"]
    assert machine["load_after"] >= 0


def write(path: Path, rows: list[tuple[object, ...]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as lines:
        csv.writer(lines).writerows(rows)


def test_accuracy_is_that_of_the_gold(tmp_path: Path) -> None:
    chance = random.Random(3)
    truth = {f"t{task}": chance.choice("abc") for task in range(60)}
    rows: list[tuple[object, ...]] = [("task", "worker", "label")]
    for task, label in truth.items():
        rows += [(task, f"w{worker}", label) for worker in range(2)]
        rows += [(task, f"w{worker}", chance.choice("abc")) for worker in range(2, 5)]
    write(tmp_path / "easy" / "judgments.csv", [*rows, *rows[1:4]])
    write(tmp_path / "easy" / "gold.csv", [("task", "label"), *truth.items()])
    numbers = [(f"t{i}", f"w{j}", i * 3 + j) for i in range(20) for j in range(3)]
    write(tmp_path / "numeric" / "judgments.csv", [("task", "worker", "label"), *numbers])
    write(tmp_path / "numeric" / "gold.csv", [("task", "label"), ("t1", 4)])
    path = tmp_path / "found.json"
    shown = bench("accuracy", tmp_path, "--quick", "--json", path)
    assert "numeric was left out: its 60 labels are numbers" in shown
    results = json.loads(path.read_text())
    assert [table["title"].partition(":")[0] for table in results["tables"]] == [
        "Batch",
        "Streaming in file order",
    ]
    columns, (easy, mean, _) = results["tables"][0]["columns"], results["tables"][0]["rows"]
    assert easy[0] == "easy"
    assert easy[2:] == mean[2:]
    scores = dict(zip(columns, easy, strict=True))
    votes = {task: [row[2] for row in rows if row[0] == task] for task in truth}
    points = 0.0
    for task, label in truth.items():
        most = max(votes[task].count(each) for each in "abc")
        winners = [each for each in "abc" if votes[task].count(each) == most]
        points += (label in winners) / len(winners)
    assert scores["majority"] == pytest.approx(100 * points / len(truth))
    assert scores["Basanite"] >= scores["majority"]
    end = figures(path)["end of stream, mean"]
    assert end["other"] == pytest.approx(scores["Basanite"])


def helped(*command: str) -> str:
    shown = CliRunner().invoke(app, [*command, "--help"], prog_name="scripts/bench")
    assert shown.exit_code == 0
    return shown.output


def test_all_is_all() -> None:
    assert "results" in helped("all")
    listed = helped()
    for command in (*TINY, "accuracy", "calibration", "gold", "reputation", "all"):
        assert command in listed
        assert "Example: scripts/bench" in helped(command)


def test_a_ratio_above_one_is_better_whatever_the_unit() -> None:
    assert Figure("", 10.0, "ns", "", 30.0).ratio == 3.0
    assert Figure("", 30.0, "/s", "", 10.0).ratio == 3.0
    assert Figure("", 30.0, "/s").ratio is None
    assert Figure("", 10.0, "ns", goal=9.0).reached is False
    assert Figure("", 10.0, "/s", goal=9.0).reached is True
    assert Figure("", 10.0, "ns", "", 30.0, goal=10.0, ratio_goal=3.5).reached is False
    assert Figure("", 10.0, "ns").reached is None


def test_what_is_not_a_number_is_null_in_json(tmp_path: Path) -> None:
    report = Report("x", {"path": tmp_path})
    report.add(Figure("nothing", float("nan"), "ms"))
    report.finish(tmp_path / "x.json")
    (figure,) = json.loads((tmp_path / "x.json").read_text())["figures"]
    assert figure["value"] is None


@pytest.mark.parametrize("shuffled", [True, False])
def test_a_synthetic_crowd_judges_each_task_as_often_as_asked(shuffled: bool) -> None:
    data = crowd(1_000, 10, 23, 4, shuffled=shuffled)
    assert np.bincount(data.task).tolist() == [10] * 100
    assert len(set(zip(data.task.tolist(), data.worker.tolist(), strict=True))) == 1_000
    assert set(data.label.tolist()) == set(range(4))
    assert (np.diff(data.task) >= 0).all() == (not shuffled)
    with pytest.raises(ValueError, match="5 workers cannot"):
        crowd(100, 10, 5, 2, shuffled=shuffled)

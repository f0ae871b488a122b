"""How often the consensus is right on real data sets with gold: whole files, and as they stream."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import numpy.typing as npt
import typer

from api.tables.errors import TableError
from engine import Categorical, Events
from engine.agreement import score_against_gold
from scripts.benchmarks import rivals
from scripts.benchmarks.datasets import DataSet, folders, read
from scripts.benchmarks.options import JsonFile
from scripts.benchmarks.report import Cell, Figure, Report
from scripts.benchmarks.rivals import DAWID_SKENE, Floats, Rival

EPILOG: Final = "Example: scripts/bench accuracy ../shared/data --quick"

MARKS: Final = (25, 50, 75, 100)  # per cent of a stream
MAJORITY: Final = "majority"
OURS: Final = "Basanite"
SHORT: Final = {MAJORITY: "vote", DAWID_SKENE: "DS", OURS: "ours"}

BATCH_GOAL: Final = 85.48  # per cent, mean over the data sets
BATCH_HOPE: Final = 86.0
STREAM_SLACK: Final = 0.2  # points that the end of a stream may lie below the batch fit
WORST_SLACK: Final = 1.0  # points that any data set may lie below majority vote


@dataclass
class Scores:
    """Accuracy in per cent. batch: by method and data set. stream: by mark, method, data set."""

    batch: dict[str, dict[str, float]] = field(default_factory=dict)
    stream: dict[int, dict[str, dict[str, float]]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def mean(self, method: str, mark: int | None = None) -> float:
        """Mean over the data sets, of the batch fits or at a mark of the streams."""
        table = self.batch if mark is None else self.stream[mark]
        return float(np.mean(list(table[method].values())))

    def worst(self, mark: int | None = None) -> tuple[float, str]:
        """Where we are furthest below majority vote: by how many points, and on which data set."""
        table = self.batch if mark is None else self.stream[mark]
        return min((ours - table[MAJORITY][name], name) for name, ours in table[OURS].items())


def accuracy(
    data: Annotated[
        Path,
        typer.Argument(
            exists=True, file_okay=False, help="Folder of data sets: */judgments.csv, */gold.csv."
        ),
    ],
    quick: Annotated[bool, typer.Option("--quick", help="Leave out GLAD and MACE: slow.")] = False,
    most_labels: Annotated[
        int, typer.Option(min=2, help="Leave out data sets with more: they are not categorical.")
    ] = 32,
    only: Annotated[list[str] | None, typer.Option(help="Only this data set; repeatable.")] = None,
    json_file: JsonFile = None,
) -> None:
    """Accuracy against gold, of whole files and as they stream in, beside other methods.

    Gold is never shown to any method. A tie of n labels scores 1/n.
    """
    report = Report("accuracy", {"data": data, "quick": quick, "most_labels": most_labels})
    methods = [Rival(MAJORITY, rivals.vote_shares), Rival(OURS, _batch)]
    if rivals.has_crowd_kit():
        methods += rivals.crowd_kit(slow=not quick)
        if quick:
            report.note("Left out as slow: GLAD, MACE.")
    else:
        report.note(f"{rivals.INSTALL}. Its methods were left out.")
    sets = list(_read(data, only, most_labels, report))
    if not sets:
        raise typer.BadParameter(f"{data} holds no data set that can be used.")
    scores = Scores()
    with report.progress() as progress:
        doing = progress.add_task("", total=len(sets) * (len(methods) + len(MARKS)))
        for each in sets:
            for method in methods:
                progress.update(doing, description=f"{each.name}: {method.name}")
                began = time.perf_counter()
                score = _score(each, method.scores(each))
                taken = time.perf_counter() - began
                scores.seconds[method.name] = scores.seconds.get(method.name, 0.0) + taken
                scores.batch.setdefault(method.name, {})[each.name] = score
                progress.advance(doing)
            progress.update(doing, description=f"{each.name}: streaming")
            beside = [method for method in methods if method.name in (MAJORITY, DAWID_SKENE)]
            _stream(each, beside, scores)
            progress.advance(doing, len(MARKS))
    _tabulate(report, scores, sets)
    _judge(report, scores, whole=not only)
    report.finish(json_file)


def _read(root: Path, only: list[str] | None, most_labels: int, report: Report) -> list[DataSet]:
    sets = []
    for folder in folders(root):
        if only and folder.name not in only:
            continue
        try:
            each = read(folder)
        except TableError as error:
            report.note(f"{folder.name} was left out: {error}")
            continue
        if each.labels > most_labels:
            report.note(f"{folder.name} was left out: its {each.labels} labels are numbers.")
            continue
        sets.append(each)
    return sets


def _batch(data: DataSet) -> Floats:
    model = Categorical.fit(data.task, data.worker, data.label, data.labels)
    return model.posterior(np.arange(len(data.gold), dtype=np.int32))


def _score(data: DataSet, scores: Floats) -> float:
    known = data.known
    return 100.0 * float(score_against_gold(scores[known], data.gold[known]).mean())


def _stream(data: DataSet, beside: list[Rival], scores: Scores) -> None:
    """Let the judgments come one by one; at each mark score all methods on what has come."""
    model = Categorical(data.labels)
    rows = len(data.task)
    events = Events.judgments(data.task, data.worker, data.label)
    tasks: npt.NDArray[np.int32] = np.arange(len(data.gold), dtype=np.int32)
    done = 0
    for mark in MARKS:
        end = rows * mark // 100
        for row in range(done, end):
            one = slice(row, row + 1)
            model.apply(
                Events(events.kind[one], events.task[one], events.worker[one], events.label[one])
            )
        done = end
        seen = data.prefix(end)
        found = {OURS: model.posterior(tasks)}
        found |= {method.name: method.scores(seen) for method in beside}
        for name, values in found.items():
            table = scores.stream.setdefault(mark, {}).setdefault(name, {})
            table[data.name] = _score(seen, values)


def _tabulate(report: Report, scores: Scores, sets: list[DataSet]) -> None:
    methods = list(scores.batch)
    rows: list[list[Cell]] = [
        [each.name, str(each.labels), *(scores.batch[method][each.name] for method in methods)]
        for each in sets
    ]
    rows.append(["mean", "", *(scores.mean(method) for method in methods)])
    rows.append(["seconds", "", *(scores.seconds[method] for method in methods)])
    report.table("Batch: accuracy in %", ["", "labels", *methods], list(rows))

    beside = [method for method in SHORT if method in scores.stream[MARKS[0]]]
    headings = [f"{SHORT[method]}\n{mark} %" for mark in MARKS for method in beside]
    rows = [
        [each.name, *(scores.stream[mark][m][each.name] for mark in MARKS for m in beside)]
        for each in sets
    ]
    rows.append(["mean", *(scores.mean(method, mark) for mark in MARKS for method in beside)])
    title = "Streaming in file order: accuracy in %, the others fitted on the same prefix"
    report.table(title, ["", *headings], list(rows))


def _judge(report: Report, scores: Scores, *, whole: bool) -> None:
    majority = ("majority vote", scores.mean(MAJORITY))
    ours, end = scores.mean(OURS), scores.mean(OURS, 100)
    if whole:  # the goals are means over all of the data sets
        report.add(Figure("batch, mean", ours, "%", *majority, goal=BATCH_GOAL))
        report.add(Figure("batch, mean: hoped for", ours, "%", *majority, goal=BATCH_HOPE))
    else:
        report.add(Figure("batch, mean", ours, "%", *majority))
    for name in scores.batch:
        if name not in (MAJORITY, OURS):
            beside = (f"crowd-kit {name}", scores.mean(name))
            report.add(Figure("batch, mean", ours, "%", *beside))
    report.add(Figure("end of stream, mean", end, "%", "our batch", ours, goal=ours - STREAM_SLACK))
    for mark in MARKS[:-1]:
        value = scores.mean(OURS, mark)
        if DAWID_SKENE in scores.stream[mark]:
            other = scores.mean(DAWID_SKENE, mark)
            beside = (f"crowd-kit {DAWID_SKENE}, same", other)
            report.add(Figure(f"stream at {mark} %, mean", value, "%", *beside, goal=other))
        else:
            beside = ("majority vote, same", scores.mean(MAJORITY, mark))
            report.add(Figure(f"stream at {mark} %, mean", value, "%", *beside))
    for what, at in (("batch", None), *((f"stream at {mark} %", mark) for mark in MARKS)):
        points, name = scores.worst(at)
        # A data set is judged by what it ends with; on the way there it may lack the evidence.
        goal = -WORST_SLACK if at in (None, 100) else None
        worst = f"{what}, worst set ({name}) less majority vote"
        report.add(Figure(worst, points, "points", goal=goal))

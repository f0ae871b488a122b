"""What a judgment costs in the engine: as it comes, and in a batch fit beside crowd-kit's."""

import time
import warnings
from collections.abc import Callable
from statistics import median
from typing import Annotated, Final

import numpy as np
import numpy.typing as npt
import typer
from rich.progress import Progress, TaskID

from engine import Categorical, Events, warm_up
from engine.kernels import stream
from engine.kernels.stream import SWEEPS
from scripts.benchmarks import memory, rivals
from scripts.benchmarks.options import JsonFile, Repeats
from scripts.benchmarks.report import Figure, Report
from scripts.benchmarks.synthetic import Crowd, crowd

EPILOG: Final = "Example: scripts/bench engine --large 0 --repeats 1"

STREAM_LABELS: Final = (2, 5)
BATCH: Final = 100  # judgments in one call
LABELS: Final = 5  # of the batch fits
ROUNDS: Final = (1, 3)  # iterations of crowd-kit: what the difference takes is that of its sweeps

BATCHED_GOAL: Final = 2_000.0  # ns a judgment
SINGLE_GOAL: Final = 10.0  # µs, p99
SWEEP_GOAL: Final = 15.0  # ns a judgment and sweep, with tables that fit in the cache
LARGE_SWEEP_GOAL: Final = 40.0
SPEED_UP_GOAL: Final = 30.0
MEMORY_GOAL: Final = 10.0  # times less than crowd-kit

MB: Final = 1e6
NS: Final = 1e9

Step = Callable[[str], None]


def engine(
    judgments: Annotated[int, typer.Option(min=1000, help="Judgments that stream in.")] = 1_000_000,
    singles: Annotated[int, typer.Option(min=1000, help="Judgments one at a time.")] = 200_000,
    redundancy: Annotated[int, typer.Option(min=2, help="Judgments a task.")] = 10,
    workers: Annotated[int, typer.Option(min=20, help="Workers of the streams.")] = 500,
    medium: Annotated[int, typer.Option(min=1000, help="Judgments of the fit.")] = 1_000_000,
    medium_workers: Annotated[int, typer.Option(min=20, help="Workers of the fit.")] = 2_000,
    large: Annotated[int, typer.Option(min=0, help="Of the large fit; 0: none.")] = 10_000_000,
    large_workers: Annotated[int, typer.Option(min=20, help="Workers of the large fit.")] = 50_000,
    repeats: Repeats = 3,
    json_file: JsonFile = None,
) -> None:
    """Nanoseconds a judgment: streaming with refits, and in a sweep of a batch fit."""
    report = Report(
        "engine",
        {
            "judgments": judgments,
            "singles": singles,
            "redundancy": redundancy,
            "workers": workers,
            "medium": medium,
            "medium_workers": medium_workers,
            "large": large,
            "large_workers": large_workers,
            "repeats": repeats,
        },
    )
    if not rivals.has_crowd_kit():
        report.note(f"{rivals.INSTALL}. It was left out.")
    warm_up()
    with report.progress() as progress:
        fits = 2 if large else 1
        steps = len(STREAM_LABELS) * 2 * repeats + fits * (repeats + 1)
        doing = progress.add_task("", total=steps)
        step = _stepper(progress, doing)
        for labels in STREAM_LABELS:
            data = crowd(judgments, redundancy, workers, labels, shuffled=True)
            _measure_batches(report, data, repeats, step)
            few = crowd(singles, redundancy, workers, labels, shuffled=True)
            _measure_singles(report, few, repeats, step)
        data = crowd(medium, redundancy, medium_workers, LABELS, shuffled=False)
        _measure_fit(report, data, repeats, step, SWEEP_GOAL, SPEED_UP_GOAL, None)
        if large:
            data = crowd(large, redundancy, large_workers, LABELS, shuffled=False)
            _measure_fit(report, data, repeats, step, LARGE_SWEEP_GOAL, None, MEMORY_GOAL)
    report.note(
        f"Streams: random order; refits run as judgments come. A sweep is an expectation and a "
        f"maximisation over all judgments; a fit has {SWEEPS}. Memory: what a fit takes beside "
        "its judgments, in a process of its own. Times are processor time, but for single "
        "judgments, which are by the clock. The best run counts."
    )
    report.finish(json_file)


def _stepper(progress: Progress, doing: TaskID) -> Step:
    def step(text: str) -> None:
        progress.update(doing, description=text, advance=1)

    return step


def _measure_batches(report: Report, data: Crowd, repeats: int, step: Step) -> None:
    whole, late = [], []
    for _ in range(repeats):
        step(f"Streaming in batches, {data.labels} labels")
        seconds = _stream(data, BATCH)
        tenth = len(seconds) // 10
        whole.append(seconds.sum() / len(data) * NS)
        late.append(seconds[-tenth:].sum() / (tenth * BATCH) * NS)
    sweep = _time_sweep(data, repeats)
    what = f"batches of {BATCH}, {data.labels} labels"
    beside = ("a sweep of a batch fit", sweep)
    report.add(Figure(what, min(whole), "ns", *beside, goal=BATCHED_GOAL))
    report.add(Figure(f"{what}, median run", median(whole), "ns", *beside))
    report.add(Figure(f"{what}, last tenth", min(late), "ns", *beside, goal=BATCHED_GOAL))


def _measure_singles(report: Report, data: Crowd, repeats: int, step: Step) -> None:
    runs = []
    for _ in range(repeats):
        step(f"Streaming one by one, {data.labels} labels")
        runs.append(np.percentile(_stream(data, 1), (50, 99, 99.9)) * 1e6)
    best = np.min(runs, axis=0)
    what = f"one at a time, {data.labels} labels"
    batched = _stream(data, BATCH).sum() / len(data) * 1e6
    beside = (f"mean in batches of {BATCH}", float(batched))
    report.add(Figure(f"{what}, p50", best[0], "µs", *beside))
    report.add(Figure(f"{what}, p99", best[1], "µs", *beside, goal=SINGLE_GOAL))
    report.add(Figure(f"{what}, p99.9", best[2], "µs", *beside))


def _stream(data: Crowd, size: int) -> npt.NDArray[np.float64]:
    """Seconds that each call took, of a stream in batches of `size`."""
    model = Categorical(data.labels)
    events = Events.judgments(data.task, data.worker, data.label)
    # What other programs take does not count, except for who waits for one answer.
    clock = time.perf_counter_ns if size == 1 else time.process_time_ns
    taken = np.empty(len(data) // size)
    for call in range(len(taken)):
        rows = slice(call * size, (call + 1) * size)
        batch = Events(
            events.kind[rows], events.task[rows], events.worker[rows], events.label[rows]
        )
        began = clock()
        model.apply(batch)
        taken[call] = clock() - began
    return taken / NS


def _measure_fit(
    report: Report,
    data: Crowd,
    repeats: int,
    step: Step,
    sweep_goal: float,
    speed_up_goal: float | None,
    memory_goal: float | None,
) -> None:
    ours, theirs, whole = [], [], []
    crowd_kit = rivals.has_crowd_kit()
    for _ in range(repeats):  # in turns, so that what else the machine does hits both
        step(f"Batch fit of {len(data):,}")
        began = time.process_time()
        Categorical.fit(data.task, data.worker, data.label, data.labels)
        whole.append((time.process_time() - began) / len(data) * NS)
        ours.append(_time_sweep(data, 1))
        if crowd_kit:
            theirs.append(_time_rival_sweep(data))
    what = f"batch fit of {len(data):,}, {data.labels} labels"
    other = min(theirs) if crowd_kit else None
    name = f"crowd-kit {rivals.DAWID_SKENE}" if crowd_kit else ""
    sweep = f"{what}, a sweep"
    report.add(
        Figure(sweep, min(ours), "ns", name, other, goal=sweep_goal, ratio_goal=speed_up_goal)
    )
    beside = (name, median(theirs) if crowd_kit else None)
    report.add(Figure(f"{sweep}, median run", median(ours), "ns", *beside))
    report.add(
        Figure(f"{what}, all of it", min(whole), "ns", f"its {SWEEPS} sweeps", 5 * min(ours))
    )
    step(f"Memory of a batch fit of {len(data):,}")
    most = memory.peak(memory.OURS, data)
    other = memory.peak(memory.CROWD_KIT, data) / MB if crowd_kit else None
    report.add(Figure(f"{what}, memory", most / MB, "MB", name, other, ratio_goal=memory_goal))
    report.add(Figure(f"{what}, memory a judgment", most / len(data), "bytes"))


def _time_sweep(data: Crowd, repeats: int) -> float:
    """ns a judgment and sweep of our batch fit, best of the runs.

    As of crowd-kit's, only what one more sweep takes: without the start from the votes and without
    the last pass, which stores the posteriors and counts.
    """
    model = Categorical.fit(data.task, data.worker, data.label, data.labels)
    memory, progress = model.store.handle, model.store.progress  # a whole refit does more
    taken = []
    for _ in range(repeats):
        stream.begin_refit(memory)
        moments = []
        while progress[stream.STAGE] != stream.CONCLUDE:
            stream.advance_refit(memory, 1 + len(data) // 50)
            moments.append((int(progress[stream.PASS]), time.process_time()))
        sweeps = stream.SWEEPS - 1
        first = next(moment for done, moment in moments if done == 1)
        taken.append((moments[-1][1] - first) / sweeps)
        model.refit()
    return min(taken) / len(data) * NS


def _time_rival_sweep(data: Crowd) -> float:
    """ns a judgment and iteration of crowd-kit's DawidSkene."""
    from crowdkit.aggregation import DawidSkene

    frame = rivals.frame(data.task, data.worker, data.label)
    taken = []
    for rounds in ROUNDS:
        began = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are crowd-kit's own affair
            # No tolerance: it must not stop before.
            DawidSkene(n_iter=rounds, tol=-np.inf).fit(frame)
        taken.append(time.process_time() - began)
    return (taken[1] - taken[0]) / ((ROUNDS[1] - ROUNDS[0]) * len(data)) * NS

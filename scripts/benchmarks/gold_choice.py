"""Gold that is chosen for what it teaches, beside as much gold drawn at random."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

from api.decisions import GOLD_SET
from api.flush import gold_choice
from api.memory import Memory
from api.policy import Policy
from api.projects import Label, Project
from api.state.lessons import Lessons
from engine import Events
from engine.gold import row_counts
from scripts.benchmarks.crowd_makes import MAKES, Chances, Plan
from scripts.benchmarks.crowds import PLANS
from scripts.benchmarks.report import Cell, Figure, Report

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Labels = npt.NDArray[np.int16]

KINDS: Final = (
    "demo, classes 75:15:6:4",
    "demo, classes 85:15",
    "demo",
    "ordinal, 5 labels",
    "specialists",
    "misled",
)
SKEWED: Final = KINDS[:2]  # where gold of a rare class seldom comes by itself
GOLDEN: Final = 600
WORKERS: Final = 30
SHOWN: Final = (20, 60)  # gold tasks to each worker
POLICY: Final = Policy(gold_exposures=1_000)
AT: Final = datetime(2026, 3, 1, tzinfo=UTC)


def choice(report: Report, seeds: int) -> None:
    """Add to the report how much narrower intervals get."""
    rows: list[Sequence[Cell]] = []
    narrower: dict[str, Floats] = {}
    with report.progress() as progress:
        doing = progress.add_task("gold, chosen and drawn", total=len(KINDS) * seeds)
        for name in KINDS:
            widths = np.zeros((3, len(SHOWN), 2))  # chosen, drawn, bound; shown; all or the widest
            for seed in range(seeds):
                site = Site(PLANS[name], seed)
                widths += [site.run(chosen=True), site.run(chosen=False), site.bound()]
                progress.advance(doing)
            widths /= seeds
            rows += [
                [name, shown, *widths[:, place].T.ravel().tolist()]
                for place, shown in enumerate(SHOWN)
            ]
            narrower[name] = 100 * (1 - widths[::2, -1] / widths[1, -1])
    headings = [
        "",
        "gold\nshown",
        *("all rows,\nchosen", "drawn", "bound"),
        *("widest,\nchosen", "drawn", "bound"),
    ]
    title = "Widths of 95 % intervals of the rows of workers' confusion matrices"
    report.table(title, headings, rows)
    skewed, bound = np.mean([narrower[name] for name in SKEWED], axis=0).tolist()
    every, limit = np.mean(list(narrower.values()), axis=0).tolist()
    what = f"narrower by choice, {SHOWN[-1]} gold, rare classes"
    report.add(Figure(f"{what}: the least-known row", skewed[1], "%", goal=30.0))
    report.add(Figure(f"{what}: all rows", skewed[0], "%"))
    report.add(Figure("the same, all crowds: the least-known row", every[1], "%"))
    report.add(Figure("the bound, rare classes: the least-known row", bound[1], "%"))
    report.add(Figure("the bound, all crowds: the least-known row", limit[1], "%"))
    report.note(
        "Chosen gold is of the class of which a worker's answers tell least; drawn gold is any "
        "that it has not seen. The bound is of a choice that knows how good the worker is on each "
        "class, and makes its widest interval as narrow as can be. Where classes are equally "
        "frequent there is little to choose."
    )


class Site:
    """A crowd to which gold is shown, and nothing else."""

    def __init__(self, plan: Plan, seed: int) -> None:
        self.labels = plan.labels
        self._seed = seed
        rng = np.random.default_rng(seed)
        self.chances: Chances
        self.chances, self.truth = MAKES[plan.make](plan, rng, rng, WORKERS, GOLDEN)

    def run(self, *, chosen: bool) -> Floats:
        """Mean widths [SHOWN, 2] of the intervals of all rows, and of each worker's widest."""
        rng = np.random.default_rng([self._seed, 1])
        memory = self._memory()
        order = np.array([rng.permutation(GOLDEN) for _ in range(WORKERS)])
        seen = np.empty((WORKERS, SHOWN[-1]), np.int32)
        answer = np.empty((WORKERS, SHOWN[-1]), np.int16)
        workers = np.arange(WORKERS, dtype=np.int32)
        for turn in range(SHOWN[-1]):
            for worker in range(WORKERS):
                task = gold_choice.choose(memory, worker, (), (), rng.random) if chosen else None
                seen[worker, turn] = order[worker, turn] if task is None else task
                below = self.chances(worker, seen[worker, turn : turn + 1], turn).cumsum()
                label = int((rng.random() >= below).sum())
                answer[worker, turn] = min(label, self.labels - 1)
            events = Events.judgments(seen[:, turn], workers, answer[:, turn])
            seq = memory.seq + 1 + np.arange(WORKERS)
            memory.learn(_lessons(events, seq), int(seq[-1]))
            memory.seq = int(seq[-1])
        return np.array([self._widths(seen[:, :shown], answer[:, :shown]) for shown in SHOWN])

    def bound(self) -> Floats:
        """What `run` would give if it was known how often each worker is right on each class, and
        the gold was chosen to narrow the widest interval."""
        rng = np.random.default_rng([self._seed, 2])
        classes = [np.flatnonzero(self.truth == label) for label in range(self.labels)]
        sure = [
            [self.chances(worker, tasks, 0)[:, label] for label, tasks in enumerate(classes)]
            for worker in range(WORKERS)
        ]
        share = np.array([[chance.mean() for chance in row] for row in sure])
        left = np.array([len(tasks) for tasks in classes])
        total = np.zeros((WORKERS, self.labels), np.int32)
        found = []
        for turn in range(1, SHOWN[-1] + 1):
            expected = np.where(total < left, intervals(share * total, total), -1.0)
            total[np.arange(WORKERS), expected.argmax(1)] += 1
            if turn in SHOWN:
                right = np.array(
                    [
                        [
                            (rng.random(n) < rng.choice(chance, n, replace=False)).sum()
                            for n, chance in zip(counts, row, strict=True)
                        ]
                        for counts, row in zip(total.tolist(), sure, strict=True)
                    ]
                )
                widths = intervals(right, total)
                found.append((widths.mean(), widths.max(1).mean()))
        return np.array(found)

    def _memory(self) -> Memory:
        names = tuple(Label(f"l{k}", "") for k in range(self.labels))
        memory = Memory(Project(1, "p", "", names, POLICY, 1, {}, AT))
        memory.add_tasks([f"t{task}" for task in range(GOLDEN)], [0] * GOLDEN, 1)
        memory.add_workers([f"w{each}" for each in range(WORKERS)], ["HUMAN"] * WORKERS, 1)
        for task, label in enumerate(self.truth.tolist()):
            memory.gold.take(GOLD_SET, 1, task, {"label": label})
        events = Events.gold(np.arange(GOLDEN), self.truth)
        memory.learn(_lessons(events, np.ones(GOLDEN, np.int64)), 1)
        memory.seq = 1
        return memory

    def _widths(self, seen: Ints, answer: Labels) -> tuple[float, float]:
        rows = []
        for tasks, answers in zip(seen, answer, strict=True):
            rows.append(intervals(*row_counts(self.truth[tasks], answers, self.labels)))
        widths = np.array(rows)
        return float(widths.mean()), float(widths.max(1).mean())


def intervals(right: npt.NDArray[Any], total: npt.NDArray[Any]) -> Floats:
    """Widths of 95 % intervals for shares that are right, by Jeffreys' prior."""
    a, b = right + 0.5, total - right + 0.5
    widths: Floats = beta.ppf(0.975, a, b) - beta.ppf(0.025, a, b)
    return widths


def _lessons(events: Events, seqs: npt.NDArray[np.int64]) -> Lessons:
    """Of events whose times are not known."""
    unknown, none = np.full(len(events), np.nan, np.float32), np.zeros(len(events), np.bool_)
    return Lessons(events, seqs, unknown, none)

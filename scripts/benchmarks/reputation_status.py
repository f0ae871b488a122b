"""How often honest workers are paused, how soon bad ones are, and how soon changes are found."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from rich.progress import Progress, TaskID
from scipy.stats import binom

from engine import STATUSES, Events, StatusRules, StatusTests
from engine.crowd import ItemKind
from scripts.benchmarks.report import Cell, Figure, Report
from scripts.benchmarks.workplace import Kind, Site, Workplace

Ints = npt.NDArray[np.int64]

RULES: Final = StatusRules()
CHUNK: Final = 30  # judgments between two looks at who is paused
NEVER: Final = 1 << 40
MAIN: Final = "4 labels, overlap 5, 10 % gold"
ACTIVE, TRUSTED, PAUSED = (STATUSES.index(name) for name in ("ACTIVE", "TRUSTED", "PAUSED"))
NAIVE_GOLD, NAIVE_SHARE = 3, 0.6  # the rule that is common: at least so many, and fewer right

_AMONG_EXPERTS: Final = {Kind.LEVEL: 0.5, Kind.EXPERT: 0.4, Kind.RANDOM: 0.1}
SITES: Final[Mapping[str, Site]] = {
    MAIN: Site(workers=2000),
    "2 labels": Site(labels=2),
    "10 labels": Site(labels=10),
    "overlap 3": Site(overlap=3),
    "overlap 10": Site(overlap=10),
    "adaptive overlap": Site(adaptive=True),
    "breadth first": Site(open_tasks=2000, breadth=True),
    "no gold": Site(gold=0.0),
    "hard items": Site(items={ItemKind.PLAIN: 0.3, ItemKind.HARD: 0.4, ItemKind.TRAP: 0.3}),
    "two in five a trap": Site(items={ItemKind.PLAIN: 0.5, ItemKind.HARD: 0.1, ItemKind.TRAP: 0.4}),
    "30 % clickers": Site(
        shares={Kind.LEVEL: 0.4, Kind.GOOD: 0.3, Kind.RANDOM: 0.2, Kind.CONSTANT: 0.1}
    ),
    "30 % in one ring": Site(shares={Kind.LEVEL: 0.4, Kind.GOOD: 0.3, Kind.RING: 0.3}),
    "the others experts": Site(shares=_AMONG_EXPERTS),
    "experts, 10 labels": Site(shares=_AMONG_EXPERTS, labels=10),
    "experts, adaptive": Site(shares=_AMONG_EXPERTS, adaptive=True, overlap=3),
    "20 workers at a time": Site(workers=200, at_work=20, open_tasks=40, life=400),
}
_DROP: Final = Site(
    shares={Kind.LEVEL: 0.2, Kind.GOOD: 0.4, Kind.DROPS: 0.3, Kind.RANDOM: 0.1},
    life=250,
    drop=100,
    workers=400,
)
DROPS: Final[Mapping[str, Site]] = {
    MAIN: _DROP,
    "2 labels": replace(_DROP, labels=2),
    "10 labels": replace(_DROP, labels=10),
    "overlap 3": replace(_DROP, overlap=3),
    "overlap 10": replace(_DROP, overlap=10),
    "adaptive overlap": replace(_DROP, adaptive=True),
    "after 50 judgments": replace(_DROP, drop=50),
    "after 300 judgments": replace(_DROP, drop=300, life=450),
}
_QUIZ: Final = Site(shares={Kind.POOR: 0.4, Kind.EXPERT: 0.5, Kind.RANDOM: 0.1}, life=80)


@dataclass
class Seen:
    """Of workers of one kind: after how many judgments each was first paused, was so by the naive
    rule, raised an alarm of getting worse, passed the quiz, was trusted; NEVER if not. made:
    judgments of all of them."""

    paused: list[int] = field(default_factory=list)
    naive: list[int] = field(default_factory=list)
    worse: list[int] = field(default_factory=list)
    passed: list[int] = field(default_factory=list)
    trusted: list[int] = field(default_factory=list)
    made: int = 0


def status(report: Report, seeds: int) -> None:
    """Add what there is to say about statuses and changes to the report."""
    few = max(seeds // 5, 1)
    with report.progress() as progress:
        doing = progress.add_task("", total=seeds + few * (len(SITES) + len(DROPS)))
        crowds = {
            name: _run(name, site, seeds if name == MAIN else few, progress, doing, naive=True)
            for name, site in SITES.items()
        }
        drops = {
            name: _run(f"drop, {name}", site, few, progress, doing, naive=False)
            for name, site in DROPS.items()
        }
        quiz = _run("quiz", _QUIZ, few, progress, doing, naive=False)
    _tabulate(report, crowds)
    _tabulate_drops(report, drops)
    _tabulate_errors(report, crowds, quiz)
    main, honest = crowds[MAIN], crowds[MAIN][Kind.LEVEL]
    goal = 100 * RULES.pause_error
    share = _share(honest.paused)
    what = f"{len(honest.paused):,} honest workers at 80 %: ever paused"
    report.add(Figure(what, share, "% wrongly", "3 gold, under 60 %", _share(honest.naive), goal))
    worst = max(_share(seen[Kind.LEVEL].paused) for seen in crowds.values())
    report.add(Figure("the same in the worst of all crowds", worst, "% wrongly", goal=goal))
    clicker = main[Kind.RANDOM]
    median = float(np.median(clicker.paused))
    naive = float(np.median(clicker.naive))
    what = "random clicker, paused after (median)"
    report.add(Figure(what, median, "judgments", "3 gold, under 60 %", naive, 12.0))
    dropped = drops[MAIN][Kind.DROPS]
    found = _delays(dropped.worse, DROPS[MAIN].drop)
    report.add(
        Figure("90 to 60 %, found after (median)", float(np.median(found)), "judgments", goal=40.0)
    )
    rate = max(_false_alarms(seen) for seen in drops.values())
    report.add(
        Figure(
            "false alarms in 1,000 judgments, worst crowd", rate, "alarms", goal=RULES.drift_alarms
        )
    )
    report.note(
        "Honest: right 80 % of the time on the average over the items, which is acceptable. Naive "
        "rule: 3 judgments on gold, under 60 % right. No test that errs once in 100 can pause half "
        "of the clickers before the last column, even with the truth of every task known. Who is "
        "paused makes no more judgments. Crowds but the first: a fifth of the seeds."
    )


def _run(
    name: str, site: Site, seeds: int, progress: Progress, doing: TaskID, *, naive: bool
) -> dict[Kind, Seen]:
    seen = {kind: Seen() for kind in site.shares}
    for seed in range(seeds):
        progress.update(doing, description=f"{name}, crowd {seed + 1}")
        _watch(site, seed, seen)
        if naive:
            _watch_naively(site, seed, seen)
        progress.advance(doing)
    return seen


def _watch(site: Site, seed: int, seen: dict[Kind, Seen]) -> None:
    """Let a crowd work under the tests, and note when what happened to whom."""
    place, tests = Workplace(site, seed), StatusTests(site.labels, RULES)
    ids = np.arange(site.workers, dtype=np.int32)
    if site.gold:
        tests.apply(Events.gold(np.arange(site.gold_tasks), place.gold))
    first = {
        what: np.full(site.workers, NEVER) for what in ("paused", "worse", "passed", "trusted")
    }
    while not place.idle:
        made = place.judge(CHUNK, tests.status(ids) >= PAUSED)
        found, _ = tests.apply(Events.judgments(*made))
        when = {
            "paused": found.now >= PAUSED,
            "worse": found.worse,
            "passed": np.isin(found.now, (ACTIVE, TRUSTED)),
            "trusted": found.now == TRUSTED,
        }
        for what, rows in when.items():
            np.minimum.at(first[what], found.worker[rows], found.findings.judgments[rows])
    for kind, notes in seen.items():
        for what, times in first.items():
            getattr(notes, what).extend(times[place.kind == kind].tolist())
        notes.made += int(place.made[place.kind == kind].sum())


def _watch_naively(site: Site, seed: int, seen: dict[Kind, Seen]) -> None:
    """Let the same crowd work under the naive rule, which is never asked again about a worker that
    it paused."""
    place = Workplace(site, seed)
    made, golds, hits = (np.zeros(site.workers, np.int64) for _ in range(3))
    paused = np.full(site.workers, NEVER)
    while not place.idle:
        task, worker, label = place.judge(CHUNK, paused < NEVER)
        known = task < site.gold_tasks
        right = known & (label == place.gold[np.where(known, task, 0)])
        np.add.at(made, worker, 1)
        np.add.at(golds, worker, known)
        np.add.at(hits, worker, right)
        bad = (golds >= NAIVE_GOLD) & (hits < NAIVE_SHARE * golds) & (paused == NEVER)
        paused[bad] = made[bad]
    for kind, notes in seen.items():
        notes.naive.extend(paused[place.kind == kind].tolist())


def _share(times: list[int]) -> float:
    """Per cent that it ever happened to."""
    return 100 * float(np.mean(np.array(times) < NEVER))


def _delays(times: list[int], since: int) -> Ints:
    """Judgments from a change to its alarm, of those who raised none before."""
    array = np.array(times, np.int64)
    late: Ints = array[array > since] - since
    return late


def _false_alarms(seen: dict[Kind, Seen]) -> float:
    """Alarms of getting worse in 1,000 judgments of steady workers."""
    steady = [notes for kind, notes in seen.items() if kind in (Kind.LEVEL, Kind.GOOD, Kind.EXPERT)]
    alarms = sum(int((np.array(notes.worse) < NEVER).sum()) for notes in steady)
    return 1000 * alarms / sum(notes.made for notes in steady)


def _least(labels: int) -> int:
    """Judgments after which the best test of 80 % against clicking, with every truth known and one
    error in 100, has found half of the clickers (Neyman and Pearson: few right answers)."""
    judgments = 1
    while True:
        right = np.arange(judgments + 1)
        kept = right[binom.cdf(right, judgments, 0.8) <= RULES.pause_error]
        top = int(kept[-1]) if len(kept) else -1
        size = binom.cdf(top, judgments, 0.8) if top >= 0 else 0.0
        power = binom.cdf(top, judgments, 1 / labels) if top >= 0 else 0.0
        chance = (RULES.pause_error - size) / binom.pmf(top + 1, judgments, 0.8)
        if power + min(chance, 1.0) * binom.pmf(top + 1, judgments, 1 / labels) >= 0.5:
            return judgments
        judgments += 1


def _median(times: list[int]) -> Cell:
    middle = float(np.median(times)) if times else float("nan")
    return middle if middle < NEVER / 2 else None


def _tabulate(report: Report, crowds: dict[str, dict[Kind, Seen]]) -> None:
    rows: list[list[Cell]] = []
    for name, seen in crowds.items():
        honest = seen[Kind.LEVEL]
        bad = seen.get(Kind.RANDOM) or seen[Kind.RING]
        rows.append(
            [
                name,
                f"{len(honest.paused):,}",
                _share(honest.paused),
                _share(honest.naive),
                _median(bad.paused),
                _median(bad.naive),
                _share(bad.paused),
                float(_least(SITES[name].labels)) if Kind.RANDOM in seen else None,
            ]
        )
    headings = ["honest\nat 80 %", "ever\npaused, %", "naive\nrule, %"]
    headings += [
        "clickers\npaused after",
        "naive rule\nafter",
        "ever\npaused, %",
        "no test\nbefore",
    ]
    title = "Paused: honest workers (at most 1 % are to be, ever), and random clickers or a ring"
    report.table(title, ["", *headings], list(rows))


def _tabulate_drops(report: Report, drops: dict[str, dict[Kind, Seen]]) -> None:
    rows: list[list[Cell]] = []
    for name, seen in drops.items():
        site, dropped = DROPS[name], seen[Kind.DROPS]
        delays = _delays(dropped.worse, site.drop)
        found = float((delays < NEVER // 2).mean())
        within = float((delays <= 40).mean())
        late = _delays(dropped.paused, site.drop)
        rows.append(
            [
                name,
                f"{len(dropped.worse):,}",
                float(np.median(delays)),
                100 * within,
                100 * found,
                100 * float((late < NEVER // 2).mean()),
                _false_alarms(seen),
            ]
        )
    headings = ["workers", "found\nafter", "within\n40, %", "found, %", "paused\nlater, %"]
    headings.append("false alarms\nin 1,000")
    title = (
        "A drop from 90 to 60 %, after 100 judgments (false alarms: at most 1 in 1,000 judgments)"
    )
    report.table(title, ["", *headings], list(rows))


def _tabulate_errors(
    report: Report, crowds: dict[str, dict[Kind, Seen]], quiz: dict[Kind, Seen]
) -> None:
    level = crowds["the others experts"][Kind.LEVEL]
    ring = crowds["30 % in one ring"][Kind.RING]
    rows: list[list[Cell]] = [
        ["at 60 %, ever passed the quiz", _share(quiz[Kind.POOR].passed), 100 * RULES.pass_error],
        ["random clickers, ever passed the quiz", _share(quiz[Kind.RANDOM].passed), None],
        ["at 80 %, ever trusted", _share(level.trusted), 100 * RULES.trust_error],
        ["a ring of 30 %, ever trusted", _share(ring.trusted), None],
        ["experts, ever trusted", _share(crowds["the others experts"][Kind.EXPERT].trusted), None],
        ["experts, passed the quiz after (judgments)", _median(quiz[Kind.EXPERT].passed), None],
    ]
    report.table("Passed and trusted, in %", ["", "seen", "stated"], list(rows))

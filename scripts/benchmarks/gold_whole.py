"""Gold that went round as a whole: how surely it is seen, and how often sound gold is suspected."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from api.policy import Policy
from engine.gold_leaks import knowing
from scripts.benchmarks.crowd_makes import MAKES, Rng
from scripts.benchmarks.crowds import PLANS
from scripts.benchmarks.report import Cell, Figure, Report

Floats = npt.NDArray[np.float64]

KINDS: Final = ("demo", "demo, 2 labels", "demo, a quarter traps", "ordinal, 5 labels", "misled")
GOLDEN: Final = 40
OTHERS: Final = 1_000  # other items
WORKERS: Final = 200
RECORD: Final = (40, 300)  # of them that a worker has answered, least and most
SHOWN: Final = (5, 30)  # gold tasks to a worker, least and most
KNOWN_TO: Final = 0.2  # share of the workers
SURE: Final = 0.97  # of those who know
EASIER: Final = (0.0, 0.4)  # share of wrong answers to gold that are right all the same

# How long those who know take, as a share of their usual time; None: times are not known.
PACES: Final[dict[str, float | None]] = {
    "in half of the time": 0.5,
    "as fast as usual": 1.0,
    "half as fast": 2.0,
    "times are not known": None,
}


def whole(report: Report, seeds: int) -> None:
    """Add to the report how often gold as a whole is suspected, where it is known and where not."""
    limit = -np.log(Policy().leak_error)
    rows: list[Sequence[Cell]] = []
    with report.progress() as progress:
        doing = progress.add_task("gold as a whole", total=len(KINDS) * len(PACES) * seeds)
        for kind in KINDS:
            for name, faster in PACES.items():
                found = np.zeros(2)
                for seed in range(seeds):
                    rng = np.random.default_rng([seed, len(rows)])
                    easier = EASIER[seed % len(EASIER)]
                    for leaked in (0, 1):
                        given = answers(kind, rng, KNOWN_TO * leaked, faster, easier)
                        found[leaked] += knowing(*given)[0] >= limit
                    progress.advance(doing)
                rows.append([kind, name, *(100 * found[::-1] / seeds).tolist()])
    title = f"Gold as a whole, known to {KNOWN_TO:.0%} of {WORKERS} workers"
    report.table(title, ["", "those who know answer", "found, %", "sound gold\nsuspected, %"], rows)
    shares = np.array([row[2:] for row in rows], np.float64).mean(0)
    report.add(Figure("gold known as a whole, found", float(shares[0]), "%"))
    report.add(Figure("sound gold suspected as a whole", float(shares[1]), "% wrongly", goal=5.0))
    report.note(
        "In half of the crowds gold is as hard as other tasks; in the others 40 % of the wrong "
        "answers to it are right instead."
    )


def answers(
    kind: str, rng: Rng, known: float, faster: float | None, easier: float
) -> tuple[Floats, ...]:
    """What `knowing` is given, of a crowd of which a share knows the gold."""
    plan = PLANS[kind]
    chances, truth = MAKES[plan.make](plan, rng, rng, WORKERS, GOLDEN + OTHERS)
    slow = rng.lognormal(0, 0.3, GOLDEN + OTHERS)

    def judged(worker: int, items: npt.NDArray[np.integer]) -> tuple[Floats, Floats]:
        sure = chances(worker, items, 0)[np.arange(len(items)), truth[items]]
        sure = np.where(items < GOLDEN, sure + easier * (1 - sure), sure)
        right = (rng.random(len(items)) < sure).astype(np.float64)
        return right, np.log(slow[items] * rng.lognormal(0, 0.45, len(items)))

    columns: list[tuple[float, ...]] = []
    for worker in range(WORKERS):
        others = GOLDEN + rng.choice(OTHERS, int(rng.integers(*RECORD)), replace=False)
        right, times = judged(worker, others)
        skill = (right.sum() + 4) / (len(others) + 5)
        gold = rng.choice(GOLDEN, int(rng.integers(*SHOWN)), replace=False)
        hits, paces = judged(worker, gold)
        if rng.random() < known:
            hits = (rng.random(len(gold)) < SURE).astype(np.float64)
            paces = paces + np.log(faster or 1.0)
        pace = (paces.mean() - times.mean()) / times.std()
        timed = 0 if faster is None else len(gold)
        columns.append((np.log(skill / (1 - skill)), hits.sum(), len(gold), pace, timed))
    odds, right, total, pace, timed = np.array(columns).T
    return odds, right, total, pace, timed

"""Leaked gold: how surely it is found, and how much sound gold is suspected.

Beside it the most that any test could find: the likelihood ratio of all that the simulation knows
and no server does: each worker's chance to be right on the very item, its pace, how slow the item
is, who may know from which answer on, and what that does (Neyman and Pearson 1933).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from api.policy import Policy
from engine.leaks import leak_evidence, swiftness
from scripts.benchmarks.crowd_makes import MAKES, Rng
from scripts.benchmarks.crowds import PLANS
from scripts.benchmarks.report import Cell, Figure, Report

Floats = npt.NDArray[np.float64]

KINDS: Final = ("demo", "demo, 2 labels", "demo, a quarter traps", "ordinal, 5 labels", "misled")
GOLDEN: Final = 20
WORKERS: Final = 300
OTHERS: Final = 1_000  # other items
RECORD: Final = (40, 300)  # of them that a worker has answered, least and most
KNOWN_TO: Final = 0.2  # share of the workers
NOISE: Final = 0.45  # of the logarithm of a time
NEVER: Final = 1e-9  # as a probability
ALLOWED: Final = 0.05  # of sound gold, flagged by the best test
SOUND_ANSWERS: Final = 30  # before the answer goes round
EXPOSURES: Final = Policy().gold_exposures


@dataclass(frozen=True)
class Leak:
    """What those who know an answer do. faster: share of their usual time; None: times are not
    known. sure: how often they give it."""

    faster: float | None
    sure: float = 0.97


LEAKS: Final = {
    "in a third of the time": Leak(1 / 3),
    "in half of the time": Leak(1 / 2),
    "in three times the time": Leak(3.0),
    "times are not known": Leak(None),
}
MAIN: Final = "in a third of the time"


def leaks(report: Report, seeds: int) -> None:
    """Add to the report what of leaked and of sound gold is flagged."""
    limit = np.log(2 / Policy().leak_error)  # the other half is for gold that good workers miss
    rows: list[Sequence[Cell]] = []
    shares: dict[str, list[float]] = {name: [] for name in LEAKS}
    bounds: dict[str, list[float]] = {name: [] for name in LEAKS}
    false: list[float] = []
    with report.progress() as progress:
        doing = progress.add_task("leaks", total=len(KINDS) * len(LEAKS) * seeds)
        for kind in KINDS:
            for name, leak in LEAKS.items():
                found: list[int] = []
                suspected = 0
                leaked, sound = list[float](), list[float]()
                for seed in range(seeds):
                    rng = np.random.default_rng([seed, len(rows)])
                    answers = Answers(kind, rng, leak)
                    for task in range(3):
                        after, ratio = answers.flagged(task, limit, leaked=True)
                        found.append(after)
                        leaked.append(ratio)
                    for task in range(GOLDEN):
                        after, ratio = answers.flagged(task, limit, leaked=False)
                        suspected += after <= EXPOSURES
                        sound.append(ratio)
                    progress.advance(doing)
                share = float(np.mean(np.array(found) <= EXPOSURES))
                shares[name].append(share)
                false.append(suspected / (seeds * GOLDEN))
                bar = np.quantile(sound, 1 - ALLOWED)
                bounds[name].append(float(np.mean(np.array(leaked) > bar)))
                middle = float(np.median(found)) - SOUND_ANSWERS if share > 0.5 else None
                rows.append(
                    [kind, name, 100 * share, 100 * bounds[name][-1], middle, 100 * false[-1]]
                )
    headings = [
        "",
        "those who know answer",
        "found, %",
        f"at most,\\n{ALLOWED:.0%} false",
        "after\\n(median)",
        "sound gold\\nflagged, %",
    ]
    title = f"A leak to {KNOWN_TO:.0%} of the workers, of {EXPOSURES} who see the gold"
    report.table(title, [heading.replace("\\n", "\n") for heading in headings], rows)
    for name, found_shares in shares.items():
        goal = 90.0 if name == MAIN else None
        found_share = 100 * float(np.mean(found_shares))
        report.add(Figure(f"leaked gold found, {name}", found_share, "%", goal=goal))
        most = 100 * float(np.mean(bounds[name]))
        report.add(Figure(f"the most that any test finds, {name}", most, "%"))
    report.add(
        Figure("sound gold ever flagged", 100 * float(np.mean(false)), "% wrongly", goal=5.0)
    )


class Answers:
    """A crowd with its records on other items, and its answers to gold as they would come."""

    def __init__(self, kind: str, rng: Rng, leak: Leak) -> None:
        self._rng, self._leak = rng, leak
        plan = PLANS[kind]
        make = MAKES[plan.make]
        self._chances, self._truth = make(plan, rng, rng, WORKERS, GOLDEN + OTHERS)
        self._slow = rng.lognormal(0, 0.3, GOLDEN + OTHERS)  # items that take longer
        self._pace = rng.lognormal(0, 0.5, WORKERS)
        self._skill = np.empty(WORKERS)
        self._paces = []
        for worker in range(WORKERS):
            count = int(rng.integers(*RECORD))
            items = GOLDEN + rng.choice(OTHERS, count, replace=False)
            right = self._right(worker, items)
            self._skill[worker] = (right.sum() + 4) / (count + 5)
            self._paces.append(self._times(worker, items))

    def flagged(self, task: int, limit: float, *, leaked: bool) -> tuple[int, float]:
        """After how many answers the gold is flagged, one more than there are if never; and how
        much likelier all of them are if it leaked than if not, in nats, by all there is to know."""
        rng, leak = self._rng, self._leak
        crew = rng.permutation(WORKERS)[:EXPOSURES]
        item = np.array([task])
        right = np.array([self._right(worker, item)[0] for worker in crew])
        times = np.array([self._times(worker, item)[0] for worker in crew])
        if leaked:
            know = rng.random(EXPOSURES) < KNOWN_TO
            know[:SOUND_ANSWERS] = False
            right[know] = rng.random(int(know.sum())) < leak.sure
            if leak.faster is not None:
                times[know] *= leak.faster
        swift = np.array(
            [swiftness(times[i : i + 1], self._paces[who])[0] for i, who in enumerate(crew)],
            np.int8,
        )
        odds = np.log(self._skill[crew] / (1 - self._skill[crew]))
        ratio = self._ratio(task, crew, right, times)
        for count in range(10, EXPOSURES + 1, 10):
            some = slice(0, count)
            if leak_evidence(odds[some], right[some], swift[some], EXPOSURES)[0] >= limit:
                return count, ratio
        return EXPOSURES + 1, ratio

    def _ratio(
        self, task: int, crew: npt.NDArray[np.integer], right: npt.NDArray[np.bool_], times: Floats
    ) -> float:
        leak, item = self._leak, np.array([task])
        able = np.clip([self._chance(worker, item)[0] for worker in crew], NEVER, 1 - NEVER)
        knowing = np.where(right, leak.sure / able, (1 - leak.sure) / (1 - able))
        if leak.faster is not None:
            late = np.log(times / (self._pace[crew] * self._slow[task]))
            ahead = np.log(leak.faster)
            knowing *= np.exp((late * ahead - ahead * ahead / 2) / NOISE**2)
        return float(np.log1p(KNOWN_TO * (knowing[SOUND_ANSWERS:] - 1)).sum())

    def _chance(self, worker: int, items: npt.NDArray[np.integer]) -> Floats:
        chances = self._chances(worker, items, 0)
        sure: Floats = chances[np.arange(len(items)), self._truth[items]]
        return sure

    def _right(self, worker: int, items: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
        sure = self._chance(worker, items)
        right: npt.NDArray[np.bool_] = self._rng.random(len(items)) < sure
        return right

    def _times(self, worker: int, items: npt.NDArray[np.integer]) -> Floats:
        if self._leak.faster is None:
            return np.full(len(items), np.nan)
        noise = self._rng.lognormal(0, NOISE, len(items))
        times: Floats = self._pace[worker] * self._slow[items] * noise
        return times

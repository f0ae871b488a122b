"""What moved the estimate of a worker's accuracy, step by step, in words and numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp, isnan
from typing import Any, Final

import numpy as np

from api.reading.answers import Speed
from api.reading.views import Views
from api.rows import WorkerViews
from engine.records import SCATTER
from engine.reputation import Estimate

_Z95: Final = 1.96  # standard errors either side, for 95 %
MOST_BIASES: Final = 3  # that are told of a worker, the strongest


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing behind a reputation; figures are plain numbers and texts."""

    code: str
    text: str
    figures: dict[str, Any]


def reasons_of(
    shard: Views,
    views: WorkerViews,
    biases: Estimate | None,
    trends: Estimate,
    speeds: Sequence[Speed | None],
) -> list[list[Reason]]:
    """Return the reasons for each of the workers. Cost: some 40 us each."""
    background = shard.memory.background
    population = background.commons.population
    there, gold = background.steps(shard.memory.model, views.worker)
    standing, variance = background.elsewhere.of(views.worker)
    labels = [label.external_id for label in shard.project.labels]
    found = []
    for row in range(len(views.worker)):
        reasons = [_population(population.accuracy, population.spread)]
        if np.isfinite(variance[row]):
            # How it stands from project to project scatters, however well each one knows it.
            known = (float(standing[row]), float((variance[row] + SCATTER) ** 0.5))
            reasons.append(_elsewhere(known, population.accuracy, float(there[row])))
        right, total = int(views.gold_right[row]), int(views.gold_total[row])
        if total:
            reasons.append(_gold(right, total, float(there[row]), float(gold[row])))
        if views.compared[row]:
            compared = int(views.compared[row])
            now = float(views.accuracy.value[row])
            reasons.append(_agreement(compared, _of(views.agreement, row), float(gold[row]), now))
        if biases is not None:
            reasons += _biases(labels, biases, row)
        reasons += _trend(*_of(trends, row))
        reasons += _speed(speeds[row], shard.project.policy.floor_seconds)
        found.append(reasons)
    return found


def _of(estimate: Estimate, row: int) -> tuple[float, float, float]:
    return float(estimate.value[row]), float(estimate.low[row]), float(estimate.high[row])


def _population(accuracy: float, spread: float) -> Reason:
    text = (
        f"The project's workers are right in {_percent(accuracy)} of their answers, give or take "
        f"{_points(spread)}: a worker starts there."
    )
    return Reason("POPULATION", text, {"accuracy": accuracy, "spread": spread})


def _elsewhere(known: tuple[float, float], before: float, after: float) -> Reason:
    standing, error = known
    times, low, high = (exp(standing + z * error) for z in (0.0, -_Z95, _Z95))
    text = (
        f"In other projects its odds of being right are {times:.2g} times those of the workers "
        f"there ({low:.2g} to {high:.2g}). {_move(before, after)}"
    )
    figures = {"standing": standing, "error": error, "before": before, "after": after}
    return Reason("ELSEWHERE", text, figures)


def _gold(right: int, total: int, before: float, after: float) -> Reason:
    answers = "answer" if total == 1 else "answers"
    verb = "is" if right == 1 else "are"
    text = f"{right:,} of {total:,} {answers} to gold {verb} right. {_move(before, after)}"
    return Reason("GOLD", text, {"right": right, "total": total, "before": before, "after": after})


def _agreement(
    compared: int, share: tuple[float, float, float], before: float, after: float
) -> Reason:
    value, low, high = share
    answers = "1 answer" if compared == 1 else f"{compared:,} answers"
    text = (
        f"The other workers' consensus is with its {answers} to {_percent(value)} "
        f"({_range(low, high)}). {_move(before, after)}"
    )
    figures = {"answers": compared, "value": value, "low": low, "high": high}
    return Reason("AGREEMENT", text, {**figures, "before": before, "after": after})


def _biases(labels: Sequence[str], biases: Estimate, row: int) -> Iterator[Reason]:
    low, value, high = biases.low[row], biases.value[row], biases.high[row]
    sure = np.flatnonzero((low > 0) | (high < 0))
    for label in sure[np.argsort(-np.abs(value[sure]), kind="stable")][:MOST_BIASES].tolist():
        share = (float(value[label]), float(low[label]), float(high[label]))
        way = "more" if share[0] > 0 else "less"
        ends = sorted(abs(100 * end) for end in share[1:])
        text = (
            f"Of 100 answers, {abs(100 * share[0]):.0f} {way} than are true say {labels[label]} "
            f"({ends[0]:.0f} to {ends[1]:.0f})."
        )
        figures = {"label": labels[label], "value": share[0], "low": share[1], "high": share[2]}
        yield Reason("BIAS", text, figures)


def _trend(value: float, low: float, high: float) -> Iterator[Reason]:
    if low > 0 or high < 0:
        way = "rose" if value > 0 else "fell"
        ends = sorted(abs(100 * end) for end in (low, high))
        text = (
            f"From the first answer to the last its accuracy {way} by {_points(value)} "
            f"({ends[0]:.0f} to {ends[1]:.0f})."
        )
        yield Reason("TREND", text, {"value": value, "low": low, "high": high})


def _speed(speed: Speed | None, floor: float | None) -> Iterator[Reason]:
    if speed is None:
        return
    text = f"Half of its answers took {speed.median:.3g} seconds at most"
    figures: dict[str, Any] = {"timed": speed.timed, "median": speed.median}
    if floor is not None and not isnan(speed.under_floor):
        text += f"; {_percent(speed.under_floor)} took less than the floor of {floor:g}"
        figures |= {"under_floor": speed.under_floor, "floor": floor}
    yield Reason("SPEED", f"{text}.", figures)


def _move(before: float, after: float) -> str:
    shift = 100 * (after - before)
    if abs(shift) < 0.05:
        return "That moves nothing."
    way = "raises" if shift > 0 else "lowers"
    return f"That {way} the estimate by {abs(shift):.1f} points, to {_percent(after)}."


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _points(share: float) -> str:
    return f"{abs(100 * share):.0f} points"


def _range(low: float, high: float) -> str:
    return f"{100 * low:.0f}–{100 * high:.0f} %"

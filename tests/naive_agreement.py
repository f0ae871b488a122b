"""Slow twins of `engine.agreement`, written from the formulas."""

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from itertools import permutations


def krippendorff_alpha(tasks: Sequence[int], labels: Sequence[int]) -> float:
    """1 - observed disagreement / expected disagreement, over the coincidence matrix."""
    answers: dict[int, list[int]] = defaultdict(list)
    for task, label in zip(tasks, labels, strict=True):
        answers[task].append(label)
    weights: dict[tuple[int, int], Fraction] = defaultdict(Fraction)
    for given in answers.values():
        for pair in permutations(given, 2):
            weights[pair] += Fraction(1, len(given) - 1)
    totals: dict[int, Fraction] = defaultdict(Fraction)
    for (first, _), weight in weights.items():
        totals[first] += weight
    total = sum(totals.values(), Fraction(0))
    observed = sum((w for (c, k), w in weights.items() if c != k), Fraction(0))
    expected = sum((totals[c] * totals[k] for c in totals for k in totals if c != k), Fraction(0))
    if expected == 0:
        return float("nan")
    return float(1 - (total - 1) * observed / expected)


def score_against_gold(scores: Sequence[Sequence[float]], gold: Sequence[int]) -> list[float]:
    """1 / the number of highest scores if the gold's is one of them."""
    points = []
    for row, known in zip(scores, gold, strict=True):
        highest = [label for label, score in enumerate(row) if score == max(row)]
        points.append(1 / len(highest) if known in highest else 0.0)
    return points

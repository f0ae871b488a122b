"""Slow twins of the kernels behind reputations, written from the formulas."""

from collections.abc import Sequence
from math import exp, floor, log, log2, prod

from tests.naive import NaiveModel

Votes = dict[int, int]  # worker -> label


def octave(probability: float) -> int:
    """Which power of two the odds have, from 2^-16 to 2^15."""
    if probability <= 0 or probability >= 1:
        return 0 if probability <= 0 else 31
    return min(max(floor(log2(probability / (1 - probability))) + 16, 0), 31)


def backed(model: NaiveModel) -> dict[int, list[float]]:
    """By worker: what the posteriors give its answers to tasks without gold that teach."""
    found: dict[int, list[float]] = {}
    for task, votes in model.votes.items():
        if task not in model.gold and len(votes) > 1:
            for worker, label in votes.items():
                found.setdefault(worker, []).append(model.q[task].get(label, 0.0))
    return found


def likelihood(support: Sequence[int], taken: float, accuracy: float) -> float:
    """Of the answers, if each were the middle of its octave, the taken accuracy divided out."""
    factors = []
    for place, count in enumerate(support):
        odds = 2 ** (place - 16 + 0.5) / exp(taken)
        right = odds / (1 + odds)
        factors += [(accuracy * right + (1 - accuracy) * (1 - right)) / (1 - right)] * count
    return prod(factors)


def hear_others(
    votes: Votes, worker: int, prior: Sequence[float], accuracy: dict[int, float], panel: int
) -> tuple[float, list[float]]:
    """Log-likelihood ratio of the worker being right, and the others' posterior."""
    order = sorted(votes)
    place = order.index(worker)
    others = [order[(place + step) % len(order)] for step in range(1, len(order))][:panel]
    q = list(prior)
    for other in others:
        for k in range(len(prior)):
            right = accuracy[other]
            q[k] *= right if votes[other] == k else (1 - right) / (len(prior) - 1)
    q = [p / sum(q) for p in q]
    wrong = sum(p for k, p in enumerate(q) if k != votes[worker]) / (len(prior) - 1)
    return log(q[votes[worker]] / wrong), q


def assess(
    logs: Sequence[float],
    bridge: Sequence[Sequence[float]],
    weights: Sequence[float],
    right: int,
    wrong: int,
    grid: Sequence[float],
) -> list[float]:
    """Bayes' rule, cell by cell."""
    chances = []
    for row, x in zip(bridge, grid, strict=True):
        accuracy = 1 / (1 + exp(-x))
        apparent = sum(w * exp(v) * b for w, v, b in zip(weights, logs, row, strict=True))
        chances.append(accuracy**right * (1 - accuracy) ** wrong * apparent)
    return [chance / sum(chances) for chance in chances]


def share_out(
    fits: Sequence[Sequence[float]], start: Sequence[float], strength: float, rounds: int
) -> list[float]:
    """Shares of groups after some rounds of expectation-maximisation."""
    shares = list(start)
    for _ in range(rounds):
        found = [strength * s for s in start]
        for fit in fits:
            total = sum(s * f for s, f in zip(shares, fit, strict=True))
            for k, (s, f) in enumerate(zip(shares, fit, strict=True)):
                found[k] += s * f / total
        shares = [f / (len(fits) + strength) for f in found]
    return shares


def information(matrix: Sequence[Sequence[float]], prior: Sequence[float]) -> float:
    """Mutual information of truth and answer in bits."""
    bits = 0.0
    labels = range(len(prior))
    for answer in labels:
        given = sum(prior[k] * matrix[k][answer] for k in labels)
        for truth in labels:
            if matrix[truth][answer] > 0 and prior[truth] > 0:
                p = matrix[truth][answer]
                bits += prior[truth] * p * log2(p / given)
    return bits


def quantile(chances: Sequence[float], grid: Sequence[float], share: float) -> float:
    """The accuracy below which a share of a distribution over cells of log-odds lies."""
    below, half = 0.0, (grid[1] - grid[0]) / 2
    for cell, (chance, middle) in enumerate(zip(chances, grid, strict=True)):
        last = cell == len(grid) - 1
        if below + chance >= share or last:
            inside = min(max((share - below) / max(chance, 1e-300), 0.0), 1.0)
            value = 1 / (1 + exp(half - middle - 2 * half * inside))
            if cell == 0:
                return value * inside
            return value + (1 - value) * inside if last else value
        below += chance
    raise ValueError("there are no cells")

"""Bias for or against a label: how much more often than it is true a worker says it.

The share of its answers less the expected share of the truth among the same tasks, so that which
tasks it got does not matter; shrunk to what is usual in the project. What consensus itself gets
wrong in the shares of the labels is systematic, and told by gold. Up to 32 labels: above that
answers are not kept by label.
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from engine.categorical import FULL_LABELS, Categorical
from engine.flattery import unsure
from engine.kernels.forms import GOLD_TOTAL, LEARNED
from engine.kernels.reputation import share_out
from engine.records import Heard, Records, active_workers
from engine.reputation import TAIL, Estimate

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

CELLS = 81
BIASES: Floats = np.linspace(-1, 1, CELLS)
EXPECTED = 0.1  # usual size of a bias, before any is known
PRIOR_BIASES = 5.0  # that this counts for
SMOOTHING = 0.04
ROUNDS = 40
MOST_BIASES = 4096  # that are learned from, drawn evenly from all
LEAST_VARIANCE = 1e-4
# Of consensus in the share of a label, in units of sqrt(share (1 - share)): where all others are
# sure of all answers, and how much more where of none.
SHARE_ERROR, SHARE_ERROR_UNSURE = 0.05, 0.25
PRIOR_ANSWERS = 4.0  # that the usual discord counts for
NORMAL = 1.96


class Habits(NamedTuple):
    """What some workers answered, copied: to learn from elsewhere.

    prior [K]: shares of the true labels. split: share of answers of which the others are not sure.
    against: see `_against_truth`.
    """

    prior: Floats
    split: float
    against: tuple[Floats, Floats, Floats]

    @classmethod
    def of(cls, model: Categorical) -> Self:
        """Of a model as it is. Raises ValueError above 32 labels. Cost: some ms at most."""
        workers = active_workers(model)
        workers = workers[:: len(workers) * model.labels // MOST_BIASES + 1]
        split = unsure(Records.of(model, workers, by_label=False))
        return cls(model.prior(), split, _against_truth(model, workers))


@dataclass(frozen=True, slots=True)
class Leanings:
    """What is usual in a project.

    weights [CELLS]: distribution of biases. discord [K]: discordant answers, of any worker, per
    answer. missed, spread [K]: share of the truth less what consensus makes it, mean and deviation.
    """

    weights: Floats
    discord: Floats
    missed: Floats
    spread: Floats

    @classmethod
    def of(cls, model: Categorical) -> Self:
        """Of a model as it is. Raises ValueError above 32 labels. Cost: some 10 ms at most."""
        return cls.learn(Habits.of(model), Heard.of(model))

    @classmethod
    def learn(cls, habits: Habits, heard: Heard) -> Self:
        """From what a sample of the workers answered, and what gold says."""
        prior, difference, discord, answers = habits.prior, *habits.against
        spread = (SHARE_ERROR + SHARE_ERROR_UNSURE * habits.split) * np.sqrt(prior * (1 - prior))
        missed = np.zeros(len(prior))
        if len(heard.truth) > 1:
            errors = np.eye(len(prior))[heard.truth] - heard.opinions
            noise = errors.var(0, ddof=1) / len(errors) + LEAST_VARIANCE
            missed = errors.mean(0) * spread**2 / (spread**2 + noise)
            spread = np.sqrt(spread**2 * noise / (spread**2 + noise))
        usual = (discord.sum(0) + 1) / (answers.sum() + 1)
        start = np.exp(-np.abs(BIASES) / EXPECTED)
        start /= start.sum()
        rows = _likelihoods(difference, discord, answers, usual).reshape(-1, CELLS)
        return cls(_mixture(rows, start), usual, missed, spread)


def biases(model: Categorical, leanings: Leanings, workers: Ints) -> Estimate:
    """Bias of each worker towards each label, [n, K]: 0.1 is ten answers in a hundred too many."""
    difference, discord, answers = _against_truth(model, workers)
    chances = _likelihoods(difference, discord, answers, leanings.discord) * leanings.weights
    chances /= chances.sum(2, keepdims=True)
    people = model.tables.people[workers]
    # Where the truth is known there is nothing that consensus could have missed.
    unknown = 1 - people[:, GOLD_TOTAL] / np.maximum(people[:, LEARNED], 1)
    unknown = np.clip(unknown, 0, 1)[:, None]
    value = (chances * BIASES).sum(2)
    common = NORMAL * leanings.spread * unknown
    below = value - _quantile(chances, TAIL)
    above = _quantile(chances, 1 - TAIL) - value
    value = value - leanings.missed * unknown
    return Estimate(value, value - np.hypot(below, common), value + np.hypot(above, common))


def _against_truth(model: Categorical, workers: Ints) -> tuple[Floats, Floats, Floats]:
    """Difference [n, K] of the shares of answers and truth, answers [n, K] of which just one is the
    label, and answers [n]."""
    if not model.has_matrices:
        raise ValueError(f"above {FULL_LABELS} labels answers are not kept by label")
    given = model.answered(workers)
    counts = model.tables.counts[workers, :, : model.labels]  # answered, true
    truths, both = counts.sum(1), np.einsum("nkk->nk", counts)
    answers = given.sum(1)
    difference = (given - truths) / np.maximum(answers, 1)[:, None]
    return difference, given + truths - 2 * both, answers


def _likelihoods(difference: Floats, discord: Floats, answers: Floats, usual: Floats) -> Floats:
    """Of each bias, [n, K, CELLS], up to a constant: normal, as for paired shares (McNemar)."""
    count = answers[:, None]
    rate = (discord + PRIOR_ANSWERS * usual) / (count + PRIOR_ANSWERS)
    variance = np.maximum(rate / np.maximum(count, 1e-9), LEAST_VARIANCE)[:, :, None]
    logs = -0.5 * (difference[:, :, None] - BIASES) ** 2 / variance
    likelihoods: Floats = np.exp(logs - logs.max(2, keepdims=True))
    return likelihoods


def _mixture(rows: Floats, start: Floats) -> Floats:
    """The distribution [CELLS] behind the likelihoods; see `engine.population`."""
    bells = np.exp(-0.5 * ((BIASES[:, None] - BIASES) / SMOOTHING) ** 2)
    bells /= bells.sum(1, keepdims=True)
    heights = np.empty(CELLS)
    share_out(rows @ bells.T, start, PRIOR_BIASES, ROUNDS, heights)
    mixture: Floats = heights @ bells
    return mixture


def _quantile(chances: Floats, share: float) -> Floats:
    """Biases [n, K] below which `share` of the distributions [n, K, CELLS] lies."""
    below = np.cumsum(chances, 2)
    cell = np.minimum((below < share).sum(2), CELLS - 1)[:, :, None]
    inside = np.take_along_axis(chances, cell, 2)
    part = (share - (np.take_along_axis(below, cell, 2) - inside)) / np.maximum(inside, 1e-300)
    step = BIASES[1] - BIASES[0]
    edges: Floats = (BIASES[cell] + (np.clip(part, 0, 1) - 0.5) * step)[:, :, 0]
    return edges

"""Reputations: what can be said of a worker, and how surely."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

from engine.categorical import Categorical
from engine.flattery import ACCURACY
from engine.kernels.reputation import assess, quantiles
from engine.kernels.support import middles
from engine.population import Population
from engine.records import Elsewhere, Records

Floats = npt.NDArray[np.float64]

BLOCK = 8192  # workers at a time
BITS_ROUNDS = 2  # skill and habits settle at once
TAIL = 0.025  # on each side of a 95 % credible interval


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of n workers: value float64[n], and the ends of its 95 % credible interval."""

    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True)
class Reputations:
    """Of n workers.

    accuracy: expected share of right answers over the project's tasks, gold or not. bits:
    information that an answer bears on the truth; 0 for random and constant clickers. agreement:
    how much of the other workers' consensus its answers have, leaving itself out, tasks without
    gold. gold: share of right answers on gold (0 to 1, value 0.5, without any).
    """

    accuracy: Estimate
    bits: Estimate
    agreement: Estimate
    gold: Estimate


def reputations(
    population: Population,
    records: Records,
    prior: Floats,
    elsewhere: Elsewhere | None = None,
) -> Reputations:
    """What is known of these workers.

    prior [K]: shares of the true labels.
    Cost: O(n x CELLS^2), some 10 us a worker.
    """
    logs = records.likelihoods()
    if elsewhere is not None:
        logs += population.told(elsewhere)
    chances = np.empty_like(logs)
    assess(logs, population.bridge, population.weights, records.right, records.wrong, chances)
    # Sums row by row: a product of matrices has other last bits for one worker than for many.
    accuracy = Estimate(
        (chances * ACCURACY).sum(1), _quantile(chances, TAIL), _quantile(chances, 1 - TAIL)
    )
    habits = (records.labels + 2 * prior) / (records.labels.sum(1, keepdims=True) + 2)
    return Reputations(
        accuracy=accuracy,
        bits=Estimate(
            *(_bits(each, habits, prior) for each in (accuracy.value, accuracy.low, accuracy.high))
        ),
        agreement=_agreement(population.labels, records),
        gold=_share(records.right.astype(np.float64), records.wrong.astype(np.float64)),
    )


def everyone(
    population: Population, model: Categorical, elsewhere: Elsewhere | None
) -> Reputations:
    """The reputations of all workers of a model, by id. elsewhere: of them, or of the first ones.

    Cost: some 10 us a worker, a block after the other, so that it takes little memory.
    """
    prior, parts = model.prior(), []
    for start in range(0, max(model.worker_count, 1), BLOCK):
        ids = np.arange(start, min(start + BLOCK, model.worker_count), dtype=np.int32)
        known = None if elsewhere is None else elsewhere.of(ids)
        parts.append(reputations(population, Records.of(model, ids), prior, known))
    return Reputations(
        *(
            Estimate(
                *(
                    np.concatenate([getattr(getattr(part, name), end) for part in parts])
                    for end in ("value", "low", "high")
                )
            )
            for name in ("accuracy", "bits", "agreement", "gold")
        )
    )


def _quantile(chances: Floats, share: float) -> Floats:
    values = np.empty(len(chances))
    quantiles(chances, share, values)
    return values


def _share(hits: Floats, misses: Floats) -> Estimate:
    """Of hits among hits and misses, from Jeffreys' prior; without misses up to 1, and so on."""
    a, b = hits + 0.5, misses + 0.5
    low = np.where(hits > 0, betaincinv(a, b, TAIL), 0.0)
    high = np.where(misses > 0, betaincinv(a, b, 1 - TAIL), 1.0)
    total = hits + misses
    return Estimate(np.where(total > 0, hits / np.maximum(total, 1e-300), 0.5), low, high)


def _agreement(labels: int, records: Records) -> Estimate:
    backing = middles() - records.taken[:, None] - np.log(labels - 1.0)
    share = 1 / (1 + np.exp(-backing))
    return _share((records.support * share).sum(1), (records.support * (1 - share)).sum(1))


def _bits(accuracy: Floats, habits: Floats, prior: Floats) -> Floats:
    """Mutual information of answer and truth, bits, of workers with these accuracies.

    A worker knows the truth with probability s and else answers by habit g (MACE: Hovy et al.,
    NAACL 2013); s and g follow from its accuracy and from how often it gives each label (habits
    [n, K]): accuracy = s + (1 - s) sum of g p, habits = s p + (1 - s) g.
    """
    skill = np.zeros(len(accuracy))
    rest = habits
    for _ in range(BITS_ROUNDS):
        chance = (rest * prior).sum(1)
        skill = np.clip((accuracy - chance) / np.maximum(1 - chance, 1e-9), 0, 1)
        rest = np.maximum(habits - skill[:, None] * prior, 1e-9)
        rest /= rest.sum(1, keepdims=True)
    knows = skill[:, None]
    wrong = np.maximum((1 - knows) * rest, 1e-300)
    given = knows * prior + wrong
    right = knows + wrong
    terms = prior * right * np.log2(right / given) + (1 - prior) * wrong * np.log2(wrong / given)
    bits: Floats = np.maximum(terms.sum(1), 0)
    return bits

"""What workers have answered, as columns: all that reputations are made from."""

from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from engine.categorical import Categorical
from engine.kernels.forms import (
    ABILITY_STRENGTH,
    GOLD_RIGHT,
    GOLD_TOTAL,
    HITS,
    JUDGED,
    LEARNED,
    population_accuracy,
)
from engine.kernels.reputation import CELLS, hear_others, likelihoods

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

MOST_HEARD = 2048  # answers to gold that are held against the others', drawn evenly from all


class Records(NamedTuple):
    """The answers of n workers.

    support int32[n, OCTAVES]: answers to tasks without gold, by octave of the odds that the
    posterior gives them. taken float64[n]: log-odds of the accuracy that those posteriors took each
    worker's to be. right, wrong int32[n]: answers to gold. labels float64[n, K]: answers by label.
    """

    support: Ints
    taken: Floats
    right: Ints
    wrong: Ints
    labels: Floats

    @classmethod
    def of(cls, model: Categorical, workers: Ints) -> Self:
        """Those of these workers, by the model as it is. Cost: O(n x (OCTAVES + labels^2))."""
        labels = model.answered(workers)
        tables = model.tables
        people = tables.people[workers]
        right = np.rint(people[:, GOLD_RIGHT]).astype(np.int32)
        return cls(
            support=tables.support[workers],
            taken=_taken(people, tables.totals),
            right=right,
            wrong=np.rint(people[:, GOLD_TOTAL]).astype(np.int32) - right,
            labels=labels,
        )

    def likelihoods(self) -> Floats:
        """Log-likelihood [n, CELLS] of each apparent accuracy."""
        logs = np.empty((len(self.taken), CELLS))
        likelihoods(self.support, self.taken, logs)
        return logs


class Heard(NamedTuple):
    """What the other workers say of m answers to gold tasks, the gold not being looked at.

    worker int32[m]: row of some records. task int32[m]. right bool[m]: whether the answer is the
    gold. backing float64[m]: log-likelihood ratio of right to wrong. truth int16[t]: the gold of t
    tasks; opinions float64[t, K]: the mean of the others' posteriors.
    """

    worker: Ints
    task: Ints
    right: npt.NDArray[np.bool_]
    backing: Floats
    truth: npt.NDArray[np.int16]
    opinions: Floats

    @classmethod
    def of(cls, model: Categorical) -> Self:
        """Of gold tasks of the model; worker: its id. Cost: O(MOST_HEARD x (labels + overlap))."""
        votes, tasks = model.votes, model.task_count
        length, gold = votes.length[:tasks], votes.gold[:tasks]
        known = np.flatnonzero((gold >= 0) & (length > 1)).astype(np.int32)
        if len(known) == 0:
            return cls(
                worker=np.zeros(0, np.int32),
                task=np.zeros(0, np.int32),
                right=np.zeros(0, np.bool_),
                backing=np.zeros(0),
                truth=np.zeros(0, np.int16),
                opinions=np.zeros((0, model.labels)),
            )
        unknown = length[(gold < 0) & (length > 0)]
        panel = max(round(unknown.mean()) - 1, 1) if len(unknown) else int(length.max())
        kept = max(MOST_HEARD * len(known) // int(length[known].sum()), 1)
        known = known[:: -(-len(known) // kept)]
        answers = int(length[known].sum())
        judgments, backing = np.empty((answers, 3), np.int32), np.empty(answers)
        opinions = np.empty((len(known), model.labels))
        taken = _taken(model.tables.people[: model.worker_count], model.tables.totals)
        hear_others(votes, known, np.log(model.prior()), taken, panel, judgments, backing, opinions)
        return cls(
            worker=judgments[:, 0],
            task=judgments[:, 1],
            right=judgments[:, 2] == 1,
            backing=backing,
            truth=gold[known],
            opinions=opinions,
        )


class Elsewhere(NamedTuple):
    """How n workers stand in other projects, beside the people there.

    standing float64[n]: log-odds of apparent accuracy less the population's mean; variance [n],
    infinite where nothing is known.
    """

    standing: Floats
    variance: Floats


def active_workers(model: Categorical) -> Ints:
    """The ids of those with live judgments."""
    people = model.tables.people[: model.worker_count]
    return np.flatnonzero(people[:, JUDGED] > 0.5).astype(np.int32)


def _taken(people: Floats, totals: Floats) -> Floats:
    """Log-odds [n] of the accuracy that the posteriors take each worker's to be."""
    right = people[:, HITS] + ABILITY_STRENGTH * population_accuracy(totals)
    ability = np.clip(right / (people[:, LEARNED] + ABILITY_STRENGTH), 1e-6, 1 - 1e-6)
    taken: Floats = np.log(ability / (1 - ability))
    return taken

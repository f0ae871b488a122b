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
MOST_WORKERS = 1024  # that are learned from, drawn evenly from all
SCATTER = 0.2  # variance of a worker's standing from project to project, about what it is in all


class Records(NamedTuple):
    """The answers of n workers.

    support int32[n, OCTAVES]: answers to tasks without gold, by octave of the odds that the
    posterior gives them. taken float64[n]: log-odds of the accuracy that those posteriors took each
    worker's to be. right, wrong int32[n]: answers to gold. labels float64[n, K]: answers by label;
    [n, 0] where that is left out.
    """

    support: Ints
    taken: Floats
    right: Ints
    wrong: Ints
    labels: Floats

    @classmethod
    def of(cls, model: Categorical, workers: Ints, *, by_label: bool = True) -> Self:
        """Those of these workers, by the model as it is. Cost: O(n x (OCTAVES + labels^2))."""
        labels = model.answered(workers) if by_label else np.zeros((len(workers), 0))
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
        golden = np.flatnonzero(gold >= 0)
        known = golden[length[golden] > 1].astype(np.int32)
        if len(known) == 0:
            return cls(
                worker=np.zeros(0, np.int32),
                task=np.zeros(0, np.int32),
                right=np.zeros(0, np.bool_),
                backing=np.zeros(0),
                truth=np.zeros(0, np.int16),
                opinions=np.zeros((0, model.labels)),
            )
        others = model.judgment_count - int(length[golden].sum())
        unknown = int(np.count_nonzero(length)) - int(np.count_nonzero(length[golden]))
        panel = max(round(others / unknown) - 1, 1) if unknown else int(length[golden].max())
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


class Sample(NamedTuple):
    """Some workers of a model and what gold says of their answers, copied: to learn from elsewhere.

    workers int32[n]: ids, in order. heard.worker: rows of records, which are n.
    """

    workers: Ints
    records: Records
    heard: Heard

    @classmethod
    def of(cls, model: Categorical) -> Self:
        """Of a model as it is. Cost: one look at each task and worker, 1 ms a million tasks, and
        some 5 ms, however many there are."""
        heard = Heard.of(model)
        workers = active_workers(model)
        workers = workers[:: len(workers) // MOST_WORKERS + 1]
        workers = np.union1d(workers, heard.worker).astype(np.int32)
        rows = np.searchsorted(workers, heard.worker).astype(np.int32)
        records = Records.of(model, workers, by_label=False)
        return cls(workers, records, heard._replace(worker=rows))


class Elsewhere(NamedTuple):
    """How n workers stand in other projects, beside the people there.

    standing float64[n]: log-odds of apparent accuracy less the population's mean; variance [n],
    infinite where nothing is known.
    """

    standing: Floats
    variance: Floats

    @classmethod
    def combined(cls, count: int, worker: Ints, standing: Floats, variance: Floats) -> Self:
        """Of `count` workers, by id, from m standings in single projects.

        worker int32[m]: whose it is. standing, variance [m], finite. A worker's standing in project
        p is that of its skill, of which the projects know the p-th with variance v_p and which
        scatters by SCATTER from one to the next, so the skill is the mean of the standings weighed
        by w_p = 1 / (v_p + SCATTER), with variance 1 / sum of w_p (DerSimonian & Laird, Controlled
        Clinical Trials 7, 1986). The population adds to a variance what a single record that is
        known for sure scatters, so SCATTER is taken off again. One project alone stays as it is;
        many are worth at most one that is known for sure.
        """
        weight = 1 / (variance + SCATTER)
        total = np.bincount(worker, weight, count)
        known = total > 0
        total = np.where(known, total, 1.0)
        mean = np.bincount(worker, weight * standing, count) / total
        left = np.maximum(1 / total - SCATTER, 0.0)
        return cls(mean, np.where(known, left, np.inf))

    def of(self, workers: Ints) -> Self:
        """Those of some workers, by id; of ids beyond, nothing is known."""
        standing, variance = np.zeros(len(workers)), np.full(len(workers), np.inf)
        known = workers < len(self.standing)
        standing[known], variance[known] = (column[workers[known]] for column in self)
        return type(self)(standing, variance)


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

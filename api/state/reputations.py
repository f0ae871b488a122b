"""Against what a project's workers are judged: what they have in common, and records elsewhere.

A worker's own record changes with each judgment and is read from the model at once. What workers
have in common changes slowly, and takes some tens of milliseconds to learn. So it is learned from a
copy, after refits, as judgments come, and when no more come: what is said once a project is quiet
depends on nothing but its model and the records elsewhere.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from api.rows import Float64s, Int32s
from db import states
from db.connect import AnyConnection
from engine import Categorical
from engine.categorical import FULL_LABELS
from engine.leaning import Habits, Leanings, biases
from engine.population import Population
from engine.records import Elsewhere, Records, Sample
from engine.reputation import Estimate, Reputations, reputations

GROWTH: Final = 0.125  # share of the judgments that come before all is learned anew
FEWEST: Final = 50  # of them

_ASKED_AT_ONCE: Final = 2_000  # workers whose records elsewhere are read, in some 2 ms

NOWHERE: Final = Elsewhere(np.zeros(0), np.zeros(0))


@dataclass(frozen=True, slots=True)
class Commons:
    """What the workers of a project have in common; biases only up to 32 labels."""

    population: Population
    leanings: Leanings | None


@dataclass(frozen=True, slots=True)
class Material:
    """All that commons are learned from, copied, so that it can be done in a thread."""

    labels: int
    sample: Sample
    habits: Habits | None

    @classmethod
    def of(cls, model: Categorical) -> "Material":
        """Of a model as it is, in some milliseconds."""
        habits = Habits.of(model) if model.has_matrices else None
        return cls(model.labels, Sample.of(model), habits)

    def learn(self, elsewhere: Elsewhere) -> Commons:
        """Learn from it, and from the records elsewhere. Cost: some tens of milliseconds."""
        sample = self.sample
        if len(sample.workers) == 0:
            return before(self.labels)
        known = elsewhere.of(sample.workers)
        population = Population.learn(self.labels, sample.records, sample.heard, known)
        habits = self.habits
        leanings = Leanings.learn(habits, sample.heard) if habits is not None else None
        return Commons(population, leanings)


@lru_cache
def before(labels: int) -> Commons:
    """What crowds are like, before anything is known of one."""
    model = Categorical(labels)
    leanings = Leanings.of(model) if labels <= FULL_LABELS else None
    return Commons(Population.of(model), leanings)


class Background:
    """Commons and records elsewhere as they were learned last, and how much has come since."""

    def __init__(self, labels: int) -> None:
        self.commons = before(labels)
        self.elsewhere = NOWHERE  # by worker; nothing is known of later ones
        self.changes = 0  # events, new workers and policies so far
        self._learned = -1  # of the changes
        self._refitted = False

    def count(self, changes: int, *, refitted: bool = False) -> None:
        """Note what may change what workers have in common."""
        self.changes += changes
        self._refitted |= refitted

    @property
    def stale(self) -> bool:
        """Whether anything has changed since it was learned."""
        return self._refitted or self._learned < self.changes

    def pressing(self, model: Categorical) -> bool:
        """Whether so much has changed that it should not be learned only in a pause."""
        fresh = self.changes - self._learned
        return self._refitted or fresh >= max(GROWTH * model.judgment_count, FEWEST)

    def take(self, model: Categorical, asked: int) -> Material:
        """Begin to learn: what came since so many changes, when the records elsewhere were asked
        for, is for the next time as well."""
        material = Material.of(model)
        self._learned, self._refitted = asked, False
        return material

    def adopt(self, commons: Commons, elsewhere: Elsewhere) -> None:
        """Take what was learned."""
        self.commons, self.elsewhere = commons, elsewhere

    def look(self, model: Categorical, ids: Int32s, records: Records) -> Reputations:
        """Return what is known of some workers with these records; about 10 us each."""
        elsewhere = self.elsewhere.of(ids)
        known = elsewhere if np.isfinite(elsewhere.variance).any() else None
        return reputations(self.commons.population, records, model.prior(), known)

    def steps(self, model: Categorical, ids: Int32s) -> tuple[Float64s, Float64s]:
        """Return expected accuracy by the records elsewhere alone, and by those and gold."""
        records = Records.of(model, ids)
        golden = records._replace(support=np.zeros_like(records.support))
        nothing = np.zeros_like(records.right)
        bare = golden._replace(right=nothing, wrong=nothing)
        there, gold = (self.look(model, ids, each).accuracy.value for each in (bare, golden))
        return there, gold

    def biases(self, model: Categorical, ids: Int32s) -> Estimate | None:
        """Return the workers' biases [n, labels]; None above 32 labels."""
        leanings = self.commons.leanings
        return None if leanings is None else biases(model, leanings, ids)

    def standings(self, model: Categorical, ids: Int32s) -> Elsewhere:
        """Return how workers stand here, for other projects to hear of."""
        records = Records.of(model, ids, by_label=False)
        return self.commons.population.standings(records)

    def learn(self, model: Categorical, elsewhere: Elsewhere) -> None:
        """Learn at once, for a memory that nothing will be added to."""
        self.adopt(self.take(model, self.changes).learn(elsewhere), elsewhere)


async def elsewhere_of(
    connection: AnyConnection, project_id: int, count: int, known: Elsewhere = NOWHERE
) -> Elsewhere:
    """Read how the first `count` workers stand in the other projects that have their external ids.

    Of those that are `known` already, nothing is asked.
    """
    first = len(known.standing)
    found = [
        tuple(row)
        for start in range(first, count, _ASKED_AT_ONCE)
        for row in await states.standings_elsewhere(
            connection, project_id, start, min(start + _ASKED_AT_ONCE, count)
        )
    ]
    worker, standing, variance = np.array(found, np.float64).reshape(-1, 3).T
    new = Elsewhere.combined(count - first, worker.astype(np.int32) - first, standing, variance)
    return Elsewhere(*(np.concatenate(parts) for parts in zip(known, new, strict=True)))

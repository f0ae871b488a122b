"""What a shard shows, beside what the oracle expects, and beside what it showed before."""

from typing import NamedTuple

import numpy as np

from api.rows import STATUSES, Float64s, TaskViews, WorkerViews
from api.shard import Shard
from tests.api.oracle import Oracle
from tests.api.rig import all_tasks, all_workers


def assert_agrees(shard: Shard, oracle: Oracle) -> None:
    """Tasks, workers and the project's figures are those of the oracle."""
    views = shard.tasks(all_tasks(shard))
    assert shard.task_count == len(oracle.tasks)
    for task in range(len(oracle.tasks)):
        assert views.judgments[task] == oracle.judged(task)
        assert views.open_leases[task] == len(oracle.open_leases(task))
        assert views.gold[task] == oracle.gold.get(task, -1)
        usual = shard.memory.model.usual
        status = oracle.status(task, float(views.confidence[task]), usual)
        assert STATUSES[views.status[task]] == status
        workers, labels = shard.judgments_of(task)
        live = {
            worker: label for (at, worker), (label, _) in oracle.judgments.items() if at == task
        }
        assert dict(zip(workers.tolist(), labels.tolist(), strict=True)) == live
    people = shard.workers(all_workers(shard))
    assert np.flatnonzero(people.voided).tolist() == sorted(oracle.voided)
    for worker in range(oracle.workers):
        assert people.open_leases[worker] == len(oracle.open_leases(worker=worker))
        assert people.judgments[worker] == sum(1 for _, who in oracle.judgments if who == worker)
    quality = shard.quality()
    statuses = [STATUSES[status] for status in views.status]
    budget, leases = quality.budget, oracle.open_leases()
    for today, judgments, money in (
        (False, budget.judgments, budget.money),
        (True, budget.judgments_today, budget.money_today),
    ):
        assert (judgments.spent, money.spent) == oracle.spent(today=today)
        assert judgments.reserved == len(leases)
        assert money.reserved == sum(lease.price for lease in leases)
    assert quality.judgments == len(oracle.judgments)
    assert quality.open_tasks == statuses.count("OPEN")
    assert quality.settled_tasks == statuses.count("SETTLED")
    assert quality.contested_tasks == statuses.count("CONTESTED")


class Shown(NamedTuple):
    """All tasks, their posteriors and all workers of a shard."""

    tasks: TaskViews
    posterior: Float64s
    workers: WorkerViews


def shown(shard: Shard) -> Shown:
    """What a shard shows now."""
    ids = all_tasks(shard)
    return Shown(shard.tasks(ids), shard.posterior(ids), shard.workers(all_workers(shard)))


def assert_shown_alike(was: Shown, now: Shown) -> None:
    """The same, bit by bit."""
    for name in ("status", "judgments", "open_leases", "label", "confidence", "gold"):
        one, other = getattr(now.tasks, name), getattr(was.tasks, name)
        np.testing.assert_array_equal(one, other, name)
    np.testing.assert_array_equal(now.posterior, was.posterior)
    for name in ("judgments", "compared", "gold_right", "gold_total", "open_leases"):
        one, other = getattr(now.workers, name), getattr(was.workers, name)
        np.testing.assert_array_equal(one, other, name)
    for name in ("accuracy", "bits", "agreement", "gold"):
        one, other = getattr(now.workers, name), getattr(was.workers, name)
        np.testing.assert_array_equal(one.low, other.low, name)
        np.testing.assert_array_equal(one.high, other.high, name)

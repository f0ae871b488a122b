"""Reputations in a running project: what they start from, follow, and hear of other projects."""

from dataclasses import replace

import numpy as np

from api.limits import Limits
from api.policy import Policy
from api.reading.grounds import reasons_of
from api.rows import WorkerViews
from api.shard import Shard
from api.shards import Shards
from api.state.reputations import before
from api.state.standing import NOTICEABLE
from db.connect import AnyConnection, connect
from engine.records import SCATTER
from engine.reputation import Estimate
from tests.api.rig import (
    all_workers,
    derived_written,
    learned,
    make_project,
    open_shards,
    submissions,
)
from tests.waiting import eventually

LIMITS = Limits(renewal_pause=0.01, renewal_share=1.0, derived_pause=0.01)
POLICY = Policy(overlap=50, require_lease=False, act_on_status=False)
WORKERS = 9


async def judged(
    shards: Shards, name: str, bad: tuple[int, ...], *, tasks: int = 40, policy: Policy = POLICY
) -> Shard:
    """A project in which all workers are right but for some, who are wrong every other time."""
    shard = await make_project(shards, name, tasks=tasks, workers=WORKERS, policy=policy)
    for worker in range(WORKERS):
        wrong = worker in bad
        labels = [(task + wrong * (task % 2 + worker % 2)) % 3 for task in range(tasks)]
        await shard.submit(submissions(worker, labels, task=range(tasks)))
    return shard


async def is_being_read(connection: AnyConnection) -> bool:
    """Whether somebody waits to read what workers are like in other projects."""
    return bool(
        await connection.fetchval(
            "select exists (select from pg_locks where relation = 'worker_state'::regclass"
            " and mode = 'AccessShareLock' and not granted)"
        )
    )


def same(one: WorkerViews, other: WorkerViews) -> bool:
    return all(
        getattr(getattr(one, name), end).tobytes() == getattr(getattr(other, name), end).tobytes()
        for name in ("accuracy", "bits", "agreement", "gold")
        for end in ("value", "low", "high")
    )


async def test_a_new_project_says_what_crowds_are_like(database_url: str) -> None:
    async with open_shards(database_url, limits=LIMITS) as shards:
        shard = await make_project(shards, workers=2)
        await learned(shard)
        views = shard.workers(all_workers(shard))
        start = before(3).population
        assert np.allclose(views.accuracy.value, start.accuracy)
        assert (views.accuracy.low < 0.4).all()
        assert (views.accuracy.high > 0.9).all()
        assert views.compared.tolist() == [0, 0]


async def test_what_is_said_in_a_quiet_project_is_what_its_log_says(database_url: str) -> None:
    async with open_shards(database_url, limits=LIMITS) as shards:
        shard = await judged(shards, "p", bad=(2, 3))
        await learned(shard)
        then = shard.workers(all_workers(shard))
        assert then.accuracy.high[[2, 3]].max() < then.accuracy.low[[0, 1, 4, 5]].min()
        assert same(shard.workers(all_workers(shard)), then)
        past = await shards.history.at(shard, shard.seq)
        assert same(past.workers(all_workers(shard)), then)
        assert shard.biases(all_workers(shard)) is not None
    async with open_shards(database_url, limits=LIMITS) as shards:
        again = shards.get("p")
        assert same(again.workers(all_workers(again)), then)


async def test_rows_of_workers_who_did_nothing_follow_what_is_learned_of_the_others(
    database_url: str,
) -> None:
    async with open_shards(database_url, limits=LIMITS) as shards:
        shard = await make_project(shards, tasks=40, workers=WORKERS, policy=POLICY)
        await derived_written(shard)
        for worker in range(1, WORKERS):
            await shard.submit(submissions(worker, [0] * 40, task=range(40)))
        await derived_written(shard)
        now = float(shard.workers(all_workers(shard)).accuracy.value[0])
        assert now > before(3).population.accuracy + 2 * NOTICEABLE
        connection = await connect(database_url)
        row = await connection.fetchrow(
            "select accuracy, standing from worker_state where worker_id = 0"
        )
        await connection.close()
        assert row is not None
        assert abs(row["accuracy"] - now) <= NOTICEABLE
        assert row["standing"] is None  # it has no record to tell of


async def test_nobody_starts_from_zero_who_is_known_elsewhere(database_url: str) -> None:
    async with open_shards(database_url, limits=LIMITS) as shards:
        for name in ("p", "q"):
            await derived_written(await judged(shards, name, bad=(2, 3)))
        shard = await make_project(shards, "new", workers=WORKERS + 1, policy=POLICY)
        await learned(shard)
        views = shard.workers(all_workers(shard))
        assert views.accuracy.value[[2, 3]].max() < views.accuracy.value[WORKERS] - 0.02
        assert views.accuracy.value[[0, 1]].min() > views.accuracy.value[WORKERS] + 0.02
        steady = Estimate(*np.zeros((3, len(views.worker))))
        told = reasons_of(shard, views, None, steady, [None] * len(views.worker))
        for worker, way in ((2, -1), (0, 1)):
            elsewhere = next(each for each in told[worker] if each.code == "ELSEWHERE")
            assert way * elsewhere.figures["standing"] > 0
            # Several projects make it surer, but never sure.
            assert elsewhere.figures["error"] >= SCATTER**0.5
            times = np.exp(elsewhere.figures["standing"])
            assert f"its odds of being right are {times:.2g} times those" in elsewhere.text
        assert [each.code for each in told[WORKERS]] == ["POPULATION"]
        # The policy changes while the records in other projects are being read.
        connection = await connect(database_url)
        async with connection.transaction():
            await connection.execute("lock table worker_state")
            await shard.add_workers([f"w{worker}" for worker in range(WORKERS + 3)])
            await eventually(lambda: is_being_read(connection))
            await shard.update_policy({"use_other_projects": False}, None, "test")
        await connection.close()
        await learned(shard)
        views = shard.workers(all_workers(shard))
        assert np.ptp(views.accuracy.value) < 1e-9
        await shard.update_policy({"use_other_projects": True}, None, "test")
        await learned(shard)
        assert np.ptp(shard.workers(all_workers(shard)).accuracy.value) > 0.04


async def test_a_worker_who_comes_while_judgments_rain_is_asked_for_elsewhere(
    database_url: str,
) -> None:
    never = replace(LIMITS, renewal_pause=0.05)
    async with open_shards(database_url, limits=never) as shards:
        await derived_written(await judged(shards, "p", bad=(2,)))
        shard = await make_project(shards, "new", tasks=500, workers=1, policy=POLICY)
        await learned(shard)
        turn = iter(range(10_000))

        async def known() -> bool:
            label, task = divmod(next(turn), 500)
            await shard.submit(submissions(0, [label % 3], task=[task]))
            return len(shard.memory.background.elsewhere.standing) == WORKERS

        await shard.add_workers([f"w{worker}" for worker in range(WORKERS)])
        await eventually(known)

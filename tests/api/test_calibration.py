"""What confidence means is learned from the log, entered in it, and holds wherever it is told."""

import numpy as np

from api.limits import Limits
from api.log import recovery
from api.policy import Policy
from api.reading.showing import task_views
from db.connect import connect
from tests.api.rig import make_project, open_shards, submissions
from tests.waiting import eventually


async def test_confidence_is_learned_and_a_replay_comes_to_the_same(database_url: str) -> None:
    rng = np.random.default_rng(0)
    tasks, workers = 120, 6
    truth = rng.integers(0, 3, tasks)
    limits = Limits(calibration_rows=1200)  # the last judgments of gold are enough
    async with open_shards(database_url, limits=limits, calibrates=True) as shards:
        policy = Policy(overlap=workers, require_lease=False)
        shard = await make_project(shards, tasks=tasks, workers=workers, policy=policy)
        ids = np.arange(tasks, dtype=np.int32)
        await shard.set_gold(ids[:60], truth[:60].astype(np.int16), "test")
        before = shard.memory.model.calibration
        hard = rng.random(tasks) < 0.3  # everyone errs in the same way
        for worker in range(workers):
            right = np.where(rng.random(tasks) < 0.9, truth, (truth + 1) % 3)
            answers = np.where(hard, (truth + 1) % 3, right)
            await shard.submit(submissions([worker] * tasks, answers.tolist(), task=ids.tolist()))
        await eventually(lambda: shard.memory.calibrated.seq > 0 and not shard.memory.sweeping)
        memory = shard.memory
        told, now = memory.calibrated, memory.model.consensus(ids)
        assert memory.model.calibration == told.calibration != before
        assert (told.gold, told.judgments) == (60, tasks * workers)
        assert told.error is not None
        assert shard.quality().calibrated == told
        assert now.confidence[60:].mean() < memory.model.beliefs(ids).confidence[60:].mean() - 0.1
        views = shard.tasks(ids)
        np.testing.assert_array_equal(views.confidence, now.confidence)
        np.testing.assert_allclose(shard.posterior(ids).max(1), now.confidence, atol=1e-6)
        np.testing.assert_allclose(memory.standing.confidence[:tasks], now.confidence, atol=1e-6)
        assert np.isclose(shard.quality().mean_confidence, now.confidence.mean(), atol=1e-6)
        connection = await connect(database_url)
        again = await recovery.load(connection, memory.project.project_id)
        await connection.close()
        assert again.calibrated == told
        np.testing.assert_array_equal(task_views(again, ids).confidence, views.confidence)
        np.testing.assert_array_equal(task_views(again, ids).status, views.status)
        assert again.standing.mean_confidence == memory.standing.mean_confidence
        # Gold that is withdrawn is news: what rested on it is learned anew, without it.
        await shard.set_gold(ids[:60], np.full(60, -1, np.int16), "test")
        await eventually(lambda: shard.memory.calibrated.seq > told.seq)
        anew = shard.memory.calibrated
        assert (anew.gold, anew.gold_judgments, anew.judgments) == (0, 0, told.judgments)
        assert anew.calibration != told.calibration

"""Taking back judgments, workers and gold: what single acts do."""

from api.acts import Cause, RestoreWorker, VoidWorker
from api.policy import Policy
from tests.api.rig import all_tasks, make_project, open_shards, submissions

FREE = Policy(overlap=3, require_lease=False)


def because(client_id: str) -> Cause:
    return Cause("test", "to see what happens", {}, client_id)


async def test_a_voided_worker_and_back(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=4, workers=3, policy=FREE)
        for worker in range(3):
            answer = await shard.submit(submissions(worker, [0, 1, 2, worker], task=[0, 1, 2, 3]))
            assert answer.code == [""] * 4
        before = shard.tasks(all_tasks(shard))
        foreseen = await shard.staff.foresee(VoidWorker(1))
        done = await shard.staff.decide(VoidWorker(1), because("a"))
        assert done.effect == foreseen.effect
        now = shard.tasks(all_tasks(shard))
        assert now.judgments.tolist() == [2] * 4
        again = await shard.staff.decide(VoidWorker(1), because("a"))
        assert (again.duplicate, again.effect, again.seq) == (True, foreseen.effect, done.seq)
        answer = await shard.submit(submissions(1, [0], task=[0]))
        assert answer.code == ["WORKER_VOIDED"]
        await shard.staff.decide(RestoreWorker(1), because("b"))
        assert shard.tasks(all_tasks(shard)).judgments.tolist() == before.judgments.tolist()

"""Gold hidden among other tasks: how much, for whom, and what no worker can tell it by."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from api.acts import AdjudicateTasks, Cause, Contest, HoldStatus, JoinWorkers
from api.errors import ContestOpen, NoTasks, TooManyContests
from api.flush.gold_answers import answered, moved
from api.flush.gold_choice import MOST_RETURNED
from api.flush.gold_making import audits, stopped
from api.policy import Policy
from api.reading.alert_words import evidence, explanation, suggestion
from api.shard import Shard
from api.shards import Shards
from api.state.alerts import AlertKind
from api.state.gold_book import (
    ACTIVE,
    QUARANTINED,
    RETIRED,
    SOURCES,
    GoldBook,
    GoldSource,
    GoldState,
)
from engine import STATUSES
from engine.truths import answer_of
from tests.api.rig import make_project, open_shards, submissions
from tests.waiting import eventually

GOLDEN = 60


async def project(shards: Shards, tasks: int, policy: Policy, golden: int = GOLDEN) -> Shard:
    """The first tasks are gold, their answers in turn the first and the second label."""
    shard = await make_project(shards, tasks=golden + tasks, workers=4, policy=policy)
    labels = np.arange(golden, dtype=np.int16) % 2
    await shard.set_gold(np.arange(golden, dtype=np.int32), labels, "test")
    return shard


async def work(shard: Shard, worker: int, count: int, *, right: bool = True) -> list[int]:
    """Lease and judge; return the tasks, in their order."""
    done: list[int] = []
    while len(done) < count:
        leases = await shard.lease(worker, min(10, count - len(done)))
        tasks = [lease.task_id for lease in leases]
        done += tasks
        labels = [task % 2 if right else 1 - task % 2 for task in tasks]
        answer = await shard.submit(
            submissions(worker, labels, lease=[lease.lease_id for lease in leases])
        )
        assert set(answer.code) == {""}
    return done


async def test_gold_is_hidden_at_its_rate_and_nobody_gets_it_twice(database_url: str) -> None:
    policy = Policy(overlap=2, gold_rate=0.3, gold_floor=0.3, gold_exposures=2)
    async with open_shards(database_url) as shards:
        shard = await project(shards, 600, policy)
        seen = [await work(shard, worker, 100) for worker in range(4)]
        golden = [[task for task in tasks if task < GOLDEN] for tasks in seen]
        assert all(len(tasks) == len(set(tasks)) for tasks in seen)
        # 120 exposures are all there are; the first three workers find enough.
        assert all(8 <= len(tasks) <= 52 for tasks in golden[:3])
        exposures = Counter(task for tasks in golden for task in tasks)
        assert max(exposures.values()) <= 2
        for tasks in golden[:3]:  # both classes in turn
            assert abs(2 * sum(task % 2 for task in tasks) - len(tasks)) <= 4
        places = {index for tasks in seen for index, task in enumerate(tasks) if task < GOLDEN}
        assert len(places) > 30
        views = shard.tasks(np.arange(GOLDEN, GOLDEN + 600, dtype=np.int32))
        assert views.judgments.sum() == 400 - sum(map(len, golden))


async def test_the_rate_falls_as_more_is_known_and_rises_where_doubt_does(
    database_url: str,
) -> None:
    policy = Policy(overlap=1, gold_rate=1.0, gold_floor=0.0, gold_exposures=1000)
    async with open_shards(database_url) as shards:
        shard = await project(shards, 1000, policy, golden=300)
        known = await work(shard, 0, 200)
        assert all(task < 300 for task in known[:10])
        assert sum(task < 300 for task in known[-100:]) < 60
        for status, golden in (("WATCH", 10), ("TRUSTED", 0)):
            ruling = HoldStatus(0, STATUSES.index(status))
            await shard.staff.rule(ruling, Cause("test", "to see", {}, status))
            assert sum(task < 300 for task in await work(shard, 0, 10)) == golden


async def test_where_no_other_task_is_left_there_is_no_gold_but_in_the_quiz(
    database_url: str,
) -> None:
    async with open_shards(database_url) as shards:
        shard = await project(shards, 3, Policy(overlap=1, gold_rate=1.0, gold_floor=1.0))
        await shard.update_policy({"gold_rate": 0.0}, None, "test")
        rest = sorted(task.task_id for task in await shard.lease(0, 3))
        assert rest == [GOLDEN, GOLDEN + 1, GOLDEN + 2]
        await shard.update_policy({"gold_rate": 1.0}, None, "test")
        with pytest.raises(NoTasks):
            await shard.lease(1, 5)
        await shard.update_policy({"quiz": True, "quiz_gold": 1.0}, None, "test")
        assert all(lease.task_id < GOLDEN for lease in await shard.lease(1, 5))


async def test_gold_keeps_its_place_where_tasks_keep_their_order(database_url: str) -> None:
    policy = Policy(overlap=2, keep_order=True, leases_per_worker=100)
    gold = [1, 4, 5, 9, 28, 29]
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=30, workers=6, policy=policy)
        await shard.set_gold(np.array(gold, np.int32), np.zeros(6, np.int16), "test")
        first = await shard.lease(0, 2)
        assert [lease.task_id for lease in first] == [0, 1]
        held = [*first, *await shard.lease(0, 100)]
        assert [lease.task_id for lease in held] == list(range(28))  # nothing follows the last gold
        ids = [lease.lease_id for lease in held]
        await shard.submit(submissions(0, [0] * 10, lease=ids[:10]))
        assert [lease.task_id for lease in await shard.lease(1, 8)] == list(range(8))
        # What two have is passed by, gold or not; what was given back comes again.
        assert [lease.task_id for lease in await shard.lease(2, 3)] == [8, 9, 10]
        await shard.release(0, ids[10:])
        await shard.update_policy({"gold_rate": 0.0}, None, "test")
        assert [lease.task_id for lease in await shard.lease(4, 2)] == [10, 11]
    async with open_shards(database_url) as shards:
        (shard,) = shards.all()
        await shard.set_gold(np.array([12, 13], np.int32), np.zeros(2, np.int16), "test")
        assert [lease.task_id for lease in await shard.lease(3, 2)] == [11, 14]
        await shard.update_policy({"gold_rate": 0.1}, None, "test")
        assert [lease.task_id for lease in await shard.lease(5, 4)] == [12, 13, 14, 15]


async def test_gold_that_good_workers_miss_is_quarantined_and_forgiven(database_url: str) -> None:
    """What is found is entered once, and comes back after a start."""
    policy = Policy(overlap=40, require_lease=False, gold_rate=0.0)
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=40, workers=13, policy=policy)
        await shard.set_gold(np.arange(40, dtype=np.int32), np.zeros(40, np.int16), "test")
        for worker in range(12):  # all are good, and all miss the last one
            labels = [0] * 39 + [1]
            await shard.submit(submissions(worker, labels, task=list(range(40))))
        await eventually(lambda: shard.memory.gold.state[39] == QUARANTINED)
        assert shard.memory.standing.gold[39] == -1
        assert shard.memory.gold.active_counts()[0] == 39
        (alert,) = shard.alerts.newest_first()
        assert alert.kind is AlertKind.GOLD_MISSED
        assert "Task t39: " in explanation(alert, shard)
        assert 'correctGold(tasks: ["t39"])' in suggestion(alert, shard)[1]
        stats = shard.memory.model.workers(np.arange(12, dtype=np.int32))
        assert stats.gold_right.tolist() == stats.gold_total.tolist() == [39] * 12
        columns = shard.memory.gold.columns()
        with pytest.raises(NoTasks):  # it has fewer answers than tasks get, but is no task now
            await shard.lease(12, 5)
    async with open_shards(database_url) as shards:
        (shard,) = shards.all()
        with pytest.raises(NoTasks):
            await shard.lease(12, 5)
        for name, column in shard.memory.gold.columns().items():
            assert np.array_equal(column, columns[name]), name
        assert len(shard.alerts.newest_first()) == 1
        await shard.set_gold(np.array([39], np.int32), np.array([-1], np.int16), "test")
        assert [lease.task_id for lease in await shard.lease(12, 5)] == [39]


def test_another_answer_does_not_bring_back_what_was_retired() -> None:
    book = GoldBook(2)

    def take(seq: int, decided: tuple[str, Mapping[str, Any]]) -> None:
        book.take(decided[0], seq, 0, decided[1])

    expert = answered(book, 0, 0, source=GoldSource.EXPERT, state=GoldState.RETIRED)
    take(1, expert)
    take(2, answered(book, 0, 1))
    assert (book.answer[0], book.source[0], book.state[0]) == (1, SOURCES.index("EXPERT"), RETIRED)
    assert book.active_counts() == [0, 0, 0]
    assert book.standing(0) == 1  # it stands, and nobody is measured by it
    assert not book.measures(0)
    take(3, moved(book, 0, GoldState.QUARANTINED))
    assert book.quarantined(np.array([0, 7], np.int32)).tolist() == [True, False]
    assert book.standing(0) == -1
    take(4, answered(book, 0, answer_of((0, 1), 2), explanation="either"))
    assert book.active_counts() == [0, 0, 1]
    assert (book.accepted(0), book.explained) == ([0, 1], {0: "either"})
    recalled = GoldBook(2)
    recalled.recall(book.columns())
    assert recalled.told(0) == book.told(0)
    take(5, answered(book, 0, -1))
    take(6, answered(book, 0, 1))
    assert (book.source[0], book.state[0]) == (SOURCES.index("IMPORTED"), ACTIVE)
    book.spend(0)
    assert (book.active_counts(), book.any_drawn()) == ([0, 1, 0], False)
    book.allow(100)
    assert book.any_drawn()


async def test_what_an_expert_decided_stands_and_measures_nobody(database_url: str) -> None:
    """And where several answers are right any of them counts as right, and all of it comes back."""
    policy = Policy(overlap=40, require_lease=False, gold_rate=0.0)
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=3, workers=6, policy=policy)
        for worker in range(6):
            label = worker % 3
            await shard.submit(submissions(worker, [label, label, 0], task=[0, 1, 2]))
        act = AdjudicateTasks((0,), (2,), checks=False, explanations=("see the rules",))
        cause = Cause("test", "to decide", {}, "one")
        foreseen = (await shard.staff.foresee(act)).effect
        assert foreseen["labels"] == 1
        await shard.staff.decide(act, cause)
        either = np.array([answer_of((1, 2), 3)], np.int16)
        await shard.set_gold(np.array([1], np.int32), either, "test", source=GoldSource.CONSENSUS)
        people = np.arange(6, dtype=np.int32)

        def seen() -> tuple[list[Any], ...]:
            now = shard.tasks(np.arange(3, dtype=np.int32))
            found = shard.memory.vetting.tests.findings(people)
            return (
                [*now.label.tolist(), *now.gold.tolist(), *now.status.tolist()],
                now.confidence[:2].tolist(),
                found.gold_right.tolist(),
                found.gold_total.tolist(),
                shard.posterior(np.arange(2, dtype=np.int32)).tolist(),
                [shard.memory.gold.told(task) for task in range(3)],
            )

        was = seen()
        labels, confidence, right, total, posterior, told = was
        assert labels[0] == labels[3] == 2
        assert labels[1] in (1, 2)
        assert labels[1] == labels[4]
        assert labels[2] == 0
        assert labels[5] == -1
        assert confidence == [1.0, 1.0]
        assert (right, total) == ([0, 1, 1, 0, 1, 1], [1] * 6)
        assert posterior[0] == [0.0, 0.0, 1.0]
        assert posterior[1][0] == 0.0
        assert told[0]["explanation"] == "see the rules"
    async with open_shards(database_url) as shards:
        (shard,) = shards.all()
        assert seen() == was


async def test_gold_that_is_given_back_was_seen(database_url: str) -> None:
    """Whoever gives tasks back gets no more gold after a while, also after a restart."""
    policy = Policy(overlap=5, gold_rate=0.9, gold_floor=0.9, gold_exposures=3)
    async with open_shards(database_url) as shards:
        shard = await project(shards, 300, policy)
        seen: list[int] = []
        while len(seen) < 60:
            leases = await shard.lease(0, 20)
            seen += [lease.task_id for lease in leases]
            await shard.release(0, [lease.lease_id for lease in leases])
        golden = [task for task in seen if task < GOLDEN]
        assert MOST_RETURNED <= len(golden) <= MOST_RETURNED + 20
        assert [shard.memory.exposures(task) for task in golden] == [1] * len(golden)
        await shard.update_policy({"gold_exposures": 1}, None, "test")
        got = {lease.task_id for lease in await shard.lease(1, 20)}
        assert not got & set(golden)
    async with open_shards(database_url) as shards:
        (shard,) = shards.all()
        assert all(lease.task_id >= GOLDEN for lease in await shard.lease(0, 20))
        assert [shard.memory.exposures(task) for task in golden] == [1] * len(golden)


async def test_staff_are_asked_about_some_judgments_at_a_time(database_url: str) -> None:
    policy = Policy(overlap=2, require_lease=False, open_contests=2)
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=3, workers=2, policy=policy)

        async def contest(worker: int, task: int, client_id: str) -> None:
            cause = Cause("worker", "I am right", {"tasks": [task]}, client_id)
            await shard.staff.rule(Contest(worker, task), cause)

        await contest(0, 0, "a")
        with pytest.raises(ContestOpen):
            await contest(0, 0, "again")
        await contest(0, 1, "b")
        with pytest.raises(TooManyContests):
            await contest(0, 2, "c")
        await contest(1, 2, "d")
        oldest = shard.alerts.newest_first()[-1]
        await shard.staff.handle(oldest.seq, Cause("staff", "no", {}, "e"), resolves=True)
        await contest(0, 2, "c")


async def test_what_enough_workers_agree_on_becomes_gold_until_audits_find_it_wrong(
    database_url: str,
) -> None:
    policy = Policy(
        overlap=20,
        require_lease=False,
        target_confidence=0.5,
        min_judgments=3,
        consensus_confidence=0.5,
        consensus_workers=3,
        audit_share=0.4,
        audit_error=0.05,
        act_on_status=False,
        join_copiers=False,
    )
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=40, workers=5, policy=policy)
        await shard.staff.decide(JoinWorkers((3, 4)), Cause("test", "one hand", {}, "join"))
        tasks, book = list(range(40)), shard.memory.gold
        for worker in range(2):
            await shard.submit(submissions(worker, [0] * 40, task=tasks))
        await shard.update_policy({"consensus_gold": True}, None, "test")
        for worker in (3, 4):  # of whom the second counts for nothing
            await shard.submit(submissions(worker, [0] * 20, task=tasks[:20]))

        def made() -> int:
            return sum(book.known(task) for task in tasks)

        await eventually(lambda: made() == 20)
        assert not any(book.known(task) for task in tasks[20:])
        waiting = sorted(book.audits)
        assert 1 <= len(waiting) <= 19
        assert [book.measures(task) for task in tasks[:20]] == [
            task not in waiting for task in tasks[:20]
        ]
        act = AdjudicateTasks((waiting[0],), (0,), checks=True)
        await shard.staff.decide(act, Cause("expert", "looked", {}, "a"))
        assert audits(shard.memory)[:3] == (len(waiting) - 1, 1, 0)
        act = AdjudicateTasks(tuple(waiting[1:]), (1,) * (len(waiting) - 1), checks=True)
        await shard.staff.decide(act, Cause("expert", "looked", {}, "b"))
        assert stopped(shard.memory) == (audits(shard.memory).low > 0.05)
        await shard.submit(submissions(2, [0] * 40, task=tasks))
        if stopped(shard.memory):
            await eventually(lambda: not any(map(book.measures, set(tasks[:20]) - set(waiting))))
            assert made() == 20
        told = [book.told(task) for task in tasks]
        found = audits(shard.memory)
    async with open_shards(database_url) as shards:
        (shard,) = shards.all()
        assert [shard.memory.gold.told(task) for task in tasks] == told
        assert audits(shard.memory) == found


async def test_gold_that_some_know_as_a_whole_is_an_alert(database_url: str) -> None:
    """Who knows is better on gold, and faster, than elsewhere; staff are told once."""
    policy = Policy(overlap=40, require_lease=False, gold_rate=0.0, act_on_status=False)
    rng = np.random.default_rng(7)
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=60, workers=16, policy=policy)
        await shard.set_gold(np.arange(15, dtype=np.int32), np.zeros(15, np.int16), "test")
        for worker in range(16):
            knows, tasks = worker < 4, list(range(60))
            right = rng.random(60) < 0.7
            seconds = rng.lognormal(2, 0.4, 60)
            if knows:
                right[:15] = True
                seconds[:15] /= 6
            labels = np.where(right, 0, rng.integers(1, 3, 60)).tolist()
            rows = submissions(worker, labels, task=tasks)
            await shard.submit(replace(rows, seconds=seconds.astype(np.float32)))
        await eventually(lambda: shard.alerts.last_of(AlertKind.ALL_GOLD_LEAKED) is not None)
        alert = shard.alerts.last_of(AlertKind.ALL_GOLD_LEAKED)
        assert alert is not None
        assert set(alert.workers) <= {0, 1, 2, 3}
        assert "answer gold as if they knew it" in explanation(alert, shard)
        assert "setGoldState" in suggestion(alert, shard)[1]
        assert {each["worker"] for each in evidence(alert, shard)["of"]} <= {"w0", "w1", "w2", "w3"}
    async with open_shards(database_url) as shards:
        (shard,) = shards.all()
        assert shard.alerts.last_of(AlertKind.ALL_GOLD_LEAKED) is not None

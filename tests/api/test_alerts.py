"""Alerts: raised, ended and handled by decisions, and the same after any start."""

import contextlib
import random
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from api.acts import Cause, RestoreWorker, VoidWorker
from api.errors import DecisionExists, InvalidInput, Unavailable
from api.flush.alerting import AlertHandled, UnknownAlert
from api.limits import Limits
from api.policy import Policy
from api.reading.alert_words import explanation, suggestion, tasks_of
from api.reading.views import Views
from api.shard import Shard
from api.state.alerts import Alert, AlertKind, AlertState
from tests.api.findings import copying, enter, status
from tests.api.rig import make_project, open_shards, submissions
from tests.waiting import eventually, soon

SHORT = Limits(snapshot_rows_at_end=1, feed_tick=0.01)


def because(client_id: str, note: str = "I saw it") -> Cause:
    return Cause("key:1", note, {}, client_id)


def told(views: Views) -> list[Any]:
    """All that the book says."""
    return [
        (
            *(alert.seq, alert.kind, alert.state, alert.severity, alert.workers, alert.changed),
            *(alert.raised_at, alert.acknowledged, alert.resolved),
            *(explanation(alert, views), suggestion(alert, views), tasks_of(alert, views)),
        )
        for alert in views.alerts.newest_first()
    ]


def newest(shard: Shard) -> Alert:
    return shard.alerts.newest_first()[0]


async def test_a_paused_worker_is_an_alert(database_url: str) -> None:
    """Raised by the tests, of a worker who is wrong on gold; gone when they free it."""
    policy = Policy(overlap=3, require_lease=False)
    async with open_shards(database_url, limits=SHORT) as shards:
        shard = await make_project(shards, tasks=40, workers=1, policy=policy)
        golden = np.arange(40, dtype=np.int32)
        await shard.set_gold(golden, np.zeros(40, np.int16), "test")
        await shard.submit(submissions(0, [1] * 40, task=range(40)))
        await eventually(lambda: len(shard.alerts) > 0 and not shard.memory.vetting.due)
        alert = newest(shard)  # it was paused first, and then banned
        assert (alert.kind, alert.workers) == (AlertKind.WORKER_BANNED, (0,))
        assert alert.state is AlertState.OPEN
        assert " gold answers are right" in explanation(alert, shard)
        assert '"w0"' in suggestion(alert, shard)[1]
        await shard.set_gold(golden, np.ones(40, np.int16), "test")
        await eventually(lambda: not shard.memory.vetting.due)
        assert {each.state for each in shard.alerts.newest_first()} == {AlertState.RESOLVED}
        assert alert.resolved is not None
        assert alert.resolved.actor == "engine"


async def test_staff_acknowledge_and_resolve(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=3, workers=3)
        seq = await enter(shard, "FRAUD_FOUND", None, copying(0, 2, tasks=(1,)))
        assert (newest(shard).state, tasks_of(newest(shard), shard)) == (AlertState.OPEN, ["t1"])
        assert suggestion(newest(shard), shard)[1] == 'joinWorkers(workers: ["w0", "w2"])'
        with pytest.raises(UnknownAlert):
            await shard.staff.handle(seq + 1, because("1"), resolves=False)
        with pytest.raises(InvalidInput):
            await shard.staff.handle(seq, because("1", " "), resolves=False)
        done = await shard.staff.handle(seq, because("1"), resolves=False)
        again = await shard.staff.handle(seq, because("1"), resolves=False)
        assert (again.seq, done.duplicate, again.duplicate) == (done.seq, False, True)
        assert newest(shard).state is AlertState.ACKNOWLEDGED
        with pytest.raises(AlertHandled):
            await shard.staff.handle(seq, because("2"), resolves=False)
        with pytest.raises(DecisionExists):
            await shard.staff.handle(seq, because("1"), resolves=True)
        await shard.staff.handle(seq, because("3", "joined"), resolves=True)
        with pytest.raises(AlertHandled):
            await shard.staff.handle(seq, because("4"), resolves=True)
        alert = newest(shard)
        assert alert.acknowledged
        assert alert.resolved
        assert (alert.acknowledged.note, alert.resolved.note) == ("I saw it", "joined")


async def test_causes_end_by_themselves(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, workers=3)
        first = await enter(shard, "STATUS_CHANGED", 0, status("ACTIVE", "PAUSED", worse=True))
        assert newest(shard).kind is AlertKind.WORKER_PAUSED
        second = await enter(shard, "STATUS_CHANGED", 0, status("PAUSED", "BANNED", worse=True))
        assert shard.alerts.get(first).state is AlertState.RESOLVED  # type: ignore[union-attr]
        assert newest(shard).kind is AlertKind.WORKER_BANNED
        await enter(shard, "STATUS_CHANGED", 0, status("BANNED", "ACTIVE", worse=True))
        assert shard.alerts.get(second).state is AlertState.RESOLVED  # type: ignore[union-attr]
        await enter(shard, "STATUS_CHANGED", 1, status("ACTIVE", "ACTIVE", hurried=True))
        assert newest(shard).kind is AlertKind.WORKER_HURRIED
        await enter(shard, "STATUS_CHANGED", 1, status("ACTIVE", "ACTIVE"))
        assert newest(shard).state is AlertState.RESOLVED
        moved = {"of": "LABELS", "label": "l1", "before": 0.3, "after": 0.6, "evidence": 9.0}
        await enter(shard, "PROJECT_CHANGED", None, {"alarm": True, **moved})
        assert explanation(newest(shard), shard) == (
            "The share of l1 among the first judgments of tasks went from 30% to 60%."
        )
        await enter(shard, "PROJECT_CHANGED", None, {"alarm": False, **moved})
        assert newest(shard).state is AlertState.RESOLVED
        small = await enter(shard, "FRAUD_FOUND", None, copying(0, 1))
        await enter(shard, "FRAUD_FOUND", None, copying(0, 1, 2))
        assert shard.alerts.get(small).state is AlertState.RESOLVED  # type: ignore[union-attr]
        assert newest(shard).state is AlertState.OPEN
        assert sum(each.state is AlertState.OPEN for each in shard.alerts.newest_first()) == 1


async def test_a_finding_ends_when_nobody_is_left_to_act_on(database_url: str) -> None:
    """Its workers are voided or banned; of a group one may be left, whom the others copied."""
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, workers=4)
        alone = await enter(shard, "FRAUD_FOUND", None, {**copying(0), "kind": "CONSTANT"})
        group = await enter(shard, "FRAUD_FOUND", None, copying(0, 1, 2))

        def end_of(seq: int) -> Any:
            alert = shard.alerts.get(seq)
            return alert and alert.resolved and (alert.resolved.decision, alert.resolved.note)

        done = await shard.staff.decide(VoidWorker(0), because("1", "a bot"))
        assert end_of(alone) == (done.seq, "The worker is voided.")
        assert end_of(group) is None
        banned = await enter(shard, "STATUS_CHANGED", 2, status("ACTIVE", "BANNED"))
        assert end_of(group) == (banned, "All of them, or all but one, are voided or banned.")
        late = await enter(shard, "FRAUD_FOUND", None, {**copying(2), "kind": "TOO_FAST"})
        assert end_of(late) == (late, "The worker is banned.")
        await shard.staff.decide(RestoreWorker(0), because("2", "it was none"))
        await enter(shard, "STATUS_CHANGED", 2, status("BANNED", "ACTIVE"))
        again = await enter(shard, "FRAUD_FOUND", None, copying(0, 2))
        assert end_of(again) is None


@pytest.mark.parametrize("seed", range(3))
async def test_the_book_is_a_function_of_the_log(database_url: str, seed: int) -> None:
    """Whatever is decided: after clean and unclean ends, and as of any moment before."""
    source = random.Random(seed)
    moments: list[tuple[int, list[Any]]] = []
    async with open_shards(database_url, limits=SHORT) as shards:
        await make_project(shards, tasks=3, workers=4)
    statuses = ["ACTIVE"] * 4
    for _ in range(3):
        async with open_shards(database_url, limits=SHORT) as shards:
            shard = shards.all()[0]
            if moments:
                assert told(shard) == moments[-1][1]
            for _ in range(12):
                await _happen(shard, source, statuses)
                moments.append((shard.seq, told(shard)))
            if source.random() < 0.5:
                shard._suspect = True  # so that all of the log is read
                shard._seat.drop()
                with contextlib.suppress(Unavailable):
                    await shard.release(None, [uuid4()])
                await shard.release(None, [uuid4()])
                assert told(shard) == moments[-1][1]
            for seq, then in source.sample(moments, 2):
                assert told(await shards.history.at(shard, seq)) == then


async def _happen(shard: Shard, source: random.Random, statuses: list[str]) -> None:
    worker = source.randrange(4)
    match source.randrange(5):
        case 0:
            workers = source.sample(range(4), source.randint(1, 3))
            await enter(shard, "FRAUD_FOUND", None, copying(*workers))
        case 1:
            was, now = statuses[worker], source.choice(["ACTIVE", "WATCH", "PAUSED", "BANNED"])
            statuses[worker] = now
            flags = {flag: source.random() < 0.5 for flag in ("worse", "hurried")}
            await enter(shard, "STATUS_CHANGED", worker, status(was, now, **flags))
        case 2:
            moved = {"of": source.choice(["LABELS", "AGREEMENT"]), "label": None}
            shares = {"before": 0.3, "after": 0.6, "evidence": 9.0}
            alarm = source.random() < 0.5
            await enter(shard, "PROJECT_CHANGED", None, {"alarm": alarm, **moved, **shares})
        case 3:
            act = RestoreWorker if worker in shard.memory.voided else VoidWorker
            await shard.staff.decide(act(worker), because(str(source.random())))
        case _:
            going = [each for each in shard.alerts.newest_first() if each.state is AlertState.OPEN]
            if going:
                seq, cause = source.choice(going).seq, because(str(source.random()))
                await shard.staff.handle(seq, cause, resolves=source.random() < 0.5)


async def test_the_feed_tells_of_each_once(database_url: str) -> None:
    async with open_shards(database_url, limits=SHORT) as shards:
        shard = await make_project(shards, workers=2)
        begun = shard.seq
        feed = aiter(shard.feed.alerts(begun))
        seq = await enter(shard, "FRAUD_FOUND", None, copying(0, 1))
        first = await soon(anext(feed))
        assert (first.ids.tolist(), first.cursor) == ([0], seq)
        await shard.staff.handle(seq, because("1"), resolves=True)
        assert (await soon(anext(feed))).ids.tolist() == [0]
        late = await soon(anext(aiter(shard.feed.alerts(begun))))
        assert late.ids.tolist() == [0]
        seq = shard.seq
    async with open_shards(database_url, limits=SHORT) as shards:
        shard = shards.all()[0]
        feed = aiter(shard.feed.alerts(seq))
        await enter(shard, "FRAUD_FOUND", None, copying(0))
        assert (await soon(anext(feed))).ids.tolist() == [1]

"""What acts of staff do to statuses: they are judged as a whole, and a resolved alarm has ended."""

from dataclasses import replace

import pytest

from api.acts import Cause, ChangeGold, RestoreWorker, VoidWorker
from api.flush import retracted
from api.policy import Policy
from api.reading.alert_words import suggestion
from api.shard import Shard
from api.state.alerts import Alert, AlertKind, AlertState
from tests.api.rig import make_project, open_shards, recorded, submissions
from tests.api.status_log import assert_log_tells_all
from tests.api.test_status import POLICY as GOLD_POLICY
from tests.api.test_status import decisions, gold_project, judge, status

POLICY = Policy(overlap=50, require_lease=False)


async def test_a_worker_who_is_voided_in_parts_is_judged_once(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The right answers are taken back first: what is left meanwhile looks like a clicker's."""
    monkeypatch.setattr(retracted, "PART", 4)
    async with open_shards(database_url) as shards:
        shard = await gold_project(shards)
        for wrong in range(45, 60):
            await judge(shard, 0, [3 * (wrong - 45) + each for each in range(3)], 0)
            await judge(shard, 0, [wrong], 1)
        await recorded(shard)
        stood, before = status(shard, 0), await decisions(database_url, "STATUS_CHANGED")
        assert stood in ("ACTIVE", "WATCH")
        await shard.staff.decide(VoidWorker(0), Cause("test", "a bot", {}, "1"))
        await recorded(shard)
        voided = await decisions(database_url, "STATUS_CHANGED")
        assert len(voided) - len(before) <= 1
        assert status(shard, 0) == "ACTIVE"
        await shard.staff.decide(RestoreWorker(0), Cause("test", "none", {}, "2"))
        await recorded(shard)
        assert status(shard, 0) == stood
        assert len(await decisions(database_url, "STATUS_CHANGED")) - len(voided) <= 1
        kinds = {alert.kind for alert in shard.memory.alerts.newest_first()}
        assert not kinds & {AlertKind.WORKER_PAUSED, AlertKind.WORKER_BANNED}
        await assert_log_tells_all(database_url, shard, shard.project.policy)


async def test_gold_that_is_corrected_is_judged_once(database_url: str) -> None:
    """The first ten answers become wrong before ten others become right."""
    async with open_shards(database_url) as shards:
        shard = await gold_project(shards, replace(GOLD_POLICY, pause_error=0.3, watch_error=0.4))
        for wrong in range(40, 50):
            await judge(shard, 0, [4 * (wrong - 40) + each for each in range(4)], 0)
            await judge(shard, 0, [wrong], 1)
        await recorded(shard)
        stood, before = status(shard, 0), await decisions(database_url, "STATUS_CHANGED")
        assert stood in ("ACTIVE", "WATCH")
        act = ChangeGold((*range(10), *range(40, 50)), (1,) * 20)
        await shard.staff.decide(act, Cause("test", "a better key", {}, "1"))
        await recorded(shard)
        assert await decisions(database_url, "STATUS_CHANGED") == before
        assert status(shard, 0) == stood
        await assert_log_tells_all(database_url, shard, shard.project.policy)


async def rush(shard: Shard, tasks: int, seconds: float, first: int) -> None:
    given = range(first, first + tasks)
    rows = submissions(0, [0] * tasks, task=given, seconds=[seconds] * tasks)
    assert set((await shard.submit(rows)).code) == {""}
    await recorded(shard)


def hurried(shard: Shard) -> list[Alert]:
    alerts = shard.memory.alerts.newest_first()
    return [alert for alert in alerts if alert.kind is AlertKind.WORKER_HURRIED]


async def test_staff_end_the_alarm_of_a_pace_by_resolving_its_alert(database_url: str) -> None:
    async with open_shards(database_url) as shards:
        shard = await make_project(shards, tasks=700, workers=1, policy=POLICY)
        await rush(shard, 200, 12.0, 0)
        await rush(shard, 300, 2.0, 200)  # what is usual by now
        (alert,) = hurried(shard)
        assert (alert.state, status(shard, 0)) == (AlertState.OPEN, "WATCH")
        assert "resolve this" in suggestion(alert, shard)[1]
        cause = Cause("test", "it knows the items by now", {}, "1")
        await shard.staff.handle(alert.seq, cause, resolves=True)
        await recorded(shard)
        assert status(shard, 0) == "ACTIVE"
        await rush(shard, 200, 2.0, 500)
        assert hurried(shard) == [alert]
        await assert_log_tells_all(database_url, shard, shard.project.policy)
    async with open_shards(database_url) as shards:
        shard = shards.all()[0]
        assert (len(hurried(shard)), status(shard, 0)) == (1, "ACTIVE")

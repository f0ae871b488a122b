"""What a log leads to, found out entry by entry, beside what it holds of it."""

from dataclasses import replace
from typing import Any

import numpy as np

from api.decisions import REFIT
from api.flush.ruling import RULINGS, ruling_of
from api.log import recovery
from api.memory import Memory
from api.policy import Policy
from api.shard import Shard
from api.state import lessons
from api.state.vetting import Vetting
from db import log
from db.connect import AnyConnection, connect
from tests.api.rig import recorded


async def log_alone(connection: AnyConnection, shard: Shard, policy: Policy) -> Vetting:
    """The tests fed with the log entry by entry, and all that they come to; `policy` was first."""
    project = replace(shard.project, policy=policy, policy_version=1)
    vetting = Vetting.of(project)
    rows: list[Any] = []

    async def take(events: log.EventRows) -> None:
        rows.extend(events[place : place + 1] for place in range(len(events)))

    project_id, last = project.project_id, shard.seq
    await log.read_events(connection, project_id, 0, last, take)
    acts = await log.acts_between(connection, project_id, 0, last)
    entries = [(int(row["seq"][0]), row) for row in rows] + [(act["seq"], act) for act in acts]
    for seq, entry in sorted(entries, key=lambda each: each[0]):
        if isinstance(entry, np.ndarray):
            vetting.learn(project, lessons.of_rows(entry))
        elif entry["kind"] == "POLICY_CHANGED":
            body = entry["body"]
            now = Policy.from_json(body["policy"])
            project = replace(project, policy=now, policy_version=body["version"])
            vetting.adopt(project, seq)
        elif entry["kind"] == REFIT and entry["body"]["begin"]:
            vetting.settle(project, seq)
        elif entry["kind"] in RULINGS:
            vetting.rule(project, ruling_of(entry), seq)
    return vetting


async def assert_log_tells_all(url: str, shard: Shard, policy: Policy) -> None:
    """The decisions in the log are those that the log leads to, and the memory stands so too."""
    await recorded(shard)
    connection = await connect(url)
    vetting = await log_alone(connection, shard, policy)
    stored = await connection.fetch(
        "select kind, worker_id, body, actor from decision where project_id = $1 "
        "and kind in ('STATUS_CHANGED', 'PROJECT_CHANGED') order by seq",
        shard.project.project_id,
    )
    rebuilt = Memory(shard.project)
    await recovery.catch_up(connection, rebuilt)
    shortened = await recovery.load(connection, shard.project.project_id)
    await connection.close()
    found = [(row["kind"], row["worker_id"], row["body"]) for row in stored]
    assert found == [(each.kind, each.worker, each.body) for each in vetting.unrecorded]
    assert {row["actor"] for row in stored} <= {"engine"}
    for memory in (shard.memory, rebuilt, shortened):
        assert not memory.vetting.unrecorded
        for name in ("barred", "held", "appeals"):
            assert getattr(memory.vetting, name) == getattr(vetting, name), name
        theirs = memory.vetting.tests.state()
        for name, column in vetting.tests.state().items():
            np.testing.assert_array_equal(column, theirs[name], name)

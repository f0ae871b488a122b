"""policyPresets and policyHistory."""

from typing import Any

import asyncpg

from api.errors import spoken
from api.graphql import knobs, paging
from api.graphql.context import Info, admin_of, shard_of
from api.graphql.knobs import KnobChange, PolicyChange, PolicyPreset
from api.graphql.listing import OneProject
from api.graphql.paging import After, Connection, First
from api.graphql.scalars import Json, Sequence
from api.policy import KNOBS
from api.presets import PresetName
from db import reads


async def policy_presets(info: Info) -> list[PolicyPreset]:
    """All presets."""
    admin_of(info)
    return knobs.presets()


async def policy_history(
    info: Info, project: OneProject = None, first: First = 50, after: After = None
) -> Connection[PolicyChange]:
    """The changes of a policy."""
    context = admin_of(info)
    shard = await shard_of(context, project)
    project_id = shard.project.project_id
    name = f"policyHistory {project_id}"
    asked = paging.page(first, after, name, int)
    before = None if asked.after is None else asked.after[0]
    rows = await reads.policy_changes(context.service.pool, project_id, before, asked.first + 1)
    keys = [(row["seq"],) for row in rows]
    nodes = [_change(row) for row in rows]
    return paging.connection(asked, name, nodes, keys, shard.project.policy_version - 1)


def _change(row: asyncpg.Record) -> PolicyChange:
    body = row["body"]
    preset = body.get("preset")
    return PolicyChange(
        sequence=Sequence(row["seq"]),
        version=body["version"],
        actor=row["actor"],
        at=row["created_at"],
        preset=None if preset is None else PresetName(preset),
        changes=_knob_changes(body["before"], body["policy"]),
    )


def _knob_changes(before: dict[str, Any], after: dict[str, Any]) -> list[KnobChange]:
    """What differs. A knob that came after the decision had its default."""
    return [
        KnobChange(knob=spoken(name), before=Json(old), after=Json(new))
        for name, knob in KNOBS.items()
        if (old := before.get(name, knob.default)) != (new := after.get(name, knob.default))
    ]

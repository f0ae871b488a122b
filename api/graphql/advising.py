"""policyPresets, policyHistory and policyAdvice."""

from typing import Annotated, Any

import asyncpg
import strawberry

from api.errors import spoken
from api.graphql import knobs, paging
from api.graphql.context import Info, admin_of, shard_of
from api.graphql.knobs import KnobChange, PolicyAdvice, PolicyChange, PolicyPreset
from api.graphql.listing import OneProject
from api.graphql.paging import After, Connection, First
from api.graphql.project import PolicyChanges, changes_of
from api.graphql.scalars import Json, Sequence
from api.linting.linter import advise
from api.linting.surveying import facts_of
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


async def policy_advice(
    info: Info,
    project: OneProject = None,
    preset: Annotated[
        PresetName | None, strawberry.argument(description="A preset to try, applied first.")
    ] = None,
    changes: Annotated[
        PolicyChanges | None, strawberry.argument(description="Knobs to try; nothing is stored.")
    ] = None,
) -> list[PolicyAdvice]:
    """What is wrong with a policy."""
    context = admin_of(info)
    shard = await shard_of(context, project)
    policy = shard.project.policy.changed(changes_of(preset, changes))
    facts = await facts_of(context.service.pool, shard)
    return [
        PolicyAdvice(
            code=each.code,
            severity=each.severity,
            knob=spoken(each.knob),
            text=each.text,
            todo=each.todo,
        )
        for each in advise(policy, facts)
    ]


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

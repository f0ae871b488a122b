"""alerts, alert, acknowledgeAlert, resolveAlert and alertFeed."""

from collections.abc import AsyncIterator
from typing import Annotated, TypeVar

import strawberry
from strawberry import ID

from api.acts import Cause
from api.errors import ProjectTaken, UnknownWorker
from api.flush.alerting import UnknownAlert
from api.graphql import paging
from api.graphql.alert import (
    AcknowledgeAlertPayload,
    AcknowledgeAlertResult,
    Alert,
    AlertEvent,
    AlertHandled,
    AlertHandling,
    AlertSuggestion,
    HandleAlertInput,
    ResolveAlertPayload,
    ResolveAlertResult,
)
from api.graphql.context import Info, admin_of, shard_of
from api.graphql.listing import OneProject
from api.graphql.looking import Then, views_of
from api.graphql.paging import After, Connection, First
from api.graphql.scalars import Json, Sequence
from api.graphql.watching import Resume, parts_of, start_of
from api.reading import alert_words
from api.reading.views import Views
from api.rows import Int32s
from api.state import alerts
from api.state.alerts import AlertKind, AlertState

H = TypeVar("H", bound=AlertHandled)


async def alert(
    info: Info,
    sequence: Annotated[Sequence, strawberry.argument(description="The alert's sequence.")],
    project: OneProject = None,
    as_of: Then = None,
) -> Alert | None:
    """One alert."""
    context = admin_of(info)
    views = await views_of(context, await shard_of(context, project), as_of)
    found = None if views is None else views.alerts.get(sequence)
    return None if views is None or found is None else alert_of(found, views)


async def alerts_page(
    info: Info,
    project: OneProject = None,
    state: Annotated[
        list[AlertState] | None, strawberry.argument(description="In one of these states.")
    ] = None,
    kind: Annotated[
        list[AlertKind] | None, strawberry.argument(description="Of one of these kinds.")
    ] = None,
    worker: Annotated[
        ID | None, strawberry.argument(description="About this worker, among others.")
    ] = None,
    as_of: Then = None,
    first: First = 50,
    after: After = None,
) -> Connection[Alert]:
    """Alerts of a project, the newest first."""
    context = admin_of(info)
    shard = await shard_of(context, project)
    name = f"alerts {shard.project.project_id}"
    asked = paging.page(first, after, name, int)
    views = await views_of(context, shard, as_of)
    if views is None:
        return paging.connection(asked, name, [], [], 0)
    whom = None if worker is None else int(views.worker_ids([worker])[0])
    if whom is not None and whom < 0:
        raise UnknownWorker
    found = [
        each
        for each in views.alerts.newest_first()
        if (state is None or each.state in state)
        and (kind is None or each.kind in kind)
        and (whom is None or whom in each.workers)
    ]
    before = None if asked.after is None else asked.after[0]
    page = [each for each in found if before is None or each.seq < before][: first + 1]
    nodes = [alert_of(each, views) for each in page]
    return paging.connection(asked, name, nodes, [(each.seq,) for each in page], len(found))


async def acknowledge_alert(
    info: Info,
    given: Annotated[
        HandleAlertInput, strawberry.argument(name="input", description="Which, and why.")
    ],
) -> AcknowledgeAlertResult:
    """Say that somebody knows of an alert."""
    return await _handle(info, given, AcknowledgeAlertPayload, resolves=False)


async def resolve_alert(
    info: Info,
    given: Annotated[
        HandleAlertInput, strawberry.argument(name="input", description="Which, and why.")
    ],
) -> ResolveAlertResult:
    """Say that an alert was dealt with."""
    return await _handle(info, given, ResolveAlertPayload, resolves=True)


async def alert_feed(
    info: Info, project: OneProject = None, after: Resume = None
) -> AsyncIterator[AlertEvent]:
    """Alerts that were raised, acknowledged or resolved."""
    context = admin_of(info)
    shard = await shard_of(context, project)

    async def read(numbers: Int32s, cursor: int) -> AlertEvent:
        found = [alert_of(shard.alerts.at(number), shard) for number in numbers.tolist()]
        return AlertEvent(cursor=Sequence(cursor), alerts=found)

    start = start_of(shard, after)
    return parts_of(context, shard.feed.alerts(start), start, "alerts", read)


def alert_of(found: alerts.Alert, views: Views) -> Alert:
    """An alert as it is, with outside ids."""
    act, words = alert_words.suggestion(found, views)
    return Alert(
        sequence=Sequence(found.seq),
        kind=found.kind,
        severity=found.severity,
        state=found.state,
        workers=[ID(name) for name in alert_words.workers_of(found, views)],
        tasks=[ID(name) for name in alert_words.tasks_of(found, views)],
        explanation=alert_words.explanation(found, views),
        evidence=Json(alert_words.evidence(found, views)),
        suggestion=AlertSuggestion(act=act, words=words),
        raised_at=found.raised_at,
        acknowledged=_handling(found.acknowledged),
        resolved=_handling(found.resolved),
    )


def _handling(told: alerts.Handling | None) -> AlertHandling | None:
    if told is None:
        return None
    sequence = Sequence(told.decision)
    return AlertHandling(sequence=sequence, actor=told.actor, note=told.note, at=told.at)


async def _handle(info: Info, given: HandleAlertInput, payload: type[H], *, resolves: bool) -> H:
    context = admin_of(info)
    shard = await shard_of(context, given.project)
    if not shard.writable:
        raise ProjectTaken
    cause = Cause(context.actor, given.note, {}, given.client_id)
    done = await shard.staff.handle(given.alert, cause, resolves=resolves)
    found = shard.alerts.get(given.alert)
    if found is None or done.seq is None:
        raise UnknownAlert
    return payload(
        sequence=Sequence(done.seq), duplicate=done.duplicate, alert=alert_of(found, shard)
    )

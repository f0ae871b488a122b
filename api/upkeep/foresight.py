"""What an act of staff would change, found out on a copy: the project itself is not touched.

The copy holds the tasks in question and all counts, and is made between two flushes; all else
happens in a thread. The same events on the same bits: if nothing comes in between, and no refit
ends, the act itself changes just what is foreseen.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from api.acts import (
    WITHDRAWN,
    Act,
    AdjudicateTasks,
    ChangeGold,
    MoveGold,
    ReopenTasks,
    RestoreWorker,
    Row,
    SplitWorkers,
    VoidWorker,
)
from api.decisions import GOLD_SET
from api.flush.gold_answers import decided_by
from api.flush.retracting import demanded
from api.memory import Memory
from api.rows import STATUSES, Float64s, Int8s, Int32s
from api.state.gold_book import GoldBook
from api.state.standing import NOTICEABLE, models_among, statuses
from api.state.stopping import sure_enough
from engine import JUDGE, RETRACT, Categorical, Consensus, Events
from engine.excerpt import excerpt
from engine.reputation import everyone
from engine.truths import observed

EXAMPLES: Final = 10


@dataclass(frozen=True, slots=True)
class Standing:
    """How some tasks stand before the act, or after it."""

    consensus: Consensus
    status: Int8s


@dataclass(frozen=True, slots=True)
class Changes:
    """Tasks and workers, the ones that change most first, before and after."""

    tasks: Int32s
    before: Standing
    after: Standing
    workers: Int32s
    accuracy_before: Float64s
    accuracy_after: Float64s


def events_of(memory: Memory, act: Act, rows: Sequence[Row]) -> Events:
    """Return what would be learned from an act that concerns these judgments."""
    if isinstance(act, ChangeGold | AdjudicateTasks | MoveGold):
        told = [body.get("label", WITHDRAWN) for _, body in decided_by(memory.gold, act)]
        return Events.gold(act.tasks, told)
    rows = [row for row in rows if row.turns]
    kind = JUDGE if isinstance(act, RestoreWorker | SplitWorkers) else RETRACT
    return Events(
        np.full(len(rows), kind, np.uint8),
        np.array([row.task for row in rows], np.int32),
        np.array([row.worker for row in rows], np.int32),
        np.array([row.label for row in rows], np.int16),
    )


async def foresee(memory: Memory, act: Act, rows: Sequence[Row]) -> Mapping[str, Any]:
    """Return the effect of an act as JSON: counts, and examples with outside ids.

    posteriors: tasks whose label changes or whose confidence does by more than NOTICEABLE; labels:
    of them those with another label; statuses: with another status; reputations: workers whose
    expected accuracy changes by more than NOTICEABLE, what workers have in common being what it is.
    """
    policy = memory.project.policy
    events = events_of(memory, act, rows)
    stands = _standing(memory, act)
    reopened = demanded(memory, act) if isinstance(act, ReopenTasks) else {}
    tasks = np.union1d(events.task, np.array(list(reopened), np.int32)).astype(np.int32)
    required = memory.standing.required[tasks]
    then = required.copy()
    then[np.searchsorted(tasks, list(reopened))] = list(reopened.values())
    consensus = memory.model.consensus(tasks)
    extra = memory.standing.beside(tasks, policy)
    apart = np.zeros_like(memory.standing.is_model)  # who does not count towards what is needed
    apart[list(memory.placeless)] = True
    sure = sure_enough(policy, memory.model, memory.standing.usual_price(policy))
    before = Standing(consensus, statuses(consensus, policy, required, extra, sure))
    state, stood = excerpt(memory.model, tasks), memory.model.truths.of(tasks).tolist()
    population, elsewhere = memory.background.commons.population, memory.background.elsewhere

    def work() -> Changes:
        model = Categorical.from_state(state)
        for place, (task, answer) in enumerate(zip(tasks.tolist(), stood, strict=True)):
            model.truths.put(place, stands.get(task, answer))
        accuracy = everyone(population, model, elsewhere).accuracy.value
        places = np.searchsorted(tasks, events.task).astype(np.int32)
        model.apply(observed(replace(events, task=places), model.labels))
        all_places = np.arange(len(tasks), dtype=np.int32)
        after, left = model.consensus(all_places), models_among(model, all_places, apart)
        return Changes(
            tasks,
            before,
            Standing(after, statuses(after, policy, then, left, sure)),
            np.arange(len(accuracy), dtype=np.int32),
            accuracy,
            everyone(population, model, elsewhere).accuracy.value,
        )

    changes = await asyncio.to_thread(work)
    leases = memory.leases.held(act.worker) if isinstance(act, VoidWorker) else 0
    judgments = sum(row.turns for row in rows)
    return {"judgments": judgments, "leases": leases, **_told(memory, changes)}


def _standing(memory: Memory, act: Act) -> dict[int, int]:
    """The answers that would stand of the tasks that an act is about, and not be observed."""
    if not isinstance(act, ChangeGold | AdjudicateTasks | MoveGold):
        return {}
    book = GoldBook(memory.model.labels)
    for task, (kind, body) in zip(act.tasks, decided_by(memory.gold, act), strict=True):
        if memory.gold.known(task):
            book.take(GOLD_SET, 0, task, memory.gold.told(task) or {})
        book.take(kind, 0, task, body)
    return {task: book.standing(task) for task in act.tasks}


def _told(memory: Memory, changes: Changes) -> dict[str, Any]:
    before, after = changes.before, changes.after
    relabelled = before.consensus.label != after.consensus.label
    turned = before.status != after.status
    moved = np.abs(after.consensus.confidence - before.consensus.confidence)
    changed = relabelled | turned | (moved > NOTICEABLE)
    weight = 4.0 * relabelled + 2.0 * turned + moved
    shift = np.abs(changes.accuracy_after - changes.accuracy_before)
    tasks, workers = _most(weight, changed), _most(shift, shift > NOTICEABLE)
    return {
        "posteriors": int((relabelled | (moved > NOTICEABLE)).sum()),
        "labels": int(relabelled.sum()),
        "statuses": int(turned.sum()),
        "reputations": int((shift > NOTICEABLE).sum()),
        "tasks": [
            {"task": name, "before": _task(memory, before, at), "after": _task(memory, after, at)}
            for name, at in zip(
                memory.tasks.names(changes.tasks[tasks]), tasks.tolist(), strict=True
            )
        ],
        "workers": [
            {
                "worker": name,
                "before": float(changes.accuracy_before[at]),
                "after": float(changes.accuracy_after[at]),
            }
            for name, at in zip(
                memory.workers.names(changes.workers[workers]), workers.tolist(), strict=True
            )
        ],
    }


def _most(weight: Float64s, which: Any) -> Int32s:
    """Places of those that weigh most, at most EXAMPLES."""
    places = np.flatnonzero(which)
    order = np.argsort(-weight[places], kind="stable")[:EXAMPLES]
    return places[order].astype(np.int32)


def _task(memory: Memory, standing: Standing, place: int) -> dict[str, Any]:
    label = int(standing.consensus.label[place])
    return {
        "label": None if label < 0 else memory.project.labels[label].external_id,
        "confidence": float(standing.consensus.confidence[place]),
        "status": STATUSES[standing.status[place]],
        "judgments": int(standing.consensus.judgments[place]),
    }

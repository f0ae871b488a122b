"""What an alert says to a person: the explanation with its numbers, and what to do about it."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import numpy as np

from api.reading.reasons import odds
from api.reading.views import Views
from api.state.alerts import Alert, AlertKind

_NAMED: Final = 10  # workers
_OF_PROJECT: Final = ("of", "label", "before", "after", "since", "evidence")


class Suggestion(StrEnum):
    """What staff may do about an alert."""

    JOIN = "JOIN"
    PAUSE = "PAUSE"
    VOID = "VOID"
    LOOK = "LOOK"
    ANSWER = "ANSWER"


def workers_of(alert: Alert, views: Views) -> list[str]:
    """The outside ids of the workers that an alert is about."""
    return views.worker_names(np.array(alert.workers, np.int32))


def tasks_of(alert: Alert, views: Views) -> list[str]:
    """The outside ids of the tasks that its evidence gives as examples."""
    return views.task_names(np.array(_tasks(alert), np.int32))


def evidence(alert: Alert, views: Views) -> Mapping[str, Any]:
    """The numbers behind an alert, and its examples with the outside ids of their tasks."""
    if alert.kind is AlertKind.PROJECT_CHANGED:
        return {name: alert.body.get(name) for name in _OF_PROJECT}
    found: Mapping[str, Any] = alert.body["evidence"]
    if alert.kind is AlertKind.ALL_GOLD_LEAKED:
        pairs = zip(found["of"], workers_of(alert, views), strict=True)
        return {**found, "of": [{**each, "worker": name} for each, name in pairs]}
    if "tasks" not in found:
        return found
    names = tasks_of(alert, views)
    examples = [
        {**example, "task": name}
        for example, name in zip(found.get("examples", []), names, strict=False)
    ]
    return {**found, "tasks": names, "examples": examples}


def explanation(alert: Alert, views: Views) -> str:
    """What was found, in words and numbers."""
    body, names = alert.body, workers_of(alert, views)
    match alert.kind:
        case AlertKind.WORKER_PAUSED | AlertKind.WORKER_BANNED:
            verb = "paused" if alert.kind is AlertKind.WORKER_PAUSED else "banned"
            return f"{names[0]} is {verb}. {_record(body['evidence'], 'against')}"
        case AlertKind.WORKER_WORSE:
            return f"{names[0]} answers worse than before. {_record(body['evidence'], 'drift')}"
        case AlertKind.WORKER_HURRIED:
            return (
                f"{names[0]} began to rush: most of its latest judgments took less than a third of "
                f"the time before. {_weight(body['evidence']['rush'])}"
            )
        case AlertKind.PROJECT_CHANGED:
            what = (
                "The share of second judgments that are like the first one"
                if body["label"] is None
                else f"The share of {body['label']} among the first judgments of tasks"
            )
            return f"{what} went from {body['before']:.0%} to {body['after']:.0%}."
        case AlertKind.JUDGMENT_CONTESTED:
            return f"{names[0]} stands by its judgment of {tasks_of(alert, views)[0]}: " + (
                f"{body['reason']}"
            )
        case AlertKind.WORKER_APPEALED:
            return f"{names[0]} asks to be let in again: {body['reason']}"
        case AlertKind.ALL_GOLD_LEAKED:
            return f"{body['text']}"
        case AlertKind.GOLD_LEAKED | AlertKind.GOLD_MISSED:
            return f"Task {tasks_of(alert, views)[0]}: {body['text']}"
        case _:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            return f"{', '.join(names[:_NAMED])}{more}: {body['text']}"


def suggestion(alert: Alert, views: Views) -> tuple[Suggestion, str]:
    """What to do: as a name, and as the mutation with its arguments."""
    names = workers_of(alert, views)
    match alert.kind:
        case AlertKind.JUDGMENT_CONTESTED:
            tasks = _list(tasks_of(alert, views))
            return Suggestion.LOOK, (
                f"Look at the task. Where the worker is right: adjudicateTask(tasks: {tasks}), or "
                f"correctGold(tasks: {tasks}) if it is gold, which forgives everyone."
            )
        case AlertKind.WORKER_APPEALED:
            return Suggestion.ANSWER, f"answerAppeal(worker: {_one(names)}, granted: true or false)"
        case AlertKind.WORKER_PAUSED | AlertKind.WORKER_BANNED:
            return Suggestion.LOOK, (
                f"Look at the judgments of {names[0]}. Where they are right: "
                f"liftPause(worker: {_one(names)}); where none is worth anything: "
                f"voidWorker(worker: {_one(names)})."
            )
        case AlertKind.WORKER_WORSE | AlertKind.WORKER_HURRIED:
            paced = " Where they are right, resolve this: then the pace is usual from now on."
            return Suggestion.LOOK, (
                f"Look at the latest judgments of {names[0]}. Where they are careless: "
                f"setWorkerStatus(worker: {_one(names)}, status: PAUSED)."
                f"{paced if alert.kind is AlertKind.WORKER_HURRIED else ''}"
            )
        case AlertKind.GOLD_LEAKED | AlertKind.GOLD_MISSED:
            tasks = _list(tasks_of(alert, views))
            return Suggestion.LOOK, (
                f"Look at the task. If its answer is right and known to few: setGoldState(tasks: "
                f"{tasks}, state: ACTIVE); if it went round, state: RETIRED; if it is wrong, "
                f"correctGold(tasks: {tasks}) forgives everyone."
            )
        case AlertKind.ALL_GOLD_LEAKED:
            return Suggestion.LOOK, (
                "Look at the gold that these workers answered. If it went round: set other gold "
                "with setGold, and let what is known come out of use with setGoldState(state: "
                "RETIRED), so that nobody is measured by it."
            )
        case AlertKind.PROJECT_CHANGED:
            return Suggestion.LOOK, "Look at the tasks that came last: are they of another kind?"
        case _ if all(worker in views.memory.voided for worker in alert.workers):
            acts = "; ".join(f"unvoidWorker(worker: {_quoted(name)})" for name in names)
            return Suggestion.LOOK, f"All are voided already. Where that is wrong: {acts}."
        case _ if views.memory.voices.together(alert.workers) is not None:
            return Suggestion.LOOK, (
                "They count as one already. Where that is wrong: "
                f"splitWorkers(workers: {_list(names)})."
            )
        case _:
            return _against_fraud(Suggestion(alert.body["suggestion"]), names)


def _against_fraud(what: Suggestion, names: Sequence[str]) -> tuple[Suggestion, str]:
    match what:
        case Suggestion.JOIN:
            return what, f"joinWorkers(workers: {_list(names)})"
        case Suggestion.PAUSE:
            acts = (f"setWorkerStatus(worker: {_quoted(name)}, status: PAUSED)" for name in names)
        case Suggestion.VOID:
            acts = (f"voidWorker(worker: {_quoted(name)})" for name in names)
        case _:
            return what, f"Look at the judgments of {', '.join(names)}."
    return what, "; ".join(acts)


def _record(evidence: Mapping[str, Any], of: str) -> str:
    """The findings of the status tests in a sentence or two."""
    parts = []
    if evidence["gold_total"]:
        parts.append(f"{evidence['gold_right']} of {evidence['gold_total']} gold answers are right")
    if evidence["scored"]:
        parts.append(
            f"{evidence['alike']:.0f} of {evidence['scored']:.0f} answers are like those of most "
            f"others, where {evidence['expected']:.0f} would be of a worker who is just acceptable"
        )
    record = f"Of {evidence['judgments']} judgments: {'; '.join(parts)}. " if parts else ""
    since = f" since judgment {evidence['since'] + 1} of this worker" if of == "drift" else ""
    return f"{record}{_weight(evidence[of], since)}"


def _weight(nats: float | None, since: str = "") -> str:
    return f"The evidence for it{since} weighs {odds(nats or 0.0)} to 1."


def _tasks(alert: Alert) -> list[int]:
    found = alert.body.get("evidence")
    return list(found.get("tasks", [])) if isinstance(found, dict) else []


def _list(names: Sequence[str]) -> str:
    return f"[{', '.join(map(_quoted, names))}]"


def _one(names: Sequence[str]) -> str:
    return _quoted(names[0])


def _quoted(name: str) -> str:
    return f'"{name}"'

"""Decisions of the engine, entered by the writer as those of its tests are."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from api.shard import Shard
from api.state.vetting import Verdict

EVIDENCE = {
    "against": 7.2,
    "passing": 0.0,
    "trusting": 0.0,
    "drift": 6.1,
    "since": 12,
    "rush": 0.0,
    "judgments": 20,
    "gold_right": 3,
    "gold_total": 9,
    "scored": 18.0,
    "alike": 7.0,
    "expected": 14.0,
}


async def enter(shard: Shard, decision: str, worker: int | None, body: Mapping[str, Any]) -> int:
    """Enter a decision of the engine; return its seq."""
    shard.memory.vetting.unrecorded.append(Verdict(decision, worker, {"event": 0, **body}))
    await shard.release(None, [uuid4()])  # a flush
    return shard.seq


def status(was: str, now: str, **flags: bool) -> Mapping[str, Any]:
    """The body of STATUS_CHANGED."""
    raised = {"worse": False, "hurried": False} | flags
    return {"from": was, "to": now, "evidence": EVIDENCE} | raised


def copying(*workers: int, tasks: tuple[int, ...] = ()) -> Mapping[str, Any]:
    """The body of FRAUD_FOUND."""
    return {
        "kind": "COPYING",
        "workers": list(workers),
        "evidence": {
            "shared": 31,
            "expected": 4.2,
            "tasks": list(tasks),
            "examples": [{"task": task, "label": "cat"} for task in tasks],
        },
        "text": f"{len(workers)} workers gave the same 31 wrong answers; 4.2 were expected.",
        "suggestion": "JOIN",
    }

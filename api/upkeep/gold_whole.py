"""Whether gold as a whole went round: what speaks for it, as the body of a decision."""

import asyncio
from collections.abc import Mapping
from math import log
from typing import Any, Final

import numpy as np

from api.beside.aside import aside
from api.memory import Memory
from api.rows import Float64s, Int32s
from engine.gold_leaks import FEWEST_ANSWERS, FEWEST_WORKERS, knowing
from engine.records import Records

ALL_LEAKED: Final = "ALL_GOLD_LEAKED"
GROWTH: Final = 0.25  # share of the answers to gold that come before it is looked at again
FEWEST: Final = 100  # answers to gold
MOST_WORKERS: Final = 400  # who are looked at, those with the most answers to gold
LATEST: Final = 512  # of a worker's judgments, its last ones
NAMED: Final = 10  # workers, the likeliest to know
FEWEST_OTHERS: Final = 10  # timed answers to other tasks, to tell a worker's pace from

_SURE: Final = 1e-3  # a worker's chance of being right is taken to be no nearer to 0 or 1


async def whole_suspicion(memory: Memory) -> Mapping[str, Any] | None:
    """What speaks for it that some workers know the gold; None if too little does.

    It is found in a share `leak_error` of sound projects at most. Cost: some tens of milliseconds
    in a thread, with others' turns in between.
    """
    book, tests = memory.gold, memory.vetting.tests
    everyone = np.arange(len(memory.workers), dtype=np.int32)
    seen = memory.model.workers(everyone).gold_total
    asked = everyone[seen >= FEWEST_ANSWERS]
    asked = asked[np.argsort(-seen[asked], kind="stable")[:MOST_WORKERS]]
    if len(asked) < FEWEST_WORKERS:
        return None
    records = Records.of(memory.model, asked)
    nothing = np.zeros_like(records.right)
    others = records._replace(right=nothing, wrong=nothing)
    chance = memory.background.look(memory.model, asked, others).accuracy.value.clip(
        _SURE, 1 - _SURE
    )
    right, total = np.zeros(len(asked), np.int64), np.zeros(len(asked), np.int64)
    pace, timed = np.zeros(len(asked)), np.zeros(len(asked), np.int64)
    for row, worker in enumerate(asked.tolist()):
        tasks, paces = tests.paces_of(worker, LATEST)
        golden = book.classes(tasks) >= 0
        labels = memory.labels_of(tasks[golden], np.full(int(golden.sum()), worker, np.int32))
        pairs = zip(tasks[golden].tolist(), labels, strict=True)
        right[row] = sum(bool(book.right(task, label[None])[0]) for task, label in pairs)
        total[row] = len(labels)
        pace[row], timed[row] = _pace(paces[golden], paces[~golden])
        await asyncio.sleep(0)
    enough = total >= FEWEST_ANSWERS
    odds = (np.log(chance) - np.log1p(-chance))[enough]
    given = odds, right[enough], total[enough], pace[enough], timed[enough]
    evidence, knows = await aside(lambda: knowing(*given))
    if evidence < -log(memory.project.policy.leak_error):
        return None
    answers = memory.model.totals().gold_total
    return _body(asked[enough], *given[:3], knows, evidence, answers)


def _pace(golden: Float64s, others: Float64s) -> tuple[float, int]:
    """How much longer a worker takes for gold, in standard deviations; and of how many answers."""
    golden, others = golden[~np.isnan(golden)], others[~np.isnan(others)]
    if len(golden) == 0 or len(others) < FEWEST_OTHERS or others.std() == 0:
        return 0.0, 0
    return float((golden.mean() - others.mean()) / others.std()), len(golden)


def _body(
    workers: Int32s,
    odds: Float64s,
    right: Any,
    total: Any,
    knows: Float64s,
    evidence: float,
    answers: int,
) -> dict[str, Any]:
    likeliest = np.argsort(-knows, kind="stable")[:NAMED]
    likeliest = likeliest[knows[likeliest] > 0.5]
    expected = 1 / (1 + np.exp(-odds))
    text = (
        f"Some {knows.sum():.0f} of {len(workers)} workers answer gold as if they knew it, which "
        f"neither their other answers nor gold that is easy for all explain."
    )
    rows = zip(
        workers[likeliest].tolist(),
        right[likeliest].tolist(),
        total[likeliest].tolist(),
        expected[likeliest].round(3).tolist(),
        strict=True,
    )
    found = [
        {"worker": worker, "right": hits, "answers": count, "expected": share}
        for worker, hits, count, share in rows
    ]
    return {
        "kind": ALL_LEAKED,
        "text": text,
        "workers": workers[likeliest].tolist(),
        "answers": answers,
        "evidence": {
            "log_evidence": round(evidence, 2),
            "share": round(float(knows.mean()), 3),
            "of": found,
        },
    }

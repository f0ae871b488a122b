"""Watching gold: whether its answer went round, and whether good workers think otherwise.

Each gold task is looked at again when it has a tenth more answers. What is found is a decision of
the engine, an alert for staff, and by the policy the gold is quarantined with it: it is handed out
no more, and nobody is measured by it, until staff decide.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from math import log
from typing import Any, Final

import numpy as np

from api.asking import Ask
from api.calls import new_future
from api.errors import Refused
from api.gold_book import ACTIVE
from api.memory import Memory
from api.requests import SuspectGold
from api.rows import Int32s
from engine.leaks import FEWEST, leak_evidence, swiftness
from engine.records import Records

GROWTH: Final = 0.1  # share of a task's answers that come before it is looked at again
FEWEST_MISSED: Final = 5  # answers of good workers
LEAKED: Final = "GOLD_LEAKED"
MISSED: Final = "GOLD_MISSED"

# Shares of good workers that are right, which are bet on against a half of them.
_MISSING: Final = np.array([0.3, 0.1])
_SURE: Final = 1e-3  # a worker's chance of being right is taken to be no nearer to 0 or 1

logger = logging.getLogger(__name__)


class GoldWatch:
    """Looks at gold between flushes, one task at a time."""

    def __init__(self, memory: Callable[[], Memory], ask: Ask) -> None:
        self._memory = memory
        self._ask = ask
        self._due: dict[int, int] = {}  # answers at which a task is looked at again
        self._waiting: set[int] = set()
        self._running: asyncio.Task[None] | None = None

    def consider(self, changed: Int32s) -> None:
        """Look at the gold among tasks that changed, where it has enough new answers."""
        memory = self._memory()
        if not memory.project.policy.find_leaks or len(changed) == 0:
            return
        golden = changed[memory.standing.gold[changed] >= 0]
        for task, count in zip(
            golden.tolist(), memory.standing.judgments[golden].tolist(), strict=True
        ):
            if count >= self._due.get(task, FEWEST_MISSED):
                self._due[task] = count + max(1, int(count * GROWTH))
                self._waiting.add(task)
        if self._waiting and self._running is None:
            self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Look at nothing more."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while self._waiting:
                task = self._waiting.pop()
                found = suspicion(self._memory(), task)
                if found is not None:
                    request = SuspectGold(task, found, new_future())
                    await self._ask(request, request.future)
                await asyncio.sleep(0)
        except Refused as refusal:
            logger.info("Gold is not looked at now: %r", refusal)
        finally:
            self._running = None


def suspicion(memory: Memory, task: int) -> Mapping[str, Any] | None:
    """What speaks against active gold, as the body of a decision; None if too little does.

    Answers that were looked at when the gold was suspected before say nothing anew.
    """
    book, policy = memory.gold, memory.project.policy
    if not book.known(task) or book.state[task] != ACTIVE:
        return None
    judges = memory.vetting.tests.judges_of(task)[book.suspected.get(task, 0) :]
    if len(judges) < FEWEST_MISSED:
        return None
    right = memory.labels_of(np.full(len(judges), task, np.int32), judges) == book.label[task]
    known = memory.background.look(memory.model, judges, Records.of(memory.model, judges)).accuracy
    limit = -log(policy.leak_error)
    good = known.value >= policy.acceptable_accuracy
    seen, missed = int(good.sum()), int((good & ~right).sum())
    against = _missed_evidence(seen - missed, missed)
    if seen >= FEWEST_MISSED and against >= limit:
        text = f"{missed} of {seen} good workers gave another answer than the gold."
        numbers = {"good_workers": seen, "missed": missed, "log_evidence": round(against, 2)}
        return _body(memory, task, MISSED, text, numbers)
    if len(judges) < FEWEST:
        return None
    chance = np.clip(known.value, _SURE, 1 - _SURE)
    swift = np.array([_swift(memory, worker, task) for worker in judges.tolist()], np.int8)
    evidence, since = leak_evidence(
        np.log(chance / (1 - chance)), right, swift, policy.gold_exposures
    )
    if evidence < limit:
        return None
    late = slice(since, None)
    text = (
        f"Since answer {since + 1} workers are right on it, and fast, more often than its "
        f"difficulty and their other answers explain: {int(right[late].sum())} of "
        f"{len(right[late])} are right."
    )
    numbers = {"answers": len(judges), "since": since, "log_evidence": round(evidence, 2)}
    return _body(memory, task, LEAKED, text, numbers)


def _swift(memory: Memory, worker: int, task: int) -> int:
    """How fast the worker answered the task, beside its other answers."""
    tasks, paces = memory.vetting.tests.paces_of(worker)
    own = tasks == task
    return int(swiftness(paces[own], paces[~own])[0])


def _missed_evidence(right: int, wrong: int) -> float:
    """Evidence, in nats, that fewer than half of the good workers are right."""
    bets = right * np.log(_MISSING / 0.5) + wrong * np.log((1 - _MISSING) / 0.5)
    return float(np.log(np.exp(bets).mean()))


def _body(
    memory: Memory, task: int, kind: str, text: str, numbers: Mapping[str, Any]
) -> dict[str, Any]:
    answers = len(memory.vetting.tests.judges_of(task))
    evidence = {"tasks": [task], **numbers}
    return {"kind": kind, "text": text, "answers": answers, "evidence": evidence}

"""Watching gold: whether its answer went round, and whether good workers think otherwise.

Each gold task is looked at again when it has a tenth more answers. What is found is a decision of
the engine, an alert for staff, and by the policy the gold is quarantined with it: it is handed out
no more, and nobody is measured by it, until staff decide.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from math import ceil, log
from typing import Any, Final

import numpy as np

from api.beside.aside import aside
from api.errors import Refused
from api.flush.asking import Ask
from api.flush.calls import new_future
from api.flush.requests import SuspectGold
from api.memory import Memory
from api.rows import Int32s
from api.state.alerts import AlertKind
from api.upkeep.gold_whole import FEWEST as WHOLE_FEWEST
from api.upkeep.gold_whole import GROWTH as WHOLE_GROWTH
from api.upkeep.gold_whole import whole_suspicion
from engine.leaks import FEWEST, leak_evidence, swiftness
from engine.records import Records

GROWTH: Final = 0.1  # share of a task's answers that come before it is looked at again
FEWEST_MISSED: Final = 5  # answers of good workers
LEAKED: Final = "GOLD_LEAKED"
MISSED: Final = "GOLD_MISSED"
# Answers of one task that are looked at together; those after them are a question of their own.
PART: Final = 400
PACES: Final = 512  # of a worker's last answers, among which its pace is told
AT_ONCE: Final = 50  # workers who are looked up without letting others have their turn

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
        self._whole_due = WHOLE_FEWEST  # answers to gold at which all of it is looked at
        self._whole = False
        self._running: asyncio.Task[None] | None = None

    def consider(self, changed: Int32s) -> None:
        """Look at the gold among tasks that changed, where it has enough new answers."""
        memory = self._memory()
        if not memory.project.policy.find_leaks or len(changed) == 0:
            return
        golden = changed[memory.gold.classes(changed) >= 0]
        for task, count in zip(
            golden.tolist(), memory.standing.judgments[golden].tolist(), strict=True
        ):
            if count >= self._due.get(task, FEWEST_MISSED):
                self._due[task] = count + max(1, int(count * GROWTH))
                self._waiting.add(task)
        answers = memory.model.totals().gold_total
        if len(golden) and answers >= self._whole_due:
            self._whole_due = answers + max(1, int(answers * WHOLE_GROWTH))
            self._whole = _worth_a_look(memory, answers)
        if (self._waiting or self._whole) and self._running is None:
            self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Look at nothing more."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while self._waiting or self._whole:
                if not self._waiting:
                    await self._look_at_all()
                    continue
                task = self._waiting.pop()
                memory = self._memory()
                if not memory.gold.measures(task):
                    continue
                decided = int(memory.gold.decided[task])
                found = await suspicion(memory, task)
                if found is not None:
                    request = SuspectGold(task, decided, found, new_future())
                    await self._ask(request, request.future)
        except Refused as refusal:
            logger.info("Gold is not looked at now: %r", refusal)
        finally:
            self._running = None

    async def _look_at_all(self) -> None:
        self._whole = False
        found = await whole_suspicion(self._memory())
        if found is not None:
            request = SuspectGold(None, 0, found, new_future())
            await self._ask(request, request.future)


def _worth_a_look(memory: Memory, answers: int) -> bool:
    """Whether gold as a whole may be suspected: staff have looked at the last alert about it, and
    there are twice as many answers as there were then."""
    alert = memory.alerts.last_of(AlertKind.ALL_GOLD_LEAKED)
    if alert is None:
        return True
    return alert.resolved is not None and answers >= 2 * int(alert.body["answers"])


async def suspicion(memory: Memory, task: int) -> Mapping[str, Any] | None:
    """What speaks against active gold, as the body of a decision; None if too little does.

    Answers that were looked at when the gold was suspected before say nothing anew. The chance of
    suspecting sound gold is shared out evenly among the two suspicions and the parts of the answers
    that there can be. Cost: O(PART x PACES), with others' turns in between.
    """
    book, policy = memory.gold, memory.project.policy
    seen = memory.vetting.tests.judges_of(task)
    parts = max(ceil(policy.gold_exposures / PART), 1)
    begin = book.suspected.get(task, 0)
    begin += max(len(seen) - begin - 1, 0) // PART * PART
    judges = seen[begin:].copy()
    if len(judges) < FEWEST_MISSED:
        return None
    right = book.right(task, memory.labels_of(np.full(len(judges), task, np.int32), judges))
    chance, swift = np.empty(len(judges)), np.empty(len(judges), np.int8)
    for first in range(0, len(judges), AT_ONCE):
        some = slice(first, first + AT_ONCE)
        records = Records.of(memory.model, judges[some])
        chance[some] = memory.background.look(memory.model, judges[some], records).accuracy.value
        swift[some] = [_swift(memory, worker, task) for worker in judges[some].tolist()]
        await asyncio.sleep(0)
    limit = -log(policy.leak_error / (2 * parts))
    good = chance >= policy.acceptable_accuracy
    able, missed = int(good.sum()), int((good & ~right).sum())
    against = _missed_evidence(able - missed, missed)
    if able >= FEWEST_MISSED and against >= limit:
        text = f"{missed} of {able} good workers gave another answer than the gold."
        numbers = {"good_workers": able, "missed": missed, "log_evidence": round(against, 2)}
        return _body(task, len(seen), MISSED, text, numbers)
    if len(judges) < FEWEST:
        return None
    odds = np.log(np.clip(chance, _SURE, 1 - _SURE)) - np.log1p(-np.clip(chance, _SURE, 1 - _SURE))
    most = min(policy.gold_exposures, PART)
    evidence, since = await aside(lambda: leak_evidence(odds, right, swift, most))
    if evidence < limit:
        return None
    late = slice(since, None)
    text = (
        f"Since answer {begin + since + 1} workers are right on it, and faster or slower than "
        f"usual, more often than its difficulty and their other answers explain: "
        f"{int(right[late].sum())} of {len(right[late])} are right."
    )
    numbers = {"answers": len(seen), "since": begin + since, "log_evidence": round(evidence, 2)}
    return _body(task, len(seen), LEAKED, text, numbers)


def _swift(memory: Memory, worker: int, task: int) -> int:
    """How fast the worker answered the task, beside its other answers of late."""
    tasks, paces = memory.vetting.tests.paces_of(worker, PACES)
    own = paces[tasks == task]
    return int(swiftness(own if len(own) else _UNTIMED, paces[tasks != task])[0])


_UNTIMED: Final = np.full(1, np.nan)


def _missed_evidence(right: int, wrong: int) -> float:
    """Evidence, in nats, that fewer than half of the good workers are right."""
    bets = right * np.log(_MISSING / 0.5) + wrong * np.log((1 - _MISSING) / 0.5)
    return float(np.log(np.exp(bets).mean()))


def _body(
    task: int, answers: int, kind: str, text: str, numbers: Mapping[str, Any]
) -> dict[str, Any]:
    evidence = {"tasks": [task], **numbers}
    return {"kind": kind, "text": text, "answers": answers, "evidence": evidence}

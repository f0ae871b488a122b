"""Gold from consensus: what enough independent workers agree on, and how often that is wrong.

A part of it, by a draw that follows from the log, waits until staff have said the answer as well.
Who agreed on a task counts as right on it, and such tasks are easier than the rest: that is the
price of gold that costs nothing, so there is none unless the policy wants it.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from scipy.special import betaincinv

from api.errors import Refused
from api.flush.asking import Ask
from api.flush.calls import new_future
from api.flush.gold_answers import answered, moved
from api.flush.plan import ENGINE, Plan
from api.flush.requests import MakeGold
from api.memory import Memory
from api.rows import SETTLED, Int32s
from api.state.gold_book import ACTIVE, SOURCES, GoldSource, GoldState

AT_ONCE: Final = 100  # tasks of one decision
MOST_WAITING: Final = 20  # audits that staff have not come to, above which no more gold is made
_CONSENSUS: Final = SOURCES.index(GoldSource.CONSENSUS)
_DRAWN: Final = 1 << 64

logger = logging.getLogger(__name__)


class Audits(NamedTuple):
    """What audits of gold from consensus came to: how many wait, how many staff have confirmed and
    found wrong; the share that is wrong, with its 95 % interval (Jeffreys), nan without any."""

    waiting: int
    confirmed: int
    wrong: int
    error: float
    low: float
    high: float


def audits(memory: Memory) -> Audits:
    """Count the audits."""
    book = memory.gold
    confirmed, wrong = book.audited
    if confirmed + wrong == 0:
        return Audits(len(book.audits), 0, 0, float("nan"), float("nan"), float("nan"))
    low, high = betaincinv(wrong + 0.5, confirmed + 0.5, (0.025, 0.975))
    share = wrong / (confirmed + wrong)
    return Audits(len(book.audits), confirmed, wrong, share, float(low), float(high))


def stopped(memory: Memory) -> bool:
    """Whether audits show that more of it is wrong than the policy allows."""
    return audits(memory).low > memory.project.policy.audit_error


class GoldMaker:
    """Makes gold between flushes, of tasks that changed."""

    def __init__(self, memory: Callable[[], Memory], ask: Ask) -> None:
        self._memory = memory
        self._ask = ask
        self._looked = -1  # version of the policy by which all tasks were looked at
        self._waiting: set[int] = set()
        self._running: asyncio.Task[None] | None = None

    def consider(self, changed: Int32s) -> None:
        """Make gold of what changed, where the policy wants that."""
        memory = self._memory()
        if not memory.project.policy.consensus_gold:
            return
        if self._looked != memory.project.policy_version:
            self._looked = memory.project.policy_version
            changed = np.arange(len(memory.tasks), dtype=np.int32)
        self._waiting.update(_candidates(memory, changed).tolist())
        if stopped(memory):
            self._waiting = set(_made(memory).tolist())
        if self._waiting and self._running is None:
            self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Make no more."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while self._waiting:
                some = sorted(self._waiting)[:AT_ONCE]
                self._waiting.difference_update(some)
                request = MakeGold(some, new_future())
                await self._ask(request, request.future)
        except Refused as refusal:
            logger.info("No gold is made now: %r", refusal)
        finally:
            self._running = None


def make(plan: Plan, tasks: Sequence[int]) -> list[int]:
    """Decide that what workers agree on is gold; or, where audits stopped that, that it is in doubt
    what was made of it. Returns the seqs."""
    memory, book = plan.memory, plan.memory.gold
    if not memory.project.policy.consensus_gold:
        return []
    if stopped(memory):
        made = set(_made(memory).tolist())
        doubtful = [
            (task, moved(book, task, GoldState.QUARANTINED)) for task in tasks if task in made
        ]
        return [plan.decide(kind, body, ENGINE, task=task) for task, (kind, body) in doubtful]
    left = memory.project.policy.consensus_most - len(_made(memory)) - len(book.audits)
    waiting = len(book.audits)
    seqs: list[int] = []
    for task in _candidates(memory, np.array(tasks, np.int32)).tolist():
        if len(seqs) >= left or waiting >= MOST_WAITING or not _agreed(memory, task):
            continue
        audited = _is_audited(plan, task)
        waiting += audited
        kind, body = answered(
            book,
            task,
            int(memory.standing.label[task]),
            source=GoldSource.CONSENSUS,
            state=GoldState.QUARANTINED if audited else GoldState.ACTIVE,
        )
        facts: dict[str, Any] = {"confidence": round(float(memory.standing.confidence[task]), 4)}
        seqs.append(plan.decide(kind, {**body, **facts, "audit": audited}, ENGINE, task=task))
    return seqs


def _candidates(memory: Memory, tasks: Int32s) -> Int32s:
    """Those of the tasks that are sure enough, and no gold."""
    standing, policy = memory.standing, memory.project.policy
    sure = (
        (standing.status[tasks] == SETTLED)
        & (standing.gold[tasks] < 0)
        & (standing.confidence[tasks] >= policy.consensus_confidence)
        & (standing.judgments[tasks] >= policy.consensus_workers)
    )
    found = tasks[sure]
    # Of one whose answer is in doubt staff decide.
    return np.array([task for task in found.tolist() if not memory.gold.known(task)], np.int32)


def _agreed(memory: Memory, task: int) -> bool:
    """Whether enough workers gave the label that we stand by: workers who count as one are one, and
    models are none unless the policy counts them."""
    workers, labels = memory.model.judgments_of(task)
    agreed = workers[labels == memory.standing.label[task]].tolist()
    voices = {
        min((worker, *memory.voices.mates(worker)))
        for worker in agreed
        if worker not in memory.placeless
    }
    return len(voices) >= memory.project.policy.consensus_workers


def _made(memory: Memory) -> Int32s:
    """Active gold that consensus made."""
    book = memory.gold
    tasks = book.tasks()
    made: Int32s = tasks[(book.source[tasks] == _CONSENSUS) & (book.state[tasks] == ACTIVE)]
    return made


def _is_audited(plan: Plan, task: int) -> bool:
    """Whether staff must confirm it first: a draw that follows from the log, and from nothing that
    was known when the task was judged."""
    drawn = hashlib.sha256(f"{plan.memory.project.project_id} {plan.seq + 1} {task}".encode())
    share = int.from_bytes(drawn.digest()[:8], "big") / _DRAWN
    return share < plan.memory.project.policy.audit_share

"""Gold for a worker: whether a place among its tasks is for gold, and for which.

A place is for gold by a draw of its own, so that no place can be told from the others. The rate
follows what is unknown of the worker. The gold is of the class of which its answers tell least, and
in that class one that few have seen.
"""

from collections.abc import Callable, Collection
from typing import Final

import numpy as np

from api.memory import Memory
from api.plan import Plan
from api.rows import Int16s, Int32s
from engine import STATUSES
from engine.gold import row_counts, row_gains

QUIZ: Final = STATUSES.index("QUIZ")
TRUSTED: Final = STATUSES.index("TRUSTED")
WATCH: Final = STATUSES.index("WATCH")

TRIES: Final = 8  # gold tasks of a class that are looked at
CLASSES: Final = 16  # that are tried, at most
LOOKED_BACK: Final = 4_096  # of a worker's last judgments

_DRAW_BYTES: Final = 7  # as many bits as a float holds, and few more

Draw = Callable[[], float]  # evenly from 0 to 1, 1 excluded; nobody can foresee it


def gold_places(plan: Plan, worker: int, count: int) -> list[int | None]:
    """Which of `count` places are for gold, and for which; None where another task belongs."""
    memory = plan.memory
    places: list[int | None] = [None] * count
    rate = share(memory, worker)
    if rate == 0 or not any(memory.gold.active_counts()):
        return places

    def draw() -> float:
        return int.from_bytes(plan.entropy(_DRAW_BYTES), "big") / (1 << 8 * _DRAW_BYTES)

    mates = memory.voices.mates(worker)
    taken: set[int] = set(memory.passed.of(worker))
    for each in (worker, *mates):
        taken.update(plan.judged_by(each), memory.leases.tasks_of(each).tolist())
    # Also where no place is for gold, or the time of the answer would tell who asks for one task.
    gold = choose(memory, worker, mates, taken, draw)
    for place in range(count):
        if draw() >= rate:
            continue
        if gold is None:
            gold = choose(memory, worker, mates, taken, draw)
        if gold is None:
            break
        places[place] = gold
        taken.add(gold)
        gold = None
    return places


def in_quiz(memory: Memory, worker: int) -> bool:
    """Whether the worker has not passed the quiz yet."""
    return _status(memory, worker) == QUIZ


def _status(memory: Memory, worker: int) -> int:
    return int(memory.vetting.tests.status(np.array([worker], np.int32))[0])


def share(memory: Memory, worker: int) -> float:
    """The chance that a task which this worker gets now is gold."""
    policy = memory.project.policy
    status = _status(memory, worker)
    if status == QUIZ:
        return policy.quiz_gold
    if status == TRUSTED:
        return min(policy.gold_floor, policy.gold_rate)
    if status >= WATCH:
        return policy.gold_rate
    doubt = memory.doubts.of(memory.model, memory.background, worker)
    return min(max(policy.gold_floor, policy.gold_rate * doubt * doubt), policy.gold_rate)


def choose(
    memory: Memory, worker: int, mates: tuple[int, ...], taken: Collection[int], draw: Draw
) -> int | None:
    """Active gold for the worker, or None where there is none left for it.

    None that it or one of its mates has judged, that is `taken` (tasks they hold or judge now), or
    that as many have seen as the policy says. Cost: O(CLASSES x TRIES), and a look at the worker's
    last judgments.
    """
    book = memory.gold
    there = [label for label, count in enumerate(book.active_counts()) if count]
    if not there:
        return None
    answered, truth = _on_gold(memory, worker)
    waiting = memory.standing.gold[list(taken)]  # as if they were answered, and rightly
    waiting = waiting[waiting >= 0]
    truth, answered = np.append(truth, waiting), np.append(answered, waiting)
    gains = row_gains(*row_counts(truth, answered, memory.model.labels))
    # Equals in random order: a new worker's first gold would be of one class for everyone.
    there.sort(key=lambda label: (-gains[label], draw()))
    group = np.array([worker, *mates], np.int32)
    for label in there[:CLASSES]:
        task = _of_class(memory, label, group, taken, draw)
        if task is not None:
            return task
    return None


def _of_class(
    memory: Memory, label: int, group: Int32s, taken: Collection[int], draw: Draw
) -> int | None:
    """Of some of the class's gold the one that fewest have seen."""
    listed = memory.gold.active(label)
    count = len(listed)
    some = {int(draw() * count) for _ in range(TRIES)} if count > TRIES else range(count)
    tasks = [listed[place] for place in sorted(some)]
    most = memory.project.policy.gold_exposures
    seen = {task: memory.exposures(task) for task in tasks}
    may, worker = memory.eligibility.may, int(group[0])
    tasks = [t for t in tasks if seen[t] < most and t not in taken and may(worker, t)]
    if not tasks:
        return None
    ids = np.repeat(np.array(tasks, np.int32), len(group))
    judged = memory.labels_of(ids, np.tile(group, len(tasks))).reshape(-1, len(group))
    free = [task for task, row in zip(tasks, judged.tolist(), strict=True) if max(row) < 0]
    return min(free, key=lambda task: (seen[task], draw()), default=None)


def _on_gold(memory: Memory, worker: int) -> tuple[Int16s, Int16s]:
    """The worker's answers to gold among its last judgments, and the truth of each."""
    tasks = memory.vetting.tests.judged_by(worker, LOOKED_BACK)
    truth = memory.standing.gold[tasks]
    golden = truth >= 0
    tasks, truth = tasks[golden], truth[golden]
    return memory.labels_of(tasks, np.full(len(tasks), worker, np.int32)), truth

"""Gold for a worker: whether a place among its tasks is for gold, and for which.

A place is for gold by a draw of its own, so that no place can be told from the others. The rate
follows what is unknown of the worker. The gold is of the class of which its answers tell least, and
in that class one that few have seen.
"""

from collections.abc import Callable, Collection
from typing import Final

import numpy as np

from api.flush.caps import barred_labels, cohort_full
from api.flush.plan import Plan
from api.memory import Memory
from api.rows import Bools, Int32s
from engine import STATUSES
from engine.gold import row_counts, row_gains

QUIZ: Final = STATUSES.index("QUIZ")
TRUSTED: Final = STATUSES.index("TRUSTED")
WATCH: Final = STATUSES.index("WATCH")

TRIES: Final = 8  # gold tasks of a class that are looked at
CLASSES: Final = 16  # that are tried, at most
LOOKED_BACK: Final = 4_096  # of a worker's last judgments
MOST_RETURNED: Final = 10  # gold tasks that a worker gives back, beside as many as it answers

_NO_LABEL: Final = np.zeros(0, np.bool_)
_DRAW_BYTES: Final = 7  # as many bits as a float holds, and few more

Draw = Callable[[], float]  # evenly from 0 to 1, 1 excluded; nobody can foresee it


def gold_places(plan: Plan, worker: int, count: int, fresh: float) -> list[int | None]:
    """Which of `count` places are for gold, and for which; None where another task belongs.

    Gold obeys the limits that other tasks have: of what a worker's cohort has its part it gets no
    more, or two of them who compare would know it. Of a label of which it has given its share it
    gets other tasks as long as nobody has judged them, a share of `fresh`; so that is its gold's.
    """
    memory, exam = plan.memory, plan.memory.project.policy.quiz_gold == 1
    places: list[int | None] = [None] * count
    rate = share(memory, worker)
    memory.gold.allow(memory.project.policy.gold_exposures)
    if rate == 0 or not memory.gold.any_drawn() or _returns_gold(memory, worker):
        return places
    barred = barred_labels(plan, worker)

    def draw() -> float:
        return int.from_bytes(plan.entropy(_DRAW_BYTES), "big") / (1 << 8 * _DRAW_BYTES)

    mates = memory.voices.mates(worker)
    taken: set[int] = set(memory.passed.of(worker))
    for each in (worker, *mates):
        taken.update(plan.judged_by(each), memory.leases.tasks_of(each).tolist())
    open_exam = exam and in_quiz(memory, worker)  # which everybody knows to be gold

    def full(task: int) -> bool:
        return not open_exam and cohort_full(plan, worker, task)

    def some() -> int | None:
        left_out = _NO_LABEL if draw() < fresh else barred
        return choose(memory, worker, mates, taken, draw, left_out, full)

    # Also where no place is for gold, or the time of the answer would tell who asks for one task.
    gold = some()
    for place in range(count):
        if draw() >= rate:
            continue
        if gold is None:
            gold = some()
        if gold is None:
            break
        places[place] = gold
        taken.add(gold)
        gold = None
    return places


def _returns_gold(memory: Memory, worker: int) -> bool:
    """Whether the worker has given back more gold than it has answered: it gets no more of it until
    it answers what it gets. Else gold could be read for the asking."""
    back = sum(map(memory.gold.known, memory.passed.of(worker)))
    if back < MOST_RETURNED:
        return False
    answered, _ = _on_gold(memory, worker)
    return back >= MOST_RETURNED + len(answered)


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
    memory: Memory,
    worker: int,
    mates: tuple[int, ...],
    taken: Collection[int],
    draw: Draw,
    barred: Bools = _NO_LABEL,
    full: Callable[[int], bool] = lambda _: False,
) -> int | None:
    """Active gold for the worker, or None where there is none left for it.

    None that it or one of its mates has judged, that is `taken` (tasks they hold or judge now), or
    that as many have seen as the policy says; nor of a `barred` label, of which the worker gets no
    tasks: those it got would be gold; nor what is `full`. Cost: O(CLASSES x TRIES), and a look at
    the worker's last judgments.
    """
    book = memory.gold
    there = [
        each
        for each in range(memory.model.labels + 1)
        if book.drawn(each) and not (each < len(barred) and barred[each])
    ]
    if not there:
        return None
    answered, truth = _on_gold(memory, worker)
    waiting = book.classes(np.array(list(taken), np.int32))  # as if they were answered, and rightly
    waiting = waiting[waiting >= 0]
    truth, answered = np.append(truth, waiting), np.append(answered, waiting)
    gains = row_gains(*row_counts(truth, answered, memory.model.labels + 1))
    # Equals in random order: a new worker's first gold would be of one class for everyone.
    there.sort(key=lambda label: (-gains[label], draw()))
    group = np.array([worker, *mates], np.int32)
    for label in there[:CLASSES]:
        task = _of_class(memory, label, group, taken, draw, full)
        if task is not None:
            return task
    return None


def _of_class(
    memory: Memory,
    label: int,
    group: Int32s,
    taken: Collection[int],
    draw: Draw,
    full: Callable[[int], bool],
) -> int | None:
    """Of some of the class's gold the one that fewest have seen. What as many have seen as may is
    drawn no more."""
    listed = memory.gold.drawn(label)
    count = len(listed)
    some = {int(draw() * count) for _ in range(TRIES)} if count > TRIES else range(count)
    tasks = [listed[place] for place in sorted(some)]
    most = memory.project.policy.gold_exposures
    seen = {task: memory.exposures(task) for task in tasks}
    for task in tasks:
        if seen[task] >= most:
            memory.gold.spend(task)
    may, worker = memory.eligibility.may, int(group[0])
    tasks = [t for t in tasks if seen[t] < most and t not in taken and may(worker, t)]
    if not tasks:
        return None
    ids = np.repeat(np.array(tasks, np.int32), len(group))
    judged = memory.labels_of(ids, np.tile(group, len(tasks))).reshape(-1, len(group))
    free = [task for task, row in zip(tasks, judged.tolist(), strict=True) if max(row) < 0]
    free = [task for task in free if not full(task)]
    return min(free, key=lambda task: (seen[task], draw()), default=None)


def _on_gold(memory: Memory, worker: int) -> tuple[Int32s, Int32s]:
    """The worker's answers to gold among its last judgments, and the class of each. Where several
    labels are right, an answer that is one of them is of that class too."""
    book = memory.gold
    tasks = memory.vetting.tests.judged_by(worker, LOOKED_BACK)
    truth = book.classes(tasks)
    golden = truth >= 0
    tasks, truth = tasks[golden], truth[golden]
    answered = memory.labels_of(tasks, np.full(len(tasks), worker, np.int32)).astype(np.int32)
    for row in np.flatnonzero(truth == book.labels).tolist():
        if book.right(int(tasks[row]), answered[row : row + 1])[0]:
            answered[row] = book.labels
    return answered, truth

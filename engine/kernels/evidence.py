"""What each worker's live judgments say of it: sums of log likelihoods, kept event by event.

A judgment is scored against the other votes on its task as they are now, or against gold. How many
of them gave its label, the most frequent other one, and any of the rest is its code. A table that
was made before the judgment came has the log likelihood of each code at several skills of a worker,
over that of random clicking. So what a worker's judgments say is a function of live votes alone: a
vote that comes later, or is taken back, changes the codes of its task, and nothing of it remains.
Sums are whole numbers, in units of 1 / ONE, so that a judgment that was taken out leaves the very
bits that would be there without it.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.jit import bare, part
from engine.kernels import rows
from engine.kernels.concord import MOST
from engine.kernels.lanes import WIDTH, highest, load, lowest, padded, store
from engine.kernels.rows import Rows
from engine.kernels.stream import GOLD, RETRACT

Longs = npt.NDArray[np.int64]
Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

ONE = 1 << 12  # what stands for 1 in whole numbers: a nat, or a judgment

# Columns of tables, and of sums over judgments. Log likelihoods, over that of random clicking, of a
# worker who is acceptable, unacceptable, halfway from there to random, just below the bar of the
# quiz, and at each of some levels:
ACCEPTABLE, UNACCEPTABLE, HALFWAY, BAR, LEVEL = range(5)
LEVELS = 7
BETS = LEVEL + LEVELS
# judgments with other votes beside them, how many are like most of those, and how many would be if
# the worker was just acceptable.
SCORED, AGREED, EXPECTED = BETS, BETS + 1, BETS + 2
COLUMNS = padded(BETS + 3)  # the rest is 0

BLOCK = 16  # judgments of a worker; changes are taken to begin with a block
BLOCKS = 8  # the last ones of a worker, whose sums are kept apart
WINDOW = BLOCK * BLOCKS

RIGHT, TOTAL = 0, 1  # columns of `gold_counts`
SEVERAL = 14  # labels of a project in which several answers to a task may be right, at most
# A note of `votes` is index << 18 | label << 8 | version: the number of its table, and of the place
# in its worker's list what can be told in 13 bits. That is right for the last WINDOW judgments of a
# worker at least; to look for a judgment in its list costs more than all else here.
LABEL_BITS, INDEX_BITS = 8, 18
VERSION = (1 << LABEL_BITS) - 1
UNPLACED = (1 << INDEX_BITS) - 1  # a note without its index
INDICES = (1 << 13) - 1

# Places in `progress`. LATEST: version of the table for judgments that come now.
TASKS_SEEN, WORKERS_SEEN, EVENTS, FIT_AT, LATEST, GOLD_RIGHT, GOLD_TOTAL = range(7)
PROGRESS = 7


class Record(NamedTuple):
    """Sums over the live judgments of T tasks and W workers; P codes, V tables, K labels."""

    gold: npt.NDArray[np.int16]  # [T] known answer, see `engine.truths`; -1 none
    life: Floats  # [W, COLUMNS] over all judgments of a worker; whole numbers, far below 2^53
    recent: Ints  # [W, BLOCKS, COLUMNS] over each of its last blocks, in a ring
    gold_counts: Ints  # [W, 2]
    room: Longs  # [W] how far evidence may yet move before the status could change, see `change`
    patterns: Longs  # [P] tasks without gold, with two votes or more, by pattern of the votes
    place: npt.NDArray[np.int16]  # [MOST + 2] * 3 code by counts, see `engine.concord`
    # [V, P + 3, COLUMNS]; the last codes: wrong, right on gold, and no judgment, which is all 0
    tables: npt.NDArray[np.int16]
    stakes: Floats  # [COLUMNS] 1 in the first BETS columns, else 0
    progress: Longs  # [PROGRESS]
    labels: Ints  # [K] scratch: votes by label
    before: Ints  # [R] scratch: codes of a task's judgments before a change


@bare
def label_of(note: int) -> int:
    """The label of a note of `votes`."""
    return (note & UNPLACED) >> LABEL_BITS


@bare
def _on_gold(record: Record, label: int, answer: int) -> int:
    """Code of a judgment with this label of a task whose answer is known."""
    K = record.labels.shape[0]
    right = label == answer
    if answer >= K:
        right = (answer - K) >> label & 1 != 0
    return int(record.patterns.shape[0] + (1 if right else 0))


@bare
def _tally(votes: Rows, record: Record, task: int) -> tuple[int, int, int]:
    """Count the task's votes by label in `labels`; returns (the most frequent label, its votes, the
    votes of the next one)."""
    count = record.labels
    first = votes.start[task]
    end = first + votes.length[task]
    for row in range(first, end):
        count[label_of(votes.note[row])] = 0
    leader = -1
    most = 0
    next_most = 0
    for row in range(first, end):
        label = label_of(votes.note[row])
        count[label] += 1
        if label == leader:
            most += 1
        elif count[label] > most:
            next_most = most
            most = count[label]
            leader = label
        elif count[label] > next_most:
            next_most = count[label]
    return leader, most, next_most


@bare
def _place(record: Record, own: int, top: int, rest: int, limit: int) -> int:
    """Code of the counts; if they are more than `limit` they are scaled down."""
    n = own + top + rest
    if n > limit:
        own = own * limit // n
        top = min(max(top * limit // n, 1), limit - own)
        rest = min(rest * limit // n, limit - own - top)
    return int(record.place[own, top, rest])


@bare
def _code(
    votes: Rows, record: Record, task: int, label: int, leader: int, most: int, next_most: int
) -> int:
    """Code of one of the task's judgments, after `_tally`."""
    gold = record.gold[task]
    if gold >= 0:
        return _on_gold(record, label, gold)
    own = record.labels[label] - 1
    top = next_most if label == leader else most
    return _place(record, own, top, votes.length[task] - 1 - own - top, MOST)


@bare
def _count_pattern(
    votes: Rows, record: Record, task: int, most: int, next_most: int, sign: int
) -> None:
    n = votes.length[task]
    if n >= 2 and record.gold[task] < 0:
        rest = n - most - next_most
        record.patterns[_place(record, most, next_most, rest, MOST + 1)] += sign


@bare
def _nothing(record: Record) -> int:
    """The code of no judgment."""
    return int(record.patterns.shape[0] + 2)


@bare
def _count_gold(record: Record, worker: int, code: int, sign: int) -> None:
    hit = code - record.patterns.shape[0]
    if 0 <= hit <= 1:
        record.gold_counts[worker, TOTAL] += sign
        record.gold_counts[worker, RIGHT] += sign * hit
        record.progress[GOLD_TOTAL] += sign
        record.progress[GOLD_RIGHT] += sign * hit


@bare
def first_on_gold(
    votes: Rows, work: Rows, record: Record, worker: int, count: int
) -> tuple[int, int]:
    """How many of the worker's first `count` judgments of gold tasks there are, in the order in
    which it judged, and how many of these are right. Cost: O(its judgments up to the last of them),
    and for each O(judgments of the task)."""
    most = min(count, record.gold_counts[worker, TOTAL])
    seen = 0
    right = 0
    row: Any = np.int64(work.start[worker])
    while seen < most:
        task: Any = np.int64(work.member[row])
        if record.gold[task] >= 0:
            note = votes.note[rows.find(votes, task, worker, votes.length[task])]
            code = _on_gold(record, label_of(note), record.gold[task])
            right += code - record.patterns.shape[0]
            seen += 1
        row += 1
    return seen, right


@bare
def _put(record: Record, worker: int, slot: int, was: int, code: int, version: int) -> None:
    """Bring the worker's sums from a judgment of one code to the other. slot: where in the ring of
    its last blocks the judgment belongs, or -1."""
    life, recent, tables = record.life, record.recent, record.tables
    high = 0.0
    low = 0.0
    for column in range(0, COLUMNS, WIDTH):
        moved = load(tables, (version, code, column)) - load(tables, (version, was, column))
        store(life, (worker, column), load(life, (worker, column)) + moved)
        if slot >= 0:
            sums = load(recent, (worker, slot, column)) + moved
            store(recent, (worker, slot, column), sums)
        bets = moved * load(record.stakes, (column,))
        high = max(high, highest(bets))
        low = min(low, lowest(bets))
    record.room[worker] -= np.int64(high - low)
    _count_gold(record, worker, was, -1)
    _count_gold(record, worker, code, 1)


@bare
def _slot(work: Rows, worker: int, task: int, note: int) -> int:
    """Where in the ring of its last blocks the worker's judgment of the task belongs, or -1."""
    last: Any = np.int64(work.length[worker] - 1)
    index = last - ((last - (note >> INDEX_BITS)) & INDICES)
    if index < 0 or last // BLOCK - index // BLOCK >= BLOCKS:
        return -1
    if work.member[work.start[worker] + index] != task:  # it is older than the index can tell
        return -1
    return index // BLOCK % BLOCKS  # type: ignore[no-any-return]


@bare
def _note_codes(votes: Rows, record: Record, task: int) -> None:
    """Note the codes of the task's judgments in `before`, and take its pattern out."""
    leader, most, next_most = _tally(votes, record, task)
    _count_pattern(votes, record, task, most, next_most, -1)
    first = votes.start[task]
    for i in range(votes.length[task]):
        label = label_of(votes.note[first + i])
        record.before[i] = _code(votes, record, task, label, leader, most, next_most)


@bare
def _rescore(votes: Rows, work: Rows, record: Record, task: int) -> None:
    """Bring the sums from the codes in `before` to those of now."""
    leader, most, next_most = _tally(votes, record, task)
    _count_pattern(votes, record, task, most, next_most, 1)
    first = votes.start[task]
    for i in range(votes.length[task]):
        note = votes.note[first + i]
        code = _code(votes, record, task, label_of(note), leader, most, next_most)
        was = record.before[i]
        if was == code:
            continue
        worker = votes.member[first + i]
        slot = _slot(work, worker, task, note)
        _put(record, worker, slot, was, code, note & VERSION)


@bare
def _append(
    votes: Rows, work: Rows, record: Record, task: int, worker: int, label: int, pace: int
) -> None:
    index = work.length[worker]
    if index % BLOCK == 0:
        for column in range(COLUMNS):
            record.recent[worker, index // BLOCK % BLOCKS, column] = 0
    rows.append(work, worker, task, pace)
    note = (index & INDICES) << INDEX_BITS | label << LABEL_BITS | record.progress[LATEST]
    rows.append(votes, task, worker, note)
    record.before[votes.length[task] - 1] = _nothing(record)


@bare
def change(
    votes: Rows,
    work: Rows,
    record: Record,
    kind: int,
    task: int,
    worker: int,
    label: int,
    pace: int,
) -> bool:
    """Apply one event to lists and sums; False if it changes nothing.

    No evidence for or against a worker moves by more than what its `room` shrinks by, as long as
    neither the number of its blocks nor its gold changes: evidence is a difference of sums, or a
    largest difference.
    Needs room for a row in both lists, and for the task's judgments and one more in `before`.
    Cost: O(judgments of the task); for a retraction also O(judgments of the worker).
    """
    row = -1
    if kind != GOLD:
        # The shorter list is looked through first: on gold there may be thousands of judgments.
        length = work.length[worker]
        if length >= votes.length[task] or rows.find(work, worker, task, length) >= 0:
            row = rows.find(votes, task, worker, votes.length[task])
    known = record.gold[task] >= 0
    if kind == GOLD:
        if record.gold[task] == label:
            return False
    elif row < 0:
        if kind == RETRACT:
            return False
    elif kind != RETRACT and label_of(votes.note[row]) == label:
        return False
    # On gold nobody's code depends on the others.
    alone = known and kind != GOLD and row < 0
    if not alone:
        _note_codes(votes, record, task)
    if kind == GOLD:
        record.gold[task] = label
    elif kind == RETRACT:
        at = row - votes.start[task]
        _put(record, worker, -1, record.before[at], _nothing(record), votes.note[row] & VERSION)
        rows.remove(votes, task, row)
        for i in range(at, votes.length[task]):
            record.before[i] = record.before[i + 1]
        rows.remove(work, worker, rows.find(work, worker, task, work.length[worker]))
    elif row >= 0:
        rest = votes.note[row] & ~(UNPLACED ^ VERSION)
        votes.note[row] = rest | label << LABEL_BITS
    else:
        _append(votes, work, record, task, worker, label, pace)
    if alone:
        code = _on_gold(record, label, record.gold[task])
        slot = (work.length[worker] - 1) // BLOCK % BLOCKS
        _put(record, worker, slot, _nothing(record), code, record.progress[LATEST])
    else:
        _rescore(votes, work, record, task)
    if kind == RETRACT:
        sum_recent(votes, work, record, worker)
    return True


@bare
def sum_recent(votes: Rows, work: Rows, record: Record, worker: int) -> None:
    """Sum the last blocks of a worker anew, and note where in its list their judgments are."""
    recent, tables = record.recent, record.tables
    for block in range(BLOCKS):
        for column in range(COLUMNS):
            recent[worker, block, column] = 0
    length = work.length[worker]
    first = 0
    if length > 0:
        first = max(((length - 1) // BLOCK - BLOCKS + 1) * BLOCK, 0)
    for index in range(first, length):
        task: Any = np.int64(work.member[work.start[worker] + index])
        leader, most, next_most = _tally(votes, record, task)
        row = rows.find(votes, task, worker, votes.length[task])
        note = votes.note[row]
        votes.note[row] = (index & INDICES) << INDEX_BITS | (note & UNPLACED)
        code = _code(votes, record, task, label_of(note), leader, most, next_most)
        for column in range(COLUMNS):
            slot = index // BLOCK % BLOCKS
            recent[worker, slot, column] += tables[note & VERSION, code, column]


@part
def sum_all(votes: Rows, work: Rows, record: Record) -> None:
    """Make every sum anew from the lists. Cost: O(judgments)."""
    record.life[:] = 0
    record.gold_counts[:] = 0
    record.patterns[:] = 0
    record.progress[GOLD_RIGHT] = 0
    record.progress[GOLD_TOTAL] = 0
    for task in range(record.progress[TASKS_SEEN]):
        leader, most, next_most = _tally(votes, record, task)
        _count_pattern(votes, record, task, most, next_most, 1)
        for row in range(votes.start[task], votes.start[task] + votes.length[task]):
            note = votes.note[row]
            code = _code(votes, record, task, label_of(note), leader, most, next_most)
            worker: Any = np.int64(votes.member[row])
            _put(record, worker, -1, _nothing(record), code, note & VERSION)
    for each in range(record.progress[WORKERS_SEEN]):
        sum_recent(votes, work, record, each)

"""The arrays of status tests before the first judgment."""

import numpy as np
import numpy.typing as npt

from engine.concord import Concord
from engine.kernels import evidence, rows, shift, verdict
from engine.kernels.evidence import BETS, BLOCKS, COLUMNS, ONE, Record
from engine.kernels.rows import Rows
from engine.kernels.shift import Shift
from engine.kernels.verdict import Verdicts


def blank_rows(note: npt.DTypeLike) -> Rows:
    """Lists without rows, with notes of this type."""
    return Rows(
        np.zeros(0, np.int64),
        np.zeros(0, np.int32),
        np.zeros(0, np.int32),
        np.zeros(0, np.int32),
        np.zeros(0, note),
        np.array([-1] * rows.FREE_LISTS + [0], np.int64),
    )


def blank_record(concord: Concord) -> Record:
    """Sums over no judgments."""
    return Record(
        np.zeros(0, np.int16),
        np.zeros((0, COLUMNS)),
        np.zeros((0, BLOCKS, COLUMNS), np.int32),
        np.zeros((0, 2), np.int32),
        np.zeros(0, np.int64),
        np.zeros(concord.patterns, np.int64),
        concord.place,
        np.zeros((0, concord.patterns + 3, COLUMNS), np.int16),
        (np.arange(COLUMNS) < BETS).astype(np.float64),
        np.zeros(evidence.PROGRESS, np.int64),
        np.zeros(concord.labels, np.int32),
        np.zeros(0, np.int32),
    )


def blank_verdicts() -> Verdicts:
    """Nobody's standing; limits and stakes are filled in by `engine.yardstick`."""
    numbers = np.maximum(np.arange(verdict.LOGS), 1)
    return Verdicts(
        status=np.zeros(0, np.int8),
        alarms=np.zeros(0, np.uint8),
        held=np.zeros(0, np.int8),
        forgiven=np.zeros(0, np.int64),
        rush=np.zeros(0, np.int64),
        rushing=np.zeros(0, np.uint8),
        usual=np.zeros((0, 3), np.int64),
        excused=np.zeros(0, np.uint8),
        settled=np.zeros(0, np.int64),
        waiting=np.zeros(0, np.uint8),
        limits=np.zeros(verdict.LIMITS, np.int64),
        stakes=np.zeros((3, 3), np.int64),
        gold_bets=np.zeros((3, 2), np.int64),
        logs=np.ceil(np.log(numbers) * ONE).astype(np.int64),
        findings=np.zeros(verdict.FINDINGS, np.int64),
        terms=np.zeros(verdict.TERMS, np.int64),
        after=np.zeros(evidence.LEVELS + 1, np.int64),
        counts=np.zeros(verdict.PACES, np.int64),
    )


def blank_shift(labels: int) -> Shift:
    """Counts of no tasks."""
    return Shift(
        np.zeros((shift.STREAMS, labels), np.int64),
        np.zeros((shift.STREAMS, shift.BLOCKS, labels), np.int64),
        np.tile([0, 0, -1], (shift.STREAMS, 1)),
        np.zeros((shift.STREAMS, shift.FOUND)),
        np.zeros(labels, np.int64),
    )

"""What a project's memory learns from, with its place in the log.

A flush gives the same rows when it is settled as when it is read back: what follows from them is a
function of the log.
"""

from dataclasses import dataclass

import numpy as np

from api.decisions import GOLD_SET, GOLD_WITHDRAWN
from api.rows import Float32s, Int64s
from db.log import Entries, EventRows
from engine import GOLD, JUDGE, RETRACT, Events


@dataclass(frozen=True, slots=True)
class Lessons:
    """n events in the order of the log.

    seqs int64[n]. seconds float32[n]: what the judgments took, NaN where that is not known.
    """

    events: Events
    seqs: Int64s
    seconds: Float32s

    def __len__(self) -> int:
        return len(self.seqs)


def of_flush(entries: Entries) -> Lessons:
    """What is learned from a flush. Retractions are in a flush of their own."""
    judgments, decisions = entries.judgments, entries.decisions
    retracted = entries.retractions
    if retracted.seq:
        return Lessons(
            Events(
                np.where(retracted.restores, JUDGE, RETRACT).astype(np.uint8),
                np.array(retracted.task, np.int32),
                np.array(retracted.worker, np.int32),
                np.array(retracted.label, np.int16),
            ),
            np.array(retracted.seq, np.int64),
            np.array(retracted.seconds, np.float32),  # None becomes NaN
        )
    golden = [
        (seq, task, body.get("label", -1))
        for seq, kind, task, body in zip(
            decisions.seq, decisions.kind, decisions.task, decisions.body, strict=True
        )
        if kind in (GOLD_SET, GOLD_WITHDRAWN)
    ]
    if not golden:
        return Lessons(
            Events.judgments(judgments.task, judgments.worker, judgments.label),
            np.array(judgments.seq, np.int64),
            np.array(judgments.seconds, np.float32),
        )
    seqs, tasks, labels = zip(*golden, strict=True)
    all_seqs = np.array([*judgments.seq, *seqs], np.int64)
    order = np.argsort(all_seqs, kind="stable")
    kinds = np.repeat(np.array([JUDGE, GOLD], np.uint8), [len(judgments.seq), len(golden)])
    return Lessons(
        Events(
            kinds[order],
            np.array([*judgments.task, *tasks], np.int32)[order],
            np.array([*judgments.worker, *[0] * len(golden)], np.int32)[order],
            np.array([*judgments.label, *labels], np.int16)[order],
        ),
        all_seqs[order],
        np.array([*judgments.seconds, *[None] * len(golden)], np.float32)[order],
    )


def of_rows(rows: EventRows) -> Lessons:
    """What is learned from rows of the log."""
    return Lessons(
        Events(
            rows["kind"].astype(np.uint8),
            rows["task"].astype(np.int32),
            rows["worker"].astype(np.int32),
            rows["label"].astype(np.int16),
        ),
        rows["seq"].astype(np.int64),
        rows["seconds"].astype(np.float32),
    )

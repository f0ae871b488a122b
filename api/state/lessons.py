"""What a project's memory learns from, with its place in the log.

A flush gives the same rows when it is settled as when it is read back: what follows from them is a
function of the log.
"""

from dataclasses import dataclass

import numpy as np

from api.decisions import GOLD_KINDS
from api.rows import Bools, Float32s, Int64s
from db.log import PART, Entries, EventRows
from engine import GOLD, JUDGE, RETRACT, Events


@dataclass(frozen=True, slots=True)
class Lessons:
    """n events in the order of the log.

    seqs int64[n]. seconds float32[n]: what the judgments took, NaN where that is not known. parts
    bool[n]: of acts of staff, that take judgments back, give them back or move gold, one after the
    other.
    """

    events: Events
    seqs: Int64s
    seconds: Float32s
    parts: Bools

    def __len__(self) -> int:
        return len(self.seqs)


def of_flush(entries: Entries) -> Lessons:
    """What is learned from a flush."""
    judgments, decisions, retracted = entries.judgments, entries.decisions, entries.retractions
    others: list[tuple[int, int, int, int, int, float | None, bool]] = [
        # The first decision of an act of staff bears it, and the others name that one.
        (seq, GOLD, task or 0, 0, body.get("label", -1), None, "act" in body or "with" in body)
        for seq, kind, task, body in zip(
            decisions.seq, decisions.kind, decisions.task, decisions.body, strict=True
        )
        if kind in GOLD_KINDS
    ]
    others += [
        # What is muted as it came, in the entry after it, is part of no act.
        (
            seq,
            JUDGE if restores else RETRACT,
            task,
            worker,
            label,
            seconds,
            restores or judgment != seq - 1,
        )
        for seq, judgment, restores, task, worker, label, seconds, turns in zip(
            retracted.seq,
            retracted.judgment,
            retracted.restores,
            retracted.task,
            retracted.worker,
            retracted.label,
            retracted.seconds,
            retracted.turns,
            strict=True,
        )
        if turns
    ]
    if not others:
        return Lessons(
            Events.judgments(judgments.task, judgments.worker, judgments.label),
            np.array(judgments.seq, np.int64),
            np.array(judgments.seconds, np.float32),  # None becomes NaN
            np.zeros(len(judgments.seq), np.bool_),
        )
    seqs, kinds, tasks, workers, labels, seconds, parts = zip(*others, strict=True)
    all_seqs = np.array([*judgments.seq, *seqs], np.int64)
    order = np.argsort(all_seqs, kind="stable")
    return Lessons(
        Events(
            np.array([*[JUDGE] * len(judgments.seq), *kinds], np.uint8)[order],
            np.array([*judgments.task, *tasks], np.int32)[order],
            np.array([*judgments.worker, *workers], np.int32)[order],
            np.array([*judgments.label, *labels], np.int16)[order],
        ),
        all_seqs[order],
        np.array([*judgments.seconds, *seconds], np.float32)[order],
        np.array([*[False] * len(judgments.seq), *parts], np.bool_)[order],
    )


def of_rows(rows: EventRows) -> Lessons:
    """What is learned from rows of the log."""
    return Lessons(
        Events(
            rows["kind"].astype(np.uint8) % PART,
            rows["task"].astype(np.int32),
            rows["worker"].astype(np.int32),
            rows["label"].astype(np.int16),
        ),
        rows["seq"].astype(np.int64),
        rows["seconds"].astype(np.float32),
        rows["kind"] >= PART,
    )

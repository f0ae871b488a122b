"""What goes into the status tests and what comes out of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from engine.kernels import vetting
from engine.kernels.evidence import ONE
from engine.kernels.shift import LABELS
from engine.kernels.verdict import (
    AGAINST,
    ALIKE,
    DRIFT,
    GOLD_HIT,
    GOLD_SEEN,
    HURRIED,
    JUDGED,
    PASSING,
    QUIZ_ASKED,
    QUIZ_HIT,
    QUIZ_SEEN,
    RUSH,
    SINCE,
    TRUSTING,
    WITH,
    WORSE,
    WOULD,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]

STATUSES = ("QUIZ", "ACTIVE", "TRUSTED", "WATCH", "PAUSED", "BANNED")


@dataclass(frozen=True, slots=True)
class StatusRules:
    """By what workers are measured. Raises ValueError if a number is out of its range.

    acceptable, unacceptable: accuracies. crowd_share: an acceptable worker need never have more
    than this share of the crowd's own skill, its accuracy above chance. *_error: how many of the
    acceptable workers are ever paused, watched or banned, of the unacceptable ones ever pass the
    quiz, of those not better than acceptable are ever trusted. ban_error 0: nobody is banned but by
    staff. drift_alarms: false ones in 1,000 judgments of a steady worker. project_error: chance
    that a steady project ever raises an alarm. quiz: whether new workers begin in QUIZ. consensus:
    whether agreement with others counts, or gold alone. quiz_count: with 0 a test passes them;
    else who has so many judgments of gold has passed if quiz_right of the first ones are right, and
    is paused if not, or with quiz_bans banned.
    """

    acceptable: float = 0.8
    unacceptable: float = 0.6
    crowd_share: float = 0.9
    pause_error: float = 0.01
    watch_error: float = 0.1
    ban_error: float = 0.0001
    pass_error: float = 0.05
    trust_error: float = 0.01
    drift_alarms: float = 1.0
    project_error: float = 0.01
    quiz: bool = True
    consensus: bool = True
    quiz_count: int = 0
    quiz_right: int = 0
    quiz_bans: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.unacceptable < self.acceptable < 1:
            raise ValueError("accuracies must be 0 < unacceptable < acceptable < 1")
        if not 0 < self.crowd_share <= 1:
            raise ValueError("crowd_share must lie above 0, and not above 1")
        errors = (self.watch_error, self.pass_error, self.trust_error, self.project_error)
        if not all(0 < error < 1 for error in errors):
            raise ValueError("error rates must lie between 0 and 1")
        if not 0 <= self.ban_error < self.pause_error < self.watch_error:
            raise ValueError("error rates must be 0 <= ban < pause < watch")
        if not 0 < self.drift_alarms < 50:
            raise ValueError("drift_alarms must lie between 0 and 50")
        if not 0 <= self.quiz_right <= self.quiz_count:
            raise ValueError("quiz_right must lie between 0 and quiz_count")


@dataclass(frozen=True, slots=True)
class Findings:
    """What the status of n workers rests on, columns.

    Evidence is in nats: e to its power is the value of a bet, at most 1 on average if the worker is
    what the bet is laid against. against: less than acceptable. passing: better than unacceptable.
    trusting: better than acceptable. drift: worse since its judgment of index `since`. rush: fast
    all of a sudden. judgments: live ones; gold_right of gold_total are on gold. scored: those with
    others beside them, of which `alike` are like most others, where `expected` would be if the
    worker was just acceptable. Where the quiz has a fixed rule: quiz_right of the quiz_total
    answers to its gold so far, and quiz_needed of all of it.
    """

    against: Floats
    passing: Floats
    trusting: Floats
    drift: Floats
    since: Ints
    rush: Floats
    judgments: Ints
    gold_right: Ints
    gold_total: Ints
    scored: Floats
    alike: Floats
    expected: Floats
    quiz_right: Ints
    quiz_total: Ints
    quiz_needed: Ints

    @classmethod
    def read(cls, found: Longs) -> Self:
        """From rows [n, FINDINGS] of the kernels."""
        nats = found / ONE
        whole = found.astype(np.int32)
        return cls(
            against=nats[:, AGAINST],
            passing=nats[:, PASSING],
            trusting=nats[:, TRUSTING],
            drift=nats[:, DRIFT],
            since=whole[:, SINCE],
            rush=nats[:, RUSH],
            judgments=whole[:, JUDGED],
            gold_right=whole[:, GOLD_HIT],
            gold_total=whole[:, GOLD_SEEN],
            scored=nats[:, WITH],
            alike=nats[:, ALIKE],
            expected=nats[:, WOULD],
            quiz_right=whole[:, QUIZ_HIT],
            quiz_total=whole[:, QUIZ_SEEN],
            quiz_needed=whole[:, QUIZ_ASKED],
        )


@dataclass(frozen=True, slots=True)
class Transitions:
    """n changes of how workers stand, in the order in which they came.

    event: index into the events that were applied, -1 where it was no event. was, now: indices into
    STATUSES. worse, hurried: whether these alarms stand now.
    """

    event: Ints
    worker: Ints
    was: npt.NDArray[np.int8]
    now: npt.NDArray[np.int8]
    worse: npt.NDArray[np.bool_]
    hurried: npt.NDArray[np.bool_]
    findings: Findings

    @classmethod
    def read(cls, rows: Sequence[Longs]) -> Self:
        """From rows [n, TRANSITION] of the kernels."""
        out = np.concatenate([np.zeros((0, vetting.TRANSITION), np.int64), *rows])
        return cls(
            event=out[:, vetting.EVENT].astype(np.int32),
            worker=out[:, vetting.WORKER].astype(np.int32),
            was=out[:, vetting.WAS].astype(np.int8),
            now=out[:, vetting.IS].astype(np.int8),
            worse=out[:, vetting.ALARMS] & WORSE != 0,
            hurried=out[:, vetting.ALARMS] & HURRIED != 0,
            findings=Findings.read(out[:, vetting.ALARMS + 1 :]),
        )

    def __len__(self) -> int:
        return len(self.event)


class Turn(NamedTuple):
    """An alarm of the project that was raised, or with alarm False one that ended.

    event: index into the events. agreement: whether it is about the share of second judgments that
    are like the first, not about the labels of first ones. label: whose share among these moved
    most, -1 with agreement. before, after: that share, until and since the task at place `since` in
    the order of first (or second) judgments. evidence in nats; where there is none left the rest is
    NaN and -1.
    """

    event: int
    agreement: bool
    alarm: bool
    label: int
    since: int
    before: float
    after: float
    evidence: float

    @classmethod
    def read(cls, row: Floats) -> Self:
        """From a row [TURN] of the kernels."""
        event, stream, alarm, evidence, since, category, before, after = row.tolist()
        agreement = stream != LABELS
        if evidence <= 0:
            return cls(int(event), agreement, bool(alarm), -1, -1, nan, nan, 0.0)
        if agreement and category == 0:  # it was the share of disagreement that moved
            before, after = 1 - before, 1 - after
        label = -1 if agreement else int(category)
        return cls(int(event), agreement, bool(alarm), label, int(since), before, after, evidence)

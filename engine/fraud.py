"""What fraud findings are, which of many to believe, and what is searched for them."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Labels = npt.NDArray[np.int16]


class Fraud(StrEnum):
    """What a worker, or a group of workers, is found to do."""

    COPYING = "COPYING"  # they give each other's answers
    ONE_HAND = "ONE_HAND"  # they answer as one, with hardly an answer of their own
    TOO_FAST = "TOO_FAST"
    CONSTANT = "CONSTANT"
    PERIODIC = "PERIODIC"


class Suggestion(StrEnum):
    """What to do about it."""

    JOIN = "JOIN"  # count the workers as one in the consensus
    PAUSE = "PAUSE"
    VOID = "VOID"
    LOOK = "LOOK"


@dataclass(frozen=True, slots=True)
class Examples:
    """Answers that tell most, most telling first, as columns.

    task int32, label int16: the answer in question. together int16: workers of the finding who gave
    it. chance: probability that a worker who looks for itself gives it too.
    """

    task: Ints
    label: Labels
    together: Labels
    chance: Floats

    @classmethod
    def none(cls) -> "Examples":
        """No answers."""
        few = np.zeros(0, np.int16)
        return cls(np.zeros(0, np.int32), few, few, np.zeros(0))


@dataclass(frozen=True, slots=True)
class Finding:
    """A suspicion with its evidence.

    workers: int32, in order of id. log_evidence: natural logarithm of an e-value, how many times
    as well fraud explains what was seen as honest work at its most suspicious does, less the price
    of having searched. rate: the false discovery rate at which it is just found. share: estimated
    share of the workers' answers that are copied, blind or too fast. numbers: what explains it, by
    name.
    """

    kind: Fraud
    workers: Ints
    log_evidence: float
    rate: float
    share: float
    suggestion: Suggestion
    numbers: dict[str, float]
    examples: Examples = field(default_factory=Examples.none)


def discovery_rates(log_evidence: npt.ArrayLike, hypotheses: int) -> Floats:
    """The false discovery rate [n] at which each of n e-values is just believed.

    log_evidence [n]: logarithms of the largest of `hypotheses` e-values; the others may be
    anything. 1 hypothesis: they are weighted already, with weights that sum to 1 over all
    hypotheses. Those at or below a rate are false at most at that rate, however they depend on each
    other (those of rings and workers share tasks and voters): the e-BH procedure (Wang, Ramdas,
    False discovery rate control with e-values, JRSS B 84, 2022, theorem 2).
    """
    logs = np.asarray(log_evidence, np.float64)
    order = np.argsort(-logs, kind="stable")
    ranks = np.arange(1, len(logs) + 1)
    raw = np.exp(np.minimum(np.log(hypotheses / ranks) - logs[order], 0.0))
    rates = np.empty(len(logs))
    rates[order] = np.minimum.accumulate(raw[::-1])[::-1]
    return rates

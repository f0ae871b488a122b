"""Whether the target of confidence can be reached by workers such as a project has.

What is said rests on workers who err independently and evenly. Tasks differ in difficulty, so that
of real tasks fewer settle, and some that do are easier than that.
"""

from functools import partial
from math import floor, log
from typing import Final

import numpy as np
import numpy.typing as npt

from api.linting.advice import Advice, Facts, Found
from api.policy import Policy
from api.state.alerts import Severity

Floats = npt.NDArray[np.float64]

LONGEST: Final = 1000  # judgments of a task
LOOKED_AT: Final = 30  # judgments of a task; beyond them few tasks settle that did not before
FEW: Final = 0.5  # share of the tasks that settle, of which it is told
MOST: Final = 0.7  # share that is enough for what is proposed
HIGHER: Final = 8  # judgments by which the overlap is raised at most, in what is proposed
STEP: Final = 0.01  # of the targets that are proposed
ROUND: Final = 1e-9  # what a whole number of steps may be off


def about_confidence(policy: Policy, facts: Facts) -> Found:
    """What keeps tasks from being settled: that none can be, or that few are."""
    accuracy = facts.held_to[0] if facts.accuracy is None else facts.accuracy
    target, overlap = policy.target_confidence, policy.overlap
    if accuracy <= 1 / facts.labels or target >= 1:
        return
    counts = np.arange(1, LONGEST + 1)
    comes_to = reached(facts, accuracy, counts, counts)
    best = float(comes_to[overlap - 1])
    whom = "workers like yours" if facts.accuracy is not None else "workers who are good enough"
    if best < target:
        needed = int(np.argmax(comes_to >= target)) + 1
        more = f"overlap to {needed} at least, or " if comes_to.max() >= target else ""
        agreeing = "1 judgment comes" if overlap == 1 else f"{overlap} agreeing judgments come"
        yield Advice(
            "CONFIDENCE_OUT_OF_REACH",
            Severity.HIGH,
            "target_confidence",
            f"With {whom} ({accuracy:.0%}) {agreeing} to {best:.1%}: below your target of "
            f"{target:.1%}, so hardly a task is ever sure enough.",
            f"Set {more}targetConfidence to {_down(best):.2f} at most.",
        )
        return
    share = settled(policy, facts, accuracy)
    if share >= FEW:
        return
    tried = partial(_share_with, policy, facts, accuracy)
    overlaps = range(overlap + 1, min(overlap + HIGHER, LONGEST) + 1)
    targets = np.arange(_down(target), 0.5, -STEP).round(2).tolist()
    ways = [
        *(f"overlap to {n}" for n in overlaps if tried(overlap=n) >= MOST),
        *(f"targetConfidence to {t:.2f}" for t in targets if tried(target_confidence=t) >= MOST),
    ]
    # The first of each kind changes least.
    nearest = {way.split()[0]: way for way in reversed(ways)}
    yield Advice(
        "FEW_SETTLE",
        Severity.MEDIUM,
        "target_confidence",
        f"With {whom} ({accuracy:.0%}) about {share:.0%} of the tasks come to your target of "
        f"{target:.1%} with at most {overlap} judgments: the others wait for staff.",
        f"Set {' or '.join(sorted(nearest.values()))}."
        if nearest
        else "Raise the overlap and lower the target.",
    )


def agreed(judgments: int, accuracy: float, labels: int) -> float:
    """What the model believes of so many equal answers, of workers who err evenly."""
    odds = log(accuracy / (1 - accuracy) * (labels - 1))
    return float(1 / (1 + (labels - 1) * np.exp(-np.minimum(judgments * odds, 700.0))))


def reached(
    facts: Facts, accuracy: float, ahead: npt.NDArray[np.int_], judgments: npt.NDArray[np.int_]
) -> Floats:
    """The calibrated confidence [n] in a label so many answers ahead of its one rival."""
    belief = np.array([agreed(int(each), accuracy, facts.labels) for each in ahead])
    return facts.calibration.confidence(belief, judgments.astype(np.int32), facts.labels)


def settled(policy: Policy, facts: Facts, accuracy: float) -> float:
    """The share of the tasks that come to the target, about, if all errors fall on one rival."""
    most = min(policy.overlap, LOOKED_AT)
    least, places = min(policy.enough, most), np.arange(-most, most + 1)
    share, done = (places == 0).astype(np.float64), 0.0
    for judgments in range(1, most + 1):
        share = accuracy * np.roll(share, 1) + (1 - accuracy) * np.roll(share, -1)
        if judgments >= least:
            sure = reached(facts, accuracy, np.abs(places), np.full(len(places), judgments))
            enough = sure >= policy.target_confidence
            done += float(share[enough].sum())
            share[enough] = 0.0
    return done


def _share_with(policy: Policy, facts: Facts, accuracy: float, **changes: float) -> float:
    return settled(policy.changed(changes), facts, accuracy)


def _down(share: float) -> float:
    """Rounded down to a step, so that what is proposed can be reached."""
    return floor(share / STEP + ROUND) * STEP

"""The confidence from which a task is settled, and what settled it."""

from enum import StrEnum

import numpy as np

from api.policy import Policy
from api.rows import Float64s
from engine import Categorical
from engine.stopping import enough


class SettledBy(StrEnum):
    """What settled a task."""

    GOLD = "GOLD"
    CONFIDENCE = "CONFIDENCE"
    COST = "COST"


def sure_enough(policy: Policy, model: Categorical, price: int) -> Float64s:
    """The confidence from which a task is not worth a judgment at this price, by its judgments; the
    last one holds for more. At the usual price it settles a task.

    It moves with the policy, and with the crowd at each refit.
    """
    if policy.label_value is None:
        return np.array([policy.target_confidence])
    least = price / policy.label_value
    return np.minimum(
        policy.target_confidence, enough(model.usual, model.labels, policy.overlap, least)
    )


def settled_by(policy: Policy, gold: int, confidence: float) -> SettledBy:
    """What settled a task that is so."""
    if gold >= 0:
        return SettledBy.GOLD
    return SettledBy.CONFIDENCE if confidence >= policy.target_confidence else SettledBy.COST

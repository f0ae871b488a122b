"""What confidence means, written from the formula."""

import math


def confidence(
    belief: float, judgments: int, labels: int, base: float, gain: float, toll: float
) -> float:
    """How probable it is that a label is right that is believed in so far."""
    belief = min(max(belief, 1 / labels), 1 - 2**-22)
    evidence = max(math.log(belief / (1 - belief)) + math.log(labels - 1), 0.0)
    odds = base + gain * evidence - toll * math.log(max(judgments, 1))
    return max(1 / (1 + math.exp(-odds)), 1 / labels)

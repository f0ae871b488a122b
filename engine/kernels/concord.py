"""How a crowd's votes on one item go together, on items that differ.

Whether a worker agrees with others too seldom can only be told from how often they agree with each
other. Items are of U kinds, in shares that are learned. On an item of kind u there is a label that
the crowd is drawn to (most often the truth), and a second one:

    P(vote) = m_u                            the label that the crowd is drawn to
              (1 - m_u) t_u                  the second one
              (1 - m_u)(1 - t_u) / (K - 2)   each other label

so that kinds differ in how hard they are, m_u, and in how much errors are shared, t_u. Which labels
those are is not known: all are equally likely. Votes on an item are exchangeable, so that their
probability depends on counts alone: those of the label in question, of the most frequent other one,
and of all the rest, which are taken to be spread evenly.
"""

import numpy as np
import numpy.typing as npt

from engine.jit import bare, kernel

Floats = npt.NDArray[np.float64]

MOST = 15  # votes beside the one in question; where there are more, counts are scaled down
PRIOR_ITEMS = 20.0  # items that an even start of the shares counts for
ROUNDS = 12  # of expectation and maximisation


@bare
def _chance(labels: int, m: float, t: float, own: int, top: int, rest: int) -> tuple[float, float]:
    """Probability of one sequence of votes with these counts; and together with `own` being the
    count of the label that the crowd is drawn to."""
    if labels == 2:
        drawn = 0.5 * m**own * (1 - m) ** top
        return drawn + 0.5 * m**top * (1 - m) ** own, drawn
    n = own + top + rest
    others = min(rest, labels - 2)
    counts = (float(own), float(top), rest / others if others > 0 else 0.0, 0.0)
    alike = (1, 1, others, labels - 2 - others)  # labels with each of these counts
    second = (1 - m) * t
    other = (1 - m) * (1 - t) / (labels - 2)
    total = 0.0
    drawn = 0.0
    for a in range(4):
        for b in range(4):
            pairs = alike[a] * (alike[b] - 1 if a == b else alike[b])
            if pairs > 0:
                p = pairs * m ** counts[a] * second ** counts[b]
                p *= other ** (n - counts[a] - counts[b])
                total += p
                if a == 0:
                    drawn += p
    pairs = labels * (labels - 1)
    return total / pairs, drawn / pairs


@kernel
def fill_chances(
    labels: int, kinds: Floats, place: npt.NDArray[np.int16], chance: Floats, drawn: Floats
) -> None:
    """Fill [P, U]: probabilities of votes of each pattern on an item of each kind, kinds[u] being
    (m_u, t_u); and together with the label in question being the one the crowd is drawn to."""
    for own in range(MOST + 2):
        for top in range(MOST + 2):
            for rest in range(MOST + 2):
                here = place[own, top, rest]
                if here >= 0:
                    for u in range(kinds.shape[0]):
                        found = _chance(labels, kinds[u, 0], kinds[u, 1], own, top, rest)
                        chance[here, u] = found[0]
                        drawn[here, u] = found[1]


@kernel
def fit(chance: Floats, patterns: npt.NDArray[np.int64], gathered: Floats, shares: Floats) -> None:
    """Learn the shares [U] of the kinds of items, by expectation and maximisation from an even
    start, given how many tasks show each pattern [P] of votes. gathered [U] is scratch.

    Cost: O(ROUNDS x patterns there are x U).
    """
    U = shares.shape[0]
    for u in range(U):
        shares[u] = 1.0 / U
    for _ in range(ROUNDS):
        for u in range(U):
            gathered[u] = PRIOR_ITEMS / U
        items = PRIOR_ITEMS
        for p in range(patterns.shape[0]):
            if patterns[p] == 0:
                continue
            total = 0.0
            for u in range(U):
                total += shares[u] * chance[p, u]
            for u in range(U):
                gathered[u] += patterns[p] * shares[u] * chance[p, u] / total
            items += patterns[p]
        for u in range(U):
            shares[u] = gathered[u] / items

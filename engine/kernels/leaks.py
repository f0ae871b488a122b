"""How much likelier answers to known questions are if some who give them know the answer before."""

import numpy as np
import numpy.typing as npt

from engine.jit import kernel

Floats = npt.NDArray[np.float64]

UNTIMED = -1  # bin of an answer whose pace is not known


@kernel
def weigh(
    fitting: Floats,
    right: npt.NDArray[np.bool_],
    swift: npt.NDArray[np.int8],
    first: int,
    share: float,
    sure: float,
    weight: Floats,
    tempo: Floats,
    honest: Floats,
    knowing: Floats,
) -> float:
    """Logarithm of the probability of n answers, each given what came before it.

    fitting [n, E]: probability of each answer's being as right as it is, for each of E ways in
    which a question may be hard, with prior weights [E]. swift [n]: bins of pace. honest [M, B]:
    how often right answers fall into each bin, for each of M tempos that a question may have, with
    prior weights tempo [M]. From the answer `first` on a `share` of the workers knows it: these are
    right with probability `sure`, in the bins as knowing [M, B] says. Cost: O(n x (E + M)).
    """
    chance = weight.copy()
    tempos = tempo.copy()
    total = 0.0
    for j in range(fitting.shape[0]):
        likely = 0.0
        for e in range(chance.shape[0]):
            likely += chance[e] * fitting[j, e]
        expected = likely
        know = 0.0
        if j >= first:
            likely *= 1.0 - share
            know = share * (sure if right[j] else 1.0 - sure)
        if right[j] and swift[j] >= 0:
            at = swift[j]
            usual, known = 0.0, 0.0
            for m in range(tempos.shape[0]):
                usual += tempos[m] * honest[m, at]
                known += tempos[m] * knowing[m, at]
            both = likely * usual + know * known
            for m in range(tempos.shape[0]):
                tempos[m] *= (likely * honest[m, at] + know * knowing[m, at]) / both
            likely *= usual
            know *= known
        total += np.log(likely + know)
        # What a knower said tells nothing of the question: its part is left out.
        learned = likely / (likely + know)
        for e in range(chance.shape[0]):
            chance[e] *= 1.0 + learned * (fitting[j, e] / expected - 1.0)
    return total

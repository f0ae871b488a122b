"""Slow twin of the bet on leaked gold: obvious code, written from the formulas."""

from collections.abc import Sequence
from math import log

Table = Sequence[Sequence[float]]


def weigh(
    fitting: Table,
    right: Sequence[bool],
    swift: Sequence[int],
    first: int,
    share: float,
    sure: float,
    weight: Sequence[float],
    tempo: Sequence[float],
    honest: Table,
    knowing: Table,
) -> float:
    """See `engine.kernels.leaks.weigh`: for one who does not know the answer it depends on how hard
    the question is and on its tempo, for one who does on the tempo alone."""
    hard, speed = list(weight), list(tempo)
    total = 0.0
    for j, fits in enumerate(fitting):
        leaked = share if j >= first else 0.0
        chance = sum(p * fit for p, fit in zip(hard, fits, strict=True))
        knows = leaked * (sure if right[j] else 1 - sure)
        if right[j] and swift[j] >= 0:
            usual = [row[swift[j]] for row in honest]
            known = [row[swift[j]] for row in knowing]
        else:
            usual = known = [1.0] * len(speed)
        by_honest = [(1 - leaked) * chance * p * q for p, q in zip(speed, usual, strict=True)]
        by_knower = [knows * p * q for p, q in zip(speed, known, strict=True)]
        probability = sum(by_honest) + sum(by_knower)
        total += log(probability)
        innocent = sum(by_honest) / probability
        speed = [(a + b) / probability for a, b in zip(by_honest, by_knower, strict=True)]
        hard = [
            p * (1 - innocent) + innocent * p * fit / chance
            for p, fit in zip(hard, fits, strict=True)
        ]
    return total

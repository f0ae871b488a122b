"""Slow twin of the search for changes of a project, from the formula."""

from collections import Counter
from math import lgamma, log


def shift_evidence(categories: list[int], kinds: int, *, anew: float = 20.0) -> tuple[float, int]:
    """Evidence in nats that shares changed, and since which place, at the end of a block of 64."""
    best, since = 0.0, 0
    blocks = len(categories) // 64
    for began in range(max(4, blocks - 16), blocks):
        before, after = Counter(categories[: began * 64]), Counter(categories[began * 64 :])
        n = len(categories) - began * 64
        same = {k: before[k] + 0.5 for k in range(kinds)}
        weight = sum(same.values())
        fresh = {k: anew * prior / weight for k, prior in same.items()}
        stake = log((began + 1) * (began + 2))

        def likelihood(prior: dict[int, float], counts: Counter[int], n: int) -> float:
            total = sum(prior.values())
            found = lgamma(total) - lgamma(total + n)
            return found + sum(lgamma(prior[k] + c) - lgamma(prior[k]) for k, c in counts.items())

        evidence = likelihood(fresh, after, n) - likelihood(same, after, n) - stake
        if evidence > best:
            best, since = evidence, began * 64
    return best, since

"""The slow twin of the gain of one more answer: every label and every answer by itself."""

from collections.abc import Callable
from math import log

from tests.naive import COMMON, FullMatrices, NaiveModel, WideMatrices

Chance = Callable[[int, int], float]  # probability of an answer to a truth


def entropy(masses: list[float]) -> float:
    return -sum(mass * log(mass) for mass in masses if mass > 0)


def information(forms: list[tuple[list[float], Chance]]) -> float:
    """From the joint probabilities of form and label, and each form's chances of answers."""
    labels = range(len(forms[0][0]))
    gain = entropy([sum(joint[k] for joint, _ in forms) for k in labels])
    for answer in labels:
        masses = [sum(joint[k] * chance(k, answer) for joint, chance in forms) for k in labels]
        gain -= entropy(masses) + sum(masses) * log(sum(masses))
    return gain


def scaled(common: list[float], own: list[float], q: list[float] | None) -> list[list[float]]:
    """The products, so that their sums are the posterior, if there is one."""
    both = [c + o for c, o in zip(common, own, strict=True)]
    factors = (
        [1 / sum(both)] * len(both) if q is None else [p / b for p, b in zip(q, both, strict=True)]
    )
    return [[x * f for x, f in zip(form, factors, strict=True)] for form in (common, own)]


def naive_gain(naive: NaiveModel, task: int, worker: int) -> float:
    matrices = naive.matrices(naive.learned())
    if isinstance(matrices, FullMatrices):
        return full_gain(naive, matrices, task, worker)
    return wide_gain(naive, matrices, task, worker)


def full_gain(naive: NaiveModel, matrices: FullMatrices, task: int, worker: int) -> float:
    votes = naive.votes.get(task, {})
    common = [COMMON * p for p in matrices.prior]
    own = [(1 - COMMON) * p for p in matrices.prior]
    for voter, answer in votes.items():
        for k in range(naive.labels):
            common[k] *= matrices.common(voter, k, answer)
            own[k] *= matrices.own(voter, k, answer)
    known = votes and task not in naive.gold
    q = [naive.q[task][k] for k in range(naive.labels)] if known else None
    common, own = scaled(common, own, q)
    return information(
        [
            (common, lambda k, answer: matrices.common(worker, k, answer)),
            (own, lambda k, answer: matrices.own(worker, k, answer)),
        ]
    )


def wide_gain(naive: NaiveModel, matrices: WideMatrices, task: int, worker: int) -> float:
    K, votes = naive.labels, naive.votes.get(task, {})
    a = matrices.ability.get(worker, matrices.accuracy)
    if not votes:
        even = [1 / K] * K
        return information([(even, lambda k, x: a if x == k else (1 - a) / (K - 1))])
    given = sorted(set(votes.values()))
    profile = [e / sum(matrices.errors) for e in matrices.errors]
    common = [COMMON * matrices.prior[k] for k in given]
    own = [(1 - COMMON) * matrices.prior[k] for k in given]
    rest = max(1 - sum(matrices.prior[k] for k in given), 0.0)
    for voter, answer in votes.items():
        ability = matrices.ability.get(voter, matrices.accuracy)
        for place, k in enumerate(given):
            spread = profile[answer] / (1 - profile[k])
            right = matrices.right(voter, k)
            common[place] *= ability if k == answer else (1 - ability) * spread
            own[place] *= right if k == answer else (1 - right) * spread
        rest *= (1 - ability) * profile[answer]
    if task in naive.gold:
        total = rest + sum(common) + sum(own)
        rest, common, own = rest / total, [c / total for c in common], [o / total for o in own]
    else:
        common, own = scaled(common, own, [naive.q[task][k] for k in given])
        rest = 1 - sum(naive.q[task][k] for k in given)
    others = [k for k in range(K) if k not in given]
    share = dict.fromkeys(others, (1 - sum(profile[k] for k in given)) / len(others))
    share |= {k: profile[k] for k in given}

    def chance(right: Callable[[int], float]) -> Chance:
        def of(k: int, answer: int) -> float:
            if k in others:
                return a if answer == k else (1 - a) * share[answer]
            return right(k) if answer == k else (1 - right(k)) * share[answer] / (1 - profile[k])

        return of

    def spread_out(masses: list[float], over: float) -> list[float]:
        places = dict(zip(given, masses, strict=True))
        return [places.get(k, over / len(others)) for k in range(K)]

    return information(
        [
            (spread_out(common, rest), chance(lambda _: a)),
            (spread_out(own, 0.0), chance(lambda k: matrices.right(worker, k))),
        ]
    )

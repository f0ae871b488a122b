"""Growing groups of copiers from pairs."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import lgamma, log

import numpy as np
import numpy.typing as npt

from engine.kernels import copying
from engine.kernels.independence import Independence
from engine.kernels.judgments import Judgments

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

STAKES = np.array([0.5, 0.65, 0.8, 0.95])  # shares of copied answers on which is bet
EXPECTED = 0.8  # an answer that was as probable as this, given the others', tells nothing
SEED, LINK = 2.0, 1.0  # log evidence of a pair that starts a ring, and that recommends a member
SUSPICION = 0.05  # error rate at which rings are kept, and members taken in
MOST_FRIENDS, FRIENDS = 10, 0.2  # others, and share of them, that a worker may copy from
FEW_BETS = 10.0  # that damp the share of a pair that has few
MOST_USUAL = 0.6  # share of copying that is tolerated where it is usual: armies of copies do more
BORNE_OUT = 0.75  # share of a ring's pairs, at least, that have evidence of their own
APPLICANTS = 8  # most recommended workers that are tested at each step of growth


@dataclass(frozen=True, slots=True)
class Terms:
    """share: least share of answers copied. tolerated: share of answers up to which agreement is
    put down to what the null hypothesis misses."""

    share: float
    tolerated: float


@dataclass(frozen=True, slots=True)
class Ring:
    """Workers int32 in order of id; log_evidence less the price of the search; tally float64
    [copying.TALLY] of each of them following the others."""

    workers: Ints
    log_evidence: float
    tally: Floats


def excess(tally: Floats) -> float:
    """Estimated share of copied answers among those that were bet on."""
    bets, won, foreseen = tally[copying.BETS : copying.WRONG]
    return float((won - foreseen) / (bets - foreseen)) if bets > foreseen else 0.0


def usual(first: Ints, second: Ints, tallies: Floats) -> Floats:
    """The share [W] of answers that a worker seems to copy from those it is not in a ring with.

    Of the pairs it is in, as many as a ring may have, and a fifth, are left out: if more agree with
    it as much, it is one of a kind that learned alike, not a copier.
    """
    bets, won, foreseen = tallies[:, copying.BETS : copying.WRONG].T
    share = (won - foreseen) / (bets - foreseen + FEW_BETS)
    met = np.flatnonzero(tallies[:, copying.COMMON] > 0)
    worker = np.concatenate([first[met], second[met]])
    shares = np.tile(share[met], 2)
    count = np.bincount(worker, minlength=int(max(first.max(), second.max())) + 1)
    order = np.lexsort((-shares, worker))
    place = np.maximum(MOST_FRIENDS, (FRIENDS * count).astype(np.int64))
    has = place < count
    found = np.zeros(len(count))
    found[has] = shares[order[(np.cumsum(count) - count + place)[has]]]
    return found


class Pairs:
    """Pairs of workers (first[i], second[i]) that are tested, and what has come of it so far:
    evidence float64[n] and tallies float64[n, copying.TALLY]."""

    def __init__(self, first: Ints, second: Ints) -> None:
        self.first = first
        self.second = second
        self.evidence = np.zeros(len(first))
        self.tallies = np.zeros((len(first), copying.TALLY))


class Rings:
    """The search for rings of copiers among pairs of workers, under one null hypothesis."""

    def __init__(self, judgments: Judgments, null: Independence, terms: Terms) -> None:
        self._judgments = judgments
        self._null = null
        self._terms = terms
        self._count = len(judgments.voice)
        self._member = np.full(self._count, -1, np.int32)
        self._links: dict[int, dict[int, float]] = {}
        self._tolerated = np.full(self._count, terms.tolerated)

    def find(self, pairs: Pairs, most: int) -> list[Ring]:
        """Rings of at most `most` workers. Pairs that were found hopeless before are not tried.

        The strongest pairs come first; a worker is in one ring at most. A ring is kept when its
        evidence makes it a discovery beside those found before it, at the rate SUSPICION.
        Cost: O(pairs) tests, and APPLICANTS tests of one worker for each member.
        """
        first, second = pairs.first, pairs.second
        evidence, tallies = pairs.evidence, pairs.tallies
        hope = np.flatnonzero(evidence > copying.HOPELESS)
        evidence[hope], tallies[hope] = self._compare(first[hope], second[hope])
        self._tolerated = np.clip(usual(first, second, tallies), self._terms.tolerated, MOST_USUAL)
        usually = np.maximum(self._tolerated[first], self._tolerated[second])
        again = np.flatnonzero((evidence >= LINK) & (usually > self._terms.tolerated))
        evidence[again], _ = self._compare(first[again], second[again])
        for pair in np.flatnonzero(evidence >= LINK):
            a, b = int(first[pair]), int(second[pair])
            self._links.setdefault(a, {})[b] = self._links.setdefault(b, {})[a] = evidence[pair]
        rings: list[Ring] = []
        for pair in np.argsort(-evidence, kind="stable"):
            if evidence[pair] < SEED:
                break
            seed = [int(first[pair]), int(second[pair])]
            if (self._member[seed] >= 0).any() or excess(tallies[pair]) < self._terms.share:
                continue
            ring = self._grow(seed, len(rings), most)
            if (
                ring.log_evidence >= -log(SUSPICION * (len(rings) + 1))
                and self._borne_out(pairs, len(rings)) >= BORNE_OUT
            ):
                rings.append(ring)
            else:
                self._member[ring.workers] = -1
        return rings

    def _borne_out(self, pairs: Pairs, ring: int) -> float:
        """Share of the pairs of a ring that have evidence of their own. Where most have none the
        members may follow what their majority gives, but learned it, each by itself."""
        of_ring = (self._member[pairs.first] == ring) & (self._member[pairs.second] == ring)
        return float((pairs.evidence[of_ring] >= LINK).mean())

    def _compare(self, first: Ints, second: Ints) -> tuple[Floats, Floats]:
        evidence = np.zeros(len(first))
        tallies = np.zeros((len(first), copying.TALLY))
        tolerated = np.maximum(self._tolerated[first], self._tolerated[second])
        copying.compare(
            self._judgments,
            self._null,
            first,
            second,
            STAKES,
            tolerated,
            EXPECTED,
            evidence,
            tallies,
        )
        return evidence, tallies

    def _grow(self, seed: list[int], ring: int, most: int) -> Ring:
        """Take in whoever follows the ring best, then put out whoever does not."""
        workers = list(seed)
        self._member[workers] = ring
        # So that of all workers who might be taken in wrongly, few are.
        needed = log(self._count / SUSPICION)
        while len(workers) < most:
            tests = [(self._follows(x, ring)[0], -x) for x in self._applicants(workers)]
            best, applicant = max(tests, default=(0.0, 0))
            if best < needed:
                break
            workers.append(-applicant)
            self._member[-applicant] = ring
        while len(workers) > 2:
            worst, member = min((self._follows(x, ring)[0], x) for x in workers)
            if worst >= needed:
                break
            workers.remove(member)
            self._member[member] = -1
        tally = np.sum([self._follows(x, ring)[1] for x in workers], axis=0)
        return Ring(np.sort(np.array(workers, np.int32)), self._evidence(workers, ring), tally)

    def _evidence(self, workers: list[int], ring: int) -> float:
        """What each, in turn, adds by following those before it, less the price of the search.

        A priori every size g has the share 1 / (g (g - 1)), and rings of a size are alike, in
        whatever order their members come. So the weights of all that may be found sum to 1.
        """
        self._member[workers] = -1
        total = 0.0
        for x, before in zip(workers[1:], workers[:-1], strict=True):
            self._member[before] = ring
            total += self._bets(x, ring)[0]
        self._member[workers] = ring
        size, count = len(workers), self._count
        rings = lgamma(count + 1) - lgamma(count - size + 1)
        return total - rings - log(size * (size - 1))

    def _applicants(self, workers: list[int]) -> Iterator[int]:
        """Workers that pairs with members recommend most."""
        votes: dict[int, float] = {}
        for member in workers:
            for x, evidence in self._links.get(member, {}).items():
                if self._member[x] < 0:
                    votes[x] = votes.get(x, 0.0) + evidence
        return iter(sorted(votes, key=lambda x: (-votes[x], x))[:APPLICANTS])

    def _follows(self, x: int, ring: int) -> tuple[float, Floats]:
        """Log evidence that x follows the ring, 0 if it copies too small a share; and the tally."""
        evidence, tally = self._bets(x, ring)
        return (evidence if excess(tally) >= self._terms.share else min(evidence, 0.0)), tally

    def _bets(self, x: int, ring: int) -> tuple[float, Floats]:
        tally = np.zeros(copying.TALLY)
        evidence = copying.follow(
            self._judgments,
            self._null,
            x,
            self._member,
            ring,
            STAKES,
            self._tolerated[x],
            EXPECTED,
            tally,
        )
        return evidence, tally

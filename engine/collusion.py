"""Who copies from whom: groups of workers that give the same wrong answers.

Pairs that share rare answers are found by a sketch, and each is tested on whether one copies the
other (`engine.kernels.copying`) against what their confusion matrices and the items explain
(`engine.kernels.independence`). Pairs grow into rings; a ring's evidence is the product of what
each worker, in turn, adds by following those before it.

The confusion matrices depend on who is believed. Learned from all judgments they are those of the
ring, where a ring has won its tasks over; taken from plain votes they make experts, who agree with
each other and not with a poor crowd, look like a ring. So the first round goes by votes and may
suspect too many, up to ten together. Later ones learn properly, each suspected ring counting as
one voice: a ring is still found so, experts are acquitted by the other experts.

The null hypothesis is a model, and honest workers are never quite as a model has them. So an
e-value must be MISFIT times as large as the rate asks for, and agreement up to a share of the
answers (TOLERATED; more where a worker agrees so with many) is put down to what the model misses.
"""

from math import log

import numpy as np

from engine.fraud import Examples, Finding, Fraud, Ints, Labels, Suggestion, discovery_rates
from engine.independence import learn
from engine.kernels import copying
from engine.kernels.independence import Independence
from engine.kernels.judgments import ALONE, Judgments
from engine.rings import EXPECTED, Pairs, Ring, Rings, Terms, excess

ROUNDS = 3
MOST_SUSPECTS = 10  # workers of a ring in the first round
MOST_PAIRS = 200_000  # that are tested
SHARE = 0.5  # least share of answers copied: less may be a common school, or a hint now and then
TOLERATED = 0.15
MISFIT = 1e4
AS_ONE = 0.97  # share of the same among answers that were not to be expected
ROWS = 20  # examples shown
NUMBERS = {
    "common": copying.COMMON,
    "bets": copying.BETS,
    "same": copying.WON,
    "expected": copying.FORESEEN,
    "wrong": copying.WRONG,
    "expected_wrong": copying.FORESEEN_WRONG,
}
FEWEST_PLACES, MOST_PLACES = 1 << 16, 1 << 22  # of the sketch
PLACES_PER_PAIR = 8


def copying_rings(
    judgments: Judgments,
    answers: Labels,
    labels: int,
    rate: float,
    most_pairs: int = MOST_PAIRS,
) -> tuple[list[Finding], Independence]:
    """Groups of workers who copy from each other, the surest first; and what honest workers would
    have answered, with each group as one voice. A worker is in one group at most.

    judgments, answers: of `gather`; the voices become the groups found. rate: share of findings
    that may be wrong. `numbers` of a finding: of its workers, each against the others, `common`
    tasks, `bets` on answers that were not to be expected, `same`: how many were given, `expected`:
    how many would have been by workers who look for themselves, `wrong` and `expected_wrong`: those
    that the others make out to be wrong.
    Cost: O(judgments x (redundancy + labels)) and ROUNDS x most_pairs tests, each of a bounded
    number of bets.
    """
    pairs = Pairs(*likely_pairs(judgments, most_pairs))
    terms = Terms(SHARE, TOLERATED)
    rings: list[Ring] = []
    null = learn(judgments, labels, votes_only=True)
    for turn in range(ROUNDS):
        if turn > 0:
            null = learn(judgments, labels, votes_only=False)
        if len(pairs.first) == 0:
            continue
        most = MOST_SUSPECTS if turn == 0 else len(judgments.voice)
        rings = Rings(judgments, null, terms).find(pairs, most)
        judgments.voice.fill(ALONE)
        for voice, ring in enumerate(rings):
            judgments.voice[ring.workers] = voice
    rates = discovery_rates([ring.log_evidence - log(MISFIT) for ring in rings], 1)
    believed = sorted(np.flatnonzero(rates <= rate), key=lambda i: -rings[i].log_evidence)
    judgments.voice.fill(ALONE)
    for voice, i in enumerate(believed):
        judgments.voice[rings[i].workers] = voice
    found = [_finding(judgments, null, rings[i], float(rates[i]), answers) for i in believed]
    return found, null


def likely_pairs(judgments: Judgments, most: int) -> tuple[Ints, Ints]:
    """Pairs (first, second) of workers that are worth a test, at most so many, in order of id.

    All of them where they are few enough; else those most alike in answers that the rest of a task
    has no majority for. Cost: O(judgments x redundancy).
    """
    workers = len(judgments.voice)
    if workers * (workers - 1) // 2 <= most:
        every, other = np.triu_indices(workers, 1)
        return every.astype(np.int32), other.astype(np.int32)
    counts = np.zeros(workers, np.int32)
    copying.dissents(judgments, counts)
    wanted = min(PLACES_PER_PAIR * workers * (workers - 1) // 2, MOST_PLACES)
    places = 1 << max(wanted, FEWEST_PLACES).bit_length() - 1
    sums = np.zeros(places, np.float32)
    last = np.full(places, -1, np.int64)
    copying.sketch(judgments, counts, sums, 0.0, last, np.zeros(0, np.int64))
    kept = min(most, int(np.count_nonzero(sums)))
    if kept == 0:
        return np.zeros(0, np.int32), np.zeros(0, np.int32)
    # Of places with the same sum all are let in or none, so that no order of ids decides.
    least = float(np.partition(sums, -kept)[-kept])
    if np.count_nonzero(sums >= least) > most:
        least = float(np.nextafter(np.float32(least), np.float32(np.inf)))
    # A place may hold several pairs, and one that alternates with another comes repeatedly.
    room = np.zeros(4 * most, np.int64)
    found = copying.sketch(judgments, counts, sums, least, last, room)
    pairs = np.sort(room[:found])  # which other threads need not wait for, as for numpy's unique
    pairs = pairs[np.flatnonzero(np.diff(pairs, prepend=-1))][:most]
    return (pairs // workers).astype(np.int32), (pairs % workers).astype(np.int32)


def _finding(
    judgments: Judgments, null: Independence, ring: Ring, rate: float, answers: Labels
) -> Finding:
    tally = ring.tally
    as_one = tally[copying.WON] >= AS_ONE * tally[copying.BETS]
    return Finding(
        kind=Fraud.ONE_HAND if as_one else Fraud.COPYING,
        workers=ring.workers,
        log_evidence=ring.log_evidence - log(MISFIT),
        rate=rate,
        share=excess(tally),
        suggestion=Suggestion.JOIN,
        numbers={name: float(tally[column]) for name, column in NUMBERS.items()},
        examples=_examples(judgments, null, ring, answers),
    )


def _examples(judgments: Judgments, null: Independence, ring: Ring, answers: Labels) -> Examples:
    """The answers of the ring that an honest worker would have shared with least probability."""
    workers = ring.workers
    member = np.full(len(judgments.voice), -1, np.int32)
    member[workers] = 0
    room = int((judgments.first[workers + 1] - judgments.first[workers]).sum())
    tasks, together = np.zeros(room, np.int32), np.zeros(room, np.int32)
    chances = np.zeros(room)
    found = copying.agreements(
        judgments, null, workers, member, 0, EXPECTED, tasks, together, chances
    )
    # First by how little one would share it, for each of those who did.
    surprise = (together[:found] - 1) * np.log(chances[:found])
    rows = np.lexsort((tasks[:found], surprise))[:ROWS]
    label = np.zeros(len(rows), np.int16)
    for place, row in enumerate(rows):
        begin = judgments.start[tasks[row]]
        block = np.arange(begin, begin + judgments.length[tasks[row]])
        block = block[member[judgments.worker[block]] == 0]
        given = judgments.label[block]
        label[place] = answers[block[given == np.bincount(given).argmax()][0]]
    return Examples(tasks[rows], label, together[rows].astype(np.int16), chances[rows])

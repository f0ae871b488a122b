"""What follows from a worker's sums: evidence against it and for it, changes, and its status.

Evidence is a logarithm, in units of 1 / ONE nats, of a bet's value: what a stake of 1 would have
come to that was laid against one hypothesis, at the odds that it gives. Under the hypothesis such a
value ever reaches 1 / alpha with probability alpha at most (Ville 1939), so that it may be looked
at after every judgment, for a whole life.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.jit import bare
from engine.kernels.evidence import (
    ACCEPTABLE,
    AGREED,
    BAR,
    BLOCK,
    BLOCKS,
    EXPECTED,
    HALFWAY,
    LEVEL,
    LEVELS,
    ONE,
    RIGHT,
    SCORED,
    TOTAL,
    UNACCEPTABLE,
    Longs,
    Record,
    first_on_gold,
)
from engine.kernels.rows import Rows

QUIZ, ACTIVE, TRUSTED, WATCH, PAUSED, BANNED = range(6)
WORSE, HURRIED = 1, 2  # bits of `alarms`: its judgments became worse; it began to rush

# Places in `limits`. Evidence from which a status or an alarm is entered; it is left at half that.
WATCH_AT, PAUSE_AT, BAN_AT, PASS_AT, TRUST_AT, ALARM_AT = range(6)
# Whether there is a quiz; the first level that is not below acceptable; acceptable share right on
# gold; where the quiz has a fixed rule, gold tasks of it, how many of them must be right, and the
# status of those who fail.
QUIZZED, BETTER, ASKED, QUIZ_COUNT, QUIZ_NEEDED, QUIZ_FAILED = range(6, 12)
LIMITS = 12

# Places in `findings`.
AGAINST, PASSING, TRUSTING, DRIFT, SINCE, RUSH, JUDGED, GOLD_SEEN, GOLD_HIT, WITH, ALIKE, WOULD = (
    range(12)
)
QUIZ_SEEN, QUIZ_HIT, QUIZ_ASKED = 12, 13, 14
FINDINGS = 15

# The stake against a worker is laid out by when it may have become bad, and by how bad it may be.
WHOLE_LIFE, LATELY, ON_GOLD = 0, 1, 2  # rows of `stakes`
WHENCE = (0.7, 0.15, 0.15)
CLICKING, HALF_BAD, BAD = 0, 1, 2  # columns: at random, halfway from there, just unacceptable
HOW_BAD = (0.5, 0.25, 0.25)
TERMS = 3 * (BLOCKS + 2)
NEGLIGIBLE = 4 * ONE  # e^4 > TERMS: no sum is larger than its largest term by more

LOGS = 1 << 12  # whole numbers whose logarithms are at hand
FEWEST_TRUSTED = 5  # judgments on gold: nobody is trusted on the word of others alone
# By how much a drop must be likelier than none, beside the alarm's own threshold, for the levels
# before and after are chosen to fit. To bet on each pair would cost a factor of 21; 3 is enough for
# the stated rate in every simulated crowd.
CHOICES = 3

PACES = 64  # steps of quarter octaves; 0 is unknown
OTHERS, OWN = 1, 2  # bits of `waiting`: other judgments of its tasks were taken back, or its own


class Verdicts(NamedTuple):
    """How W workers stand, and by what they are measured."""

    status: npt.NDArray[np.int8]  # [W]
    alarms: npt.NDArray[np.uint8]  # [W] WORSE | HURRIED
    held: npt.NDArray[np.int8]  # [W] status that staff fixed, -1 none
    forgiven: Longs  # [W] evidence that it takes to pause a worker whose pause staff lifted
    rush: Longs  # [W] evidence that it began to rush
    rushing: npt.NDArray[np.uint8]  # [W] whether it is taken to rush, see `engine.kernels.haste`
    usual: Longs  # [W, 3] pace before it began to rush, or else lately
    excused: npt.NDArray[np.uint8]  # [W] staff lifted what came of a failed quiz: it is passed
    settled: Longs  # [W] judgments up to which staff takes the pace to be all right
    waiting: npt.NDArray[np.uint8]  # [W] an act is under way that takes evidence back: OTHERS | OWN
    limits: Longs  # [LIMITS]
    stakes: Longs  # [3, 3] logarithms
    gold_bets: Longs  # [3, 2] on wrong and right, by how bad the worker may be, over ACCEPTABLE
    logs: Longs  # [LOGS] logarithms of whole numbers, that of 0 as if it was 1
    findings: Longs  # [FINDINGS] scratch
    terms: Longs  # [TERMS] scratch
    after: Longs  # [LEVELS + 1] scratch
    counts: Longs  # [PACES] scratch


@bare
def _against(work: Rows, record: Record, verdicts: Verdicts, worker: int) -> int:
    """Evidence that the worker is less than acceptable: at random, halfway or unacceptable; for its
    whole life, since one of its last blocks began, or on gold alone. Block b is staked on with
    1 / b(b + 1) of the whole. Far from any limit the largest term stands for the sum.
    """
    life, recent = record.life, record.recent
    stakes, terms, after = verdicts.stakes, verdicts.terms, verdicts.after
    good = life[worker, ACCEPTABLE]
    terms[0] = stakes[WHOLE_LIFE, CLICKING] - good
    terms[1] = stakes[WHOLE_LIFE, HALF_BAD] + life[worker, HALFWAY] - good
    terms[2] = stakes[WHOLE_LIFE, BAD] + life[worker, UNACCEPTABLE] - good
    right = record.gold_counts[worker, RIGHT]
    wrong = record.gold_counts[worker, TOTAL] - right
    for how in range(3):
        bet = wrong * verdicts.gold_bets[how, 0] + right * verdicts.gold_bets[how, 1]
        terms[3 + how] = stakes[ON_GOLD, how] + bet
    count = 6
    for column in range(3):
        after[column] = 0
    last = (work.length[worker] - 1) // BLOCK
    for block in range(last, max(last - BLOCKS, 0), -1):
        slot = block % BLOCKS
        for column in range(3):
            after[column] += recent[worker, slot, column]
        at = min(block, LOGS - 2)
        stake = verdicts.logs[at] + verdicts.logs[at + 1] + after[ACCEPTABLE]
        terms[count] = stakes[LATELY, CLICKING] - stake
        terms[count + 1] = stakes[LATELY, HALF_BAD] + after[HALFWAY] - stake
        terms[count + 2] = stakes[LATELY, BAD] + after[UNACCEPTABLE] - stake
        count += 3
    most = terms[0]
    for i in range(1, count):
        most = max(most, terms[i])
    if most + NEGLIGIBLE < verdicts.limits[WATCH_AT] // 2:
        return int(most)
    total = 0.0
    for i in range(count):
        total += np.exp((terms[i] - most) / ONE)
    return int(most + np.int64(np.floor(np.log(total) * ONE)))


@bare
def _in_favour(record: Record, verdicts: Verdicts, worker: int) -> tuple[int, int]:
    """Evidence that the worker is above the bar of the quiz; and above the first level that is not
    below acceptable. Stakes are laid out evenly on what is better; the largest term stands for the
    sum."""
    life = record.life
    first = verdicts.limits[BETTER]
    best = np.int64(-(1 << 60))
    for level in range(first + 1, LEVELS):
        best = max(best, life[worker, LEVEL + level])
    better = LEVELS - 1 - first
    passing = max(life[worker, ACCEPTABLE], best) - life[worker, BAR]
    trusting = best - life[worker, LEVEL + first]
    return int(passing - verdicts.logs[better + 1]), int(trusting - verdicts.logs[better])


@bare
def _drift(work: Rows, record: Record, verdicts: Verdicts, worker: int) -> tuple[int, int]:
    """Evidence that the worker became worse, and the index of the judgment from which on.

    How much likelier its judgments are at one level before, and one at least two steps lower from
    the start of one of its last blocks on, than at the one level that fits them all best.
    """
    life, recent, after = record.life, record.recent, verdicts.after
    steady = np.int64(0)
    for level in range(LEVELS):
        steady = max(steady, life[worker, LEVEL + level])
    steady += verdicts.logs[CHOICES]
    for level in range(LEVELS + 1):
        after[level] = 0
    found = np.int64(0)
    since = 0
    last = (work.length[worker] - 1) // BLOCK
    for block in range(last, max(last - BLOCKS, 0), -1):
        slot = block % BLOCKS
        for level in range(LEVELS):
            after[level + 1] += recent[worker, slot, LEVEL + level]
        lower = after[0]
        best = np.int64(-(1 << 60))
        for level in range(2, LEVELS + 1):
            best = max(best, life[worker, LEVEL + level - 1] - after[level] + lower)
            lower = max(lower, after[level - 1])
        if best - steady > found:
            found = best - steady
            since = block * BLOCK
    return int(found), int(since)


@bare
def find_out(votes: Rows, work: Rows, record: Record, verdicts: Verdicts, worker: int) -> None:
    """Fill `findings` with what the worker's status rests on."""
    findings, limits = verdicts.findings, verdicts.limits
    passing, trusting = _in_favour(record, verdicts, worker)
    drift, since = _drift(work, record, verdicts, worker)
    findings[AGAINST] = _against(work, record, verdicts, worker)
    findings[PASSING] = passing
    findings[TRUSTING] = trusting
    findings[DRIFT] = drift
    findings[SINCE] = since
    findings[RUSH] = verdicts.rush[worker]
    findings[JUDGED] = work.length[worker]
    findings[GOLD_SEEN] = record.gold_counts[worker, TOTAL]
    findings[GOLD_HIT] = record.gold_counts[worker, RIGHT]
    findings[WITH] = record.life[worker, SCORED]
    findings[ALIKE] = record.life[worker, AGREED]
    findings[WOULD] = record.life[worker, EXPECTED]
    seen, hit = first_on_gold(votes, work, record, worker, limits[QUIZ_COUNT])
    findings[QUIZ_SEEN] = seen
    findings[QUIZ_HIT] = hit
    findings[QUIZ_ASKED] = limits[QUIZ_NEEDED]


@bare
def _reached(evidence: int, limit: int, stands: Any) -> bool:
    """Whether evidence is enough to enter, or if it stands already not to leave."""
    return evidence >= (limit // 2 if stands else limit)


@bare
def _margin(evidence: int, limit: int) -> int:
    """By how much evidence may move and still be on the same side of the limit."""
    return evidence - limit if evidence >= limit else limit - evidence - 1


@bare
def conclude(verdicts: Verdicts, worker: int, anew: bool) -> tuple[int, int, int]:
    """The status and alarms that the findings come to, and by how much evidence must move at least
    before they can come to others. Staff's word goes before. anew: without regard to how the worker
    stands, as when evidence was taken back."""
    limits, findings = verdicts.limits, verdicts.findings
    was = np.int64(QUIZ if anew else verdicts.status[worker])
    alarms = np.int64(0 if anew else verdicts.alarms[worker])
    worse = _reached(findings[DRIFT], limits[ALARM_AT], alarms & WORSE != 0)
    hurried = verdicts.rushing[worker] != 0
    alarms = np.int64((WORSE if worse else 0) | (HURRIED if hurried else 0))
    bad = findings[AGAINST]
    forgiven = bad < verdicts.forgiven[worker]
    proven = findings[GOLD_SEEN] >= FEWEST_TRUSTED
    proven = proven and findings[GOLD_HIT] * ONE >= findings[GOLD_SEEN] * limits[ASKED]
    ruled = limits[QUIZ_COUNT] > 0
    examined = ruled and verdicts.excused[worker] == 0
    pending = examined and findings[QUIZ_SEEN] < limits[QUIZ_COUNT]
    failed = examined and not pending and findings[QUIZ_HIT] < limits[QUIZ_NEEDED]
    outcome = limits[QUIZ_FAILED] if failed else np.int64(QUIZ)
    if verdicts.held[worker] >= 0:
        status = np.int64(verdicts.held[worker])
    elif outcome == BANNED or (not forgiven and _reached(bad, limits[BAN_AT], was == BANNED)):
        status = np.int64(BANNED)
    elif failed or (not forgiven and _reached(bad, limits[PAUSE_AT], was >= PAUSED)):
        status = np.int64(PAUSED)
    elif pending:
        status = np.int64(QUIZ)
    elif alarms != 0 or _reached(bad, limits[WATCH_AT], was >= WATCH):
        status = np.int64(WATCH)
    elif proven and _reached(findings[TRUSTING], limits[TRUST_AT], was == TRUSTED):
        status = np.int64(TRUSTED)
    elif ruled or limits[QUIZZED] == 0 or _reached(findings[PASSING], limits[PASS_AT], was != QUIZ):
        status = np.int64(ACTIVE)
    else:
        status = np.int64(QUIZ)
    # Where the next look enters or leaves, given the status of now.
    room = _margin(findings[DRIFT], limits[ALARM_AT] // (2 if worse else 1))
    if bad + NEGLIGIBLE < limits[WATCH_AT] // 2:
        room = min(room, limits[WATCH_AT] // 2 - bad - NEGLIGIBLE - 1)
    else:
        room = min(room, _margin(bad, limits[WATCH_AT] // (2 if status >= WATCH else 1)))
        room = min(room, _margin(bad, limits[PAUSE_AT] // (2 if status >= PAUSED else 1)))
        room = min(room, _margin(bad, limits[BAN_AT] // (2 if status == BANNED else 1)))
        room = min(room, _margin(bad, verdicts.forgiven[worker]))
    if proven:
        limit = limits[TRUST_AT] // (2 if status == TRUSTED else 1)
        room = min(room, _margin(findings[TRUSTING], limit))
    if limits[QUIZZED] != 0 and not ruled:
        limit = limits[PASS_AT] // (2 if status != QUIZ else 1)
        room = min(room, _margin(findings[PASSING], limit))
    return int(status), int(alarms), int(room)

"""Who may work: sequential tests on live judgments, with stated rates of false alarms."""

from dataclasses import fields
from math import log
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from engine.arrays import grown, grown_fields
from engine.blank import blank_record, blank_rows, blank_shift, blank_verdicts
from engine.concord import Concord, Crowd
from engine.events import Events
from engine.kernels import evidence, rows, verdict, vetting
from engine.kernels.evidence import UNPLACED
from engine.kernels.rows import Rows
from engine.steps import steps_of
from engine.verdicts import Findings, StatusRules, Transitions, Turn
from engine.yardstick import Yardstick, units

Floats = npt.NDArray[np.float64]
Float32s = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Columns = dict[str, npt.NDArray[Any]]

RELAPSE = 10.0  # how much more evidence it takes to pause a worker whose pause staff lifted

FIRST_FIT = 64  # events until the first table that rests on votes; then each time a quarter more
OUT_ROWS = 64

NO_TRANSITIONS = Transitions.read([])
RULES = [rule.name for rule in fields(StatusRules)]

# The rules that say what a judgment is worth, and from which pace on there is an alarm; the others
# are limits of what the judgments of a worker come to.
OF_JUDGMENTS = ("acceptable", "unacceptable", "crowd_share", "consensus", "drift_alarms")

_LISTS = ("start", "length", "capacity")
_POOL = ("member", "note")
_SUMS = ("life", "recent", "gold_counts", "room")
_KEPT = ("status", "alarms", "held", "forgiven", "excused", "settled", "waiting")
_STANDING = (*_KEPT, "rush", "rushing", "usual")


class StatusTests:
    """The status of each worker, current after every batch of events.

    Labels, tasks and workers are dense ids from 0. Not the label model's posteriors but the votes
    themselves are the evidence: those of a task's other workers, and how a vote of the crowd goes
    with them, which is learned as the log grows. A ring of copiers can capture a posterior, and a
    refit would move it for reasons that have nothing to do with the worker.

    The state depends on the sequence of events, not on how it was cut into batches. What a worker's
    judgments say depends on the live ones alone, whatever came between and was taken back.
    """

    def __init__(self, labels: int, rules: StatusRules | None = None) -> None:
        self.labels = labels
        self._concord = Concord(labels)
        self._yardstick = Yardstick(self._concord, rules or StatusRules())
        self._votes = blank_rows(np.int32)
        self._work = blank_rows(np.uint8)
        self._record = blank_record(self._concord)
        self._verdicts = blank_verdicts()
        self._shift = blank_shift(labels)
        self._out = np.empty((OUT_ROWS, vetting.TRANSITION), np.int64)
        self._turns = np.empty((OUT_ROWS, vetting.TURN))
        self._crowds: list[Crowd] = []
        self._add_table()
        self._bind()

    @property
    def rules(self) -> StatusRules:
        """By what workers are measured."""
        return self._yardstick.rules

    @property
    def held_to(self) -> tuple[float, float]:
        """The accuracy on gold that is enough of a worker, and the one that is too little, in the
        crowd as far as it is known now."""
        good, bad, *_ = self._yardstick.standards(self._crowds[-1])
        return good.accuracy, bad.accuracy

    @property
    def work(self) -> Rows:
        """Each worker's tasks in the order in which it judged them, and the paces; they move when
        they grow."""
        return self._work

    def paces_of(self, worker: int, most: int) -> tuple[Ints, Floats]:
        """The tasks int32[n] that the worker judged last, at most so many, in that order, and the
        logarithm of the time it took for each, float64[n], NaN where unknown."""
        end = int(self._work.start[worker] + self._work.length[worker])
        rows = slice(end - min(int(self._work.length[worker]), most), end)
        notes = self._work.note[rows].astype(np.float64)
        return self._work.member[rows], np.where(notes > 0, notes, np.nan)

    def judges_of(self, task: int) -> Ints:
        """The workers with a live judgment of the task, in the order in which these came."""
        if task >= len(self._votes.start):
            return np.zeros(0, np.int32)
        first = int(self._votes.start[task])
        return self._votes.member[first : first + int(self._votes.length[task])]

    def judged_by(self, worker: int, most: int | None = None) -> Ints:
        """The tasks of the worker's live judgments in the order in which it judged them; `most`:
        the last ones only, at most so many."""
        if worker >= len(self._work.start):
            return np.zeros(0, np.int32)
        tasks = _listed(self._work, worker)
        return tasks if most is None else tasks[-most:]

    def apply(
        self,
        events: Events,
        seconds: Float32s | None = None,
        parts: npt.NDArray[np.bool_] | None = None,
    ) -> tuple[Transitions, list[Turn]]:
        """Fold events into the state, in order. seconds [n]: what the judgments took, NaN unknown.
        parts [n]: events of an act that takes judgments back, gives them back or moves gold;
        whoever they are about stands as before until `settle`.

        Returns whose standing changed, and what alarms of the project were raised or ended. Raises
        ValueError, with nothing changed, on ids below 0 or labels that do not exist.
        Cost: O(judgments of the event's task) an event.
        """
        paces = np.zeros(len(events), np.uint8) if seconds is None else steps_of(seconds)
        if parts is None:
            parts = np.zeros(len(events), np.bool_)
        transitions: list[Longs] = []
        turns: list[Turn] = []
        done, why = 0, vetting.NO_ROOM
        while why != vetting.DONE:
            done, why, told, turned = vetting.apply(
                events.kind,
                events.task,
                events.worker,
                events.label,
                paces,
                parts,
                done,
                self._handle,
                -log(self.rules.project_error),
                self._out,
                self._turns,
            )
            if told:
                transitions.append(self._out[:told].copy())
            if turned:
                turns += [Turn.read(row) for row in self._turns[:turned]]
            if why == vetting.FIT_DUE:
                self._add_table()
                self._bind()
            elif why == vetting.NO_ROOM:
                self._reserve_rows(events, done)
            elif why == vetting.OUT_FULL:
                longest = int(self._votes.length[events.task[done]])
                self._out = grown(self._out, longest + OUT_ROWS)
            elif why == vetting.TOO_SMALL:
                self._reserve(int(events.task.max()) + 1, int(events.worker.max()) + 1)
            elif why == vetting.BAD_ID:
                raise ValueError("task and worker ids must not be negative")
            elif why == vetting.BAD_LABEL:
                raise ValueError(f"labels must lie in 0 to {self.labels - 1}")
        return Transitions.read(transitions) if transitions else NO_TRANSITIONS, turns

    def set_rules(self, rules: StatusRules) -> Transitions:
        """Measure by other rules, all judgments there are as well.

        Cost: O(workers), and O(judgments), .12 us each, where one of OF_JUDGMENTS is another.
        """
        before = self.rules
        self._yardstick = Yardstick(self._concord, rules)
        self._yardstick.set_limits(self._verdicts, self._crowds[-1])
        if any(getattr(rules, name) != getattr(before, name) for name in OF_JUDGMENTS):
            for version, crowd in enumerate(self._crowds):
                self._yardstick.fill(self._record.tables[version], crowd)
            vetting.sum_up(self._handle)
        seen = int(self._record.progress[evidence.WORKERS_SEEN])
        self._verdicts.status[seen:] = self._entry
        return self._decide(np.flatnonzero(self._verdicts.waiting[:seen] == 0))

    def settle(self) -> Transitions:
        """Judge whom acts were about that are whole now. Cost: O(judgments) of the workers whose
        own were taken back or given back."""
        waiting = np.flatnonzero(self._verdicts.waiting)
        out = np.empty((len(waiting), vetting.TRANSITION), np.int64)
        told = vetting.settle(self._handle, waiting.astype(np.int32), out)
        return Transitions.read([out[:told]])

    def accept_pace(self, worker: int) -> Transitions:
        """Take a worker's pace up to now to be all right, by staff's word: it is what later
        judgments are held against. Whoever waits for the end of an act is judged then."""
        self._see(worker)
        vetting.accept_pace(self._handle, worker)
        if self._verdicts.waiting[worker]:
            return NO_TRANSITIONS
        return self._decide(np.array([worker]))

    def hold(self, worker: int, status: int | None) -> Transitions:
        """Fix a worker's status, an index into STATUSES, by staff's word; None: no longer."""
        self._see(worker)
        self._verdicts.held[worker] = -1 if status is None else status
        return self._decide(np.array([worker]))

    def lift(self, worker: int) -> Transitions:
        """Lift a worker's pause or ban. The evidence stays; it takes RELAPSE times as much to pause
        it again, and no less if it falls meanwhile. A quiz that it failed counts as passed."""
        self._see(worker)
        found = self._find_out(np.array([worker]))[0]
        against = found[verdict.AGAINST]
        if found[verdict.QUIZ_SEEN] >= self._verdicts.limits[verdict.QUIZ_COUNT] > 0:
            self._verdicts.excused[worker] = 1
        self._verdicts.held[worker] = -1
        self._verdicts.forgiven[worker] = against + units(RELAPSE)
        return self._decide(np.array([worker]))

    def status(self, workers: Ints) -> npt.NDArray[np.int8]:
        """Status of each of the workers, as indices into STATUSES."""
        self._reserve(0, int(workers.max(initial=-1)) + 1)
        return self._verdicts.status[workers]

    def held(self, workers: Ints) -> npt.NDArray[np.int8]:
        """The status that staff fixed of each of the workers, -1 where there is none."""
        self._reserve(0, int(workers.max(initial=-1)) + 1)
        return self._verdicts.held[workers]

    def alarms(self, workers: Ints) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Whether each of the workers became worse, and whether it began to rush."""
        self._reserve(0, int(workers.max(initial=-1)) + 1)
        alarms = self._verdicts.alarms[workers]
        return alarms & verdict.WORSE != 0, alarms & verdict.HURRIED != 0

    def findings(self, workers: Ints) -> Findings:
        """What their status rests on."""
        self._reserve(0, int(workers.max(initial=-1)) + 1)
        return Findings.read(self._find_out(workers))

    def state(self) -> Columns:
        """Everything that cannot be made anew, as copied arrays; see `from_state`."""
        progress = self._record.progress
        tasks, workers = progress[evidence.TASKS_SEEN], progress[evidence.WORKERS_SEEN]
        columns: Columns = {
            "labels": np.array(self.labels),
            "rules": np.array([float(getattr(self.rules, name)) for name in RULES]),
            "progress": progress.copy(),
            "shares": np.stack([crowd.shares for crowd in self._crowds]),
            "crowds": np.array([(crowd.accuracy, crowd.doubt) for crowd in self._crowds]),
            "gold": self._record.gold[:tasks].copy(),
        }
        for name, lists, count in (("votes", self._votes, tasks), ("work", self._work, workers)):
            length = lists.length[:count].copy()
            member = np.empty(int(length.sum()), np.int32)
            note = np.empty(len(member), lists.note.dtype)
            rows.gather(lists, count, member, note)
            if lists is self._votes:
                note &= UNPLACED  # where a judgment is in its worker's list follows from that
            columns |= {f"{name}.length": length, f"{name}.member": member, f"{name}.note": note}
        for name in _KEPT:
            columns[name] = getattr(self._verdicts, name)[:workers].copy()
        for name in ("total", "recent", "progress", "found"):
            columns[f"shift.{name}"] = getattr(self._shift, name).copy()
        return columns

    @classmethod
    def from_state(cls, columns: Columns) -> Self:
        """The tests whose `state` this is. Raises KeyError or ValueError if it is not one.

        Cost: O(judgments).
        """
        rules = dict(zip(RULES, columns["rules"].tolist(), strict=True))
        rules |= {name: bool(rules[name]) for name in ("quiz", "consensus", "quiz_bans")}
        rules |= {name: int(rules[name]) for name in ("quiz_count", "quiz_right")}
        tests = cls(int(columns["labels"]), StatusRules(**rules))
        tests._crowds.clear()
        for shares, known in zip(columns["shares"], columns["crowds"].tolist(), strict=True):
            tests._add_crowd(Crowd(shares.copy(), *known))
        tests._record.progress[:] = columns["progress"]
        progress = tests._record.progress
        tasks, workers = int(progress[evidence.TASKS_SEEN]), int(progress[evidence.WORKERS_SEEN])
        tests._reserve(tasks, workers)
        tests._record.gold[:tasks] = columns["gold"]
        count = np.zeros(0, np.int32)
        for name, lists in (("votes", tests._votes), ("work", tests._work)):
            length, member = columns[f"{name}.length"], columns[f"{name}.member"]
            if int(length.sum()) != len(member):
                raise ValueError(f"{name} has {len(member)} rows, not {int(length.sum())}")
            pool = grown_fields(lists, _POOL, 2 * len(member) + 2 * len(length))
            rows.scatter(pool, length, member, columns[f"{name}.note"])
            setattr(tests, f"_{name}", pool)
            count = length if name == "votes" else count
        before = grown(tests._record.before, int(count.max(initial=0)) + 1)
        tests._record = tests._record._replace(before=before)
        for name in _KEPT:
            getattr(tests._verdicts, name)[:workers] = columns[name]
        for name in ("total", "recent", "progress", "found"):
            getattr(tests._shift, name)[:] = columns[f"shift.{name}"]
        tests._yardstick.set_limits(tests._verdicts, tests._crowds[-1])
        tests._bind()
        vetting.sum_up(tests._handle)
        return tests

    @property
    def _entry(self) -> int:
        """The status of a worker of whom nothing is known."""
        return verdict.QUIZ if self.rules.quiz else verdict.ACTIVE

    def _see(self, worker: int) -> None:
        """Take note that there is such a worker."""
        self._reserve(0, worker + 1)
        progress = self._record.progress
        progress[evidence.WORKERS_SEEN] = max(progress[evidence.WORKERS_SEEN], worker + 1)

    def _decide(self, workers: npt.NDArray[Any]) -> Transitions:
        out = np.empty((len(workers), vetting.TRANSITION), np.int64)
        told = vetting.look_at(self._handle, workers.astype(np.int32), out)
        return Transitions.read([out[:told]])

    def _find_out(self, workers: npt.NDArray[Any]) -> Longs:
        out = np.empty((len(workers), verdict.FINDINGS), np.int64)
        vetting.find_out(self._handle, workers.astype(np.int32), out)
        return out

    def _add_table(self) -> None:
        """Learn what the crowd is like now, for the judgments that come from now on."""
        progress = self._record.progress
        right, total = int(progress[evidence.GOLD_RIGHT]), int(progress[evidence.GOLD_TOTAL])
        self._add_crowd(self._concord.learn(self._record.patterns, right, total))
        events = int(progress[evidence.EVENTS])
        progress[evidence.FIT_AT] = max(events + events // 4, FIRST_FIT)
        self._yardstick.set_limits(self._verdicts, self._crowds[-1])
        self._record.room[:] = -1  # bets on gold have other odds now

    def _add_crowd(self, crowd: Crowd) -> None:
        version = len(self._crowds)
        self._crowds.append(crowd)
        tables = grown(self._record.tables, version + 1)
        self._yardstick.fill(tables[version], crowd)
        self._record = self._record._replace(tables=tables)
        self._record.progress[evidence.LATEST] = version

    def _bind(self) -> None:
        """Show the kernels where the arrays are now."""
        self._handle = vetting.bind(
            self._votes, self._work, self._record, self._verdicts, self._shift
        )

    def _reserve(self, tasks: int, workers: int) -> None:
        """Make room for ids below `tasks` and `workers`."""
        if tasks <= len(self._record.gold) and workers <= len(self._verdicts.status):
            return
        if tasks > len(self._record.gold):
            filled = len(self._record.gold)
            self._votes = grown_fields(self._votes, _LISTS, tasks)
            self._record = grown_fields(self._record, ("gold",), tasks)
            self._record.gold[filled:] = -1
        if workers > len(self._verdicts.status):
            filled = len(self._verdicts.status)
            self._work = grown_fields(self._work, _LISTS, workers)
            self._record = grown_fields(self._record, _SUMS, workers)
            self._verdicts = grown_fields(self._verdicts, _STANDING, workers)
            self._verdicts.held[filled:] = -1
            self._verdicts.status[filled:] = self._entry
        self._bind()

    def _reserve_rows(self, events: Events, done: int) -> None:
        """Make room in the pools for the events from `done` on."""
        count = len(events) - done
        task, worker = events.task[done:], events.worker[done:]
        longest = int(self._votes.length[task].max()), int(self._work.length[worker].max())
        pools = [
            grown_fields(lists, _POOL, int(lists.free[rows.USED]) + 4 * count + 4 * most)
            for lists, most in zip((self._votes, self._work), longest, strict=True)
        ]
        self._votes, self._work = pools
        before = grown(self._record.before, longest[0] + count + 1)
        self._record = self._record._replace(before=before)
        self._bind()


def _listed(lists: Rows, owner: int) -> Ints:
    first = int(lists.start[owner])
    return lists.member[first : first + int(lists.length[owner])]

"""What becomes of each submitted judgment: stored, there already, a revision or a refusal."""

from datetime import timedelta
from math import isnan
from typing import Final

from api.acts import Row
from api.codes import Code
from api.flush.caps import beyond
from api.flush.lookups import Sent
from api.flush.muting import mute, spoken_for
from api.flush.plan import Plan
from api.flush.requests import Submit
from api.policy import NOTHING
from api.state.directory import storable
from api.state.leases import EXPIRED, JUDGED, RELEASED, EndedLease, OpenLease
from api.state.vetting import BANNED

MOST_SECONDS: Final = 604_800.0  # a week, as long as the longest lease

_ENDED: Final = {
    EXPIRED: Code.LEASE_EXPIRED,
    RELEASED: Code.LEASE_RELEASED,
    JUDGED: Code.LEASE_USED,
}

# Refusals that tell how many have a task. Gold is handed out whatever they say, and others are not:
# so a worker gets no lease of a task for which it was refused.
_OF_TASK: Final = {Code.OVERLAP_FULL, Code.COHORT_FULL}


def plan_judgments(plan: Plan, request: Submit) -> None:
    """Decide on each row in order; later rows see what earlier ones of the same flush did.

    Fills the request's `code`, `seq` and `task`. This loop runs for every judgment there is: plain
    columns and look-ups in dicts, no object made for a row but what is stored.
    """
    memory, known, rows = plan.memory, plan.known, request.rows
    book, load = memory.leases, memory.load.data
    open_leases, pairs, ended = book.open, book.pairs, book.ended
    placeless = memory.placeless
    voided, required, last = memory.voided, memory.standing.required, known.seqs
    acts = rows.own and memory.project.policy.act_on_status
    barred = memory.vetting.barred if acts else {}
    untold = rows.own and memory.project.policy.tell_workers == NOTHING
    if untold and voided:
        barred, voided = barred | dict.fromkeys(voided, BANNED), {}
    voices = memory.voices
    known_leases = known.leases
    policy = memory.project.policy
    made, revisable = known.made, plan.now - timedelta(seconds=policy.revision_seconds)
    overlap, require_lease = policy.overlap, rows.require_lease
    limited = policy.limited
    task_count, worker_count = len(memory.tasks), len(memory.workers)
    label_count = len(memory.project.labels)
    revises = policy.allow_revision and not policy.quiz_feedback
    judged, client_ids, dirty = plan.judged, known.client_ids, plan.dirty
    stored = plan.entries.judgments
    seq = plan.seq
    codes = request.code = [""] * len(rows.worker)
    seqs = request.seq = [-1] * len(rows.worker)

    workers, labels, seconds = rows.worker.tolist(), rows.label.tolist(), rows.seconds.tolist()
    columns = (workers, request.task, labels, rows.lease_id, rows.client_id, seconds)
    for row, (worker, task, label, lease_id, client_id, took) in enumerate(
        zip(*columns, strict=True)
    ):
        if not 0 <= worker < worker_count:
            codes[row] = Code.UNKNOWN_WORKER
            continue
        if voided and worker in voided:
            codes[row] = Code.WORKER_VOIDED
            continue
        if not 0 <= label < label_count:
            codes[row] = Code.UNKNOWN_LABEL
            continue
        if not (isnan(took) or 0 <= took <= MOST_SECONDS):
            codes[row] = Code.INVALID_INPUT
            continue
        if client_id is not None:
            if not storable(client_id):
                codes[row] = Code.INVALID_TEXT
                continue
            sent = client_ids.get((worker, client_id))
            if sent is not None:
                # A repetition gets its first answer, also where that judgment was revised since.
                if sent.label == label and sent.task == task:
                    codes[row], seqs[row] = Code.DUPLICATE, sent.seq
                else:
                    codes[row] = Code.CLIENT_ID_REUSED
                continue

        lease: OpenLease | EndedLease | None = None
        if lease_id is not None:
            key = lease_id.int
            lease = open_leases.get(key) or ended.get(key) or known_leases.get(key)
            if lease is None:
                codes[row] = Code.LEASE_NOT_FOUND
                continue
            if lease.worker != worker:
                codes[row] = Code.LEASE_FOREIGN
                continue
            if task != lease.task:
                codes[row] = Code.LEASE_OTHER_TASK
                continue
        if not 0 <= task < task_count:
            left_to_lease = task == -1 and require_lease
            codes[row] = Code.LEASE_REQUIRED if left_to_lease else Code.UNKNOWN_TASK
            continue

        key = task << 32 | worker  # pair(task, worker), spelt out: it is the hottest line
        supersedes, via, cost = None, lease_id, 0
        standing, earlier = judged.get(key) or (request.standing[row], None)
        group = voices.group(worker) if voices else None
        muted = group is not None and spoken_for(plan, task, group, worker)
        if muted and standing < 0:
            standing = known.muted.get(key, -1)  # to its worker it looks as if it counted
        if barred and worker in barred and standing != label:
            # What it holds a paused worker may finish; what is stored already is only repeated.
            # It replaces none: who knows that it failed a quiz could turn all its answers round.
            banned = barred[worker] == BANNED
            held = key in pairs or isinstance(lease, EndedLease)
            if banned or standing >= 0 or not held:
                if untold:
                    codes[row] = _pretext(standing, lease, require_lease)
                else:
                    codes[row] = Code.WORKER_BANNED if banned else Code.WORKER_PAUSED
                continue
        if standing >= 0:
            supersedes = last[key] if earlier is None else earlier
            if standing == label:
                codes[row], seqs[row] = Code.DUPLICATE, supersedes
            elif not (revises and (earlier is not None or made[key] >= revisable)):
                codes[row] = Code.TASK_CLOSED
                continue
            own = pairs.get(key)
            if own is not None:
                plan.free(own, JUDGED)
            if codes[row]:
                continue
        elif isinstance(lease, EndedLease):
            codes[row] = _ENDED[lease.outcome]
            continue
        elif lease is not None:
            plan.end(lease, JUDGED)  # its place goes to the judgment
            cost = lease.price
        elif require_lease:
            codes[row] = Code.LEASE_REQUIRED
            continue
        elif (own := pairs.get(key)) is not None:
            plan.end(own, JUDGED)
            via, cost = own.lease_id, own.price
        else:
            placed = worker not in placeless  # if not, it comes on top of what the task needs
            if placed and load[task] >= overlap and load[task] >= required[task]:
                codes[row] = Code.OVERLAP_FULL
            elif limited:
                codes[row] = beyond(plan, worker, task, label, paid=key in last)
            if codes[row]:
                if rows.own and codes[row] in _OF_TASK:
                    memory.passed.note(worker, task)
                continue
            cost = memory.price_for(worker)
            if placed:
                load[task] += 1
                dirty.add(task)

        if supersedes is None and last:
            supersedes = last.get(key)  # voided, or else it would stand
        seq += 1
        seqs[row] = seq
        stored.seq.append(seq)
        stored.task.append(task)
        stored.worker.append(worker)
        stored.label.append(label)
        stored.supersedes.append(supersedes)
        stored.lease_id.append(via)
        stored.client_id.append(client_id)
        stored.seconds.append(None if isnan(took) else took)
        stored.price.append(cost or None if supersedes is None else None)
        judged[key] = (label, seq)
        if client_id is not None:
            client_ids[worker, client_id] = Sent(seq, task, label)
        if group is not None and muted:
            plan.seq = seq
            mute(plan, group, Row(seq, task, worker, label), placed=standing < 0)
            seq = plan.seq
    plan.seq = seq


def _pretext(standing: int, lease: OpenLease | EndedLease | None, require_lease: bool) -> Code:
    """What a worker is told who must not learn that it is paused, banned or voided: what it would
    hear if the task was taken."""
    if standing >= 0:
        return Code.TASK_CLOSED
    if isinstance(lease, EndedLease):
        return _ENDED[lease.outcome]
    return Code.LEASE_REQUIRED if lease is None and require_lease else Code.OVERLAP_FULL

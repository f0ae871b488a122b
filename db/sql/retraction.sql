-- name: insert_retractions
-- Judgments that are voided or restored, part of the flush that decides so.
insert into retraction (project_id, seq, decision, judgment, task_id, worker_id, label_id, restores,
                        turns)
select $1, row.*
from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::integer[], $6::integer[], $7::smallint[],
            $8::boolean[], $9::boolean[]) as row;

-- name: decision_by_client_id
-- What was decided under this client id before.
select seq, kind, body from decision where project_id = $1 and client_id = $2;

-- name: standing_of_seqs
-- Judgments by seq; whether each is the last of its task and worker; whether it is voided: held back by
-- a decision that is none of $3; and whether it counts.
select judgment.seq, judgment.task_id, judgment.worker_id, judgment.label_id,
       not exists (
           select from judgment as later
           where later.project_id = $1 and later.supersedes = judgment.seq
       ) as last,
       exists (
           select from retraction
           where retraction.project_id = $1 and retraction.judgment = judgment.seq
               and not retraction.restores and retraction.decision <> all ($3::bigint[])
               and not exists (
                   select from retraction as back
                   where back.project_id = $1 and back.judgment = judgment.seq
                       and back.decision = retraction.decision and back.seq > retraction.seq
               )
       ) as voided,
       coalesce((
           select retraction.restores
           from retraction
           where retraction.project_id = $1 and retraction.judgment = judgment.seq
               and retraction.turns
           order by retraction.seq desc
           limit 1
       ), true) as counts
from judgment
where judgment.project_id = $1 and judgment.seq = any ($2::bigint[]) and judgment.label_id is not null
order by judgment.seq;

-- name: judgment_times
-- When judgments came.
select seq, created_at
from judgment
where project_id = $1 and seq = any ($2::bigint[])
order by seq;

-- name: held_by
-- Judgments that some decisions hold back still, in the order in which they were, each the last of its
-- task and worker; and whether no other decision holds it back. $3, if given: only these judgments.
select retraction.decision, retraction.judgment, retraction.task_id, retraction.worker_id,
       retraction.label_id, judgment.seconds,
       not exists (
           select from retraction as other
           where other.project_id = $1 and other.judgment = retraction.judgment
               and other.decision <> all ($2::bigint[]) and not other.restores
               and not exists (
                   select from retraction as back
                   where back.project_id = $1 and back.judgment = other.judgment
                       and back.decision = other.decision and back.seq > other.seq
               )
       ) as alone
from retraction
join judgment on judgment.project_id = $1 and judgment.seq = retraction.judgment
where retraction.project_id = $1 and retraction.decision = any ($2::bigint[])
    and not retraction.restores
    and ($3::bigint[] is null or retraction.judgment = any ($3::bigint[]))
    and not exists (
        select from retraction as back
        where back.project_id = $1 and back.judgment = retraction.judgment
            and back.decision = retraction.decision and back.seq > retraction.seq
    )
    and not exists (
        select from judgment as later
        where later.project_id = $1 and later.supersedes = retraction.judgment
    )
order by retraction.seq
limit $4;

-- name: retracted_tasks
-- Tasks of which a judgment was held back at some time.
select distinct task_id from retraction where project_id = $1 and seq <= $2;

-- name: refit_is_owed
-- Whether judgments were voided or restored, or staff decided on gold, after the last refit that such
-- an act began. What was muted as it came, in the entry after it, was never learned for long.
select greatest(
    (select max(seq) from retraction where project_id = $1 and seq <> judgment + 1),
    (select max(seq) from decision
     where project_id = $1 and kind in ('GOLD_SET', 'GOLD_WITHDRAWN', 'GOLD_STATE') and client_id is not null)
) > coalesce((
    select max(seq) from decision
    where project_id = $1 and kind = 'REFIT' and (body ->> 'begin')::boolean
), 0);

-- name: acts_between
-- Decisions of staff that change more than judgments and gold do: policies, reopened tasks, voided and
-- joined workers, their attributes, refits, what is said of a worker's status or, resolving an alert, of
-- its pace; appeals; and calibrations.
select seq, kind, task_id, worker_id, body
from decision
where project_id = $1 and seq > $2 and seq <= $3
    and kind in ('POLICY_CHANGED', 'TASK_REOPENED', 'WORKER_VOIDED', 'WORKER_RESTORED',
                 'WORKER_DECLARED', 'STATUS_HELD', 'STATUS_FREED', 'PAUSE_LIFTED', 'WORKER_APPEALED',
                 'APPEAL_ANSWERED', 'REFIT', 'WORKERS_JOINED', 'WORKERS_SPLIT', 'CALIBRATED',
                 'ALERT_RESOLVED')
    and (kind <> 'ALERT_RESOLVED' or worker_id is not null)
order by seq;

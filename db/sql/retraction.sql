-- name: insert_retractions
-- Judgments that are voided or restored, part of the flush that decides so.
insert into retraction (project_id, seq, decision, judgment, task_id, worker_id, label_id, restores)
select $1, row.*
from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::integer[], $6::integer[], $7::smallint[],
            $8::boolean[]) as row;

-- name: decision_by_client_id
-- What was decided under this client id before.
select seq, kind, body from decision where project_id = $1 and client_id = $2;

-- name: standing_of_seqs
-- Judgments by seq, and whether each counts: it is the last of its task and worker, and not voided.
select judgment.seq, judgment.task_id, judgment.worker_id, judgment.label_id,
       not exists (
           select from judgment as later
           where later.project_id = $1 and later.supersedes = judgment.seq
       ) and not coalesce((
           select not retraction.restores
           from retraction
           where retraction.project_id = $1 and retraction.judgment = judgment.seq
           order by retraction.seq desc
           limit 1
       ), false) as counts
from judgment
where judgment.project_id = $1 and judgment.seq = any ($2::bigint[]) and judgment.label_id is not null
order by judgment.seq;

-- name: judgment_times
-- When judgments came.
select seq, created_at
from judgment
where project_id = $1 and seq = any ($2::bigint[])
order by seq;

-- name: voided_by
-- Judgments that one decision voided and that are voided still, in the order in which they were.
select retraction.judgment, retraction.task_id, retraction.worker_id, retraction.label_id,
       judgment.seconds
from retraction
join judgment on judgment.project_id = $1 and judgment.seq = retraction.judgment
where retraction.project_id = $1 and retraction.decision = $2 and not retraction.restores
    and not exists (
        select from retraction as later
        where later.project_id = $1 and later.judgment = retraction.judgment
            and later.seq > retraction.seq
    )
order by retraction.seq
limit $3;

-- name: retracted_tasks
-- Tasks of which a judgment was voided at some time.
select distinct task_id from retraction where project_id = $1 and seq <= $2;

-- name: refit_is_owed
-- Whether judgments were voided or restored, or staff decided on gold, after the last refit that such
-- an act began.
select greatest(
    (select max(seq) from retraction where project_id = $1),
    (select max(seq) from decision
     where project_id = $1 and kind in ('GOLD_SET', 'GOLD_WITHDRAWN') and client_id is not null)
) > coalesce((
    select max(seq) from decision
    where project_id = $1 and kind = 'REFIT' and (body ->> 'begin')::boolean
), 0);

-- name: acts_between
-- Decisions of staff that change more than judgments and gold do: policies, reopened tasks, voided
-- workers, refits, what is said of a worker's status; and appeals.
select seq, kind, task_id, worker_id, body
from decision
where project_id = $1 and seq > $2 and seq <= $3
    and kind in ('POLICY_CHANGED', 'TASK_REOPENED', 'WORKER_VOIDED', 'WORKER_RESTORED',
                 'STATUS_HELD', 'STATUS_FREED', 'PAUSE_LIFTED', 'WORKER_APPEALED',
                 'APPEAL_ANSWERED', 'REFIT')
order by seq;

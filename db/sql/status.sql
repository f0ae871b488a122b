-- name: verdicts_between
-- What the engine decided about workers and the project, and the entry of the log that led to it.
select seq, kind, worker_id, (body ->> 'event')::bigint as event, body ->> 'of' as of
from decision
where project_id = $1 and seq > $2 and seq <= $3 and kind in ('STATUS_CHANGED', 'PROJECT_CHANGED')
order by seq;

-- name: standing_decisions
-- The last decisions about the status of each worker up to a seq, the latest first.
select asked.worker_id, decided.seq, decided.kind, decided.body, decided.actor, decided.created_at
from unnest($2::integer[]) as asked (worker_id)
cross join lateral (
    select seq, kind, body, actor, created_at
    from decision
    where decision.project_id = $1 and decision.worker_id = asked.worker_id
        and ($3::bigint is null or decision.seq <= $3)
        and decision.kind in ('STATUS_CHANGED', 'STATUS_HELD', 'STATUS_FREED', 'PAUSE_LIFTED',
                              'WORKER_APPEALED', 'APPEAL_ANSWERED')
    order by decision.seq desc
    limit $4
) as decided
order by asked.worker_id, decided.seq desc;

-- name: decisions_of_seqs
-- Some decisions, in the order of the log.
select seq, kind, worker_id, body, actor, created_at
from decision
where project_id = $1 and seq = any ($2::bigint[])
order by seq;

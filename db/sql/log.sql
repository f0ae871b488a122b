-- name: append
-- Make one flush durable: new judgments, decisions and leases, and the ends of leases; gives the leased tasks' content.
-- Rows are made in the order closings, grants: a worker may get a task again in the flush that ends its old lease.
with closed as (
    update lease set closed_at = $2, outcome = gone.outcome
    from unnest($3::uuid[], $4::text[]) as gone (lease_id, outcome)
    where lease.project_id = $1 and lease.lease_id = gone.lease_id and lease.closed_at is null
    returning 1
),
judged as (
    insert into judgment (project_id, seq, task_id, worker_id, label_id, supersedes, lease_id,
                          client_id, seconds, price, created_at)
    select $1, row.*, $2
    from unnest($5::bigint[], $6::integer[], $7::integer[], $8::smallint[], $9::bigint[],
                $10::uuid[], $11::text[], $12::real[], $13::integer[]) as row
),
decided as (
    insert into decision (project_id, seq, kind, task_id, body, actor, worker_id, client_id,
                          created_at)
    select $1, row.*, $2
    from unnest($14::bigint[], $15::text[], $16::integer[], $17::jsonb[], $18::text[],
                $19::integer[], $20::text[]) as row
),
granted as (
    insert into lease (project_id, granted_at, lease_id, seq, task_id, worker_id, expires_at,
                       closed_at, outcome, price)
    select $1, $2, row.lease_id, row.seq, row.task_id, row.worker_id, row.expires_at,
           case when row.outcome is not null then $2 end, row.outcome, row.price
    from unnest($21::uuid[], $22::bigint[], $23::integer[], $24::integer[], $25::timestamptz[],
                $26::text[], $28::integer[])
        as row (lease_id, seq, task_id, worker_id, expires_at, outcome, price)
    where (select count(*) from closed) >= 0
)
select task.task_id, task.external_id, task.payload
from task
where task.project_id = $1 and task.task_id = any ($27::integer[]);

-- name: append_judgments
-- The common flush, judgments only, with the leases they use up; a plan of fewer steps.
with closed as (
    update lease set closed_at = $2, outcome = gone.outcome
    from unnest($3::uuid[], $4::text[]) as gone (lease_id, outcome)
    where lease.project_id = $1 and lease.lease_id = gone.lease_id and lease.closed_at is null
)
insert into judgment (project_id, seq, task_id, worker_id, label_id, supersedes, lease_id,
                      client_id, seconds, price, created_at)
select $1, row.*, $2
from unnest($5::bigint[], $6::integer[], $7::integer[], $8::smallint[], $9::bigint[],
            $10::uuid[], $11::text[], $12::real[], $13::integer[]) as row;

-- name: judgments_by_client_id
-- What workers have sent under these client ids before.
select asked.row, judgment.seq, judgment.task_id, judgment.label_id
from unnest($2::integer[], $3::integer[], $4::text[]) as asked (row, worker_id, client_id)
join judgment using (worker_id, client_id)
where judgment.project_id = $1 and judgment.client_id is not null;

-- name: live_judgments
-- Each worker's standing judgment of a task: the last revision, or else the first.
select asked.task_id, asked.worker_id, judgment.seq, judgment.created_at
from unnest($2::integer[], $3::integer[]) as asked (task_id, worker_id)
cross join lateral (
    select seq, created_at
    from (
        (
            select seq, created_at from judgment
            where project_id = $1 and task_id = asked.task_id and worker_id = asked.worker_id
                and supersedes is not null
            order by seq desc
            limit 1
        )
        union all
        (
            select seq, created_at from judgment
            where project_id = $1 and task_id = asked.task_id and worker_id = asked.worker_id
                and supersedes is null
        )
    ) as either
    order by seq desc
    limit 1
) as judgment;

-- name: ended_leases
-- What became of leases that memory has forgotten.
select lease_id, task_id, worker_id, outcome
from lease
where project_id = $1 and lease_id = any ($2::uuid[]) and outcome is not null;

-- name: open_leases
-- All open leases of a project, for a start.
select lease_id, task_id, worker_id, expires_at, price
from lease
where project_id = $1 and closed_at is null;

-- name: passed_tasks
-- The tasks of each worker's last leases that ended without a judgment, in the order of the leases.
select passed.worker_id, passed.task_id
from worker
cross join lateral (
    select worker_id, task_id, seq
    from lease
    where project_id = $1 and lease.worker_id = worker.worker_id
        and outcome in ('RELEASED', 'EXPIRED')
    order by seq desc
    limit $2
) as passed
where worker.project_id = $1
order by passed.seq;

-- name: paid_between
-- What was paid for judgments that came after a seq, up to another, by UTC day (days since 1970-01-01).
-- Revisions are not paid.
select (created_at at time zone 'UTC')::date - date '1970-01-01' as day, count(*) as judgments,
       coalesce(sum(price), 0)::bigint as money
from judgment
where project_id = $1 and seq > $2 and seq <= $3 and supersedes is null
group by 1;

-- name: last_seq
-- The last seq of a project's log.
select greatest(
    (select max(seq) from judgment where project_id = $1),
    (select max(seq) from decision where project_id = $1),
    (select max(seq) from retraction where project_id = $1),
    (select max(seq) from lease where project_id = $1),
    0
);

-- name: events_after
-- What the model learns from, in the order of the log: judgments (kind 0, also those that count again),
-- judgments that count no more (kind 1) and gold (kind 2, label -1 withdraws); and how long the judgments
-- took. Kinds 4, 5 and 6 are 0, 1 and 2 as parts of an act; what was muted as it came, in the entry after
-- it, is none.
select seq, kind, task_id, worker_id, label_id, coalesce(seconds, 'NaN'::real)
from (
    select seq, 0::smallint as kind, task_id, worker_id, label_id, seconds
    from judgment
    where project_id = $1 and seq > $2 and seq <= $3 and label_id is not null
    union all
    select r.seq,
           case when r.restores then 4 when r.judgment = r.seq - 1 then 1 else 5 end::smallint,
           r.task_id, r.worker_id, r.label_id, j.seconds
    from retraction r
    left join judgment j on j.project_id = $1 and j.seq = r.judgment and r.restores
    where r.project_id = $1 and r.seq > $2 and r.seq <= $3 and r.turns
    union all
    select seq, case when body ? 'act' or body ? 'with' then 6 else 2 end::smallint,
           task_id, 0, coalesce((body ->> 'label')::smallint, -1::smallint), null
    from decision
    where project_id = $1 and seq > $2 and seq <= $3 and kind in ('GOLD_SET', 'GOLD_WITHDRAWN', 'GOLD_STATE')
) as event
order by seq;

-- name: gold_decisions
-- What was decided about gold: answers, withdrawals, whether it is hidden among other tasks, and what
-- spoke against it.
select seq, kind, task_id, body
from decision
where project_id = $1 and seq > $2 and seq <= $3
    and kind in ('GOLD_SET', 'GOLD_WITHDRAWN', 'GOLD_STATE', 'GOLD_SUSPECTED')
order by seq;

-- name: lock_project
-- Become the one writer of a project, for as long as this connection lives; false if another is.
select pg_try_advisory_lock($1, $2);

-- name: notice_lost_writer
-- End a writer's statement soon after its process died, so that the lock is free for the next one.
select set_config('client_connection_check_interval', '1s', false);

-- name: limit_statements
-- The most that a statement of a writer takes; also where a server cannot tell that we are gone.
select set_config('statement_timeout', '2min', false);

-- name: unlimit_statements
-- Until the end of the transaction: a long log takes as long as it takes.
select set_config('statement_timeout', '0', true);

-- name: writer_is_idle
-- Whether the one who holds a project's lock waits for its process, so that the process is alive.
select exists (
    select
    from pg_locks l
    join pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'advisory' and l.classid = $1::integer::oid and l.objid = $2::integer::oid
        and l.objsubid = 2 and l.granted and a.state = 'idle'
        and l.database = (select oid from pg_database where datname = current_database())
);

-- name: end_writer
-- End a connection of ours that broke on this side and still holds a project's lock on the server.
select pg_terminate_backend(pid)
from pg_locks
where locktype = 'advisory' and classid = $1::integer::oid and objid = $2::integer::oid
    and objsubid = 2 and granted and pid = $3
    and database = (select oid from pg_database where datname = current_database());

-- name: additions
-- Which tasks (TASKS_ADDED) or workers (WORKERS_ADDED) came with which seq: dense ids from first on.
select seq, (body ->> 'first')::integer as first, (body ->> 'count')::integer as count
from decision
where project_id = $1 and seq > $2 and kind = $3
order by seq;

-- name: standing_answers
-- Each worker's standing judgment of a task, as of a seq: the last revision, or else the first.
select asked.task_id, asked.worker_id, judgment.seq, judgment.seconds
from unnest($2::integer[], $3::integer[]) as asked (task_id, worker_id)
cross join lateral (
    select seq, seconds
    from (
        (
            select seq, seconds from judgment
            where project_id = $1 and task_id = asked.task_id and worker_id = asked.worker_id
                and supersedes is not null and seq <= $4
            order by seq desc
            limit 1
        )
        union all
        (
            select seq, seconds from judgment
            where project_id = $1 and task_id = asked.task_id and worker_id = asked.worker_id
                and supersedes is null and seq <= $4
        )
    ) as either
    order by seq desc
    limit 1
) as judgment;

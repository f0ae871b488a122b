-- name: entry_from
-- The first entry of the log from a seq on, and when it came.
select seq, created_at
from (
    (select seq, created_at from judgment where project_id = $1 and seq >= $2 order by seq limit 1)
    union all
    (select seq, created_at from decision where project_id = $1 and seq >= $2 order by seq limit 1)
    union all
    (select seq, granted_at from lease where project_id = $1 and seq >= $2 order by seq limit 1)
) as entry
order by seq
limit 1;

-- name: moment_of_seq
-- When the last entry of the log up to a seq came.
select max(at)
from (
    (select created_at as at from judgment where project_id = $1 and seq <= $2
     order by seq desc limit 1)
    union all
    (select created_at from decision where project_id = $1 and seq <= $2 order by seq desc limit 1)
    union all
    (select granted_at from lease where project_id = $1 and seq <= $2 order by seq desc limit 1)
) as entry;

-- name: open_leases_at
-- The leases that were open at a moment, of those granted up to a seq.
select lease_id, task_id, worker_id, expires_at, price
from lease
where project_id = $1 and seq <= $2 and (closed_at is null or closed_at > $3);

-- name: judgments_between
-- How many judgments came after a seq, up to another.
select count(*) from judgment where project_id = $1 and seq > $2 and seq <= $3;

-- name: policy_changes
-- The changes of a policy before a seq, the latest first.
select seq, body, actor, created_at
from decision
where project_id = $1 and kind = 'POLICY_CHANGED' and ($2::bigint is null or seq < $2)
order by seq desc
limit $3;

-- name: recent_seconds
-- How long the last judgments took whose time is known: the median, and what nine in ten stay below.
select percentile_cont(0.5) within group (order by seconds) as median,
       percentile_cont(0.9) within group (order by seconds) as slow
from (select seconds from judgment where project_id = $1 order by seq desc limit 1000) as recent
where seconds is not null;

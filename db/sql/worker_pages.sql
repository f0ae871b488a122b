-- Pages of workers for admins, by keyset: each begins after the sort key of the page before. They
-- are filtered and sorted by worker_state, which is at most a second old, as `workers_listed` says.
-- It has no index for these orders: its rows are rewritten all the time, and workers are so few that
-- sorting those of a project takes milliseconds.
-- $1 project, then filters, null for none: $2 statuses, $3 accuracy below, $4 accuracy at least,
-- $5 judgments at least, $6 cohort, $7 kinds, $8 voided, $9 and $10 the sort key to begin after,
-- $11 how many.

-- name: workers_by_accuracy_asc
-- Least accurate first.
select * from workers_listed($1, $2, $3, $4, $5, $6, $7, $8, null, null)
where $9::real is null or (accuracy, worker_id) > ($9, $10::integer)
order by accuracy asc, worker_id asc
limit $11;

-- name: workers_by_accuracy_desc
-- Most accurate first.
select * from workers_listed($1, $2, $3, $4, $5, $6, $7, $8, null, null)
where $9::real is null or (accuracy, worker_id) < ($9, $10::integer)
order by accuracy desc, worker_id desc
limit $11;

-- name: workers_by_judgments_asc
-- Fewest judgments first.
select * from workers_listed($1, $2, $3, $4, $5, $6, $7, $8, null, null)
where $9::integer is null or (judgments, worker_id) > ($9, $10::integer)
order by judgments asc, worker_id asc
limit $11;

-- name: workers_by_judgments_desc
-- Most judgments first.
select * from workers_listed($1, $2, $3, $4, $5, $6, $7, $8, null, null)
where $9::integer is null or (judgments, worker_id) < ($9, $10::integer)
order by judgments desc, worker_id desc
limit $11;

-- name: workers_by_status_asc
-- By status.
select * from workers_listed($1, $2, $3, $4, $5, $6, $7, $8, null, null)
where $9::text is null or (status, worker_id) > ($9, $10::integer)
order by status asc, worker_id asc
limit $11;

-- name: workers_by_status_desc
-- By status, backwards.
select * from workers_listed($1, $2, $3, $4, $5, $6, $7, $8, null, null)
where $9::text is null or (status, worker_id) < ($9, $10::integer)
order by status desc, worker_id desc
limit $11;

-- name: workers_by_age_asc
-- Newest last.
select * from workers_listed($1, $2, $3, $4, $5, $6, $7, $8, $9, null)
where $10::integer is null
order by worker_id asc
limit $11;

-- name: workers_by_age_desc
-- Newest first.
select * from workers_listed($1, $2, $3, $4, $5, $6, $7, $8, null, $9)
where $10::integer is null
order by worker_id desc
limit $11;

-- name: workers_by_ids
-- Some workers, in the order of their ids.
select w.worker_id, w.external_id, w.kind, w.attributes, w.created_at
from worker w
where w.project_id = $1 and w.worker_id = any($2::integer[])
order by w.worker_id;

-- name: worker_by_external_id
-- One worker.
select w.worker_id, w.external_id, w.kind, w.attributes, w.created_at
from worker w
where w.project_id = $1 and w.external_id = $2;

-- name: open_leases_of_worker
-- The tasks that a worker holds, as a front-end shows them after a reload.
select l.lease_id, l.task_id, t.external_id, t.payload, l.expires_at
from lease l
join task t using (project_id, task_id)
where l.project_id = $1 and l.worker_id = $2 and l.closed_at is null and l.expires_at > now()
order by l.seq, l.task_id;

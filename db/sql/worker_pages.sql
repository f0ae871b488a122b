-- Pages of workers for admins, by keyset: each begins after the sort key of the page before. They
-- are filtered and sorted by worker_state, which is at most a second old.
-- $1 project, then filters, null for none: $2 statuses, $3 accuracy below, $4 accuracy at least,
-- $5 judgments at least, $6 cohort, $7 and $8 the sort key to begin after, $9 how many.

-- name: workers_by_accuracy_asc
-- Least accurate first.
select w.worker_id, w.external_id, w.kind, w.attributes, w.created_at,
       s.accuracy, s.judgments, s.status
from worker_state s
join worker w using (project_id, worker_id)
where s.project_id = $1
  and ($2::text[] is null or s.status = any($2))
  and ($3::real is null or s.accuracy < $3)
  and ($4::real is null or s.accuracy >= $4)
  and ($5::integer is null or s.judgments >= $5)
  and ($6::jsonb is null or w.attributes @> $6)
  and ($7::real is null or (s.accuracy, s.worker_id) > ($7, $8::integer))
order by s.accuracy asc, s.worker_id asc
limit $9;

-- name: workers_by_accuracy_desc
-- Most accurate first.
select w.worker_id, w.external_id, w.kind, w.attributes, w.created_at,
       s.accuracy, s.judgments, s.status
from worker_state s
join worker w using (project_id, worker_id)
where s.project_id = $1
  and ($2::text[] is null or s.status = any($2))
  and ($3::real is null or s.accuracy < $3)
  and ($4::real is null or s.accuracy >= $4)
  and ($5::integer is null or s.judgments >= $5)
  and ($6::jsonb is null or w.attributes @> $6)
  and ($7::real is null or (s.accuracy, s.worker_id) < ($7, $8::integer))
order by s.accuracy desc, s.worker_id desc
limit $9;

-- name: workers_by_judgments_asc
-- Fewest judgments first.
select w.worker_id, w.external_id, w.kind, w.attributes, w.created_at,
       s.accuracy, s.judgments, s.status
from worker_state s
join worker w using (project_id, worker_id)
where s.project_id = $1
  and ($2::text[] is null or s.status = any($2))
  and ($3::real is null or s.accuracy < $3)
  and ($4::real is null or s.accuracy >= $4)
  and ($5::integer is null or s.judgments >= $5)
  and ($6::jsonb is null or w.attributes @> $6)
  and ($7::integer is null or (s.judgments, s.worker_id) > ($7, $8::integer))
order by s.judgments asc, s.worker_id asc
limit $9;

-- name: workers_by_judgments_desc
-- Most judgments first.
select w.worker_id, w.external_id, w.kind, w.attributes, w.created_at,
       s.accuracy, s.judgments, s.status
from worker_state s
join worker w using (project_id, worker_id)
where s.project_id = $1
  and ($2::text[] is null or s.status = any($2))
  and ($3::real is null or s.accuracy < $3)
  and ($4::real is null or s.accuracy >= $4)
  and ($5::integer is null or s.judgments >= $5)
  and ($6::jsonb is null or w.attributes @> $6)
  and ($7::integer is null or (s.judgments, s.worker_id) < ($7, $8::integer))
order by s.judgments desc, s.worker_id desc
limit $9;

-- name: workers_by_status_asc
-- By status.
select w.worker_id, w.external_id, w.kind, w.attributes, w.created_at,
       s.accuracy, s.judgments, s.status
from worker_state s
join worker w using (project_id, worker_id)
where s.project_id = $1
  and ($2::text[] is null or s.status = any($2))
  and ($3::real is null or s.accuracy < $3)
  and ($4::real is null or s.accuracy >= $4)
  and ($5::integer is null or s.judgments >= $5)
  and ($6::jsonb is null or w.attributes @> $6)
  and ($7::text is null or (s.status, s.worker_id) > ($7, $8::integer))
order by s.status asc, s.worker_id asc
limit $9;

-- name: workers_by_status_desc
-- By status, backwards.
select w.worker_id, w.external_id, w.kind, w.attributes, w.created_at,
       s.accuracy, s.judgments, s.status
from worker_state s
join worker w using (project_id, worker_id)
where s.project_id = $1
  and ($2::text[] is null or s.status = any($2))
  and ($3::real is null or s.accuracy < $3)
  and ($4::real is null or s.accuracy >= $4)
  and ($5::integer is null or s.judgments >= $5)
  and ($6::jsonb is null or w.attributes @> $6)
  and ($7::text is null or (s.status, s.worker_id) < ($7, $8::integer))
order by s.status desc, s.worker_id desc
limit $9;

-- name: workers_by_age_asc
-- Newest last.
select w.worker_id, w.external_id, w.kind, w.attributes, w.created_at,
       s.accuracy, s.judgments, s.status
from worker_state s
join worker w using (project_id, worker_id)
where s.project_id = $1
  and ($2::text[] is null or s.status = any($2))
  and ($3::real is null or s.accuracy < $3)
  and ($4::real is null or s.accuracy >= $4)
  and ($5::integer is null or s.judgments >= $5)
  and ($6::jsonb is null or w.attributes @> $6)
  and ($7::integer is null or (w.worker_id > $7 and s.worker_id > $7))
  and $8::integer is null
order by w.worker_id asc
limit $9;

-- name: workers_by_age_desc
-- Newest first.
select w.worker_id, w.external_id, w.kind, w.attributes, w.created_at,
       s.accuracy, s.judgments, s.status
from worker_state s
join worker w using (project_id, worker_id)
where s.project_id = $1
  and ($2::text[] is null or s.status = any($2))
  and ($3::real is null or s.accuracy < $3)
  and ($4::real is null or s.accuracy >= $4)
  and ($5::integer is null or s.judgments >= $5)
  and ($6::jsonb is null or w.attributes @> $6)
  and ($7::integer is null or (w.worker_id < $7 and s.worker_id < $7))
  and $8::integer is null
order by w.worker_id desc
limit $9;

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

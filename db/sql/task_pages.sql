-- Pages of tasks for admins, by keyset: each begins after the sort key of the page before. They are
-- filtered and sorted by task_state, which is at most a second old.
-- $1 project, then filters, null for none: $2 statuses, $3 label, $4 confidence below, $5 slice,
-- $6 and $7 the sort key to begin after, $8 how many. Where both tables have the key it is compared in
-- both, or one would be read from its start.

-- name: tasks_by_confidence_asc
-- Least sure first.
select t.task_id, t.external_id, t.payload, t.attributes, t.priority, t.created_at,
       s.confidence
from task_state s
join task t using (project_id, task_id)
where s.project_id = $1
  and ($2::text[] is null or s.status = any($2))
  and ($3::smallint is null or s.label_id = $3)
  and ($4::real is null or s.confidence < $4)
  and ($5::jsonb is null or t.attributes @> $5)
  and ($6::real is null or (s.confidence, s.task_id) > ($6, $7::integer))
order by s.confidence asc, s.task_id asc
limit $8;

-- name: tasks_by_confidence_desc
-- Most sure first.
select t.task_id, t.external_id, t.payload, t.attributes, t.priority, t.created_at,
       s.confidence
from task_state s
join task t using (project_id, task_id)
where s.project_id = $1
  and ($2::text[] is null or s.status = any($2))
  and ($3::smallint is null or s.label_id = $3)
  and ($4::real is null or s.confidence < $4)
  and ($5::jsonb is null or t.attributes @> $5)
  and ($6::real is null or (s.confidence, s.task_id) < ($6, $7::integer))
order by s.confidence desc, s.task_id desc
limit $8;

-- name: tasks_by_priority_asc
-- Lowest priority first.
select t.task_id, t.external_id, t.payload, t.attributes, t.priority, t.created_at,
       s.confidence
from task_state s
join task t using (project_id, task_id)
where s.project_id = $1
  and ($2::text[] is null or s.status = any($2))
  and ($3::smallint is null or s.label_id = $3)
  and ($4::real is null or s.confidence < $4)
  and ($5::jsonb is null or t.attributes @> $5)
  and ($6::smallint is null or (t.priority, t.task_id) > ($6, $7::integer))
order by t.priority asc, t.task_id asc
limit $8;

-- name: tasks_by_priority_desc
-- Highest priority first.
select t.task_id, t.external_id, t.payload, t.attributes, t.priority, t.created_at,
       s.confidence
from task_state s
join task t using (project_id, task_id)
where s.project_id = $1
  and ($2::text[] is null or s.status = any($2))
  and ($3::smallint is null or s.label_id = $3)
  and ($4::real is null or s.confidence < $4)
  and ($5::jsonb is null or t.attributes @> $5)
  and ($6::smallint is null or (t.priority, t.task_id) < ($6, $7::integer))
order by t.priority desc, t.task_id desc
limit $8;

-- name: tasks_by_age_asc
-- Newest last.
select t.task_id, t.external_id, t.payload, t.attributes, t.priority, t.created_at,
       s.confidence
from task_state s
join task t using (project_id, task_id)
where s.project_id = $1
  and ($2::text[] is null or s.status = any($2))
  and ($3::smallint is null or s.label_id = $3)
  and ($4::real is null or s.confidence < $4)
  and ($5::jsonb is null or t.attributes @> $5)
  and ($6::integer is null or (t.task_id > $6 and s.task_id > $6))
  and $7::integer is null
order by t.task_id asc
limit $8;

-- name: tasks_by_age_desc
-- Newest first.
select t.task_id, t.external_id, t.payload, t.attributes, t.priority, t.created_at,
       s.confidence
from task_state s
join task t using (project_id, task_id)
where s.project_id = $1
  and ($2::text[] is null or s.status = any($2))
  and ($3::smallint is null or s.label_id = $3)
  and ($4::real is null or s.confidence < $4)
  and ($5::jsonb is null or t.attributes @> $5)
  and ($6::integer is null or (t.task_id < $6 and s.task_id < $6))
  and $7::integer is null
order by t.task_id desc
limit $8;

-- name: tasks_by_ids
-- Some tasks, in the order of their ids.
select t.task_id, t.external_id, t.payload, t.attributes, t.priority, t.created_at
from task t
where t.project_id = $1 and t.task_id = any($2::integer[])
order by t.task_id;

-- name: task_by_external_id
-- One task.
select t.task_id, t.external_id, t.payload, t.attributes, t.priority, t.created_at
from task t
where t.project_id = $1 and t.external_id = $2;

-- name: judgments_of_tasks
-- The live judgments of some tasks, each at the end of its chain of revisions, the oldest first.
with recursive chain as (
    select task_id, worker_id, seq, label_id, seconds, created_at
    from judgment
    where project_id = $1 and task_id = any($2::integer[]) and supersedes is null
    union all
    select later.task_id, later.worker_id, later.seq, later.label_id, later.seconds,
           later.created_at
    from chain
    join judgment as later on later.project_id = $1 and later.supersedes = chain.seq
), live as (
    select distinct on (task_id, worker_id) * from chain order by task_id, worker_id, seq desc
)
select task_id, worker_id, seq, label_id, seconds, created_at from live order by seq;

-- Pages of tasks for admins, by keyset: each begins after the sort key of the page before. They are
-- filtered, and by confidence sorted, by task_state, which is at most a second old. A task that has
-- no row there yet counts as open, with confidence 0.
-- $1 project, then filters, null for none: $2 statuses, $3 label, $4 confidence below, $5 slice,
-- $6 and $7 the sort key to begin after, $8 how many. Where both tables have the key it is compared in
-- both, or one would be read from its start.

-- name: tasks_by_confidence_asc
-- Least sure first.
-- Rows of task_state are written by id, so the tasks without one are those after the last of them.
(
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
    limit $8
)
union all
(
    select t.task_id, t.external_id, t.payload, t.attributes, t.priority, t.created_at,
           0::real
    from task t
    where t.project_id = $1
      and t.task_id > coalesce((select max(task_id) from task_state where project_id = $1), -1)
      and ($2::text[] is null or 'OPEN' = any($2))
      and $3::smallint is null
      and ($4::real is null or 0 < $4)
      and ($5::jsonb is null or t.attributes @> $5)
      and ($6::real is null or (0::real, t.task_id) > ($6, $7::integer))
    order by t.task_id asc
    limit $8
)
order by confidence asc, task_id asc
limit $8;

-- name: tasks_by_confidence_desc
-- Most sure first.
-- Rows of task_state are written by id, so the tasks without one are those after the last of them.
(
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
    limit $8
)
union all
(
    select t.task_id, t.external_id, t.payload, t.attributes, t.priority, t.created_at,
           0::real
    from task t
    where t.project_id = $1
      and t.task_id > coalesce((select max(task_id) from task_state where project_id = $1), -1)
      and ($2::text[] is null or 'OPEN' = any($2))
      and $3::smallint is null
      and ($4::real is null or 0 < $4)
      and ($5::jsonb is null or t.attributes @> $5)
      and ($6::real is null or (0::real, t.task_id) < ($6, $7::integer))
    order by t.task_id desc
    limit $8
)
order by confidence desc, task_id desc
limit $8;

-- name: tasks_by_priority_asc
-- Lowest priority first.
select t.task_id, t.external_id, t.payload, t.attributes, t.priority, t.created_at
from task t
left join task_state s on s.project_id = $1 and s.task_id = t.task_id
where t.project_id = $1
  and ($2::text[] is null or coalesce(s.status, 'OPEN') = any($2))
  and ($3::smallint is null or s.label_id = $3)
  and ($4::real is null or coalesce(s.confidence, 0) < $4)
  and ($5::jsonb is null or t.attributes @> $5)
  and ($6::smallint is null or (t.priority, t.task_id) > ($6, $7::integer))
order by t.priority asc, t.task_id asc
limit $8;

-- name: tasks_by_priority_desc
-- Highest priority first.
select t.task_id, t.external_id, t.payload, t.attributes, t.priority, t.created_at
from task t
left join task_state s on s.project_id = $1 and s.task_id = t.task_id
where t.project_id = $1
  and ($2::text[] is null or coalesce(s.status, 'OPEN') = any($2))
  and ($3::smallint is null or s.label_id = $3)
  and ($4::real is null or coalesce(s.confidence, 0) < $4)
  and ($5::jsonb is null or t.attributes @> $5)
  and ($6::smallint is null or (t.priority, t.task_id) < ($6, $7::integer))
order by t.priority desc, t.task_id desc
limit $8;

-- name: tasks_by_age_asc
-- Newest last.
select t.task_id, t.external_id, t.payload, t.attributes, t.priority, t.created_at
from task t
left join task_state s on s.project_id = $1 and s.task_id = t.task_id
  and ($6::integer is null or s.task_id > $6)
where t.project_id = $1
  and ($2::text[] is null or coalesce(s.status, 'OPEN') = any($2))
  and ($3::smallint is null or s.label_id = $3)
  and ($4::real is null or coalesce(s.confidence, 0) < $4)
  and ($5::jsonb is null or t.attributes @> $5)
  and ($6::integer is null or t.task_id > $6)
  and $7::integer is null
order by t.task_id asc
limit $8;

-- name: tasks_by_age_desc
-- Newest first.
select t.task_id, t.external_id, t.payload, t.attributes, t.priority, t.created_at
from task t
left join task_state s on s.project_id = $1 and s.task_id = t.task_id
  and ($6::integer is null or s.task_id < $6)
where t.project_id = $1
  and ($2::text[] is null or coalesce(s.status, 'OPEN') = any($2))
  and ($3::smallint is null or s.label_id = $3)
  and ($4::real is null or coalesce(s.confidence, 0) < $4)
  and ($5::jsonb is null or t.attributes @> $5)
  and ($6::integer is null or t.task_id < $6)
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
-- The live judgments of some tasks, each the last revision or else the first, the oldest first; as of
-- a seq of the log where one is given.
select tip.*
from judgment as first
cross join lateral (
    (
        select task_id, worker_id, seq, label_id, seconds, created_at
        from judgment
        where project_id = $1 and task_id = first.task_id and worker_id = first.worker_id
            and supersedes is not null and ($3::bigint is null or seq <= $3)
        order by seq desc
        limit 1
    )
    union all
    select first.task_id, first.worker_id, first.seq, first.label_id, first.seconds,
           first.created_at
    order by seq desc
    limit 1
) as tip
where first.project_id = $1 and first.task_id = any($2::integer[]) and first.supersedes is null
    and ($3::bigint is null or first.seq <= $3)
    and not coalesce((
        select not restores
        from retraction
        where project_id = $1 and judgment = tip.seq and ($3::bigint is null or retraction.seq <= $3)
        order by retraction.seq desc
        limit 1
    ), false)
order by tip.seq;

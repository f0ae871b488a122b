-- Pages of tasks for admins, by keyset: each begins after the sort key of the page before. They are
-- filtered, and by confidence sorted, by task_state, which is at most a second old, as `tasks_listed`
-- says.
-- $1 project, then filters, null for none: $2 statuses, $3 label, $4 confidence below, $5 slice,
-- $6 and $7 the sort key to begin after, $8 how many.

-- name: tasks_by_confidence_asc
-- Least sure first.
-- Rows of task_state are written by id, so the tasks without one are those after the last of them.
-- The index on confidence costs 7 µs a row that is written (18 instead of 12), for no update can stay
-- in its page; it stays as rare with confidences in 20 steps. Without the index a page among 300,000
-- tasks takes 43 ms instead of 0.1.
(
    select task_id, external_id, payload, attributes, priority, created_at, confidence
    from tasks_listed($1, $2, $3, $4, $5, null, null)
    where confidence is not null
      and ($6::real is null or (confidence, state_id) > ($6, $7::integer))
    order by confidence asc, state_id asc
    limit $8
)
union all
(
    select task_id, external_id, payload, attributes, priority, created_at, 0::real
    from task
    where project_id = $1
      and task_id > coalesce((select max(task_id) from task_state where project_id = $1), -1)
      and ($2::text[] is null or 'OPEN' = any($2))
      and $3::smallint is null
      and ($4::real is null or 0 < $4)
      and ($5::jsonb is null or attributes @> $5)
      and ($6::real is null or (0::real, task_id) > ($6, $7::integer))
    order by task_id asc
    limit $8
)
order by confidence asc, task_id asc
limit $8;

-- name: tasks_by_confidence_desc
-- Most sure first.
(
    select task_id, external_id, payload, attributes, priority, created_at, confidence
    from tasks_listed($1, $2, $3, $4, $5, null, null)
    where confidence is not null
      and ($6::real is null or (confidence, state_id) < ($6, $7::integer))
    order by confidence desc, state_id desc
    limit $8
)
union all
(
    select task_id, external_id, payload, attributes, priority, created_at, 0::real
    from task
    where project_id = $1
      and task_id > coalesce((select max(task_id) from task_state where project_id = $1), -1)
      and ($2::text[] is null or 'OPEN' = any($2))
      and $3::smallint is null
      and ($4::real is null or 0 < $4)
      and ($5::jsonb is null or attributes @> $5)
      and ($6::real is null or (0::real, task_id) < ($6, $7::integer))
    order by task_id desc
    limit $8
)
order by confidence desc, task_id desc
limit $8;

-- name: tasks_by_priority_asc
-- Lowest priority first.
select task_id, external_id, payload, attributes, priority, created_at
from tasks_listed($1, $2, $3, $4, $5, null, null)
where $6::smallint is null or (priority, task_id) > ($6, $7::integer)
order by priority asc, task_id asc
limit $8;

-- name: tasks_by_priority_desc
-- Highest priority first.
select task_id, external_id, payload, attributes, priority, created_at
from tasks_listed($1, $2, $3, $4, $5, null, null)
where $6::smallint is null or (priority, task_id) < ($6, $7::integer)
order by priority desc, task_id desc
limit $8;

-- name: tasks_by_age_asc
-- Newest last.
select task_id, external_id, payload, attributes, priority, created_at
from tasks_listed($1, $2, $3, $4, $5, $6, null)
where $7::integer is null
order by task_id asc
limit $8;

-- name: tasks_by_age_desc
-- Newest first.
select task_id, external_id, payload, attributes, priority, created_at
from tasks_listed($1, $2, $3, $4, $5, null, $6)
where $7::integer is null
order by task_id desc
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
        where project_id = $1 and judgment = tip.seq and turns
            and ($3::bigint is null or retraction.seq <= $3)
        order by retraction.seq desc
        limit 1
    ), false)
order by tip.seq;

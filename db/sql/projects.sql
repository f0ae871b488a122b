-- name: project_rows
-- All projects, or the one asked for.
select project_id, external_id, name, policy, policy_version, attributes, created_at
from project
where $1::integer is null or project_id = $1
order by project_id;

-- name: project_by_name
-- One project by its outside id.
select project_id, external_id, name, policy, policy_version, attributes, created_at
from project
where external_id = $1;

-- name: insert_project
-- A new project; gives no row if the id is taken.
insert into project (external_id, name, policy, attributes, created_at)
values ($1, $2, $3, $4, $5)
on conflict (external_id) do nothing
returning project_id, external_id, name, policy, policy_version, attributes, created_at;

-- name: insert_labels
-- The labels of a new project, in the order of their dense ids.
insert into label (project_id, label_id, external_id, name)
select $1, row.label_id, row.external_id, row.name
from unnest($2::smallint[], $3::text[], $4::text[]) as row (label_id, external_id, name);

-- name: label_rows
-- A project's labels in the order of their dense ids.
select external_id, name from label where project_id = $1 order by label_id;

-- name: insert_tasks
-- New tasks with the dense ids that the writer gave them.
insert into task (project_id, task_id, external_id, payload, attributes, priority, created_at)
select $1, row.*, $2
from unnest($3::integer[], $4::text[], $5::jsonb[], $6::jsonb[], $7::smallint[]) as row;

-- name: insert_workers
-- New workers with the dense ids that the writer gave them.
insert into worker (project_id, worker_id, external_id, kind, attributes, created_at)
select $1, row.*, $2
from unnest($3::integer[], $4::text[], $5::text[], $6::jsonb[]) as row;

-- name: declare_worker
-- A worker's attributes; the decision of the same transaction keeps the history.
update worker set attributes = $3 where project_id = $1 and worker_id = $2;

-- name: update_policy
-- A project's new policy; the decision of the same transaction keeps the history.
update project set policy = $2, policy_version = $3 where project_id = $1;

-- name: task_names
-- Outside ids and priorities of tasks from a dense id on, in order, as two arrays.
select array_agg(external_id order by task_id), array_agg(priority order by task_id)
from task
where project_id = $1 and task_id >= $2 and task_id < $3;

-- name: worker_names
-- Outside ids and kinds of workers from a dense id on, in order, as arrays.
select array_agg(external_id order by worker_id), array_agg(kind order by worker_id)
from worker
where project_id = $1 and worker_id >= $2 and worker_id < $3;

-- name: asking_tasks
-- Tasks from a dense id on that ask for skills or languages.
select task_id, attributes
from task
where project_id = $1 and task_id >= $2 and task_id < $3
  and attributes ?| array['skills', 'languages'];

-- name: worker_attributes
-- Workers from a dense id on who have attributes.
select worker_id, attributes
from worker
where project_id = $1 and worker_id >= $2 and worker_id < $3 and attributes <> '{}';

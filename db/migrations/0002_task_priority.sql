-- Admins page through tasks by priority.
create index task_priority on task (project_id, priority, task_id);

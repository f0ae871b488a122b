-- The standing judgment of a task and worker is their last revision, however often they revised.
-- First judgments, the common case, have no entry here and cost nothing more.
create index judgment_revision on judgment (project_id, task_id, worker_id, seq)
    where supersedes is not null;

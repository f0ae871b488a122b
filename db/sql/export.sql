-- name: export_consensus
-- The consensus of every judged or gold task, oldest task first.
select task.external_id as task, label.external_id as label, task_state.confidence,
       task_state.status, task_state.judgments,
       case when task_state.gold then label.external_id end as gold
from task_state
join task using (project_id, task_id)
join label using (project_id, label_id)
where task_state.project_id = $1
order by task_state.task_id;

-- name: export_workers
-- What is known of every worker with a judgment, earliest worker first.
select worker.external_id as worker, worker_state.judgments, worker_state.accuracy,
       worker_state.accuracy_low, worker_state.accuracy_high, worker_state.bits,
       worker_state.gold_right, worker_state.gold_total
from worker_state
join worker using (project_id, worker_id)
where worker_state.project_id = $1 and worker_state.judgments > 0
order by worker_state.worker_id;

-- name: export_judgments
-- The live judgments, in the order of the log.
select task.external_id as task, worker.external_id as worker, label.external_id as label,
       judgment.seconds, judgment.created_at
from judgment
join task using (project_id, task_id)
join worker using (project_id, worker_id)
join label using (project_id, label_id)
where judgment.project_id = $1
    and not exists (
        select from judgment as later
        where later.project_id = $1 and later.supersedes = judgment.seq
    )
    and not coalesce((
        select not retraction.restores
        from retraction
        where retraction.project_id = $1 and retraction.judgment = judgment.seq
        order by retraction.seq desc
        limit 1
    ), false)
order by judgment.seq;

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
            and retraction.turns
        order by retraction.seq desc
        limit 1
    ), false)
order by judgment.seq;

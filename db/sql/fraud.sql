-- name: frauds_found
-- All findings of fraud, first to last; the engine enters none that is there already.
select seq, body from decision where project_id = $1 and kind = 'FRAUD_FOUND' order by seq;

-- name: times_of_answers
-- When some workers gave some answers, each the last one of its worker and task.
select distinct on (answer.place, judgment.worker_id)
    answer.place::integer as place, judgment.worker_id, judgment.created_at
from unnest($2::integer[], $3::smallint[]) with ordinality as answer (task_id, label_id, place)
join judgment on judgment.project_id = $1 and judgment.task_id = answer.task_id
    and judgment.label_id = answer.label_id and judgment.worker_id = any ($4::integer[])
order by answer.place, judgment.worker_id, judgment.seq desc;

-- name: searched
-- How many judgments a project had when it was searched last, so that a start need not do it again.
select searched from project where project_id = $1;

-- name: note_search
-- Note a search.
update project set searched = $2 where project_id = $1;

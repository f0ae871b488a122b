-- name: write_task_states
-- Bring the derived state of tasks up to date.
insert into task_state (project_id, task_id, status, judgments, label_id, confidence, gold, seq)
select $1, row.*
from unnest($2::integer[], $3::text[], $4::integer[], $5::smallint[], $6::real[], $7::boolean[],
            $8::bigint[]) as row
on conflict (project_id, task_id) do update
set status = excluded.status, judgments = excluded.judgments, label_id = excluded.label_id,
    confidence = excluded.confidence, gold = excluded.gold, seq = excluded.seq
where task_state.seq <= excluded.seq;

-- name: write_worker_states
-- Bring the derived state of workers up to date.
insert into worker_state (project_id, worker_id, status, judgments, accuracy, accuracy_low,
                          accuracy_high, bits, gold_right, gold_total, voided, standing,
                          standing_variance, seq)
select $1, row.*
from unnest($2::integer[], $3::text[], $4::integer[], $5::real[], $6::real[], $7::real[],
            $8::real[], $9::integer[], $10::integer[], $11::boolean[], $12::real[], $13::real[],
            $14::bigint[]) as row
on conflict (project_id, worker_id) do update
set status = excluded.status, judgments = excluded.judgments, accuracy = excluded.accuracy,
    accuracy_low = excluded.accuracy_low, accuracy_high = excluded.accuracy_high,
    bits = excluded.bits, gold_right = excluded.gold_right, gold_total = excluded.gold_total,
    voided = excluded.voided, standing = excluded.standing,
    standing_variance = excluded.standing_variance, seq = excluded.seq
where worker_state.seq <= excluded.seq;

-- name: task_state_seqs
-- How current the derived rows of tasks are.
select task_id, seq from task_state where project_id = $1;

-- name: worker_state_seqs
-- How current the derived rows of workers are, and the accuracy that they tell.
select worker_id, seq, accuracy from worker_state where project_id = $1;

-- name: standings_elsewhere
-- How some workers of a project stand in the other projects that know them by the same external id.
select here.worker_id, state.standing, state.standing_variance
from worker here
join worker there on there.external_id = here.external_id and there.project_id <> here.project_id
join worker_state state on state.project_id = there.project_id and state.worker_id = there.worker_id
where here.project_id = $1 and here.worker_id >= $2 and here.worker_id < $3
    and state.standing is not null
order by here.worker_id, there.project_id;

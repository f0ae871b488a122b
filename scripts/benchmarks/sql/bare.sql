-- name: bare_insert
-- Judgments into the log with nothing checked and nothing learnt: what the database alone can do.
insert into judgment (project_id, seq, task_id, worker_id, label_id, supersedes, lease_id,
                      client_id, seconds, created_at)
select $1, row.*, $2
from unnest($3::bigint[], $4::integer[], $5::integer[], $6::smallint[], $7::bigint[],
            $8::uuid[], $9::text[], $10::real[]) as row;

-- What the lists of admins show and by what they are filtered, once for all their orders. PostgreSQL
-- puts these functions into the statements that call them, so the plans are those of one statement.
-- Filters are null for none. `after` and `before` bound the ids in both tables: a join of sorted rows
-- would begin with the first of the other one.

-- Workers. A new one without a row of worker_state counts as active, with no judgments and accuracy
-- 0; but no filter by accuracy lets it through, for nothing is known of it.
create function workers_listed(
    project integer, statuses text[], accuracy_below real, accuracy_at_least real,
    judgments_at_least integer, cohort jsonb, after integer, before integer
)
returns table (worker_id integer, external_id text, kind text, attributes jsonb,
               created_at timestamptz, accuracy real, judgments integer, status text)
language sql stable as $$
    select w.worker_id, w.external_id, w.kind, w.attributes, w.created_at,
           coalesce(s.accuracy, 0), coalesce(s.judgments, 0), coalesce(s.status, 'ACTIVE')
    from worker w
    left join worker_state s on s.project_id = $1 and s.worker_id = w.worker_id
      and ($7 is null or s.worker_id > $7) and ($8 is null or s.worker_id < $8)
    where w.project_id = $1
      and ($7 is null or w.worker_id > $7) and ($8 is null or w.worker_id < $8)
      and ($2 is null or coalesce(s.status, 'ACTIVE') = any($2))
      and ($3 is null or s.accuracy < $3)
      and ($4 is null or s.accuracy >= $4)
      and ($5 is null or coalesce(s.judgments, 0) >= $5)
      and ($6 is null or w.attributes @> $6)
$$;

-- Tasks. One without a row of task_state, whose state_id and confidence are null, counts as open,
-- with no label and confidence 0.
create function tasks_listed(
    project integer, statuses text[], label smallint, confidence_below real, slice jsonb,
    after integer, before integer
)
returns table (task_id integer, external_id text, payload jsonb, attributes jsonb,
               priority smallint, created_at timestamptz, state_id integer, confidence real)
language sql stable as $$
    select t.task_id, t.external_id, t.payload, t.attributes, t.priority, t.created_at,
           s.task_id, s.confidence
    from task t
    left join task_state s on s.project_id = $1 and s.task_id = t.task_id
      and ($6 is null or s.task_id > $6) and ($7 is null or s.task_id < $7)
    where t.project_id = $1
      and ($6 is null or t.task_id > $6) and ($7 is null or t.task_id < $7)
      and ($2 is null or coalesce(s.status, 'OPEN') = any($2))
      and ($3 is null or s.label_id = $3)
      and ($4 is null or coalesce(s.confidence, 0) < $4)
      and ($5 is null or t.attributes @> $5)
$$;

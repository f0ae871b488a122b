-- Workers are also listed by kind, and by whether they are voided.
drop function workers_listed(integer, text[], real, real, integer, jsonb, integer, integer);
create function workers_listed(
    project integer, statuses text[], accuracy_below real, accuracy_at_least real,
    judgments_at_least integer, cohort jsonb, kinds text[], voided boolean,
    after integer, before integer
)
returns table (worker_id integer, external_id text, kind text, attributes jsonb,
               created_at timestamptz, accuracy real, judgments integer, status text)
language sql stable as $$
    select w.worker_id, w.external_id, w.kind, w.attributes, w.created_at,
           coalesce(s.accuracy, 0), coalesce(s.judgments, 0), coalesce(s.status, entry.status)
    from worker w
    join (
        select case when (p.policy ->> 'quiz')::boolean then 'QUIZ' else 'ACTIVE' end as status
        from project p
        where p.project_id = $1
    ) as entry on true
    left join worker_state s on s.project_id = $1 and s.worker_id = w.worker_id
      and ($9 is null or s.worker_id > $9) and ($10 is null or s.worker_id < $10)
    where w.project_id = $1
      and ($9 is null or w.worker_id > $9) and ($10 is null or w.worker_id < $10)
      and ($2 is null or coalesce(s.status, entry.status) = any($2))
      and ($3 is null or s.accuracy < $3)
      and ($4 is null or s.accuracy >= $4)
      and ($5 is null or coalesce(s.judgments, 0) >= $5)
      and ($6 is null or w.attributes @> $6)
      and ($7 is null or w.kind = any($7))
      and ($8 is null or coalesce(s.voided, false) = $8)
$$;

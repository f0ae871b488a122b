-- Who may work is decided by the engine and by staff: further kinds of decisions that recovery reads.
drop index decision_kind;
create index decision_kind on decision (project_id, kind, seq)
    where kind in ('POLICY_CHANGED', 'TASK_REOPENED', 'WORKER_VOIDED', 'WORKER_RESTORED', 'REFIT',
                   'STATUS_CHANGED', 'PROJECT_CHANGED', 'STATUS_HELD', 'STATUS_FREED',
                   'PAUSE_LIFTED', 'WORKER_APPEALED', 'APPEAL_ANSWERED');
-- What was decided about a worker, the latest first.
create index decision_worker on decision (project_id, worker_id, seq) where worker_id is not null;

-- A worker without a row of worker_state is new: in the quiz where the project has one, else active.
create or replace function workers_listed(
    project integer, statuses text[], accuracy_below real, accuracy_at_least real,
    judgments_at_least integer, cohort jsonb, after integer, before integer
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
      and ($7 is null or s.worker_id > $7) and ($8 is null or s.worker_id < $8)
    where w.project_id = $1
      and ($7 is null or w.worker_id > $7) and ($8 is null or w.worker_id < $8)
      and ($2 is null or coalesce(s.status, entry.status) = any($2))
      and ($3 is null or s.accuracy < $3)
      and ($4 is null or s.accuracy >= $4)
      and ($5 is null or coalesce(s.judgments, 0) >= $5)
      and ($6 is null or w.attributes @> $6)
$$;

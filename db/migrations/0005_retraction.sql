-- Staff take judgments back, and give them back, without changing a row of the log: each time adds a
-- row here. The last row of a judgment says whether it is voided; without any it is not.
create table retraction (
    project_id integer not null,
    seq        bigint not null,   -- its own place in the log
    decision   bigint not null,   -- seq of the decision that voided
    judgment   bigint not null,   -- seq of the judgment, the last of its task and worker
    task_id    integer not null,
    worker_id  integer not null,
    label_id   smallint not null, -- of the judgment
    restores   boolean not null,
    primary key (project_id, seq)
);
create index retraction_judgment on retraction (project_id, judgment, seq);
create index retraction_decision on retraction (project_id, decision, seq);
-- A decision that is sent twice is taken once.
alter table decision add column client_id text;
create unique index decision_client on decision (project_id, client_id) where client_id is not null;
-- What recovery reads of decisions besides gold, which are many.
create index decision_kind on decision (project_id, kind, seq)
    where kind in ('POLICY_CHANGED', 'TASK_REOPENED', 'WORKER_VOIDED', 'WORKER_RESTORED');
alter table worker_state add column voided boolean not null default false;

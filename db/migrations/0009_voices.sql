-- Several decisions can hold one judgment back: one voids it, another counts its worker as one voice
-- with others. Each holds it until it gives it back, and it counts while none does. `turns` says whether
-- a row made the judgment count no more, or count again.
alter table retraction add column turns boolean not null default true;
-- What one decision said of one judgment last is looked up row by row: without `decision` in it a plan
-- made before there are statistics runs through all rows of the decision instead, for each of them.
drop index retraction_judgment;
create index retraction_judgment on retraction (project_id, judgment, decision, seq);
-- What recovery reads of decisions besides gold, with those that alerts are made of.
drop index decision_kind;
create index decision_kind on decision (project_id, kind, seq)
    where kind in ('POLICY_CHANGED', 'TASK_REOPENED', 'WORKER_VOIDED', 'WORKER_RESTORED', 'REFIT',
                   'STATUS_CHANGED', 'PROJECT_CHANGED', 'STATUS_HELD', 'STATUS_FREED',
                   'PAUSE_LIFTED', 'WORKER_APPEALED', 'APPEAL_ANSWERED', 'WORKERS_JOINED',
                   'WORKERS_SPLIT', 'FRAUD_FOUND', 'ALERT_ACKNOWLEDGED', 'ALERT_RESOLVED');

-- What recovery reads of decisions besides gold, with what confidence was learned to mean.
drop index decision_kind;
create index decision_kind on decision (project_id, kind, seq)
    where kind in ('POLICY_CHANGED', 'TASK_REOPENED', 'WORKER_VOIDED', 'WORKER_RESTORED',
                   'WORKER_DECLARED', 'REFIT',
                   'STATUS_CHANGED', 'PROJECT_CHANGED', 'STATUS_HELD', 'STATUS_FREED',
                   'PAUSE_LIFTED', 'WORKER_APPEALED', 'APPEAL_ANSWERED', 'WORKERS_JOINED',
                   'WORKERS_SPLIT', 'FRAUD_FOUND', 'ALERT_ACKNOWLEDGED', 'ALERT_RESOLVED',
                   'GOLD_SUSPECTED', 'JUDGMENT_CONTESTED', 'CALIBRATED');

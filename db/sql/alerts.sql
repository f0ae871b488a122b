-- name: alert_decisions
-- Decisions that raise alerts, end their causes, or say what became of them.
select seq, kind, worker_id, body, actor, created_at
from decision
where project_id = $1 and seq > $2 and seq <= $3
    and kind in ('FRAUD_FOUND', 'GOLD_SUSPECTED', 'JUDGMENT_CONTESTED', 'STATUS_CHANGED', 'PROJECT_CHANGED', 'WORKER_APPEALED',
                 'APPEAL_ANSWERED', 'WORKER_VOIDED', 'WORKER_RESTORED', 'ALERT_ACKNOWLEDGED', 'ALERT_RESOLVED')
order by seq;

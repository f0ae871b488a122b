-- At a start each worker's last leases that ended without a judgment are read: it is offered those
-- tasks again only when nothing else is left.
create index lease_passed on lease (project_id, worker_id, seq) where outcome in ('RELEASED', 'EXPIRED');

-- Lease ids tell workers nothing of the log any more, so the log is found in leases by its own number.
create unique index lease_seq on lease (project_id, seq);

-- name: snapshots
-- A project's snapshots, the newest first.
select seq, min(format) as format, count(*) as parts
from snapshot
where project_id = $1
group by seq
order by seq desc;

-- name: snapshot_parts
-- The parts of one snapshot in order.
select body from snapshot where project_id = $1 and seq = $2 order by part;

-- name: insert_snapshot_part
-- One part of a snapshot; its transaction brings all of them.
insert into snapshot (project_id, seq, part, format, body) values ($1, $2, $3, $4, $5);

-- name: delete_snapshot
-- Clear the way for a snapshot of this seq.
delete from snapshot where project_id = $1 and seq = $2;

-- name: delete_old_snapshots
-- Keep the newest snapshots only.
delete from snapshot
where project_id = $1
    and seq not in (
        select distinct seq from snapshot where project_id = $1 order by seq desc limit $2
    );

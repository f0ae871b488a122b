-- What the service asks about itself.

-- name: ping
-- Whether the database answers.
select 1;

-- name: writers
-- Every project with the connection that writes it, if there is one.
select p.external_id, a.pid, a.client_addr, a.backend_start
from project p
left join pg_locks l
    on l.locktype = 'advisory' and l.classid = $1::integer::oid
    and l.objid = p.project_id::oid and l.objsubid = 2 and l.granted
    and l.database = (select oid from pg_database where datname = current_database())
left join pg_stat_activity a on a.pid = l.pid
order by p.external_id;

-- API keys. Also read and written by commands while a server runs.

-- name: key_create
-- A new key; a repeat with the same id gets a new secret, unless the key was revoked.
insert into api_key as k (key_id, project_id, role, worker_id, secret_hash, name)
values ($1, $2, $3, $4, $5, $6)
on conflict (key_id) do update
    set secret_hash = excluded.secret_hash, name = excluded.name
    where k.revoked_at is null
      and (k.project_id, k.role, k.worker_id)
          is not distinct from (excluded.project_id, excluded.role, excluded.worker_id)
returning key_id;

-- name: key_by_id
-- One key that works, to verify a token.
select key_id, project_id, role, worker_id, secret_hash
from api_key
where key_id = $1 and revoked_at is null;

-- name: keys_changed
-- Keys revoked lately: what a server must forget. Commits may come a while after now().
select key_id, revoked_at
from api_key
where revoked_at > now() - interval '1 minute';

-- name: key_revoke
-- Revoke a key, of one project or of any; a revoked one keeps its first time.
update api_key
set revoked_at = coalesce(revoked_at, now())
where key_id = $1 and ($2::integer is null or project_id = $2)
returning key_id;

-- name: keys_page
-- Keys by id, of one project or of all, with the names of what they are bound to.
select k.key_id, k.name, k.role, p.external_id as project, w.external_id as worker,
       k.created_at, k.revoked_at
from api_key k
left join project p on p.project_id = k.project_id
left join worker w on w.project_id = k.project_id and w.worker_id = k.worker_id
where ($1::integer is null or k.project_id = $1)
  and ($2::text is null or k.key_id > $2)
  and ($3::text is null or k.key_id = $3)
order by k.key_id
limit $4;

-- Every key begins with project_id, so that the tables can be distributed by project.
-- task_id, worker_id and label_id are dense per project (0, 1, 2, ...): they are also the row numbers
-- of the in-memory model. Outside ids are the external_id texts.

create table project (
    project_id     integer generated always as identity primary key,
    external_id    text not null unique,
    name           text not null,
    policy         jsonb not null,
    policy_version integer not null default 1,
    attributes     jsonb not null default '{}',
    created_at     timestamptz not null default now()
);

create table label (
    project_id  integer not null references project,
    label_id    smallint not null check (label_id >= 0),
    external_id text not null,
    name        text not null,
    primary key (project_id, label_id),
    unique (project_id, external_id)
);

create table worker (
    project_id  integer not null references project,
    worker_id   integer not null check (worker_id >= 0),
    external_id text not null,
    kind        text not null default 'HUMAN' check (kind in ('HUMAN', 'MODEL')),
    attributes  jsonb not null default '{}',
    created_at  timestamptz not null default now(),
    primary key (project_id, worker_id),
    unique (project_id, external_id)
);

create table task (
    project_id  integer not null references project,
    task_id     integer not null check (task_id >= 0),
    external_id text not null,
    payload     jsonb not null,
    attributes  jsonb not null default '{}',
    priority    smallint not null default 0 check (priority between 0 and 9),
    created_at  timestamptz not null default now(),
    primary key (project_id, task_id),
    unique (project_id, external_id)
);
create index task_attributes on task using gin (attributes jsonb_path_ops);

-- Looked up before the project is known, hence the one key that does not begin with project_id.
create table api_key (
    key_id      text primary key,
    project_id  integer references project,
    role        text not null check (role in ('ADMIN', 'WORKER')),
    worker_id   integer,
    secret_hash bytea not null,
    name        text not null default '',
    created_at  timestamptz not null default now(),
    revoked_at  timestamptz,
    check (role = 'ADMIN' or (project_id is not null and worker_id is not null)),
    foreign key (project_id, worker_id) references worker
);

-- judgment, decision and lease share one sequence per project: together they are the log.
-- Rows of judgment and decision are never changed or deleted. They bear no foreign keys: the one
-- writer of a project has checked each id in memory, and the checks would halve the insert rate.
create table judgment (
    project_id integer not null,
    seq        bigint not null,
    task_id    integer not null,
    worker_id  integer not null,
    label_id   smallint,
    value      jsonb,          -- the answer where a label alone cannot say it
    supersedes bigint,         -- seq of the same worker's earlier judgment of this task
    lease_id   uuid,
    client_id  text,
    seconds    real,
    created_at timestamptz not null,
    primary key (project_id, seq),
    check (label_id is not null or value is not null)
);
create unique index judgment_once on judgment (project_id, task_id, worker_id) where supersedes is null;
create unique index judgment_superseded_once on judgment (project_id, supersedes) where supersedes is not null;
create unique index judgment_client on judgment (project_id, worker_id, client_id) where client_id is not null;

create table decision (
    project_id integer not null,
    seq        bigint not null,
    kind       text not null,
    task_id    integer,
    worker_id  integer,
    body       jsonb not null default '{}',
    actor      text not null,
    created_at timestamptz not null,
    primary key (project_id, seq)
);

create table lease (
    project_id integer not null,
    lease_id   uuid not null,
    seq        bigint not null,
    task_id    integer not null,
    worker_id  integer not null,
    granted_at timestamptz not null,
    expires_at timestamptz not null,
    closed_at  timestamptz,
    outcome    text check (outcome in ('JUDGED', 'RELEASED', 'EXPIRED')),
    primary key (project_id, lease_id),
    check ((closed_at is null) = (outcome is null))
);
create unique index lease_open on lease (project_id, task_id, worker_id) where closed_at is null;

-- Derived from the log, at most a second late, for SQL tools and sorted lists; rebuilt when lost,
-- hence unlogged.
create unlogged table task_state (
    project_id integer not null,
    task_id    integer not null,
    status     text not null check (status in ('OPEN', 'SETTLED', 'CONTESTED')),
    judgments  integer not null,
    label_id   smallint,
    confidence real not null,
    gold       boolean not null,
    seq        bigint not null,
    primary key (project_id, task_id)
) with (fillfactor = 70);
create index task_state_confidence on task_state (project_id, confidence, task_id);

create unlogged table worker_state (
    project_id    integer not null,
    worker_id     integer not null,
    status        text not null,
    judgments     integer not null,
    accuracy      real not null,
    accuracy_low  real not null,
    accuracy_high real not null,
    bits          real not null,
    gold_right    integer not null,
    gold_total    integer not null,
    seq           bigint not null,
    primary key (project_id, worker_id)
) with (fillfactor = 70);

-- State of the in-memory model after seq, cut into parts; a restart replays the log from there.
create table snapshot (
    project_id integer not null references project,
    seq        bigint not null,
    part       integer not null,
    format     integer not null,
    body       bytea not null,
    created_at timestamptz not null default now(),
    primary key (project_id, seq, part)
);
alter table snapshot alter column body set storage external;

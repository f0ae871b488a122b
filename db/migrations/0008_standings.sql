-- How a worker stands beside the people of its project, in log-odds of accuracy, and how surely: what
-- other projects hear of a worker with the same external id. Null where nothing can be said.
alter table worker_state
    add column standing real,
    add column standing_variance real check (standing_variance >= 0);
-- The same person in all projects: a look-up across them, so it does not begin with project_id.
create index worker_external on worker (external_id);

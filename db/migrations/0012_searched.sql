-- How many judgments there were when the project was searched for fraud the last time.
alter table project add column searched bigint not null default 0;

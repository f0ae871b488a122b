-- How long a worker took is a length of time: infinite and longer ones made judgments unreadable.
update judgment set seconds = null where seconds not between 0 and 604800;
alter table judgment add constraint judgment_seconds check (seconds between 0 and 604800);

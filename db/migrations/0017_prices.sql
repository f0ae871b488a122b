-- What a judgment costs, in whole units of the project's own choice: null where it costs nothing. A lease
-- keeps the price at which it was granted.
alter table judgment add column price integer;
alter table lease add column price integer;

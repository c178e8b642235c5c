INSERT INTO t VALUES (100, 'before');
ALTER TABLE t SET SCHEMA public;
UPDATE public.t SET v = 'meanwhile' WHERE k < 10;
ALTER TABLE public.t SET SCHEMA relations_schema_away_and_back;
UPDATE t SET v = 'after' WHERE k = 5;
INSERT INTO stays VALUES (1, 'x');

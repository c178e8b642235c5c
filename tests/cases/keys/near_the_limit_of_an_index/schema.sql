CREATE TABLE t (k text PRIMARY KEY, v int);
-- incompressible, and just below what a btree takes
INSERT INTO t
SELECT left(i || (SELECT string_agg(md5(i || '-' || j), '') FROM generate_series(1, 90) AS j), 2690), i
FROM generate_series(1, 10) AS i;

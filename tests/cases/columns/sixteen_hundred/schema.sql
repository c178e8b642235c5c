-- binary: all of these types can
SELECT 'CREATE TABLE t (k int PRIMARY KEY, ' || string_agg('c' || i || ' int', ', ') || ')' FROM generate_series(2, 1600) AS i
\gexec
CREATE TABLE whole (LIKE t);
ALTER TABLE whole REPLICA IDENTITY FULL;
INSERT INTO t (k, c2, c1600) SELECT i, i, -i FROM generate_series(1, 10) AS i;
INSERT INTO whole SELECT * FROM t;

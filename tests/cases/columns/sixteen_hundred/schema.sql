-- binary: all of these types can
SELECT 'CREATE TABLE t (k int PRIMARY KEY, ' || string_agg('c' || i || ' int', ', ') || ')' FROM generate_series(2, 1600) AS i
\gexec
CREATE TABLE whole (LIKE t);
ALTER TABLE whole REPLICA IDENTITY FULL;
SELECT 'CREATE TABLE moved (k int PRIMARY KEY, v text, w text, ' || string_agg('c' || i || ' int', ', ') || ')' FROM generate_series(4, 1600) AS i
\gexec
ALTER TABLE moved ALTER v SET STORAGE EXTERNAL, ALTER w SET STORAGE EXTERNAL;
INSERT INTO t (k, c2, c1600) SELECT i, i, -i FROM generate_series(1, 30) AS i;
INSERT INTO whole SELECT * FROM t;
INSERT INTO whole SELECT * FROM whole WHERE c2 <= 12;
INSERT INTO whole SELECT * FROM whole WHERE c2 <= 6;
INSERT INTO moved (k, v, w, c1600) SELECT i, repeat('v' || i, 3000), repeat('w' || i, 3000), -i FROM generate_series(1, 30) AS i;

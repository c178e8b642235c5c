CREATE TABLE t (k int PRIMARY KEY, v text);
ALTER TABLE t ALTER v SET STORAGE PLAIN;
INSERT INTO t SELECT i, repeat('x', 8100) FROM generate_series(1, 5) AS i;
CREATE TABLE many_large (k int PRIMARY KEY);
SELECT 'ALTER TABLE many_large ' || string_agg('ADD c' || i || ' text', ', ') FROM generate_series(1, 300) AS i
\gexec
SELECT 'INSERT INTO many_large VALUES (1, ' || string_agg('repeat(''' || i || ''', 3000)', ', ') || ')' FROM generate_series(1, 300) AS i
\gexec

-- binary: all of these types can
CREATE TABLE t (k int PRIMARY KEY, v text);
ALTER TABLE t ALTER v SET STORAGE PLAIN;
INSERT INTO t SELECT i, repeat('x', 8100) FROM generate_series(1, 5) AS i;
CREATE TABLE many_large (k int PRIMARY KEY);
SELECT 'ALTER TABLE many_large ' || string_agg('ADD c' || i || ' text', ', ') FROM generate_series(1, 300) AS i
\gexec
SELECT 'INSERT INTO many_large VALUES (1, ' || string_agg('repeat(''' || i || ''', 3000)', ', ') || ')' FROM generate_series(1, 300) AS i
\gexec
-- 8,160 bytes, which is all that a page takes
SELECT 'CREATE TABLE whole (' || string_agg('c' || i || ' bigint', ', ') || ')' FROM generate_series(1, 1017) AS i
\gexec
ALTER TABLE whole REPLICA IDENTITY FULL;
SELECT 'INSERT INTO whole SELECT ' || string_agg('row * ' || i, ', ') || ' FROM generate_series(1, 20) AS row' FROM generate_series(1, 1017) AS i
\gexec
INSERT INTO whole SELECT * FROM whole WHERE c1 <= 5;
-- beside these and a pointer to a large value there is no room for bits that tell of NULLs
SELECT 'CREATE TABLE moved (k bigint PRIMARY KEY, v text NOT NULL, ' || string_agg('c' || i || ' bigint NOT NULL', ', ') || ')' FROM generate_series(3, 1015) AS i
\gexec
ALTER TABLE moved ALTER v SET STORAGE EXTERNAL;
SELECT 'INSERT INTO moved SELECT row, repeat(''v'' || row, 3000), ' || string_agg('row * ' || i, ', ') || ' FROM generate_series(1, 30) AS row' FROM generate_series(3, 1015) AS i
\gexec

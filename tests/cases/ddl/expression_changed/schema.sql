-- from: 17
-- joins: the table is loaded again
CREATE TABLE t (k int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a + k) STORED);
INSERT INTO t SELECT i, i * 10 FROM generate_series(1, 50) AS i;

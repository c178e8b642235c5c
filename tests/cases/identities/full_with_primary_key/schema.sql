CREATE TABLE t (k int PRIMARY KEY, v text, n int);
ALTER TABLE t REPLICA IDENTITY FULL;
INSERT INTO t SELECT i, 'row ' || i, NULLIF(i % 3, 0) FROM generate_series(1, 30) AS i;

-- batch: 5000
CREATE TABLE t (k int PRIMARY KEY, v text, n int);
INSERT INTO t SELECT i, 'row ' || i, i FROM generate_series(1, 20000) AS i;

-- in place: no row changes by it
CREATE TABLE t (k int PRIMARY KEY, v text, n int);
INSERT INTO t SELECT i, 'row ' || i, i FROM generate_series(1, 100) AS i;

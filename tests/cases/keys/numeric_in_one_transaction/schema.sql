CREATE TABLE t (k numeric PRIMARY KEY, v int);
INSERT INTO t SELECT i, i FROM generate_series(1, 20) AS i;

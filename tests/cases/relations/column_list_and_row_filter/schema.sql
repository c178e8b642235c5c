CREATE TABLE t (k int PRIMARY KEY, secret text, v text);
INSERT INTO t SELECT i, 'secret', 'row ' || i FROM generate_series(1, 20) AS i;

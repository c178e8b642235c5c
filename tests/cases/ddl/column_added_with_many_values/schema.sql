-- joins: shapes change
CREATE TABLE t (k int PRIMARY KEY, v text);
INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 1000) AS i;
CREATE TABLE quiet (k int PRIMARY KEY, v text);
INSERT INTO quiet SELECT i, 'row ' || i FROM generate_series(1, 1000) AS i;

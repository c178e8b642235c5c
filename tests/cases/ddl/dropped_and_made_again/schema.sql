-- joins: shapes change
CREATE TABLE t (k int PRIMARY KEY, v text);
INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 100) AS i;
CREATE TABLE same (k int PRIMARY KEY, v text);
INSERT INTO same SELECT i, 'row ' || i FROM generate_series(1, 100) AS i;

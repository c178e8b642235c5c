-- joins: shapes change
CREATE TABLE t (k int PRIMARY KEY, v text, n int);
INSERT INTO t SELECT i, 'row ' || i, i FROM generate_series(1, 100) AS i;
CREATE TABLE other_type (k int PRIMARY KEY, v text);
INSERT INTO other_type SELECT i, 'row ' || i FROM generate_series(1, 100) AS i;

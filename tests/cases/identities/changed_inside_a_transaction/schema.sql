-- binary: all of these types can
CREATE TABLE t (k int PRIMARY KEY, code text NOT NULL UNIQUE, v text);
INSERT INTO t SELECT i, 'code ' || i, 'row ' || i FROM generate_series(1, 20) AS i;

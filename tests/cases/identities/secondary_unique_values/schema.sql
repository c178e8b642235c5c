-- the destination keeps no secondary unique index unless somebody adds one
CREATE TABLE t (k int PRIMARY KEY, u int UNIQUE, v text);
INSERT INTO t SELECT i, i, 'row ' || i FROM generate_series(1, 10) AS i;

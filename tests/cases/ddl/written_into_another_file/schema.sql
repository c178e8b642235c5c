-- joins: with a change of the catalog at once this is taken for a rewrite
CREATE TABLE t (k int PRIMARY KEY, v text, n int);
INSERT INTO t SELECT i, 'row ' || i, i FROM generate_series(1, 100) AS i;
CREATE INDEX by_n ON t (n);

-- joins: the table is loaded again
-- the publication sends less for a while that nobody sees
CREATE TABLE t (k int PRIMARY KEY, v text);
INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 20) AS i;

-- joins: shapes change
CREATE TABLE t (k int PRIMARY KEY, a int);
INSERT INTO t VALUES (0, 0);

-- joins: shapes change
CREATE TABLE t (k int PRIMARY KEY, a int);
INSERT INTO t VALUES (1, 1);
CREATE TABLE other (k int PRIMARY KEY);

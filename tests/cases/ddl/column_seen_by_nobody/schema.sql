-- joins: shapes change
-- keeps: a column that is dropped
CREATE TABLE t (id int PRIMARY KEY);
INSERT INTO t VALUES (2);
CREATE TABLE traded (a int, b int, c int);
ALTER TABLE traded REPLICA IDENTITY FULL;
INSERT INTO traded VALUES (1, 2, 3);
